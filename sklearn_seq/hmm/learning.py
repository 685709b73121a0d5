"""Learning a hidden Markov model by expectation maximisation (Baum-Welch).

References
----------
Baum, L. E., Petrie, T., Soules, G. and Weiss, N. (1970). A maximization technique
occurring in the statistical analysis of probabilistic functions of Markov chains. The
Annals of Mathematical Statistics, 41, 164-171.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from functools import partial
from operator import add
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy
from sklearn.exceptions import ConvergenceWarning

from .._core.parallel import SharedSums
from ..em import expectation_maximization
from ._guess import initial_guess
from .emissions._m_step import EMPTY
from .inference import log_likelihood, smooth


class Parameters(NamedTuple):
    """Parameters of a hidden Markov model.

    Attributes
    ----------
    startprob : ndarray of shape (n_components,)
        Probabilities of the first state.

    transmat : ndarray of shape (n_components, n_components)
        Probabilities of going from state i to state j.

    emission : NamedTuple of ndarray
        Parameters of the emissions.

    weights : ndarray of shape (n_components,), default=None
        Expected number of training rows in each state.
    """

    startprob: np.ndarray
    transmat: np.ndarray
    emission: tuple
    weights: np.ndarray = None


class Labels(NamedTuple):
    """Labels of some rows, which restrict their states.

    Attributes
    ----------
    codes : ndarray of int of shape (n_rows,)
        Label of each row, -1 if there is none.

    states : ndarray of bool of shape (n_labels, n_components)
        Which states each label allows.
    """

    codes: np.ndarray
    states: np.ndarray


class Prior(NamedTuple):
    """Dirichlet priors of start and transition probabilities.

    Attributes
    ----------
    startprob : float or ndarray of shape (n_components,) or None
        Dirichlet concentrations minus 1, not negative. None is flat.

    transmat : float or ndarray of shape (n_components, n_components) or None
        The same for each row of transition probabilities.

    mask : ndarray of bool of shape (n_components, n_components) or None
        Transitions that are possible.
    """

    startprob: np.ndarray = None
    transmat: np.ndarray = None
    mask: np.ndarray = None

    def log_density(self, parameters):
        """Log prior, up to a constant, without impossible transitions."""
        total = 0.0
        for proba, excess in (
            (parameters.startprob, self.startprob),
            (parameters.transmat, self.transmat),
        ):
            if excess is not None:
                total += float(xlogy(np.where(proba > 0, excess, 0.0), proba).sum())
        return total


def learn(
    rows,
    offsets,
    emissions,
    *,
    n_components,
    init="kmeans",
    given=None,
    fixed=None,
    prior=None,
    labels=None,
    n_init=1,
    max_iter=100,
    tol=1e-4,
    random_state=None,
    n_jobs=None,
    on_iteration=None,
    report=None,
    start=None,
):
    """Fit a hidden Markov model by expectation maximisation.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The rows of all sequences, as the emissions take them.
    offsets : ndarray of int of shape (n_sequences + 1,)
        The rows at which sequences begin, and the number of rows.
    emissions : object
        A family of emissions with its settings, see ``hmm.emissions``.
    n_components : int
        Number of states.
    init : {"kmeans", "segments", "random"}, default="kmeans"
        The initial guess of a run.
    given : dict of str to ndarray, default=None
        Initial parameters of the first run, by the names of `fixed`; the others come
        from `init`.
    fixed : dict of str to ndarray, default=None
        Parameters held at given values: "startprob", "transmat" or those of the
        emissions.
    prior : Prior, default=None
        Prior of start and transition probabilities.
    labels : Labels, default=None
        Labels of the rows.
    n_init : int, default=1
        The number of runs, of which the best is kept.
    max_iter : int, default=100
    tol : float, default=1e-4
        Tolerance on the log-likelihood per time step, in nats.
    random_state : RandomState
    n_jobs : int, default=None
        Workers for the E-step.
    on_iteration : callable, default=None
        As for `expectation_maximization`.
    report : IterationReport, default=None
    start : Parameters, default=None
        Initial parameters of the first run, instead of a guess.

    Returns
    -------
    result : EMResult
        Its parameters are `Parameters`; the bounds are those of the data as given,
        plus log priors.

    Warns
    -----
    ConvergenceWarning
        If a state has lost its data, and as `expectation_maximization`.

    Notes
    -----
    Rows are rescaled to about 1, and parameters are returned in the units of the data.
    """
    fixed, given, prior = fixed or {}, given or {}, prior or Prior()
    data, emissions, units = emissions.standardise(rows)
    shift = units.log_jacobian(rows) / len(rows)
    held = frozenset(fixed).intersection(emissions.names)

    def inward(parameters):
        emission = units.inward(emissions, parameters.emission)
        return parameters._replace(emission=emission)

    def outward(parameters):
        emission = units.outward(emissions, parameters.emission)
        emission = emission._replace(**{name: fixed[name] for name in held})
        return parameters._replace(emission=emission)

    def take(parameters, values):
        """Replace some parameters by values in the units of the data."""
        chain = {k: v for k, v in values.items() if k in ("startprob", "transmat")}
        parameters = parameters._replace(**chain)
        others = {k: v for k, v in values.items() if k not in chain}
        if not others:
            return parameters
        parameters = outward(parameters)
        emission = parameters.emission._replace(**others)
        return inward(parameters._replace(emission=emission))

    def initialize(rng, k):
        if start is not None and k == 0:
            return take(inward(start), fixed)
        startprob, transmat, emission = initial_guess(
            data,
            offsets,
            emissions,
            n_components,
            init=init,
            labels=labels,
            mask=prior.mask,
            rng=rng,
        )
        guess = Parameters(startprob, transmat, emission)
        return take(guess, fixed | given if k == 0 else fixed)

    def log_prior(parameters):
        return prior.log_density(parameters) + emissions.log_prior(parameters.emission)

    def shared(function, combine):
        codes = None if labels is None else labels.codes
        states = None if labels is None else labels.states
        call = partial(function, emissions, states)
        return sums_over_sequences.of(call, combine, (prepared, codes))

    prepared = emissions.prepare(data)
    sums_over_sequences = SharedSums(offsets, n_components, n_jobs)
    expected = shared(expectations, add_expectations)
    likelihood = shared(total_log_likelihood, add)

    def e_step(parameters):
        sums = expected(parameters)
        return sums, sums.log_likelihood + log_prior(parameters)

    def m_step(sums, parameters):
        emission = emissions.maximise(sums.emission, parameters.emission, held)
        weights = emissions.weights(sums.emission)
        return Parameters(
            parameters.startprob
            if "startprob" in fixed
            else most_probable(sums.start, prior.startprob, parameters.startprob),
            parameters.transmat
            if "transmat" in fixed
            else most_probable(sums.transitions, prior.transmat, parameters.transmat),
            emission,
            weights,
        )

    def hook(parameters, bound):
        return on_iteration(outward(parameters), bound + shift)

    def tell(n_iter, bound, **details):
        report(n_iter, bound + shift, **details)

    with sums_over_sequences:
        result = expectation_maximization(
            initialize,
            e_step,
            m_step,
            n_timesteps=len(rows),
            random_state=random_state,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            log_likelihood=lambda parameters: (
                likelihood(parameters) + log_prior(parameters)
            ),
            on_iteration=None if on_iteration is None else hook,
            report=None if report is None else tell,
        )
    warn_of_lost_states(result.parameters.weights)
    return result._replace(
        parameters=outward(result.parameters),
        lower_bound=result.lower_bound + shift,
        lower_bounds=[bound + shift for bound in result.lower_bounds],
    )


class Expectations(NamedTuple):
    """Expected sufficient statistics of the E-step, summed over sequences.

    Attributes
    ----------
    start : ndarray of shape (n_components,)
        Σ P(s[0] = i | X).
    transitions : ndarray of shape (n_components, n_components)
        Σ P(s[t] = i, s[t+1] = j | X).
    emission : tuple of ndarray
        Sufficient statistics of the emissions.
    log_likelihood : float
    """

    start: np.ndarray
    transitions: np.ndarray
    emission: tuple
    log_likelihood: float


def expectations(emissions, states, parameters, rows, codes, offsets):
    """Expected sufficient statistics of some sequences."""
    log_densities, statistics = emissions.evaluate(parameters.emission, rows)
    forbid(log_densities, states, codes)
    chain = parameters.startprob, parameters.transmat
    smoothed = smooth(*chain, log_densities, offsets, overwrite=True)
    return Expectations(
        smoothed.start,
        smoothed.transitions,
        statistics(smoothed.proba),
        float(smoothed.log_likelihood.sum()),
    )


def add_expectations(a, b):
    return Expectations(
        a.start + b.start,
        a.transitions + b.transitions,
        tuple(x + y for x, y in zip(a.emission, b.emission, strict=True)),
        a.log_likelihood + b.log_likelihood,
    )


def total_log_likelihood(emissions, states, parameters, rows, codes, offsets):
    """Log-likelihood of some sequences."""
    log_densities, _ = emissions.evaluate(parameters.emission, rows)
    forbid(log_densities, states, codes)
    chain = parameters.startprob, parameters.transmat
    return float(log_likelihood(*chain, log_densities, offsets).sum())


def forbid(log_densities, states, codes):
    """Set log densities of states that a row's label excludes to -inf, in place."""
    if codes is not None:
        labelled = np.flatnonzero(codes >= 0)
        values = log_densities[labelled]
        values[~states[codes[labelled]]] = -np.inf
        log_densities[labelled] = values


def most_probable(counts, excess, present):
    """M-step of probabilities: (counts + excess) / sum; without counts, `present`."""
    weights = counts if excess is None else np.where(present > 0, counts + excess, 0.0)
    totals = np.add.reduce(weights, axis=-1, keepdims=True)
    if totals.all():
        return weights / totals
    return np.where(totals > 0, weights / np.where(totals > 0, totals, 1.0), present)


def warn_of_lost_states(weights):
    if weights is None or (weights > EMPTY).all():
        return
    lost = np.flatnonzero(weights <= EMPTY).tolist()
    warnings.warn(
        f"State(s) {lost} of {len(weights)} lost all their data, and kept the "
        "parameters they had. Lower n_components, raise n_init, or change init.",
        ConvergenceWarning,
        stacklevel=3,
    )
