"""Autoregression: the next step is linear in the last few."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from .._closed_loop import check_positive, lay_out
from .._gaussian import RunningGaussian
from ..base import check_counted
from ..targets import NEXT, SEQUENCE, indices_of
from ._autocorrelation import burg, yule_walker
from ._base import TapRegressor
from ._least_squares import LinearFit, solve_blocks, solve_moments
from ._moments import next_step_moments, step_moments
from ._taps import Taps, mean_over_sequences, pooled_rows

METHODS = {"yule_walker": yule_walker, "burg": burg}


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

    exogenous : array-like of int or str, default=None
        Columns of X, by index or by name, that are driving inputs: known, but not
        predicted, when the target is the next step.

    burn_in : int, default=0
        Number of first time steps of each sequence that neither the loss nor the
        score counts as targets.

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

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X was a frame with string names.

    See Also
    --------
    ARClassifier : The same for symbols and class labels.
    MLPSequenceRegressor : A feed-forward net over the same taps.

    Notes
    -----
    Before a sequence's first row its first row is thought repeated, so that every row
    gets a prediction; rows whose taps are incomplete in this way do not count in the
    fit. The normal equations come from lagged cross-products, and the matrix of taps
    is never built; where they are ill-conditioned, the fit is repeated by orthogonal
    triangulation.

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
    ):
        self.n_lags = n_lags
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.method = method
        self.exogenous = exogenous
        self.burn_in = burn_in

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays.

        y : array-like, default=None
            Targets: one for each row, or one for each sequence of a panel. None for
            next-step prediction. NaN means "no target here".

        groups : array-like of shape (n_samples,), default=None
            For rows, the sequence to which each row belongs.

        Returns
        -------
        self : object
            The fitted model.
        """
        sequences, targets = self._read_fit(X, y, groups)
        if self.method != "least_squares":
            fit = self._fit_autocorrelation(sequences, targets)
        elif targets.known_together():
            fit = self._fit_least_squares(sequences, targets)
        else:
            fit = self._fit_each_output(sequences, targets)
        n_lags, n_features = self.n_lags, self.n_features_in_
        self.coef_ = fit.coef.reshape(targets.n_targets, n_lags, n_features)
        self.intercept_ = fit.intercept
        self.noise_covariance_ = fit.residual_covariance
        if not hasattr(self, "_first_row"):
            self._remember_first_row(targets)
        self._remember_targets(targets)
        return self

    def _forget(self):
        super()._forget()
        self.__dict__.pop("_first_row", None)

    def _remember_moments(self, targets, moments, runs):
        """Distribution of a training row: moments of most rows, and the others."""
        if targets.kind == NEXT and self.fit_intercept:
            n_rows = len(targets.values)
            others = indices_of(np.append(0, runs[1]), np.append(runs[0], n_rows))
            most = RunningGaussian.of(moments.n, moments.y_mean, moments.yy)
            self._first_row = most.update(targets.values[others])

    def _fit_least_squares(self, sequences, targets):
        context = self.n_lags - 1
        runs = targets.runs(sequences.offsets, self.burn_in, context)
        check_counted(runs[0], self, "learn")
        fit = None
        if targets.kind != SEQUENCE:
            args = (self.n_lags, runs, self.fit_intercept)
            if targets.kind == NEXT:
                columns = self._target_columns(self.exogenous)
                moments = next_step_moments(sequences.rows, columns, *args)
            else:
                moments = step_moments(sequences.rows, targets.values, *args)
            fit = solve_moments(moments, self.alpha)
            self._remember_moments(targets, moments, runs)
        if fit is None:
            n_inputs = self.n_lags * self.n_features_in_
            blocks = self._blocks(sequences, targets)
            fit = solve_blocks(
                blocks, n_inputs, targets.n_targets, self.alpha, self.fit_intercept
            )
        return fit

    def _blocks(self, sequences, targets):
        """Taps and targets of all rows that count, block by block."""
        index = targets.counted(sequences.offsets, self.burn_in, self.n_lags - 1)
        taps = Taps(sequences.rows, sequences.offsets, self.n_lags)

        def pooled():
            rows, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
            means = [chunk for _, chunk in taps.chunks(rows)]
            means = mean_over_sequences(np.concatenate(means), starts)
            yield means[index], targets.values[index]

        def stepwise():
            for where, chunk in taps.chunks(index - targets.advance):
                yield chunk, targets.values[index[where]]

        return pooled if targets.kind == SEQUENCE else stepwise

    def _fit_each_output(self, sequences, targets):
        """Outputs whose targets are missing at different rows, one by one."""
        fits = [
            self._fit_least_squares(sequences, targets.output(i))
            for i in range(targets.n_targets)
        ]
        coef = np.vstack([fit.coef for fit in fits])
        intercept = np.concatenate([fit.intercept for fit in fits])
        noise = RunningGaussian(targets.n_targets, centre=False)
        for z, y in self._blocks(sequences, targets)():
            noise.update(y - z @ coef.T - intercept, ~np.isnan(y))
        return LinearFit(coef, intercept, noise.covariance)

    def _fit_autocorrelation(self, sequences, targets):
        if targets.kind != NEXT or self.n_features_in_ != 1:
            raise ValueError(
                f"method={self.method!r} predicts the next step of a single feature, "
                f"without y: X has {self.n_features_in_} feature(s). Use "
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
        if getattr(self, "_kind", None) != NEXT:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute 'roots_': it needs a "
                "fit without y, to predict the next step."
            )
        eigenvalues = np.linalg.eigvals(self._companion())
        largest = np.abs(eigenvalues).max(initial=0.0)
        eigenvalues = eigenvalues[np.abs(eigenvalues) > 1e-12 * largest]
        return np.sort_complex(1.0 / eigenvalues)

    def _companion(self):
        """Companion matrix of the feedback from targets to targets."""
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
        X : array-like
            Sequences in any layout.

        n_steps : int, default=1
            Number of time steps to forecast.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps to come; the last one is not used.

        groups : array-like of shape (n_samples,), default=None
            For rows, the sequence to which each row belongs.

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
        forecast = super().forecast(
            X, n_steps, future_exogenous=future_exogenous, groups=groups
        )
        if not return_std:
            return forecast
        sequences = self._read_sequences(X, groups)
        std = np.broadcast_to(
            self._forecast_std(n_steps),
            (sequences.n_sequences, n_steps, len(self.coef_)),
        )
        return forecast, lay_out(std, sequences.layout)

    def _forecast_std(self, n_steps):
        """Standard deviation of the error 1 … n_steps ahead: (n_steps, n_targets).

        The error h steps ahead is Σ_{j<h} Ψ_j w, with Ψ_j the response to an impulse.
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
