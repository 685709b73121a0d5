"""Autoregression: the next step is linear in the last few."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.utils.metaestimators import available_if

from .._core.closed_loop import check_positive, lay_out
from .._core.docs import documented
from .._core.gaussian import RunningGaussian, check_squares
from .._core.sklearn_compat import Interval, StrOptions, _fit_context
from .._reading.holes import GAPS
from ..base import check_counted
from ..targets import NEXT, SEQUENCE, STEP, indices_of
from ._autocorrelation import burg, yule_walker
from ._base import TapRegressor
from ._least_squares import (
    LinearFit,
    merge_patterns,
    solve_moments,
    solve_patterns,
    triangle_of_moments,
    triangulate_blocks,
)
from ._moments import next_step_moments, step_moments
from ._taps import Taps, mean_over_sequences, pooled_rows

METHODS = {"yule_walker": yule_walker, "burg": burg}


def sums_up(estimator):
    """Whether partial_fit is available: with least squares only."""
    if estimator.method == "least_squares":
        return True
    raise AttributeError(
        f"partial_fit needs method='least_squares', not {estimator.method!r}."
    )


@documented
class ARRegressor(TapRegressor):
    """Autoregressive model: linear in the last `n_lags` rows.

    Fitted without y, it predicts the next row,

        x[t+1] = intercept + Σ_k coef[:, k] x[t-k] + noise,  k = 0 … n_lags-1,

    an AR model for one feature, a vector autoregression (VAR) for several, an ARX
    model with driving inputs (`exogenous`). Fitted with y, it is a linear filter from
    the rows of X up to t to ``y[t]``; with one y per sequence, a linear function of
    the average taps of the sequence.

    Parameters
    ----------
    n_lags : int, default=1
        Number of delay taps: the rows, the latest included, that a prediction is made
        from.

    alpha : float, default=0.0
        Strength of the L2 penalty on the coefficients, as in
        :class:`~sklearn.linear_model.Ridge`. Only for ``method="least_squares"``.

    fit_intercept : bool, default=True
        Whether to fit an intercept. Without, the data are expected to be centred.

    method : {"least_squares", "yule_walker", "burg"}, default="least_squares"
        How to estimate the coefficients. "least_squares" minimises the squared error
        over all rows with complete taps (conditional maximum likelihood).
        "yule_walker", from biased autocorrelations, and "burg", from forward and
        backward prediction errors, are for the next step of a single feature and give
        a stationary model whatever the data.

    %(exogenous_of_regressors)s

    %(burn_in_of_tap_models)s

    %(gaps)s

    Attributes
    ----------
    coef_ : ndarray of shape (n_targets, n_lags, n_features)
        ``coef_[i, k, j]`` is the effect of feature j, k steps before the latest row,
        on target i. Flattened to (n_targets, n_lags * n_features), its columns are in
        the order of :class:`~sklearn_seq.preprocessing.DelayTaps`.

    intercept_ : ndarray of shape (n_targets,)
        Constant term.

    noise_covariance_ : ndarray of shape (n_targets, n_targets)
        Covariance of the noise: the mean product of the residuals (the maximum
        likelihood estimate).

    roots_ : ndarray of complex
        Roots z of the characteristic polynomial det(I - Φ₁ z - … - Φ_p zᵖ); the model
        is stationary if all have modulus above 1. Fitted without y only.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    See Also
    --------
    ARClassifier : The same for symbols and class labels.
    MLPSequenceRegressor : A feed-forward net over the same taps.

    Notes
    -----
    Before a sequence's first row, taps are padded with it, so that every row gets a
    prediction; rows with padded taps do not count in the fit. The normal equations come
    from lagged cross-products, without the matrix of taps; where they are
    ill-conditioned, the fit is repeated by QR decomposition.

    References
    ----------
    Yule, G. U. (1927). On a method of investigating periodicities in disturbed series.
    Philosophical Transactions of the Royal Society A, 226, 267-298.

    Lütkepohl, H. (2005). New Introduction to Multiple Time Series Analysis. Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.datasets import load_lynx
    >>> X, _ = load_lynx(return_X_y=True)
    >>> model = ARRegressor(n_lags=2).fit(np.log10(X))
    >>> model.coef_[0, :, 0].round(3)
    array([ 1.384, -0.748])
    >>> model.forecast(np.log10(X), n_steps=3).round(2)
    array([[3.38],
           [3.1 ],
           [2.82]])
    """

    _parameter_constraints = {
        "n_lags": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "method": [StrOptions({"least_squares", *METHODS})],
        "exogenous": [None, str, Integral, "array-like"],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "gaps": GAPS,
    }

    def __init__(
        self,
        n_lags=1,
        *,
        alpha=0.0,
        fit_intercept=True,
        method="least_squares",
        exogenous=None,
        burn_in=0,
        gaps="auto",
    ):
        self.n_lags = n_lags
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.method = method
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    @np.errstate(over="ignore", invalid="ignore")
    def fit(self, X, y=None, groups=None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays.

        %(y_of_regressors)s

        %(groups)s

        Returns
        -------
        self : object
            The fitted model.
        """
        sequences, targets = self._read_fit(X, y, groups)
        moments = None
        if self.method != "least_squares":
            fit, learnt = self._fit_autocorrelation(sequences, targets), None
        else:
            learnt = moments = self._moments(sequences, targets)
            fit = solve_moments(moments, self.alpha) if moments else None
            if fit is None:
                learnt = self._triangulate(sequences, targets)
                fit = self._solve(learnt)
        if moments and targets.kind == NEXT and self.fit_intercept:
            self._remember_moments(sequences, targets, moments)
        else:
            self._remember_first_row(targets)
        return self._remember_fit(fit, learnt, targets)

    @available_if(sums_up)
    @_fit_context(prefer_skip_nested_validation=True)
    @np.errstate(over="ignore", invalid="ignore")
    def partial_fit(self, X, y=None, groups=None) -> Self:
        """Fit the model to more data, on top of those of earlier calls.

        Calls with whole sequences give the same model as fit on all of them, up to
        rounding. Only the R factor of a QR decomposition of the data is kept, which is
        accurate even where the problem is ill-conditioned.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. No tap reaches back into an earlier call.

        y : array-like, default=None
            Targets as for fit, of the same kind in each call.

        %(groups)s

        Returns
        -------
        self : object
            The model.
        """
        more = self.__sklearn_is_fitted__()
        read = self._read_more if more else self._read_fit
        sequences, targets = read(X, y, groups)
        moments = self._moments(sequences, targets)
        if moments and solve_moments(moments, 0.0):
            learnt = self._as_triangles(moments)
        else:
            learnt = self._triangulate(sequences, targets)
        if more:
            earlier = self._as_triangles(self._learnt)
            learnt = merge_patterns(earlier, learnt, self.fit_intercept)
        fit = self._solve(learnt)
        self._remember_first_row(targets, more=more)
        return self._remember_fit(fit, learnt, targets)

    def _check_settings_kept(self):
        if self._learnt is None:
            raise ValueError(
                "The fit by autocorrelations keeps no sums that partial_fit could add "
                "to. Call fit with method='least_squares', or partial_fit from the "
                "start."
            )
        settings = self._settings()
        changed = [k for k, v in settings.items() if self._learnt_with[k] != v]
        if changed:
            now = ", ".join(f"{k}={getattr(self, k)!r}" for k in changed)
            raise ValueError(
                f"partial_fit adds to the sums of earlier calls, but since then {now} "
                "was set. Call fit to begin anew."
            )

    def _settings(self):
        """Settings that partial_fit cannot change."""
        return {
            "n_lags": self.n_lags,
            "fit_intercept": self.fit_intercept,
            "exogenous": self._target_columns(self.exogenous).tolist(),
        }

    def _remember_fit(self, fit, learnt, targets):
        check_squares(fit.residual_covariance)
        shape = targets.n_targets, self.n_lags, self.n_features_in_
        self.coef_ = fit.coef.reshape(shape)
        self.intercept_ = fit.intercept
        self.noise_covariance_ = fit.residual_covariance
        self._learnt, self._learnt_with = learnt, self._settings()
        self._remember_targets(targets)
        return self

    def _remember_moments(self, sequences, targets, moments):
        """Set the distribution of first rows, from moments and the remaining rows."""
        starts, stops = self._runs(sequences, targets)
        n_rows = len(targets.values)
        others = indices_of(np.append(0, stops), np.append(starts, n_rows))
        most = RunningGaussian.of(moments.n, moments.y_mean, moments.yy.copy())
        self._first_row = most.update(targets.values[others])

    def _runs(self, sequences, targets):
        """Runs of rows that count: with a target and complete taps."""
        return targets.runs(sequences.offsets, self.burn_in, self.n_lags - 1)

    def _moments(self, sequences, targets):
        """Second moments of the rows that count; None if they are not available."""
        runs = self._runs(sequences, targets)
        check_counted(runs[0], self, "learn")
        if targets.kind == SEQUENCE or not targets.known_together():
            return None
        args = (self.n_lags, runs, self.fit_intercept)
        if targets.kind == STEP:
            return step_moments(sequences.rows, targets.values, *args)
        columns = self._target_columns(self.exogenous)
        return next_step_moments(sequences.rows, columns, *args)

    def _triangulate(self, sequences, targets):
        blocks = self._blocks(sequences, targets)
        return triangulate_blocks(blocks, self.fit_intercept)

    def _as_triangles(self, learnt):
        if isinstance(learnt, dict):
            return learnt
        return {"1" * len(learnt.y_mean): triangle_of_moments(learnt)}

    def _solve(self, triangles):
        if not all("1" in of_one for of_one in zip(*triangles, strict=True)):
            check_counted([], self, "learn")
        n_inputs = self.n_lags * self.n_features_in_
        return solve_patterns(triangles, n_inputs, self.alpha, self.fit_intercept)

    def _blocks(self, sequences, targets):
        """Taps and targets of all rows that count, block by block."""
        index = targets.counted(sequences.offsets, self.burn_in, self.n_lags - 1)
        taps = Taps(sequences.rows, sequences.offsets, self.n_lags)

        if targets.kind == SEQUENCE:
            rows, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
            means = [chunk for _, chunk in taps.chunks(rows)]
            means = mean_over_sequences(np.concatenate(means), starts)
            yield means[index], targets.values[index]
        else:
            for where, chunk in taps.chunks(index - targets.advance):
                yield chunk, targets.values[index[where]]

    def _fit_autocorrelation(self, sequences, targets):
        if targets.kind != NEXT:
            raise ValueError(
                f"method={self.method!r} predicts the next step of X itself, and takes "
                "no y. Leave it out, or set method='least_squares'."
            )
        if self.n_features_in_ != 1:
            raise ValueError(
                f"method={self.method!r} predicts the next step of a single feature, "
                f"but X has {self.n_features_in_} feature(s). Use "
                "method='least_squares'."
            )
        if self.alpha:
            raise ValueError(
                f"alpha={self.alpha!r} has no meaning for method={self.method!r}: "
                "expected 0. Use method='least_squares' for a penalty."
            )
        x, offsets = sequences.rows[:, 0].astype(np.float64), sequences.offsets
        if self.burn_in:
            steps = sequences.steps()
            x = x[steps >= self.burn_in]
            lengths = np.maximum(np.diff(offsets) - self.burn_in, 0)
            offsets = np.r_[0, np.cumsum(lengths[lengths > 0])]
        longest = np.diff(offsets).max(initial=0)
        if longest <= self.n_lags:
            check_counted([], self, "learn")
        mean = x.mean() * self.fit_intercept
        x = x - mean
        if np.abs(x).max() <= 1e-14 * np.abs(mean):
            x[:] = 0.0  # constant but for the rounding of the mean
        coef, noise_variance = METHODS[self.method](x, offsets, self.n_lags)
        intercept = np.array([mean * (1.0 - coef.sum())])
        return LinearFit(coef[None], intercept, np.array([[noise_variance]]))

    def _map_taps(self, taps):
        coef = self.coef_.reshape(len(self.coef_), -1)
        return taps @ coef.T + self.intercept_

    @property
    def roots_(self):
        """Roots of the characteristic polynomial."""
        if getattr(self, "target_kind_", None) != NEXT:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'roots_': it needs a "
                "fit without y, to predict the next step."
            )
        eigenvalues = np.linalg.eigvals(self._companion())
        largest = np.abs(eigenvalues).max(initial=0.0)
        eigenvalues = eigenvalues[np.abs(eigenvalues) > 1e-12 * largest]
        return np.sort_complex(1.0 / eigenvalues)

    def _companion(self):
        """Companion matrix of the autoregression of the targets."""
        columns = self._target_columns(self.exogenous)
        n_targets = len(columns)
        companion = np.eye(n_targets * self.n_lags, k=-n_targets)
        companion[:n_targets] = self.coef_[:, :, columns].reshape(n_targets, -1)
        return companion

    def forecast(
        self,
        X,
        n_steps=1,
        *,
        future_exogenous=None,
        groups=None,
        return_std=False,
    ):
        """Run on closed-loop from the end of each sequence.

        Parameters
        ----------
        %(X)s

        n_steps : int, default=1
            Number of time steps to forecast.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps to come; the last one is not used. A frame
            is read by the names of its columns, and by its sequences if its index has
            two levels, sequence and time.

        %(groups)s

        return_std : bool, default=False
            Whether to return the standard deviation of the forecast errors, too.

        Returns
        -------
        forecast : ndarray
            The `n_steps` rows that follow each sequence: for rows of shape
            (n_sequences * n_steps, n_targets), for a panel of shape
            (n_sequences, n_steps, n_targets), for a list an object array of arrays.

        std : ndarray
            Standard deviations in the shape of `forecast`. Only with
            ``return_std=True``.
        """
        self._check_loop(n_steps, "forecast")
        sequences = self._read_sequences(X, groups)
        forecast = self._forecast(sequences, n_steps, future_exogenous)
        if not return_std:
            return forecast
        std = np.broadcast_to(
            self._forecast_std(n_steps),
            (sequences.n_sequences, n_steps, len(self.coef_)),
        )
        return forecast, lay_out(std, sequences.layout)

    def _forecast_std(self, n_steps):
        """Standard deviation of the forecast error by horizon: (n_steps, n_targets).

        The error at horizon h is Σ_{j<h} Ψ_j w[t+h-j], with impulse responses Ψ_j.
        """
        check_positive(n_steps, "n_steps")
        companion = self._companion()
        n_targets = len(self.coef_)
        response = np.eye(len(companion), n_targets)
        variances = np.empty((n_steps, n_targets))
        for step in range(n_steps):
            psi = response[:n_targets]
            variances[step] = np.einsum("ij,jk,ik->i", psi, self.noise_covariance_, psi)
            response = companion @ response
        return np.sqrt(np.cumsum(np.maximum(variances, 0.0), axis=0))
