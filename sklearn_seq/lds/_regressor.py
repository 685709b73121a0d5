"""Predictions with a linear dynamical system."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import check_is_fitted

from .._core.callbacks import FitProgress
from .._core.closed_loop import check_next_step, check_positive, lay_out
from .._core.docs import documented
from .._core.gaussian import check_squares
from .._core.reach import warn_if_far
from .._core.sklearn_compat import CallbackSupportMixin, _fit_context
from .._reading.future_inputs import future_inputs
from ..base import SequenceRegressor, check_counted
from ..sequences import last_rows
from ..targets import NEXT, SEQUENCE, STEP
from ._fitting import check_inputs, in_order, learn_system, split_inputs, warn_of_few
from ._lds import LinearDynamicalSystem
from ._open_loop import driven_outputs, driven_states, learn_open_loop
from ._states import filtered_means
from .kalman import filter_states, log_likelihood


def mean_of_known(values):
    """Mean of the known values of each column; 0 if all are missing."""
    known = ~np.isnan(values)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.where(known, values, 0.0).sum(axis=0)
    check_squares(sums)
    return sums / np.maximum(known.sum(axis=0), 1)


def centred(values, mean):
    """Values minus the mean; an error if that overflows. NaN is missing."""
    with np.errstate(over="ignore"):
        out = values - mean
    check_squares(out, allow_nan=True)
    return out


@documented
class LDSRegressor(CallbackSupportMixin, SequenceRegressor):
    """Predictions with a linear dynamical system, by Kalman filter.

    Fitted without y, a :class:`LinearDynamicalSystem` of the rows predicts the next
    row from those so far, with standard deviation. Fitted with y, X are the driving
    inputs and y the outputs of the system: ``y[t]`` is predicted from the inputs up to
    t alone (open loop). With one y per sequence, the prediction is linear in the final
    state.

    Parameters
    ----------
    n_components : int, default=1
        Dimension of the hidden state.

    covariance_type : {"full", "diag", "spherical"}, default="full"
        Form of the observation covariance.

    init : {"subspace", "factor_analysis", "random"} or dict, default="subspace"
        Where EM starts, as in :class:`LinearDynamicalSystem`. See the notes for what
        else is tried with a y for each row.

    fixed : dict, default=None
        Parameters held at given values, as in :class:`LinearDynamicalSystem`.

    n_init : int, default=1
        Number of starts, of which the best is kept.

    max_iter : int, default=100
        Maximum number of iterations, each an EM step or an accelerated one.

    tol : float, default=1e-4
        Learning has converged when the log-likelihood per time step rises by less. Slow
        EM may meet this far from the maximum. Where `fixed` determines the basis of the
        state, steps are quasi-Newton: then two rises in a row must be smaller, and the
        gradient must predict no larger one.

    reg_covar : float, default=1e-6
        Smallest variance of the observation noise, relative to the variance of the
        features; and of the process noise, by its effect on the outputs over the
        longest sequence.

    fit_intercept : bool, default=True
        Whether to subtract the means of outputs and driving inputs before learning,
        and to add them to predictions. Without, the data are expected to be centred.

    exogenous : array-like of int or str, default=None
        Columns of X, by index or by name, that are driving inputs when the target is
        the next step. They act through the state only: the next row is predicted
        before its inputs are known.

    %(burn_in_of_hidden_state_models)s

    random_state : int, RandomState instance or None, default=None
        Determines random starts. Pass an int for reproducible results.

    verbose : int or bool, default=0
        Whether to print a line for each iteration: the log-likelihood per time step in
        nats and its change.

    n_jobs : int, default=None
        Number of workers that share the sequences in the E-step.

    %(gaps)s

    Attributes
    ----------
    system_ : LinearDynamicalSystem
        The fitted system: its columns are the outputs, then the driving inputs, with
        their means subtracted.

    mean_ : ndarray of shape (n_outputs,)
        Mean of each output.

    input_mean_ : ndarray of shape (n_inputs,) or None
        Mean of each driving input.

    coef_ : ndarray of shape (n_targets, n_components)
        Effect of the final state, with one y per sequence.

    intercept_ : ndarray of shape (n_targets,)
        Constant term, with one y per sequence.

    n_iter_ : int
        Number of iterations of the best start.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    See Also
    --------
    LinearDynamicalSystem : The system itself: states, smoothing, forecasts, samples.
    ARRegressor : A model without hidden state.

    Notes
    -----
    With a y for each row, the filter sees the outputs in learning, but not in
    predictions. So the M-step keeps all eigenvalues of a transition matrix that is not
    fixed within 1, and if the predictions of the training outputs are worse than those
    of their regression on the inputs of the same row, EM starts again, with
    ``init="factor_analysis"`` and "random", and the system that predicts best is kept.

    A UserWarning tells of predictions (with a y) and of forecasts that are more than
    1000 times as far from the mean of the training targets as any of these.

    References
    ----------
    Kalman, R. E. (1960). A new approach to linear filtering and prediction problems.
    Journal of Basic Engineering, 82, 35-45.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_ar_process
    >>> from sklearn_seq.lds import LDSRegressor
    >>> X = make_ar_process(500, random_state=0)
    >>> model = LDSRegressor(n_components=2).fit(X[:400])
    >>> model.score(X[400:]) > 0.8
    True
    >>> mean, std = model.predict(X[400:], return_std=True)
    >>> mean.shape, std.shape
    ((100, 1), (100, 1))
    """

    _allow_nan = True

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in LinearDynamicalSystem._parameter_constraints.items()
            if name != "warm_start"
        },
        "fit_intercept": ["boolean"],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        init="subspace",
        fixed=None,
        n_init=1,
        max_iter=100,
        tol=1e-4,
        reg_covar=1e-6,
        fit_intercept=True,
        exogenous=None,
        burn_in=0,
        random_state=None,
        verbose=0,
        n_jobs=None,
        gaps="auto",
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.init = init
        self.fixed = fixed
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.reg_covar = reg_covar
        self.fit_intercept = fit_intercept
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Learn the system by EM.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays. NaN is a
            missing observation, where X is observed.

        y : array-like, default=None
            Outputs of a system driven by X: one for each row; or one target for each
            sequence of a panel. None for next-step prediction. NaN means "no target
            here".

        %(groups)s

        Returns
        -------
        self : object
            The fitted model.
        """
        sequences, targets = self._read_fit(X, y, groups)
        check_counted(targets.counted(sequences.offsets, self.burn_in), self, "learn")
        observed, inputs = self._learnt_from(sequences, targets)
        self.mean_ = mean_of_known(observed) * self.fit_intercept
        self.input_mean_ = None
        if inputs is not None:
            self.input_mean_ = mean_of_known(inputs) * self.fit_intercept
            inputs = centred(inputs, self.input_mean_)
        observed = centred(observed, self.mean_)
        fixed = dict(self.fixed or {})
        if targets.kind == NEXT and inputs is not None:
            if "feedthrough_matrix" in fixed:
                raise ValueError(
                    "fixed['feedthrough_matrix']: with the next step as target, inputs "
                    "act through the state only. Leave it out."
                )
            n_inputs = inputs.shape[1]
            fixed["feedthrough_matrix"] = np.zeros((targets.n_targets, n_inputs))
        starts = self._starts(targets)
        n_iterations = len(starts) * self.n_init * self.max_iter
        progress = FitProgress(self, n_iterations, X, y, groups, sequences, targets)

        def fitted(parameters):
            system = LinearDynamicalSystem.from_parameters(**parameters._asdict())
            system.set_params(gaps=self.gaps)
            state = {
                "system_": system,
                "target_kind_": targets.kind,
                "_one_dimensional": targets.one_dimensional,
                "_n_targets": targets.n_targets,
            }
            if targets.kind == SEQUENCE:
                state.update(self._read_out(parameters, sequences, targets))
            return state

        def learn_from(init, on_iteration, **changes):
            return learn_system(
                self,
                observed,
                inputs,
                sequences.offsets,
                on_iteration,
                fixed=fixed,
                init=init,
                **changes,
            )

        def on_iteration(parameters):
            return progress.iteration(lambda: fitted(parameters))

        if targets.kind == STEP:
            data = observed, inputs, sequences.offsets
            result = learn_open_loop(learn_from, starts, on_iteration, *data)
        else:
            result = learn_from(self.init, on_iteration)
        warn_of_few(self, result.parameters, fixed, observed)
        self.n_iter_ = max(1, result.n_iter)
        vars(self).update(fitted(result.parameters))
        progress.end(lambda: fitted(result.parameters))
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False  # with a y, X are driving inputs
        return tags

    def _starts(self, targets):
        """Initial guesses of EM, tried in order until a system is good enough."""
        if targets.kind != STEP or isinstance(self.init, dict):
            return [self.init]
        return list(dict.fromkeys([self.init, "factor_analysis", "random"]))

    def _learnt_from(self, sequences, targets):
        """Outputs and inputs of the system: (N, n_outputs), (N, n_inputs)."""
        if targets.kind != STEP:
            return split_inputs(self, sequences.rows)
        return in_order(targets.values), self._driving_inputs(sequences)

    def _observations(self, sequences):
        """Observed rows and their inputs, without their means."""
        observed, inputs = split_inputs(self, sequences.rows)
        if inputs is not None:
            inputs = centred(inputs, self.input_mean_)
        return centred(observed, self.mean_), inputs

    def _driving_inputs(self, sequences):
        """X, where it drives the system that has a y."""
        rows = in_order(sequences.rows)
        check_inputs(self, rows, np.arange(rows.shape[1]))
        return rows

    def _read_out(self, parameters, sequences, targets):
        """Linear regression of one target per sequence on the final state."""
        states = self._final_states(parameters, sequences)
        index = targets.counted(sequences.offsets)
        linear = LinearRegression().fit(states[index], targets.values[index])
        residuals = targets.values[index] - linear.predict(states[index])
        return {
            "coef_": linear.coef_,
            "intercept_": linear.intercept_,
            "_residual_covariance": residuals.T @ residuals / len(index),
        }

    def _final_states(self, parameters, sequences):
        observed, inputs = self._observations(sequences)
        states = filtered_means(parameters, observed, sequences.offsets, inputs)
        return states[last_rows(sequences)]

    def _outputs(self, sequences):
        """Predicted means (n, n_targets)."""
        p = self.system_.parameters()
        if self.target_kind_ == SEQUENCE:
            states = self._final_states(p, sequences)
            return states @ self.coef_.T + self.intercept_
        if self.target_kind_ == STEP:
            inputs = centred(self._driving_inputs(sequences), self.input_mean_)
            return driven_outputs(p, inputs, sequences.offsets) + self.mean_
        observed, inputs = self._observations(sequences)
        states = filtered_means(p, observed, sequences.offsets, inputs)
        return self._next_outputs(p, states, inputs)

    def _next_outputs(self, p, states, inputs):
        states = states @ p.transition_matrix.T
        if inputs is not None:
            states += inputs @ p.input_matrix.T
        return states @ p.observation_matrix.T + self.mean_

    def _distribution(self, sequences):
        """Predicted means (n, n_targets) and covariances (…, n_targets, n_targets)."""
        if self.target_kind_ == SEQUENCE:
            return self._outputs(sequences), self._residual_covariance
        p = self.system_.parameters()
        C = p.observation_matrix
        means, covariances = self._with_state_covariances(p, sequences)
        return means, C @ covariances @ C.T + p.observation_covariance

    def _marginals(self, sequences):
        """Predicted means and variances (n, n_targets)."""
        if self.target_kind_ == SEQUENCE:
            return super()._marginals(sequences)
        p = self.system_.parameters()
        means, covariances = self._with_state_covariances(p, sequences)
        C = p.observation_matrix
        variances = np.empty_like(means)
        for i, row in enumerate(C):
            variances[:, i] = covariances @ row @ row
        return means, variances + np.diagonal(p.observation_covariance)

    def _with_state_covariances(self, p, sequences):
        """Predicted means, and covariances (n, n_components, n_components) of states.

        Of the states that show in the targets.
        """
        if self.target_kind_ == STEP:
            inputs = centred(self._driving_inputs(sequences), self.input_mean_)
            means, covariances = driven_states(p, inputs, sequences.offsets)
            return means + self.mean_, covariances
        observed, inputs = self._observations(sequences)
        filtered = filter_states(p, observed, sequences.offsets, inputs)
        A = p.transition_matrix
        covariances = A @ filtered.covariances @ A.T + p.transition_covariance
        return self._next_outputs(p, filtered.means, inputs), covariances

    def _log_density(self, sequences, targets):
        if targets.kind == NEXT:
            observed, inputs = self._observations(sequences)
            p = self.system_.parameters()
            return log_likelihood(p, observed, sequences.offsets, inputs)
        return super()._log_density(sequences, targets)

    @np.errstate(over="ignore", invalid="ignore")
    def forecast(
        self, X, n_steps=1, *, future_exogenous=None, groups=None
    ) -> np.ndarray:
        """Mean of the rows that follow each sequence.

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

        Returns
        -------
        means : ndarray
            Of shape (n_sequences * n_steps, n_outputs) for rows,
            (n_sequences, n_steps, n_outputs) for a panel, an object array of arrays
            for a list. With covariances, see ``system_.forecast``.
        """
        check_is_fitted(self)
        check_positive(n_steps, "n_steps")
        check_next_step(self, "forecast")
        sequences = self._read_sequences(X, groups)
        n = sequences.n_sequences
        _, future = future_inputs(
            self, future_exogenous, n, n_steps, "forecast", sequences.layout
        )
        observed, inputs = self._observations(sequences)
        rows = observed
        if inputs is not None:
            rows = np.hstack([observed, inputs])
            future = centred(future, self.input_mean_)
        means, _ = self.system_._forecast(sequences.with_rows(rows), n_steps, future)
        means += self.mean_
        warn_if_far(self, means, "forecasts")
        return lay_out(means, sequences.layout)
