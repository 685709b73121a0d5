"""Base classes of all estimators and of the regressors."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import numbers
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from ._core.docs import documented
from ._core.documentation_link import DocumentationLink
from ._core.gaussian import gaussian_log_density
from ._core.r_squared import r_squared
from ._core.reach import reach_of, warn_if_far
from ._core.sklearn_compat import _check_sample_weight, validate_data
from ._core.version_stamp import VersionStamp
from ._reading.aligned import check_same_order
from ._reading.by_name import check_column_labels, column_labels
from ._reading.containers import as_plain, check_container, check_unmasked
from ._reading.holes import warn_of_holes
from ._reading.misread import (
    warn_of_rows_in_a_list,
    warn_of_swapped_axes,
    warn_of_target_in_X,
)
from ._reading.padding import UNPAD, padded_sequences, warn_of_padding
from ._reading.sequences_1d import check_1d_sequences
from ._reading.symbols import read_with_na
from ._reading.times import check_no_times
from .sequences import ROWS, Sequences, read_layout
from .targets import (
    NEXT,
    SEQUENCE,
    STEP,
    next_step_targets,
    read_targets,
)

__all__ = ["SequenceEstimator", "SequenceRegressor"]

FLOATS = (np.float64, np.float32)


@documented
class SequenceEstimator(VersionStamp, DocumentationLink, BaseEstimator):
    """Base of all estimators: reads X in any layout, returns outputs in that layout.

    `groups`, one sequence id for each row, is requested by default wherever a method
    takes it, so that with ``enable_metadata_routing=True`` one ``groups`` reaches the
    splitter and the estimator.
    """

    __metadata_request__fit = {"groups": True}
    __metadata_request__partial_fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__predict_proba = {"groups": True}
    __metadata_request__predict_log_proba = {"groups": True}
    __metadata_request__score = {"groups": True}
    __metadata_request__transform = {"groups": True}

    gaps = "auto"  # for estimators without this parameter
    _allow_nan = False  # whether NaN in X is a missing observation
    _takes_strings = False  # whether X may hold symbols
    _column_labels = None  # column labels in fit, if not strings
    _takes_times = False  # whether X may hold dates
    _fitted_to_1d = False  # whether fit was given a list of 1-D sequences

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self._allow_nan
        tags.target_tags.required = False
        return tags

    def _read_rows(self, flat, *, reset, dtype=FLOATS):
        """Validate the stacked time steps: shape (n_rows, n_features)."""
        if not reset and self._is_plain(flat, dtype):
            return flat
        options = {"reset": reset, "dtype": dtype, "ensure_all_finite": False}
        try:
            return read_with_na(
                lambda values: validate_data(self, values, **options), flat
            )
        except ValueError as error:
            if "could not convert" not in str(error):
                raise
            raise ValueError(
                f"{error}. X must hold real numbers: {type(self).__name__} takes no "
                "text. Encode such columns, for example with "
                "sklearn.preprocessing.OneHotEncoder."
            ) from error

    def _is_plain(self, flat, dtype):
        """Whether `validate_data` would return X unchanged: it is skipped then."""
        return (
            type(flat) is np.ndarray
            and flat.ndim == 2
            and flat.dtype in dtype
            and len(flat) > 0
            and flat.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def read_sequences(self, X, groups=None):
        """Validate X in any layout and pack it.

        All methods of a fitted model start with this; tools that inspect it can, too.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        sequences : Sequences
            The rows of all sequences, where each begins, and the layout of X.
        """
        return self._read_sequences(X, groups)

    def _read_sequences(self, X, groups, *, reset=False):
        """Validate X in any layout and pack it; `reset` in fit."""
        flat, layout = self._read_layout(X, groups, reset=reset)
        rows = self._read_rows(flat, reset=reset)
        check_all_finite(rows, self, layout)
        if reset and self._allow_nan:
            warn_of_padding(rows, layout, self)
        return Sequences(rows, layout)

    def _read_layout(self, X, groups, *, reset, symbols=False):
        """Find the layout of X; holes are judged by the time step of fit.

        `symbols`: whether integers are symbols of a single column.
        """
        check_container(X, "X")
        flat, layout = read_layout(
            X,
            groups,
            None if reset else getattr(self, "_time_step", None),
            gaps=self.gaps,
            takes_times=self._takes_times,
            symbols=symbols,
            fitting=reset,
            one_dimensional=not reset and self._fitted_to_1d,
        )
        check_1d_sequences(layout, self, fitting=reset)
        warn_of_holes(layout, self)
        if reset:
            self._column_labels = column_labels(flat)
            warn_of_rows_in_a_list(X, layout)
            warn_of_swapped_axes(layout, flat)
            self._time_step = layout.time_step
            self._fitted_to_1d = (
                layout.one_dimensional is not None and layout.kind != ROWS
            )
            rows = groups is not None and layout.kind == ROWS
            self._fitted_with_groups = rows and len(layout.sequence_offsets) > 2
        else:
            check_column_labels(flat, self._column_labels, self)
            if groups is None and layout.kind == ROWS:
                self._warn_of_lost_groups(X)
        return flat, layout

    def _warn_of_lost_groups(self, X):
        """Warn if a model fitted with groups gets rows without groups."""
        has_sequences = getattr(getattr(X, "index", None), "nlevels", 1) > 1
        if getattr(self, "_fitted_with_groups", False) and not has_sequences:
            warnings.warn(
                f"X has no groups, but {type(self).__name__} was fitted with groups: "
                "all rows of X are read as one sequence. Pass groups (np.zeros(len(X)) "
                "if X is one sequence), or X as a frame with an index of two levels, "
                "sequence and time, which every tool keeps.",
                UserWarning,
                stacklevel=4,
            )

    def _input_names(self):
        names = getattr(self, "feature_names_in_", None)
        return [f"x{i}" for i in range(self.n_features_in_)] if names is None else names

    def _target_columns(self, exogenous):
        """Columns of X that are predicted: all but the driving inputs."""
        if exogenous is None:
            return np.arange(self.n_features_in_)
        inputs = self._exogenous_columns(exogenous)
        columns = np.setdiff1d(np.arange(self.n_features_in_), inputs)
        if not len(columns):
            raise ValueError(
                f"exogenous={exogenous!r} names every column of X: at least one must "
                "be left to predict."
            )
        return columns

    def _exogenous_columns(self, exogenous):
        single = isinstance(exogenous, str | numbers.Integral)
        items = [exogenous] if single else list(exogenous)
        names = list(self._input_names())
        columns = []
        for item in items:
            if isinstance(item, str):
                if item not in names:
                    raise ValueError(
                        f"exogenous={exogenous!r}: {item!r} is no column of X. "
                        f"Expected among {names}."
                    )
                columns.append(names.index(item))
            elif isinstance(item, numbers.Integral) and not isinstance(item, bool):
                if not -len(names) <= item < len(names):
                    raise ValueError(
                        f"exogenous={exogenous!r}: there is no column {item}, X has "
                        f"{len(names)} features. Integers are positions from 0, also "
                        "where a frame's columns are labelled by numbers."
                    )
                columns.append(int(item) % len(names))
            else:
                raise ValueError(
                    f"exogenous={exogenous!r}: expected column indices or names."
                )
        if len(set(columns)) < len(columns):
            raise ValueError(f"exogenous={exogenous!r} names a column twice.")
        return np.sort(np.asarray(columns, dtype=np.intp))

    def _restore(self, outputs, sequences):
        """Outputs in the layout of the input."""
        if self.target_kind_ != SEQUENCE:
            return sequences.layout.restore(outputs)
        self._check_panel(sequences)
        return outputs

    def _check_panel(self, sequences):
        if sequences.layout.kind == ROWS:
            raise ValueError(
                f"This {type(self).__name__} was fitted with one target for each "
                "sequence. X must be a panel: a 3-D array or a list of 2-D arrays."
            )

    def _check_target_kind(self, y):
        if y is None and self.target_kind_ != NEXT:
            raise ValueError(
                f"This {type(self).__name__} was fitted with a y, and requires y to "
                "be passed, but the target y is None."
            )

    def _check_no_exogenous(self):
        if self.exogenous is not None:
            raise ValueError(
                f"exogenous={self.exogenous!r} tells driving inputs from predicted "
                "columns when the target is the next step (y=None). With a y, every "
                "column of X is an input: leave exogenous=None."
            )

    def _read_more(self, X, y, groups, classes=None):
        """Read data for a further partial_fit; the kind of targets must be the same."""
        if classes is not None and not np.array_equal(
            np.unique(classes), self.classes_
        ):
            raise ValueError(
                f"classes={classes!r} is not the same as on the last call to "
                f"partial_fit, was: {self.classes_!r}."
            )
        sequences = self._read_sequences(X, groups)
        if y is not None and self.target_kind_ == NEXT:
            raise ValueError(
                f"This {type(self).__name__} was first fitted without y, to predict "
                "the next step: partial_fit takes no y."
            )
        self._check_settings_kept()
        targets = self._score_targets(y, sequences)
        if hasattr(self, "classes_"):
            self._check_labels_seen(targets)
        return sequences, targets

    def _check_settings_kept(self):
        """Hook: refuse changed settings that partial_fit cannot apply."""

    def _forget(self):
        """Unset the fitted state, so that an interrupted fit leaves it unfitted."""
        self.__dict__.pop("target_kind_", None)

    @contextmanager
    def _all_at_once(self):
        """A copy to fit; its attributes are taken over when the fit is complete."""
        model = copy.copy(self)
        yield model
        vars(self).update(vars(model))

    def _remember_targets(self, targets):
        """Set the kind and shape of the targets; marks the model as fitted."""
        self._one_dimensional = targets.one_dimensional
        self._n_targets = targets.n_targets
        self.target_kind_ = targets.kind

    def __sklearn_is_fitted__(self):
        return hasattr(self, "target_kind_")

    def _counted(self, targets, sequences):
        """Sorted index of the targets that enter the score."""
        return targets.counted(sequences.offsets, self.burn_in)

    def _step_weights(self, sample_weight, sequences, kind):
        """One weight for each target row (or sequence); None if all are equal."""
        return step_weights(sample_weight, sequences.layout, kind)


def step_weights(sample_weight, layout, kind):
    """Weights of samples as one for each target row (or sequence); None if equal."""
    if sample_weight is None:
        return None
    check_unmasked(sample_weight, "sample_weight")
    sample_weight = as_plain(sample_weight)
    check_no_times(sample_weight, "sample_weight")
    check_same_order(sample_weight, layout.index, "sample_weight")
    weights = _check_sample_weight(sample_weight, np.empty((layout.n_samples, 1)))
    panel = layout.kind != ROWS
    lengths = np.diff(layout.sequence_offsets)
    return np.repeat(weights, lengths) if panel and kind != SEQUENCE else weights


def check_all_finite(rows, estimator, layout):
    """Refuse infinity, and NaN unless allowed; name the first and a remedy."""
    if rows.dtype.kind != "f":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(rows.sum()):
            return
    bad = np.isinf(rows) if estimator._allow_nan else ~np.isfinite(rows)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    value = "NaN" if np.isnan(rows[row, column]) else "infinity (inf)"
    kinds = "infinite" if estimator._allow_nan else "missing or infinite"
    name = estimator._input_names()[column]
    remedy = (
        "Fill them in, for example with sklearn.impute.SimpleImputer, or split the "
        "sequence there."
    )
    if value == "NaN" and len(padded_sequences(rows, layout)):
        remedy = f"Sequences of X end in rows of NaN. {UNPAD}"
    raise ValueError(
        f"Input X contains {value}: row {row} (counted over all sequences), feature "
        f"{name!r}. {type(estimator).__name__} does not accept {kinds} values. {remedy}"
    )


@documented
class SequenceRegressor(RegressorMixin, SequenceEstimator):
    """Base of the regressors.

    A family fills the hooks ``_outputs(sequences)``, the predicted means of shape
    (n_rows, n_targets), or (n_sequences, n_targets) with one target for each
    sequence, and ``_output_covariance(sequences)``, their covariance.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.target_tags.multi_output = True
        return tags

    def _read_fit(self, X, y, groups):
        """Packed sequences and their targets, validated for fit."""
        self._forget()
        sequences = self._read_sequences(X, groups, reset=True)
        targets = self._fit_targets(y, sequences)
        self._reach = reach_of(targets)
        return sequences, targets

    def _read_more(self, X, y, groups, classes=None):
        sequences, targets = super()._read_more(X, y, groups, classes)
        self._reach = reach_of(targets, self._reach)
        return sequences, targets

    def _fit_targets(self, y, sequences):
        if y is None:
            columns = self._target_columns(self.exogenous)
            return next_step_targets(sequences, columns, self._allow_nan)
        self._check_no_exogenous()
        targets = read_targets(y, sequences.layout)
        if targets.kind == STEP:
            warn_of_target_in_X(sequences.rows, targets.values, targets.known, self)
        return targets

    def _score_targets(self, y, sequences):
        self._check_target_kind(y)
        if y is None:
            columns = self._target_columns(self.exogenous)
            return next_step_targets(sequences, columns, self._allow_nan)
        kind = SEQUENCE if self.target_kind_ == SEQUENCE else STEP
        targets = read_targets(y, sequences.layout, kind)
        if targets.kind != kind or targets.n_targets != self._n_targets:
            raise ValueError(
                f"y has one target for each {targets.kind} and {targets.n_targets} "
                f"output(s), but this {type(self).__name__} was fitted with one for "
                f"each {kind} and {self._n_targets} output(s)."
            )
        targets.horizon = int(self.target_kind_ == NEXT)
        return targets

    def predict(self, X, groups=None, *, return_std=False):
        """Predict the target of each row from the rows up to it.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays.

        %(groups)s

        return_std : bool, default=False
            Whether to return the predictive standard deviation, too.

        Returns
        -------
        y_pred : ndarray
            In the layout of X. Fitted without y, entry t is the forecast of row
            t + 1 from rows up to t, of shape (n_timesteps, n_targets) for rows;
            fitted with y, entry t estimates ``y[t]`` from rows up to t. For one y per
            sequence, of shape (n_sequences,) or (n_sequences, n_outputs).

        y_std : ndarray
            Standard deviations, in the shape of `y_pred`. Only with
            ``return_std=True``.
        """
        check_is_fitted(self)
        return self._predict(self._read_sequences(X, groups), return_std)

    def _predict(self, sequences, return_std):
        if self.target_kind_ == SEQUENCE:
            self._check_panel(sequences)
        if not return_std:
            means = self._within_range(self._outputs, sequences)
            return self._shape_outputs(means, sequences)
        means, variances = self._within_range(self._marginals, sequences)
        std = np.sqrt(np.broadcast_to(variances, means.shape)).astype(means.dtype)
        return (
            self._shape_outputs(means, sequences),
            self._shape_outputs(std, sequences),
        )

    def _within_range(self, hook, sequences):
        """The outputs of a hook; an error if they are infinite.

        If observed targets do not correct the model (all but the next step), warns of
        outputs far from the training targets.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            values = hook(sequences)
        arrays = values if isinstance(values, tuple) else (values,)
        for array in arrays:
            check_range(array, self)
        if self.target_kind_ != NEXT:
            warn_if_far(self, arrays[0])
        return values

    def _distribution(self, sequences):
        """Predicted means and covariances; override to compute both in one pass."""
        return self._outputs(sequences), self._output_covariance(sequences)

    def _marginals(self, sequences):
        """Predicted means and variances; override to avoid full covariances."""
        means, covariance = self._distribution(sequences)
        return means, np.diagonal(covariance, axis1=-2, axis2=-1)

    def _shape_outputs(self, outputs, sequences):
        if self._one_dimensional:
            outputs = outputs[:, 0]
        return self._restore(outputs, sequences)

    def score(self, X, y=None, sample_weight=None, groups=None) -> float:
        """Coefficient of determination R² of the predictions.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            The targets; None for next-step prediction, where they are X itself. NaN
            means "no target here". A model fitted without y also takes X advanced by
            one step: its entry t is held against the forecast made at row t.

        %(sample_weight)s

        %(groups)s

        Returns
        -------
        score : float
            R², averaged over outputs, over all rows with a known target in the same
            sequence that are not among its first `burn_in`.
        """
        check_is_fitted(self)
        return self._score(self._read_sequences(X, groups), y, sample_weight)

    def _score(self, sequences, y, sample_weight):
        targets = self._score_targets(y, sequences)
        if targets.kind == SEQUENCE:
            self._check_panel(sequences)
        weights = self._step_weights(sample_weight, sequences, targets.kind)
        index = self._counted(targets, sequences)
        check_counted(index, self, "score")
        outputs = self._within_range(self._outputs, sequences)
        true, predicted = targets.values[index], outputs[index - targets.advance]
        return r_squared(
            true,
            predicted,
            known=None if targets.known is None else targets.known[index],
            weights=None if weights is None else weights[index],
        )

    def score_samples(self, X, y=None, groups=None) -> np.ndarray:
        """Log predictive density of each row given the earlier ones.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            The targets of a model that was fitted with y.

        %(groups)s

        Returns
        -------
        log_density : ndarray
            In nats, one entry for each row (for each sequence if it has one target),
            in the layout of X. Fitted without y, entry t is the log density of row t
            given the earlier rows of its sequence; for the first row, under the
            model's distribution of first rows (a Gaussian fitted to the training rows
            in models over delay taps). Fitted with y, entry t is the log density of
            ``y[t]`` given the rows of X up to t, and 0 where y is NaN.
        """
        check_is_fitted(self)
        return self._score_samples(self._read_sequences(X, groups), y)

    def _score_samples(self, sequences, y):
        targets = self._score_targets(y, sequences)
        log_density = self._log_density(sequences, targets)
        return self._restore(log_density, sequences)

    def _log_density(self, sequences, targets):
        """Gaussian log density of all targets: shape (len(targets.values),)."""
        outputs, covariance = self._within_range(self._distribution, sequences)
        with np.errstate(over="ignore"):  # an infinite residual has density 0
            if targets.kind != NEXT:
                residuals = targets.values - outputs
                return self._density(residuals, covariance, targets.known)
            first = sequences.offsets[:-1]
            residuals = np.empty_like(outputs)
            residuals[1:] = targets.values[1:] - outputs[:-1]
            mean, first_covariance = self._first_row_distribution()
            residuals[first] = targets.values[first] - mean
        log_density = self._density(residuals, covariance)
        log_density[first] = self._density(residuals[first], first_covariance)
        return log_density

    def _density(self, residuals, covariance, known=None):
        """Log density of residuals, as `gaussian_log_density`."""
        return gaussian_log_density(residuals, covariance, known)


def check_range(outputs, estimator):
    """Refuse infinite outputs: X is too far from the training data."""
    if not np.isfinite(outputs).all():
        raise ValueError(
            f"The predictions of {type(estimator).__name__} leave the range of "
            f"floating point ({outputs.dtype}): X is too far from the data of fit. "
            "Scale X, for example with sklearn.preprocessing.StandardScaler."
        )


def check_counted(index, estimator, what):
    """Refuse to fit or score without a target that counts."""
    if len(index) == 0:
        taps = ""
        if what == "learn" and hasattr(estimator, "n_lags"):
            taps = f", real-valued ones with n_lags={estimator.n_lags} rows before them"
        raise ValueError(
            f"Found array with 0 sample(s): no row of X has a target to {what} by. "
            f"{type(estimator).__name__} needs longer sequences: rows count from "
            f"burn_in={getattr(estimator, 'burn_in', 0)} on{taps}, and for next-step "
            "prediction each must have more than one row; n_samples = 1 is too few. "
            "Some target must not be missing."
        )
