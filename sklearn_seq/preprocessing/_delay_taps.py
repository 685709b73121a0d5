"""Delay taps as features: each row with its predecessors."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._core.docs import documented
from .._core.sklearn_compat import (
    Interval,
    StrOptions,
    _check_feature_names_in,
    _fit_context,
)
from .._reading.holes import GAPS
from .._reading.misread import check_ignored_y
from ..autoregressive._taps import Taps
from ..base import SequenceEstimator
from ..sequences import ROWS
from ._frame_output import check_no_frame_output


@documented
class DelayTaps(TransformerMixin, SequenceEstimator):
    """Put each row side by side with the rows before it.

    Row t becomes the row ``[x[t], x[t-1], …, x[t-n_lags+1]]`` of its delay taps, so
    that an estimator without memory sees the recent past. No tap crosses from one
    sequence to another, nor the hole that a frame's time index shows.

    Parameters
    ----------
    n_lags : int, default=1
        Number of delay taps, the row itself included. 1 leaves the rows unchanged. A
        sequence may be shorter.

    fill : "edge" or float, default="edge"
        Padding before a sequence's first row, and after a hole. "edge" repeats the
        first row, as :class:`~sklearn_seq.autoregressive.ARRegressor` does. A number is
        a constant value: 0.0, or NaN, which marks the taps as missing.

    %(gaps)s

    Attributes
    ----------
    %(n_features_in_)s

    %(feature_names_in_)s

    See Also
    --------
    PerTimestep : Apply another transformer to each time step of a panel.
    sklearn_seq.autoregressive.ARRegressor : Linear in the same taps, without ever
        building them.

    Notes
    -----
    The columns are in the order of the lags, the latest row first, and for each lag
    in the order of the features: the order of ``ARRegressor.coef_`` flattened to
    (n_targets, n_lags * n_features).

    NaN in X is passed through, as by :class:`~sklearn.preprocessing.StandardScaler`;
    infinity is an error. float32 and float64 are kept, other numbers become float64.

    Examples
    --------
    >>> from sklearn_seq.preprocessing import DelayTaps
    >>> X = [[1.0], [2.0], [3.0], [10.0], [20.0]]
    >>> DelayTaps(n_lags=3).fit_transform(X, groups=["a", "a", "a", "b", "b"])
    array([[ 1.,  1.,  1.],
           [ 2.,  1.,  1.],
           [ 3.,  2.,  1.],
           [10., 10., 10.],
           [20., 10., 10.]])

    A number may stand where there is no past:

    >>> DelayTaps(n_lags=2, fill=0.0).fit_transform(X)
    array([[ 1.,  0.],
           [ 2.,  1.],
           [ 3.,  2.],
           [10.,  3.],
           [20., 10.]])

    Rows of one sequence must follow one another:

    >>> DelayTaps(n_lags=2).fit(X, groups=["a", "b", "a", "b", "a"])
    Traceback (most recent call last):
    ...
    ValueError: groups must be contiguous, but sequence 'a', which began at row 0, ...
    """

    _allow_nan = True

    _parameter_constraints = {
        "n_lags": [Interval(Integral, 1, None, closed="left")],
        "gaps": GAPS,
        "fill": [
            StrOptions({"edge"}),
            Interval(Real, None, None, closed="neither"),
            "nan",
        ],
    }

    def __init__(self, n_lags=1, *, fill="edge", gaps="auto"):
        self.n_lags = n_lags
        self.fill = fill
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Learn the number of features and their names.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays.

        y : None
            Ignored, present for API consistency.

        %(groups)s

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If X or `groups` hold no sequences, or X holds infinity.
        """
        self._fit(X, y, groups)
        return self

    def transform(self, X, groups=None):
        """Put each row side by side with the rows before it.

        Parameters
        ----------
        X : array-like
            Sequences in any layout, with the features seen during fit.

        %(groups)s

        Returns
        -------
        X_new : ndarray
            In the layout of X: of shape (n_timesteps, n_lags * n_features) for rows,
            or a frame if `set_output` says so; of shape
            (n_sequences, n_timesteps, n_lags * n_features) for a 3-D array; for a list
            an object array of arrays.

        Raises
        ------
        ValueError
            If X or `groups` hold no sequences, if X holds infinity or other features
            than during fit, or if a panel should become a frame.
        """
        check_is_fitted(self)
        return self._transform(self._read_sequences(X, groups))

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None, groups=None):
        """Fit, then put each row side by side with the rows before it.

        Parameters
        ----------
        %(X)s

        y : None
            Ignored, present for API consistency.

        %(groups)s

        Returns
        -------
        X_new : ndarray
            As of `transform`.
        """
        return self._transform(self._fit(X, y, groups))

    def _fit(self, X, y, groups):
        self.__dict__.pop("_is_fitted", None)
        sequences = self._read_sequences(X, groups, reset=True)
        check_ignored_y(y, sequences.layout)
        self._is_fitted = True
        return sequences

    def _transform(self, sequences):
        layout = sequences.layout
        if layout.kind != ROWS:
            check_no_frame_output(self)
        pad = (
            None if isinstance(self.fill, str) else self._padding(sequences.rows.dtype)
        )
        taps = Taps(sequences.rows, sequences.offsets, self.n_lags, pad)
        return layout.restore(taps.take(slice(None)))

    def _padding(self, dtype):
        """The number that stands where there is no past."""
        largest = float(np.finfo(dtype).max)
        if abs(self.fill) > largest:
            raise ValueError(
                f"fill={self.fill!r} is beyond the range of X, which is of dtype "
                f"{dtype}: expected NaN, 'edge' or a number between -{largest:.3g} and "
                f"{largest:.3g}."
            )
        return self.fill

    def get_feature_names_out(self, input_features=None):
        """Names of the columns: ``temp_lag0``, …, ``temp_lag1``, … for a ``temp``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features. By default `feature_names_in_`, or ``x0``, ``x1``, …
            if X had no names.

        Returns
        -------
        feature_names_out : ndarray of str of shape (n_lags * n_features_in_,)
            For each lag, the latest row first, ``{name}_lag{lag}`` for each feature.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.asarray(
            [f"{name}_lag{lag}" for lag in range(self.n_lags) for name in names],
            dtype=object,
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_is_fitted")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
