"""Predictions with a hidden Markov model."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from numbers import Integral
from typing import Self

import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.utils.validation import check_is_fitted

from .._core.callbacks import FitProgress
from .._core.closed_loop import check_next_step, check_positive, lay_out
from .._core.docs import documented
from .._core.reach import warn_if_far
from .._core.sklearn_compat import CallbackSupportMixin, StrOptions, _fit_context
from .._reading.future_inputs import future_inputs
from ..base import SequenceRegressor, check_counted, check_range
from ..sequences import last_rows
from ..targets import NEXT, SEQUENCE, STEP
from ._families import make_hmm
from ._gmm import GMMHMM
from ._numeric import mixture_means, mixture_moments, mixture_variances
from ._poisson import check_counts
from .emissions._rows import chunks
from .inference import forward


@documented
class HMMRegressor(CallbackSupportMixin, SequenceRegressor):
    """Predictions with a hidden Markov model.

    Fitted without y, a hidden Markov model of the rows predicts the next row from those
    so far: mean and standard deviation of a mixture over the next state. Fitted with y,
    it models rows and targets jointly, and ``y[t]`` is predicted from the rows of X up
    to t: within each state by a linear regression on the row, as far as
    `covariance_type` allows correlations. One y per sequence belongs to its last row.

    Parameters
    ----------
    n_components : int, default=1
        Number of states.

    emission : {"gaussian", "gmm", "poisson"}, default="gaussian"
        How states emit rows.

    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Form of the covariances, as in :class:`GaussianHMM`.

    n_mix : int, default=1
        Number of Gaussians of each state, for "gmm".

    init : {"kmeans", "segments", "random"} or dict, default="kmeans"
        Where EM starts, as in :class:`GaussianHMM`. The columns of X come
        first, then those of y.

    startprob_prior : float or array-like of shape (n_components,), default=1.0
        Dirichlet concentrations of the start probabilities, at least 1.

    transmat_prior : float or array-like of shape (n_components, n_components), \
            default=1.0
        The same for each row of transition probabilities.

    transmat_mask : array-like of bool of shape (n_components, n_components), \
            default=None
        True where a transition is possible.

    reg_covar : float, default=1e-6
        Smallest variance in any direction, relative to the variance of the features.

    n_init : int, default=1
        Number of starts, of which the best is kept.

    max_iter : int, default=100
        Maximum number of EM iterations.

    tol : float, default=1e-4
        EM has converged when the log-likelihood per time step rises by less.

    exogenous : array-like of int or str, default=None
        Columns of X, by index or by name, that are not predicted when the target is
        the next step. They are modelled as emissions like the others, so that states
        may explain these inputs instead of the targets; fit warns of it. Compare with
        a model without them, or use ARRegressor or LDSRegressor, in which inputs drive
        the targets.

    %(burn_in_of_hidden_state_models)s

    random_state : int, RandomState instance or None, default=None
        Determines starts. Pass an int for reproducible results.

    %(verbose_of_hmms)s

    n_jobs : int, default=None
        Number of workers that share the sequences in the E-step.

    %(gaps)s

    Attributes
    ----------
    model_ : estimator
        The hidden Markov model: its columns are those of X, then those of y.

    n_iter_ : int
        Number of EM steps of the best start.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    See Also
    --------
    GaussianHMM : The model itself: states, likelihoods, forecasts, samples.
    LDSRegressor : A hidden state of real numbers.

    References
    ----------
    Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications
    in speech recognition. Proceedings of the IEEE, 77, 257-286.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.hmm import HMMRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = np.tile([[0.0], [1.0], [3.0]], (100, 1))
    >>> X += rng.normal(scale=0.2, size=X.shape)
    >>> model = HMMRegressor(n_components=3, random_state=0).fit(X[:200])
    >>> model.score(X[200:]) > 0.9
    True
    >>> mean, std = model.predict(X[200:], return_std=True)
    >>> mean.shape, std.shape
    ((100, 1), (100, 1))
    """

    _allow_nan = True

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in GMMHMM._parameter_constraints.items()
            if name
            in (
                "n_components covariance_type n_mix init startprob_prior transmat_prior"
                " transmat_mask reg_covar n_init max_iter tol burn_in random_state"
                " verbose n_jobs gaps"
            ).split()
        },
        "emission": [StrOptions({"gaussian", "gmm", "poisson"})],
        "exogenous": [None, str, Integral, "array-like"],
    }

    def __init__(
        self,
        n_components=1,
        *,
        emission="gaussian",
        covariance_type="full",
        n_mix=1,
        init="kmeans",
        startprob_prior=1.0,
        transmat_prior=1.0,
        transmat_mask=None,
        reg_covar=1e-6,
        n_init=1,
        max_iter=100,
        tol=1e-4,
        exogenous=None,
        burn_in=0,
        random_state=None,
        verbose=0,
        n_jobs=None,
        gaps="auto",
    ):
        self.n_components = n_components
        self.emission = emission
        self.covariance_type = covariance_type
        self.n_mix = n_mix
        self.init = init
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.transmat_mask = transmat_mask
        self.reg_covar = reg_covar
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Learn the model by EM.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays. NaN is a
            missing observation.

        y : array-like, default=None
            Targets: one for each row; or one for each sequence of a panel. None for
            next-step prediction. NaN means "no target here".

        %(groups)s

        Returns
        -------
        self : object
            The fitted model.
        """
        sequences, targets = self._read_fit(X, y, groups)
        check_counted(targets.counted(sequences.offsets, self.burn_in), self, "learn")
        if targets.kind == NEXT and self.exogenous is not None:
            warnings.warn(
                f"exogenous={self.exogenous!r}: HMMRegressor models inputs as "
                "emissions, so that its states may explain the inputs instead of the "
                "targets. Compare with a model without these columns, or use "
                "ARRegressor or LDSRegressor.",
                UserWarning,
                stacklevel=3,
            )
        rows = joint_rows(sequences, targets)
        if self.emission == "poisson":
            check_counts(rows, self)
        model = make_hmm(self.emission, self, decoding="filter")
        model.n_features_in_ = rows.shape[1]
        progress = FitProgress(
            self, self.n_init * self.max_iter, X, y, groups, sequences, targets
        )

        def fitted(parameters):
            now = make_hmm(self.emission, self, decoding="filter")
            now.n_features_in_ = rows.shape[1]
            now._set_parameters(parameters)
            return {
                "model_": now,
                "target_kind_": targets.kind,
                "_one_dimensional": targets.one_dimensional,
                "_n_targets": targets.n_targets,
            }

        model._learn(
            rows,
            sequences.offsets,
            on_iteration=lambda parameters, _: progress.iteration(
                lambda: fitted(parameters)
            ),
            name=type(self).__name__,
        )
        self.model_ = model
        self.n_iter_ = model.n_iter_
        self._remember_targets(targets)
        progress.end(lambda: fitted(model.parameters()))
        return self

    def _forget(self):
        super()._forget()
        self.__dict__.pop("model_", None)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        counts = self.emission == "poisson"
        tags.input_tags.positive_only = tags.input_tags.categorical = counts
        tags.target_tags.positive_only = counts
        return tags

    def _read_sequences(self, X, groups, *, reset=False):
        sequences = super()._read_sequences(X, groups, reset=reset)
        if self.emission == "poisson":
            check_counts(sequences.rows, self)
        rows = np.asarray(sequences.rows, dtype=np.float64, order="C")
        return sequences.with_rows(rows)

    @property
    def _predicted_columns(self):
        """Target columns of the rows of the model."""
        if self.target_kind_ == NEXT:
            return self._target_columns(self.exogenous)
        return self.n_features_in_ + np.arange(self._n_targets)

    def _log_densities(self, rows):
        p = self.model_.parameters()
        return self.model_._make_emissions().log_densities(p.emission, rows)

    def _filter(self, rows, offsets):
        """Filtered probabilities of the states: given the rows so far."""
        p = self.model_.parameters()
        return forward(
            p.startprob, p.transmat, self._log_densities(rows), offsets
        ).proba

    def _predicted_states(self, rows, offsets):
        """Predicted probabilities of the states: given the rows before."""
        p = self.model_.parameters()
        predicted = np.empty((len(rows), len(p.startprob)))
        predicted[1:] = self._filter(rows, offsets)[:-1] @ p.transmat
        predicted[offsets[:-1]] = p.startprob
        return predicted

    def _outputs(self, sequences):
        return self._mixtures(sequences, _means_alone)[0]

    def _marginals(self, sequences):
        return self._mixtures(sequences, mixture_variances)

    def _distribution(self, sequences):
        """Predicted means (n, n_targets) and covariances (n, n_targets, n_targets)."""
        return self._mixtures(sequences, mixture_moments)

    def _mixtures(self, sequences, moments):
        """Moments of the mixtures over the states that predict the targets.

        ``moments(proba, means, covariances)`` is one of the functions in `_numeric`.
        """
        p = self.model_.parameters()
        if self.target_kind_ == NEXT:
            proba = self._filter(sequences.rows, sequences.offsets) @ p.transmat
            means, covariances = self.model_._make_emissions().moments(p.emission)
            columns = self._predicted_columns
            return moments(
                proba, means[:, columns], covariances[:, columns[:, None], columns]
            )
        rows = without_targets(sequences.rows, self._n_targets)
        proba = self._filter(rows, sequences.offsets)
        if self.target_kind_ == SEQUENCE:
            last = last_rows(sequences)
            rows, proba = rows[last], proba[last]
        return self._given_inputs(rows, proba, moments)

    def _given_inputs(self, rows, proba, moments):
        """Moments of the predicted columns given the others and the states."""
        unknown = self._predicted_columns
        known = np.setdiff1d(np.arange(rows.shape[1]), unknown)
        p = self.model_.parameters()
        condition = self.model_._make_emissions().condition
        means_only = moments is _means_alone
        width = len(p.startprob) * len(unknown)
        pieces = []
        for piece in chunks(len(rows), width if means_only else width * len(unknown)):
            each = condition(p.emission, rows[piece], known, unknown, means_only)
            pieces.append(moments(proba[piece], *each))
        means, spread = zip(*pieces, strict=True)
        return np.concatenate(means), None if means_only else np.concatenate(spread)

    def _log_density(self, sequences, targets):
        """Log density of the targets under the mixture, not a Gaussian."""
        rows, offsets = sequences.rows, sequences.offsets
        if self.target_kind_ == NEXT:
            columns = self._predicted_columns
            predicted = self._predicted_states(rows, offsets)
            if targets.kind == STEP:  # X advanced by one step
                proba = self._filter(rows, offsets)
                predicted = proba @ self.model_.transmat_
            alone = np.full(rows.shape, np.nan)
            alone[:, columns] = targets.values
            return log_mixture(predicted, self._log_densities(alone))
        blind = without_targets(rows, self._n_targets)
        predicted = self._predicted_states(blind, offsets)
        joint = joint_rows(sequences, targets)
        if targets.kind == SEQUENCE:
            last = last_rows(sequences)
            blind, predicted, joint = blind[last], predicted[last], joint[last]
        together = log_mixture(predicted, self._log_densities(joint))
        alone = log_mixture(predicted, self._log_densities(blind))
        possible = alone > -np.inf  # the inputs by themselves
        return np.subtract(together, alone, where=possible, out=together)

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
            The exogenous columns of the steps to come. A frame is read by the names of
            its columns, and by its sequences if its index has two levels, sequence and
            time.

        %(groups)s

        Returns
        -------
        means : ndarray
            Of shape (n_sequences * n_steps, n_targets) for rows,
            (n_sequences, n_steps, n_targets) for a panel, an object array of arrays
            for a list.
        """
        check_is_fitted(self)
        check_positive(n_steps, "n_steps")
        check_next_step(self, "forecast")
        sequences = self._read_sequences(X, groups)
        n = sequences.n_sequences
        columns, future = future_inputs(
            self, future_exogenous, n, n_steps, "forecast", sequences.layout
        )
        transmat = self.model_.transmat_
        proba = self._filter(sequences.rows, sequences.offsets)[last_rows(sequences)]
        means = np.empty((n, n_steps, len(self._predicted_columns)))
        rows = np.full((n, self.n_features_in_), np.nan)
        for step in range(n_steps):
            rows[:, columns] = future[:, step]
            with np.errstate(divide="ignore"):
                proba = softmax(
                    np.log(proba @ transmat) + self._log_densities(rows), axis=1
                )
            means[:, step], _ = self._given_inputs(rows, proba, _means_alone)
        check_range(means, self)
        warn_if_far(self, means, "forecasts")
        return lay_out(means, sequences.layout)


def _means_alone(proba, means, _):
    """Moments of mixtures without their second ones."""
    return mixture_means(proba, means), None


def joint_rows(sequences, targets):
    """Rows of X, and beside them their targets: NaN where there is none."""
    if targets.kind == NEXT:
        return sequences.rows
    values = np.array(targets.values, dtype=np.float64)
    if targets.known is not None:
        values[~targets.known] = np.nan
    rows = without_targets(sequences.rows, values.shape[1])
    beside = rows[:, sequences.rows.shape[1] :]
    if targets.kind == SEQUENCE:
        beside[last_rows(sequences)] = values
    else:
        beside[:] = values
    return rows


def without_targets(rows, n_targets):
    """Rows of X, and beside them NaN for each target."""
    unknown = np.full((len(rows), n_targets), np.nan)
    return np.hstack([rows, unknown])


def log_mixture(proba, log_densities):
    """Log density of rows under mixtures of the states: (n_rows,)."""
    with np.errstate(divide="ignore"):
        return logsumexp(np.log(proba) + log_densities, axis=1)
