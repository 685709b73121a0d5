"""Exact inference in linear dynamical systems: Kalman filter and smoother.

The model of a sequence of observations x with driving inputs u::

    s[t+1] = A s[t] + B u[t] + w[t],   w ~ N(0, Q),   s[0] ~ N(m0, P0)
    x[t]   = C s[t] + D u[t] + v[t],   v ~ N(0, R)

Without missing values the covariances depend on the model and on the time step alone:
the Riccati recursion runs once for all sequences, in square-root form, until its
steady state, and the means follow from a linear recurrence with known coefficients. A
long sequence with gaps has covariances of its own, which rest in the steady state
between gaps; many sequences with gaps are filtered side by side.

The smoother holds no covariance of a state but that of its coordinates in the factor of
the filter; `_missing` says how, and why.

The path taken by a row depends on lengths and on the rows before it, so that filtered
values are unchanged, bit by bit, by later rows of the sequence. Values missing
elsewhere in a batch may change them by rounding, after a gap of their own.

Wherever x is known exactly, by a singular R, a standard deviation below the rounding
error of what it is added to counts as that error.

References
----------
Kalman, R. E. (1960). A new approach to linear filtering and prediction problems.
Journal of Basic Engineering, 82, 35-45.

Rauch, H. E., Tung, F. and Striebel, C. T. (1965). Maximum likelihood estimates of
linear dynamic systems. AIAA Journal, 3, 1445-1450.

Durbin, J. and Koopman, S. J. (2012). Time Series Analysis by State Space Methods,
chapter 4. Oxford University Press.

Park, P. and Kailath, T. (1995). Square-root Bryson-Frazier smoothing algorithms. IEEE
Transactions on Automatic Control, 40, 761-766.

Kailath, T., Sayed, A. H. and Hassibi, B. (2000). Linear Estimation, chapters 10
and 12. Prentice Hall.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._lifted import lift
from ._run import Problem, Run
from ._smoother import smooth
from ._square_root import square
from ._statistics import Statistics, add_statistics, collect

__all__ = [
    "Filtered",
    "Parameters",
    "Smoothed",
    "Statistics",
    "add_statistics",
    "filter_states",
    "log_likelihood",
    "smooth_states",
    "sufficient_statistics",
]


class Parameters(NamedTuple):
    """A linear dynamical system of n states, m outputs and p inputs, in float64.

    Attributes
    ----------
    transition_matrix : ndarray of shape (n, n)
        A.

    observation_matrix : ndarray of shape (m, n)
        C.

    transition_covariance : ndarray of shape (n, n)
        Q, which may be singular.

    observation_covariance : ndarray of shape (m, m)
        R.

    initial_state_mean : ndarray of shape (n,)
        Mean of the first state of a sequence.

    initial_state_covariance : ndarray of shape (n, n)
        Its covariance, which may be singular.

    input_matrix : ndarray of shape (n, p), default=None
        B.

    feedthrough_matrix : ndarray of shape (m, p), default=None
        D.
    """

    transition_matrix: np.ndarray
    observation_matrix: np.ndarray
    transition_covariance: np.ndarray
    observation_covariance: np.ndarray
    initial_state_mean: np.ndarray
    initial_state_covariance: np.ndarray
    input_matrix: np.ndarray | None = None
    feedthrough_matrix: np.ndarray | None = None


class Filtered(NamedTuple):
    """States given the rows up to and including their own, or before it.

    Attributes
    ----------
    means : ndarray of shape (N, n)

    covariances : ndarray of shape (N, n, n)

    predicted_means : ndarray of shape (N, n)
        Given the rows before alone.

    predicted_covariances : ndarray of shape (N, n, n)

    log_likelihood : ndarray of shape (N,)
        Log density of each row given the earlier ones of its sequence, in nats; 0 for
        a row without any observed feature.
    """

    means: np.ndarray
    covariances: np.ndarray
    predicted_means: np.ndarray
    predicted_covariances: np.ndarray
    log_likelihood: np.ndarray


class Smoothed(NamedTuple):
    """States given all rows of their sequence.

    Attributes
    ----------
    means : ndarray of shape (N, n)

    covariances : ndarray of shape (N, n, n)

    lag_one_covariances : ndarray of shape (N, n, n), or None
        Cov(s[t+1], s[t]) at row t; zeros at the last row of each sequence.

    log_likelihood : ndarray of shape (N,)
        Log density of each row given the earlier ones of its sequence, in nats.
    """

    means: np.ndarray
    covariances: np.ndarray
    lag_one_covariances: np.ndarray | None
    log_likelihood: np.ndarray


def filter_states(parameters, X, offsets, U=None):
    """Kalman filter.

    Parameters
    ----------
    parameters : Parameters

    X : ndarray of shape (N, m)
        Rows of all sequences, one after another. NaN is a missing value.

    offsets : ndarray of int of shape (n_sequences + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are sequence i.

    U : ndarray of shape (N, p), default=None
        Driving inputs.

    Returns
    -------
    filtered : Filtered
    """
    with np.errstate(over="ignore", invalid="ignore"):
        problem = Problem(parameters, X, offsets, U)
        N, n = problem.n_rows, problem.n_states
        result = Filtered(
            np.empty((N, n)),
            np.empty((N, n, n)),
            np.empty((N, n)),
            np.empty((N, n, n)),
            np.empty(N),
        )
        for group in problem.groups:
            _filter_group(problem, group, result)
    return _finite(result)


def log_likelihood(parameters, X, offsets, U=None):
    """Log density of each row given the earlier ones of its sequence, in nats.

    Parameters
    ----------
    parameters : Parameters

    X : ndarray of shape (N, m)
        Rows of all sequences, one after another. NaN is a missing value.

    offsets : ndarray of int of shape (n_sequences + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are sequence i.

    U : ndarray of shape (N, p), default=None
        Driving inputs.

    Returns
    -------
    log_density : ndarray of shape (N,)
        0 for a row without any observed feature.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        problem = Problem(parameters, X, offsets, U)
        lifted = lift(problem)
        if lifted is None:
            log_density = _log_density(problem, problem.groups)
        else:
            log_density = _lifted_density(problem, lifted)
    return _finite((log_density,))[0]


def smooth_states(parameters, X, offsets, U=None, lag_one=True):
    """Kalman smoother.

    Parameters
    ----------
    parameters : Parameters

    X : ndarray of shape (N, m)
        Rows of all sequences, one after another. NaN is a missing value.

    offsets : ndarray of int of shape (n_sequences + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are sequence i.

    U : ndarray of shape (N, p), default=None
        Driving inputs.

    lag_one : bool, default=True
        Whether to compute the covariances of neighbouring states.

    Returns
    -------
    smoothed : Smoothed
    """
    with np.errstate(over="ignore", invalid="ignore"):
        problem = Problem(parameters, X, offsets, U)
        N, n = problem.n_rows, problem.n_states
        result = Smoothed(
            np.empty((N, n)),
            np.empty((N, n, n)),
            np.empty((N, n, n)) if lag_one else None,
            np.empty(N),
        )
        parts = smooth(problem, result.means, result.log_likelihood, lag_one)
        for part in parts:
            # The tables are shorter than what is made of them.
            _finite((part.covariances, part.lags))
            _gather(part.covariances, part.index, part.rows, result.covariances)
            if lag_one:
                _gather(
                    part.lags, part.lag_index, part.rows, result.lag_one_covariances
                )
    _finite((result.means, result.log_likelihood))
    return result


def sufficient_statistics(parameters, X, offsets, U=None):
    """Expected sums over the smoothed states, for expectation-maximisation.

    Parameters
    ----------
    parameters : Parameters

    X : ndarray of shape (N, m)
        Rows of all sequences, one after another. NaN is a missing value.

    offsets : ndarray of int of shape (n_sequences + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are sequence i.

    U : ndarray of shape (N, p), default=None
        Driving inputs.

    Returns
    -------
    statistics : Statistics
        Of blocks of sequences they add up, by `add_statistics`.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        problem = Problem(parameters, X, offsets, U)
        statistics = collect(problem)
    return _finite(statistics)


def _log_density(problem, groups):
    """Log density of the rows of some groups."""
    log_density = np.empty((problem.n_rows, *problem.sums.shape[1:]))
    for group in groups:
        run = Run(problem, group)
        for there, schedule, _, innovations in run.pieces():
            group.put(log_density, there, run.log_density(schedule, innovations))
        for part in problem.parts_with_gaps(group):
            forward, _ = problem.filter_gaps(part)
            after = problem.after_gap(part)
            log_density[part.rows[after]] = forward.log_density[after]
    return log_density


def _lifted_density(problem, lifted):
    """Log density, several rows at a time up to the first missing value."""
    log_density = _log_density(lifted, lifted.groups).ravel()[lifted.places]
    if problem.codes is not None:
        for group in problem.groups:
            first = problem.first_missing[group.members[0]]
            if first < group.rows.stop:
                there = slice(first, group.rows.stop)
                log_density[there] = _log_density(problem, [group])[there]
    return log_density


def _filter_group(problem, group, result):
    """Fill in the filtered states of the sequences of one group."""
    run = Run(problem, group)
    gain = run.filter_gain()
    for there, schedule, predicted, innovations in run.pieces():
        group.put(result.predicted_means, there, predicted)
        predicted += schedule.apply("filtered", gain, innovations)
        group.put(result.means, there, predicted)
        density = run.log_density(schedule, innovations)
        group.put(result.log_likelihood, there, density)
    rows, step, _ = group.in_order()
    index = run.entry[step]
    _gather(square(run.filtered_factors()), index, rows, result.covariances)
    _gather(square(run.riccati.predicted), index, rows, result.predicted_covariances)
    for part in problem.parts_with_gaps(group):
        forward, _ = problem.filter_gaps(part, keep_factors=True)
        there = problem.after_gap(part)
        rows = part.rows[there]
        result.means[rows] = forward.means.T[there]
        result.predicted_means[rows] = forward.predicted_means.T[there]
        result.log_likelihood[rows] = forward.log_density[there]
        for factors, covariances in (
            (forward.factors, result.covariances),
            (forward.predicted_factors, result.predicted_covariances),
        ):
            covariances[rows] = square(np.moveaxis(factors, -1, 0))[there]


def _gather(table, index, rows, out):
    """out[rows] = table[index], without a copy where rows are a slice."""
    if isinstance(rows, slice):
        np.take(table, index, axis=0, out=out[rows], mode="clip")
    else:
        out[rows] = table[index]


def _finite(arrays):
    """The arrays, or an error if a value left the range of floating point."""
    for array in arrays:
        if array is None:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.sum(array)
        if not np.isfinite(total):
            if not np.isfinite(array).all():
                raise ValueError(
                    "The states are not finite: the data are not, or too large, or "
                    "the system has an unstable mode that the observations do not "
                    "show."
                )
    return arrays
