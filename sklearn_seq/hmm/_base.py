"""Base class of the hidden Markov models of all emissions."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._core.callbacks import FitProgress
from .._core.closed_loop import check_positive, lay_out
from .._core.docs import documented
from .._core.markov import check_probabilities, draw_chains, stationary_distribution
from .._core.sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _fit_context,
)
from .._core.verbosity import em_report
from .._reading.holes import GAPS
from .._reading.misread import check_ignored_y
from ..density import SequenceDensity
from ..em import check_some_known, warn_of_few_values
from ..preprocessing._frame_output import check_no_frame_output
from ..sequences import PANEL, ROWS, Layout, last_rows
from ..targets import next_step_targets
from ._checks import check_given, check_init, check_prior
from .inference import forward, log_likelihood, smooth, viterbi
from .learning import Parameters, learn


@documented
class BaseHMM(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    SequenceDensity,
):
    """Base of the hidden Markov models.

    A family fills the hook ``_make_emissions()``, which returns its emissions with the
    estimator's settings.
    """

    _allow_nan = True
    _usual_init = "kmeans"  # for parameters that init={...} lacks

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "fixed": [dict, None],
        "startprob_prior": [Interval(Real, 1, None, closed="left"), "array-like"],
        "transmat_prior": [Interval(Real, 1, None, closed="left"), "array-like"],
        "transmat_mask": ["array-like", None],
        "decoding": [StrOptions({"viterbi", "smooth", "filter"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "gaps": GAPS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "n_jobs": [None, Integral],
    }

    @abstractmethod
    def _make_emissions(self):
        """The family of emissions, with the settings of this estimator."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Learn the model by expectation maximisation.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays. Symbols
            also as a string, a list of strings, or a list of lists of symbols. NaN is
            a missing observation.

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
        targets = next_step_targets(sequences, np.arange(self.n_features_in_), True)
        progress = FitProgress(
            self, self.n_init * self.max_iter, X, None, groups, sequences, targets
        )

        def on_iteration(parameters, _):
            return progress.iteration(lambda: self._attributes(parameters))

        self._learn(
            sequences.rows,
            sequences.offsets,
            start=start,
            on_iteration=on_iteration if progress.watched else None,
        )
        progress.end(lambda: self._attributes(self.parameters()))
        return self

    def _learn(
        self,
        rows,
        offsets,
        *,
        labels=None,
        start=None,
        on_iteration=None,
        name=None,
    ):
        """Learn from packed rows, and set the fitted attributes.

        `name` is that of the model in the lines that `verbose` prints.
        """
        self._check_size(rows, start)
        emissions = self._make_emissions()
        size = self.n_components, rows.shape[1]
        fixed = check_given(self.fixed, emissions, *size)
        prior = check_prior(
            self.startprob_prior,
            self.transmat_prior,
            self.transmat_mask,
            fixed,
            self.n_components,
        )
        given = check_init(self.init, fixed, emissions, *size, prior.mask)
        result = learn(
            rows,
            offsets,
            emissions,
            n_components=self.n_components,
            init=self._usual_init if given is not None else self.init,
            given=given,
            fixed=fixed,
            prior=prior,
            labels=labels,
            n_init=self.n_init,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=check_random_state(self.random_state),
            n_jobs=self.n_jobs,
            on_iteration=on_iteration,
            report=self._report(name),
            start=start,
        )
        self.n_iter_ = max(1, result.n_iter)
        self.converged_ = result.converged
        self.lower_bound_ = result.lower_bound
        self.loss_curve_ = [-bound for bound in result.lower_bounds]
        self._set_parameters(result.parameters)
        warn_of_few_values(self, self._n_parameters(), self._values(rows))
        return self

    def _report(self, name):
        """The printer of iterations, or None."""
        flat = type(self)().get_params()
        informed = any(
            not np.array_equal(value, flat[parameter])
            for parameter, value in self.get_params().items()
            if parameter.endswith(("_prior", "_weight"))
        )
        quantity = "log-posterior" if informed else "log-likelihood"
        return em_report(self, name, quantity)

    def _check_size(self, rows, start):
        if start is not None and len(start.startprob) != self.n_components:
            raise ValueError(
                f"warm_start=True, but n_components={self.n_components}, and was "
                f"{len(start.startprob)} in the last fit. Set warm_start=False to "
                "begin anew."
            )
        check_some_known(rows)
        if len(rows) < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = "
                f"{self.n_components}, n_samples = {len(rows)} time steps. Lower "
                "n_components, or fit on more data."
            )

    @classmethod
    def _from_parameters(cls, startprob, transmat, emission, n_features, **settings):
        """A fitted model from known parameters, which are checked."""
        startprob = check_probabilities(startprob, "startprob", (None,))
        n_components = len(startprob)
        square = n_components, n_components
        transmat = check_probabilities(transmat, "transmat", square)
        model = cls(n_components, **settings)
        model.n_features_in_ = n_features
        model._set_parameters(Parameters(startprob, transmat, emission))
        return model

    def predict(self, X, groups=None) -> np.ndarray:
        """Most probable states.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        states : ndarray of int
            One for each row, in the layout of X. With ``decoding="viterbi"`` the most
            probable path of the whole sequence, with "smooth" the state that is most
            probable at each step given the whole sequence, with "filter" given the rows
            so far.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        if self.decoding == "viterbi":
            states, _ = viterbi(*self._inference_arguments(sequences))
        else:
            states = self._posteriors(sequences).argmax(axis=1)
        return sequences.layout.restore(states)

    def predict_proba(self, X, groups=None) -> np.ndarray:
        """Probabilities of the states.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        proba : ndarray of shape (n_timesteps, n_components)
            In the layout of X: given the whole sequence, or with
            ``decoding="filter"`` given the rows so far.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        return sequences.layout.restore(self._posteriors(sequences))

    def transform(self, X, groups=None):
        """Probabilities of the states given the rows so far: causal features.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        proba : ndarray of shape (n_timesteps, n_components)
            In the layout of X, whatever `decoding` is: a step of a pipeline must not
            look ahead.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        if sequences.layout.kind != ROWS:
            check_no_frame_output(self)
        return sequences.layout.restore(self._filter(sequences))

    def fit_transform(self, X, y=None, groups=None):
        """Fit to X and return the probabilities of its states, as `transform`.

        Parameters
        ----------
        %(X)s

        y : Ignored
            Not used, present for API consistency by convention.

        %(groups)s

        Returns
        -------
        proba : ndarray of shape (n_timesteps, n_components)
            In the layout of X.
        """
        return self.fit(X, y, groups=groups).transform(X, groups=groups)

    def forecast_proba(self, X, n_steps=1, groups=None):
        """Probabilities of the states that follow each sequence.

        Parameters
        ----------
        %(X)s

        n_steps : int, default=1
            Number of time steps to forecast.

        %(groups)s

        Returns
        -------
        proba : ndarray
            Of shape (n_sequences * n_steps, n_components) for rows,
            (n_sequences, n_steps, n_components) for a panel, an object array of arrays
            for a list. Future rows are distributed as mixtures of the states' emissions
            with these weights.
        """
        proba, layout = self._forecast_states(X, n_steps, groups)
        return lay_out(proba, layout)

    def _forecast_states(self, X, n_steps, groups):
        """Probabilities (n_sequences, n_steps, n_components), and the layout of X."""
        check_is_fitted(self)
        check_positive(n_steps, "n_steps")
        sequences = self._read_sequences(X, groups)
        proba = self._filter(sequences)[last_rows(sequences)]
        out = np.empty((len(proba), n_steps, proba.shape[1]))
        for step in range(n_steps):
            out[:, step] = proba = proba @ self.transmat_
        return out, sequences.layout

    def sample(
        self, n_steps=1, *, n_sequences=None, random_state=None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw sequences from the model.

        Parameters
        ----------
        n_steps : int, default=1
            Number of time steps to draw.

        n_sequences : int, default=None
            Number of sequences. None draws one, as rows.

        random_state : int, RandomState instance or None, default=None
            Determines the draws. Pass an int for reproducible ones.

        Returns
        -------
        X : ndarray of shape (n_steps, n_features) or \
                (n_sequences, n_steps, n_features)
            The rows drawn.

        states : ndarray of int of shape (n_steps,) or (n_sequences, n_steps)
            The states that produced them.
        """
        check_is_fitted(self)
        check_positive(n_steps, "n_steps")
        if n_sequences is not None:
            check_positive(n_sequences, "n_sequences")
        rng = check_random_state(random_state)
        n = n_sequences or 1
        uniform = rng.random_sample((n, n_steps))
        states = draw_chains(self.startprob_, self.transmat_, uniform)
        emission = self.parameters().emission
        rows = self._make_emissions().sample(emission, states.ravel(), rng)
        X = self._as_rows(rows).reshape(n, n_steps, -1)
        layout = Layout(ROWS if n_sequences is None else PANEL, np.arange(n + 1))
        return lay_out(X, layout), lay_out(states, layout)

    @property
    def stationary_distribution_(self):
        """Stationary distribution of the chain."""
        return stationary_distribution(self.startprob_, self.transmat_)

    @property
    def _n_features_out(self):
        return len(self.startprob_)

    def __sklearn_is_fitted__(self):
        self._refuse_parameters_set_by_hand()
        return hasattr(self, "startprob_")

    def _forget(self):
        super()._forget()
        self.__dict__.pop("startprob_", None)

    def _values(self, rows):
        """Rows as the emissions take them, with NaN for missing values."""
        return rows

    def _as_rows(self, rows):
        """Rows drawn by the emissions, as rows of X."""
        return rows

    def _attributes(self, parameters):
        attributes = {
            f"{name}_": value for name, value in parameters.emission._asdict().items()
        }
        return attributes | {
            "transmat_": parameters.transmat,
            "startprob_": parameters.startprob,
        }

    def _set_parameters(self, parameters):
        # The start probabilities come last: they mark the model as fitted.
        for name, value in self._attributes(parameters).items():
            setattr(self, name, value)

    def parameters(self):
        """The fitted parameters, as ``hmm.learning`` and ``hmm.inference`` take them.

        Returns
        -------
        parameters : Parameters
            A named tuple of `startprob`, `transmat` and `emission`, itself a named
            tuple of what the emissions have: for example `means` and `covariances`.
        """
        return Parameters(self.startprob_, self.transmat_, self._emission_parameters())

    def _emission_parameters(self):
        emissions = self._make_emissions()
        values = (getattr(self, f"{name}_") for name in emissions.names)
        return emissions.parameters_type(*values)

    def _inference_arguments(self, sequences):
        p = self.parameters()
        log_densities = self._make_emissions().log_densities(p.emission, sequences.rows)
        return p.startprob, p.transmat, log_densities, sequences.offsets

    def _filter(self, sequences):
        return forward(*self._inference_arguments(sequences)).proba

    def _posteriors(self, sequences):
        if self.decoding == "filter":
            return self._filter(sequences)
        return smooth(*self._inference_arguments(sequences), overwrite=True).proba

    def _log_likelihood(self, sequences):
        return log_likelihood(*self._inference_arguments(sequences))

    def _n_parameters(self):
        """Number of free parameters, without impossible transitions."""
        p, fixed = self.parameters(), self.fixed or {}
        n = len(p.startprob)
        total = self._make_emissions().n_free(p.emission, frozenset(fixed))
        if "startprob" not in fixed:
            total += n - 1
        if "transmat" not in fixed:
            mask = self.transmat_mask
            total += (n * n if mask is None else np.count_nonzero(mask)) - n
        return total
