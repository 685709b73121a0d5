"""Exact inference in linear dynamical systems: Kalman filter and smoother.

The model of a sequence of observations x with driving inputs u::

    s[t+1] = A s[t] + B u[t] + w[t],   w ~ N(0, Q),   s[0] ~ N(m0, P0)
    x[t]   = C s[t] + D u[t] + v[t],   v ~ N(0, R)

The recursions over time are compiled, in `_kalman`; where that could not be built,
`_reference` holds the same functions in NumPy. They are in square-root form: covariance
factors are neither subtracted nor inverted, so that R, Q and P0 may be singular.

Filtered values do not change, bit by bit, with later rows of the sequence.

Where R is singular, its standard deviations are raised to the rounding error of C s.

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

import logging
import math
from typing import NamedTuple

import numpy as np

from . import _reference
from ._statistics import Statistics, add_statistics, collect
from ._system import missing_patterns, whiten_system

try:
    from . import _kalman as compiled
except ImportError:
    compiled = None

logging.getLogger("sklearn_seq").debug(
    "Linear dynamical systems run %s.",
    "compiled" if compiled else "on the NumPy reference",
)

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
    """Filtered and predicted state distributions.

    Attributes
    ----------
    means : ndarray of shape (N, n)
        E[s[t] | x[0], …, x[t]].

    covariances : ndarray of shape (N, n, n), or None

    predicted_means : ndarray of shape (N, n)
        E[s[t] | x[0], …, x[t-1]].

    predicted_covariances : ndarray of shape (N, n, n), or None

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
    """Smoothed state distributions: given all rows of the sequence.

    Attributes
    ----------
    means : ndarray of shape (N, n)

    covariances : ndarray of shape (N, n, n), or None

    lag_one_covariances : ndarray of shape (N, n, n), or None
        Cov(s[t+1], s[t]) at row t; zeros at the last row of each sequence.

    log_likelihood : ndarray of shape (N,)
        Log density of each row given the earlier ones of its sequence, in nats.
    """

    means: np.ndarray
    covariances: np.ndarray
    lag_one_covariances: np.ndarray | None
    log_likelihood: np.ndarray


def filter_states(parameters, X, offsets, U=None, *, covariances=True):
    """Filtered and predicted state distributions, by the Kalman filter.

    Parameters
    ----------
    parameters : Parameters

    X : ndarray of shape (N, m)
        Rows of all sequences, one after another. NaN is a missing value.

    offsets : ndarray of int of shape (n_sequences + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are sequence i.

    U : ndarray of shape (N, p), default=None
        Driving inputs.

    covariances : bool, default=True
        Whether to return the covariances, which take most of the memory.

    Returns
    -------
    filtered : Filtered
    """
    problem = Problem(parameters, X, offsets, U)
    shape = problem.n_rows, problem.n_states
    result = Filtered(
        np.empty(shape),
        np.empty((*shape, shape[1])) if covariances else None,
        np.empty(shape),
        np.empty((*shape, shape[1])) if covariances else None,
        np.empty(shape[0]),
    )
    *states, density = result
    problem.run("filter_rows", density, *states)
    return result


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
    problem = Problem(parameters, X, offsets, U)
    log_density = np.empty(problem.n_rows)
    problem.run("filter_rows", log_density)
    return log_density


def smooth_states(parameters, X, offsets, U=None, lag_one=True, *, covariances=True):
    """Smoothed state distributions, by the square-root RTS smoother.

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
        Whether to return lag-one covariances.

    covariances : bool, default=True
        Whether to return the covariances.

    Returns
    -------
    smoothed : Smoothed
    """
    problem = Problem(parameters, X, offsets, U)
    shape = problem.n_rows, problem.n_states
    result = Smoothed(
        np.empty(shape),
        np.empty((*shape, shape[1])) if covariances else None,
        np.empty((*shape, shape[1])) if lag_one else None,
        np.empty(shape[0]),
    )
    *states, density = result
    problem.run("smooth_rows", density, *states)
    return result


def sufficient_statistics(parameters, X, offsets, U=None):
    """Expected sufficient statistics: the E-step.

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
        Those of blocks of sequences are added by `add_statistics`.
    """
    problem = Problem(parameters, X, offsets, U)
    with np.errstate(over="ignore", invalid="ignore"):
        statistics = collect(problem)
        if not math.isfinite(sum(map(np.sum, statistics))):
            refuse_infinite(statistics)
    return statistics


class Problem:
    """A system and data, as arguments of the recursions.

    Parameters
    ----------
    parameters : Parameters

    X : ndarray of shape (N, m)

    offsets : ndarray of int of shape (n_sequences + 1,)

    U : ndarray of shape (N, p), or None

    Attributes
    ----------
    system : System

    observed : ndarray of bool of shape (n_patterns, m)
        Patterns of missing values, the first without any.

    codes : ndarray of int of shape (N,), or None
        Pattern of each row; None if nothing is missing.
    """

    def __init__(self, parameters, X, offsets, U):
        self.parameters = p = Parameters(
            *(
                None if value is None else np.ascontiguousarray(value, dtype=np.float64)
                for value in parameters
            )
        )
        given = [value.ravel() for value in p if value is not None]
        if not math.isfinite(np.concatenate(given).sum()):
            for name, value in p._asdict().items():
                if value is not None and not np.isfinite(value).all():
                    raise ValueError(f"The {name} must be finite.")
        self.X = np.ascontiguousarray(X, dtype=np.float64)
        self.U = None if U is None else np.ascontiguousarray(U, dtype=np.float64)
        self.offsets = np.ascontiguousarray(offsets, dtype=np.intp)
        self.n_rows, self.n_states = len(X), len(p.transition_matrix)
        self.observed, self.codes = missing_patterns(self.X)
        with np.errstate(over="ignore", invalid="ignore"):
            self.system = whiten_system(p, self.observed)

    def run(self, function, log_density, *results):
        """Call a function of the recursions, which writes into `results`."""
        recursions = _reference if compiled is None else compiled
        with np.errstate(over="ignore", invalid="ignore"):
            checksum = getattr(recursions, function)(
                self.system,
                self.X,
                self.offsets,
                self.codes,
                self.U,
                log_density,
                *results,
            )
        if not math.isfinite(checksum):
            refuse_infinite((log_density, *results))


def refuse_infinite(results):
    """Raise an error if a result overflowed."""
    for result in results:
        if result is not None and not np.isfinite(result).all():
            raise ValueError(
                "The states are not finite: the data are not, or too large, or the "
                "system has an unstable mode that the observations do not show."
            )
