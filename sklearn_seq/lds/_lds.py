"""The linear dynamical system as a density of sequences, and as a transformer."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._core.callbacks import FitProgress
from .._core.closed_loop import check_positive, lay_out
from .._core.docs import documented
from .._core.gaussian import draw_gaussian, gaussian_noise
from .._core.sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _fit_context,
)
from .._reading.future_inputs import future_inputs
from .._reading.holes import GAPS
from .._reading.misread import check_ignored_y
from ..density import SequenceDensity
from ..preprocessing._frame_output import check_no_frame_output
from ..sequences import PANEL, ROWS, Layout, last_rows
from ..targets import next_step_targets
from ._fitting import learn_system, split_inputs, warn_of_few
from ._fixed import check_parameters, n_free_parameters, number_of_inputs
from ._states import filtered_at, filtered_means
from .kalman import Parameters, filter_states, log_likelihood, smooth_states

NAMES = Parameters._fields


@documented
class LinearDynamicalSystem(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    SequenceDensity,
):
    """Linear dynamical system with Gaussian noise, by Kalman filter and EM.

    A hidden state of real numbers has linear dynamics and is observed through a linear
    map,

        s[t+1] = A s[t] + B u[t] + w[t],   w[t] ~ N(0, Q),
        x[t]   = C s[t] + D u[t] + v[t],   v[t] ~ N(0, R),

    with s[0] ~ N(m, P) at the start of each sequence and driving inputs u, the columns
    named by `exogenous`. Given the rows so far the state's distribution is Gaussian,
    and the Kalman filter computes it exactly; missing values (NaN), of whole rows or
    single features, are integrated out. It is
    :class:`~sklearn.decomposition.FactorAnalysis` with dynamics.

    Parameters
    ----------
    n_components : int, default=1
        Dimension of the hidden state.

    covariance_type : {"full", "diag", "spherical"}, default="full"
        Form of the observation covariance R.

    init : {"subspace", "factor_analysis", "random"} or dict, default="subspace"
        Where EM starts: subspace identification, factor analysis of the rows with a
        first-order autoregression of the factors, or random dynamics. A dict holds
        values to start from, by the names of `fixed`; the others come from "subspace".

    fixed : dict, default=None
        Parameters held at given values, by name: "transition_matrix",
        "input_matrix", "observation_matrix", "feedthrough_matrix",
        "transition_covariance", "observation_covariance", "initial_state_mean",
        "initial_state_covariance".

    n_init : int, default=1
        Number of starts, of which the best is kept. The first is set by `init`, the
        others are random.

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

    warm_start : bool, default=False
        Whether fit starts from the parameters of the last fit.

    exogenous : array-like of int or str, default=None
        Columns of X, by index or by name, that are driving inputs.

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
    transition_matrix_ : ndarray of shape (n_components, n_components)
        A.

    input_matrix_ : ndarray of shape (n_components, n_inputs)
        B.

    observation_matrix_ : ndarray of shape (n_outputs, n_components)
        C.

    feedthrough_matrix_ : ndarray of shape (n_outputs, n_inputs)
        D.

    transition_covariance_ : ndarray of shape (n_components, n_components)
        Q.

    observation_covariance_ : ndarray of shape (n_outputs, n_outputs)
        R.

    initial_state_mean_ : ndarray of shape (n_components,)
        Mean of s[0].

    initial_state_covariance_ : ndarray of shape (n_components, n_components)
        Covariance of s[0].

    n_iter_ : int
        Number of iterations of the best start.

    converged_ : bool
        Whether it converged.

    lower_bound_ : float
        Its log-likelihood per time step, in nats.

    loss_curve_ : list of float
        Minus the log-likelihood per time step before and after each iteration.

    %(n_features_in_)s

    %(feature_names_in_)s

    See Also
    --------
    LDSRegressor : Predictions with the same system.
    LDSClassifier : One system for each class.

    Notes
    -----
    The model has no constant term: centre the data, for example by
    :class:`~sklearn.preprocessing.StandardScaler`, or add a driving input that is
    always 1. The state is known only up to a change of basis. Rows are the time steps
    of a sequence and have no gap in time: a hole in a frame's index starts anew, while
    a row of NaN is a time step at which nothing was seen.

    References
    ----------
    Kalman, R. E. (1960). A new approach to linear filtering and prediction problems.
    Journal of Basic Engineering, 82, 35-45.

    Shumway, R. H. and Stoffer, D. S. (1982). An approach to time series smoothing and
    forecasting using the EM algorithm. Journal of Time Series Analysis, 3, 253-264.

    Ghahramani, Z. and Hinton, G. E. (1996). Parameter estimation for linear dynamical
    systems. Technical report CRG-TR-96-2, University of Toronto.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.datasets import load_nile
    >>> from sklearn_seq.lds import LinearDynamicalSystem
    >>> X, _ = load_nile(return_X_y=True)
    >>> local_level = LinearDynamicalSystem(
    ...     fixed={"transition_matrix": [[1.0]], "observation_matrix": [[1.0]]},
    ...     max_iter=1000, tol=1e-7,
    ... ).fit(X)
    >>> level, variance = local_level.smooth(X)
    >>> level.shape, variance.shape
    ((100, 1), (100, 1, 1))
    """

    _allow_nan = True

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "diag", "spherical"})],
        "init": [StrOptions({"subspace", "factor_analysis", "random"}), dict],
        "fixed": [dict, None],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "exogenous": [None, str, Integral, "array-like"],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "gaps": GAPS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "n_jobs": [None, Integral],
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
        warm_start=False,
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
        self.warm_start = warm_start
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
            missing observation; driving inputs must be there.

        y : Ignored
            Not used, present for API consistency by convention.

        %(groups)s

        Returns
        -------
        self : object
            The fitted model.
        """
        start = None
        if self.warm_start and self.__sklearn_is_fitted__():
            start = self.parameters()
        self._forget()
        sequences = self._read_sequences(X, groups, reset=True)
        check_ignored_y(y, sequences.layout)
        observed, inputs = split_inputs(self, sequences.rows)
        if start is not None:
            self._check_start(start, observed, inputs)
        targets = next_step_targets(
            sequences, self._target_columns(self.exogenous), allow_nan=True
        )
        progress = FitProgress(
            self, self.n_init * self.max_iter, X, None, groups, sequences, targets
        )
        result = learn_system(
            self,
            observed,
            inputs,
            sequences.offsets,
            lambda parameters: progress.iteration(lambda: _attributes(parameters)),
            start=start,
        )
        self._remember(result)
        warn_of_few(self, result.parameters, self.fixed, observed)
        progress.end(lambda: _attributes(result.parameters))
        return self

    def _remember(self, result):
        """Set the fitted attributes."""
        self.n_iter_ = max(1, result.n_iter)
        self.converged_ = result.converged
        self.lower_bound_ = result.lower_bound
        self.loss_curve_ = [-bound for bound in result.lower_bounds]
        self._set_parameters(result.parameters)

    def _check_start(self, start, observed, inputs):
        n_inputs = 0 if inputs is None else inputs.shape[1]
        n_outputs, n_components = start.observation_matrix.shape
        before = n_components, n_outputs, number_of_inputs(start)
        now = self.n_components, observed.shape[1], n_inputs
        if before != now:
            raise ValueError(
                f"warm_start=True, but the numbers of components, observed features "
                f"and driving inputs are {now}, and were {before} in the last fit. Set "
                "warm_start=False to begin anew."
            )

    @classmethod
    def from_parameters(
        cls,
        *,
        transition_matrix,
        observation_matrix,
        transition_covariance,
        observation_covariance,
        initial_state_mean,
        initial_state_covariance,
        input_matrix=None,
        feedthrough_matrix=None,
    ) -> Self:
        """A fitted system from known matrices.

        Parameters
        ----------
        transition_matrix : array-like of shape (n_components, n_components)
            A.

        observation_matrix : array-like of shape (n_outputs, n_components)
            C.

        transition_covariance : array-like of shape (n_components, n_components)
            Q.

        observation_covariance : array-like of shape (n_outputs, n_outputs)
            R.

        initial_state_mean : array-like of shape (n_components,)
            Mean of the first state.

        initial_state_covariance : array-like of shape (n_components, n_components)
            Covariance of the first state.

        input_matrix : array-like of shape (n_components, n_inputs), default=None
            B. With driving inputs, they are the last columns of X.

        feedthrough_matrix : array-like of shape (n_outputs, n_inputs), default=None
            D.

        Returns
        -------
        model : LinearDynamicalSystem
            Ready to filter, smooth, forecast and sample. After
            ``set_params(warm_start=True)`` `fit` starts from these parameters,
            otherwise it discards them; see also `init`.

        Raises
        ------
        ValueError
            If a matrix is not finite, has the wrong shape, or is no covariance.
        """
        parameters = check_parameters(
            transition_matrix=transition_matrix,
            observation_matrix=observation_matrix,
            transition_covariance=transition_covariance,
            observation_covariance=observation_covariance,
            initial_state_mean=initial_state_mean,
            initial_state_covariance=initial_state_covariance,
            input_matrix=input_matrix,
            feedthrough_matrix=feedthrough_matrix,
        )
        n_outputs, n_components = parameters.observation_matrix.shape
        n_inputs = number_of_inputs(parameters)
        inputs = list(range(n_outputs, n_outputs + n_inputs))
        model = cls(n_components, exogenous=inputs or None)
        model.n_features_in_ = n_outputs + n_inputs
        model._set_parameters(parameters)
        return model

    def filter(self, X, groups=None) -> tuple[np.ndarray, np.ndarray]:
        """Distribution of the state given the rows so far.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        means : ndarray of shape (n_timesteps, n_components)
            In the layout of X, as `transform`.

        covariances : ndarray of shape (n_timesteps, n_components, n_components)
            In the layout of X.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        return self._lay_out_states(self._filter(sequences), sequences)

    def smooth(self, X, groups=None) -> tuple[np.ndarray, np.ndarray]:
        """Distribution of the state given the whole sequence, later rows included.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        means : ndarray of shape (n_timesteps, n_components)
            In the layout of X.

        covariances : ndarray of shape (n_timesteps, n_components, n_components)
            In the layout of X.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        smoothed = smooth_states(*self._data(sequences), lag_one=False)
        return self._lay_out_states(smoothed, sequences)

    def transform(self, X, groups=None):
        """Filtered means of the state: causal features of each row.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        states : ndarray of shape (n_timesteps, n_components)
            In the layout of X: entry t is the mean of s[t] given the rows up to t.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        if sequences.layout.kind != ROWS:
            check_no_frame_output(self)
        return sequences.layout.restore(filtered_means(*self._data(sequences)))

    def fit_transform(self, X, y=None, groups=None):
        """Fit to X and return its filtered states.

        Parameters
        ----------
        %(X)s

        y : Ignored
            Not used, present for API consistency by convention.

        %(groups)s

        Returns
        -------
        states : ndarray of shape (n_timesteps, n_components)
            In the layout of X.
        """
        return self.fit(X, y, groups=groups).transform(X, groups=groups)

    @np.errstate(over="ignore", invalid="ignore")
    def forecast(
        self, X, n_steps=1, *, future_exogenous=None, groups=None, return_cov=False
    ):
        """Distribution of the rows that follow each sequence.

        Parameters
        ----------
        %(X)s

        n_steps : int, default=1
            Number of time steps to forecast.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps to come. A frame is read by the names of its
            columns, and by its sequences if its index has two levels, sequence and
            time.

        %(groups)s

        return_cov : bool, default=False
            Whether to return the covariances, too.

        Returns
        -------
        means : ndarray
            Of shape (n_sequences * n_steps, n_outputs) for rows,
            (n_sequences, n_steps, n_outputs) for a panel, an object array of arrays
            for a list.

        covariances : ndarray
            The same with one more axis of length n_outputs. Only with
            ``return_cov=True``.
        """
        check_is_fitted(self)
        check_positive(n_steps, "n_steps")
        sequences = self._read_sequences(X, groups)
        n = sequences.n_sequences
        _, future = future_inputs(
            self, future_exogenous, n, n_steps, "forecast", sequences.layout
        )
        means, covariances = self._forecast(sequences, n_steps, future, return_cov)
        means = lay_out(means, sequences.layout)
        if not return_cov:
            return means
        return means, lay_out(covariances, sequences.layout)

    def _forecast(self, sequences, n_steps, future, return_cov=False):
        """Means (n_sequences, n_steps, n_outputs) of rows to come, and covariances.

        These are None unless `return_cov`.
        """
        _, inputs = split_inputs(self, sequences.rows)
        last = last_rows(sequences)
        means, covariances = filtered_at(last, *self._data(sequences))
        now = None if inputs is None else inputs[last]
        p = self.parameters()
        n, n_outputs = sequences.n_sequences, len(p.observation_matrix)
        out = np.empty((n, n_steps, n_outputs))
        out_covariances = None
        if return_cov:
            out_covariances = np.empty((n, n_steps, n_outputs, n_outputs))
        A, C = p.transition_matrix, p.observation_matrix
        for step in range(n_steps):
            means = means @ A.T
            if p.input_matrix is not None:
                means = means + now @ p.input_matrix.T
            out[:, step] = means @ C.T
            if inputs is not None:
                now = future[:, step].astype(np.float64)
            if p.feedthrough_matrix is not None:
                out[:, step] += now @ p.feedthrough_matrix.T
            if return_cov:
                covariances = A @ covariances @ A.T + p.transition_covariance
                spread = C @ covariances @ C.T + p.observation_covariance
                out_covariances[:, step] = spread
        check_no_overflow(n_steps, out, *([out_covariances] if return_cov else []))
        return out, out_covariances

    @np.errstate(over="ignore", invalid="ignore")
    def sample(
        self, n_steps=1, *, n_sequences=None, future_exogenous=None, random_state=None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw sequences from the system.

        Parameters
        ----------
        n_steps : int, default=1
            Number of time steps to draw.

        n_sequences : int, default=None
            Number of sequences. None draws one, as rows.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps drawn. A frame is read by the names of its
            columns, and by its sequences if its index has two levels, sequence and
            time.

        random_state : int, RandomState instance or None, default=None
            Determines the draws. Pass an int for reproducible ones.

        Returns
        -------
        X : ndarray of shape (n_steps, n_features) or \
                (n_sequences, n_steps, n_features)
            The rows drawn, driving inputs included.

        states : ndarray of shape (n_steps, n_components) or \
                (n_sequences, n_steps, n_components)
            The hidden states that produced them.
        """
        check_is_fitted(self)
        check_positive(n_steps, "n_steps")
        rng = check_random_state(random_state)
        if n_sequences is not None:
            check_positive(n_sequences, "n_sequences")
        n = n_sequences or 1
        columns, future = future_inputs(self, future_exogenous, n, n_steps, "sample")
        p = self.parameters()
        X = np.empty((n, n_steps, self.n_features_in_))
        states = np.empty((n, n_steps, len(p.transition_matrix)))
        targets = self._target_columns(self.exogenous)
        output_noise = gaussian_noise(p.observation_covariance)
        state_noise = gaussian_noise(p.transition_covariance)
        state = p.initial_state_mean + draw_gaussian(rng, p.initial_state_covariance, n)
        for step in range(n_steps):
            states[:, step] = state
            inputs = future[:, step].astype(np.float64)
            rows = state @ p.observation_matrix.T
            rows = rows + output_noise(rng, n)
            state = state @ p.transition_matrix.T
            state = state + state_noise(rng, n)
            if p.feedthrough_matrix is not None:
                rows = rows + inputs @ p.feedthrough_matrix.T
            if p.input_matrix is not None:
                state = state + inputs @ p.input_matrix.T
            X[:, step, targets] = rows
            X[:, step, columns] = inputs
        check_no_overflow(n_steps, X, states)
        layout = Layout(ROWS if n_sequences is None else PANEL, np.arange(n + 1))
        return lay_out(X, layout), lay_out(states, layout)

    @property
    def _n_features_out(self):
        return self.transition_matrix_.shape[0]

    def __sklearn_is_fitted__(self):
        self._refuse_parameters_set_by_hand()
        return hasattr(self, "transition_matrix_")

    def _forget(self):
        super()._forget()
        self.__dict__.pop("transition_matrix_", None)

    def _set_parameters(self, parameters):
        # The transition matrix comes last: it marks the model as fitted.
        for name, value in reversed(_attributes(parameters).items()):
            setattr(self, name, value)

    def parameters(self):
        """The fitted parameters, as ``lds.kalman`` and ``lds.learning`` take them.

        Returns
        -------
        parameters : Parameters
            A named tuple of all fitted matrices, by their names without underscore.
        """
        return Parameters(*(getattr(self, f"{name}_") for name in NAMES))

    def _data(self, sequences):
        """Arguments of the functions in `kalman`."""
        observed, inputs = split_inputs(self, sequences.rows)
        return self.parameters(), observed, sequences.offsets, inputs

    def _filter(self, sequences):
        return filter_states(*self._data(sequences))

    def _log_likelihood(self, sequences):
        return log_likelihood(*self._data(sequences))

    def _lay_out_states(self, states, sequences):
        restore = sequences.layout.restore
        return restore(states.means), restore(np.array(states.covariances))

    def _n_parameters(self):
        return n_free_parameters(
            self.parameters(), self.fixed or {}, self.covariance_type
        )


def check_no_overflow(n_steps, *arrays):
    """Refuse what an unstable system has made infinite."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(
            f"The transition matrix is unstable: within n_steps={n_steps} steps the "
            "state leaves the range of floating point. Take fewer steps."
        )


def _attributes(parameters):
    return {f"{name}_": value for name, value in zip(NAMES, parameters, strict=True)}
