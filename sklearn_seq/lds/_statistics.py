"""Expected sufficient statistics of the E-step: sums over smoothed states.

References
----------
Shumway, R. H. and Stoffer, D. S. (1982). An approach to time series smoothing and
forecasting using the EM algorithm. Journal of Time Series Analysis, 3, 253-264.

Ghahramani, Z. and Hinton, G. E. (1996). Parameter estimation for linear dynamical
systems. Technical report CRG-TR-96-2, University of Toronto.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np


class Statistics(NamedTuple):
    """Expected sufficient statistics of all sequences, with z[t] = [s[t]; u[t]].

    Expectations are given all rows of a sequence. Missing features of a partly observed
    row are latent variables, like the states.

    Attributes
    ----------
    n_sequences, n_transitions : int

    n_observed : int
        Rows with at least one observed feature.

    s_next_s_next : ndarray of shape (n, n)
        Sum of E[s[t+1] s[t+1]'] over transitions.

    s_next_z : ndarray of shape (n, n + p)
        Sum of E[s[t+1] z[t]'] over transitions.

    z_z_transition : ndarray of shape (n + p, n + p)
        Sum of E[z[t] z[t]'] over transitions.

    x_x : ndarray of shape (m, m)
        Sum of E[x[t] x[t]'] over observed rows.

    x_z : ndarray of shape (m, n + p)
        Sum of E[x[t] z[t]'] over observed rows.

    z_z_observed : ndarray of shape (n + p, n + p)
        Sum of E[z[t] z[t]'] over observed rows.

    initial_sum : ndarray of shape (n,)
        Sum of E[s[0]] over sequences.

    initial_outer : ndarray of shape (n, n)
        Sum of E[s[0] s[0]'] over sequences.

    log_likelihood : float
    """

    n_sequences: int
    n_transitions: int
    n_observed: int
    s_next_s_next: np.ndarray
    s_next_z: np.ndarray
    z_z_transition: np.ndarray
    x_x: np.ndarray
    x_z: np.ndarray
    z_z_observed: np.ndarray
    initial_sum: np.ndarray
    initial_outer: np.ndarray
    log_likelihood: float


def add_statistics(a, b):
    """Sum of the statistics of two sets of sequences."""
    return Statistics(*(x + y for x, y in zip(a, b, strict=True)))


def collect(problem):
    """Run the smoother and sum its moments.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    statistics : Statistics
    """
    n, N = problem.n_states, problem.n_rows
    observed = problem.observed
    lengths = np.diff(problem.offsets)
    first = problem.offsets[:-1][lengths > 0]
    is_first, is_last = np.zeros(N, dtype=bool), np.zeros(N, dtype=bool)
    is_first[first] = True
    is_last[problem.offsets[1:][lengths > 0] - 1] = True

    means = np.empty((N, n))
    log_density = np.empty(N)
    sums = np.zeros((len(observed) + 4, n, n))
    problem.run("smooth_rows", log_density, means, None, None, sums)
    by_pattern = sums[:-4]
    first_sum, arriving_sum, leaving_sum, lag = sums[-4:]

    U = problem.U
    z = means if U is None else np.hstack([means, U])

    def plus(moments, covariance):
        moments[: len(covariance), :n] += covariance
        return moments

    # transitions leave all rows but last ones, and enter all but first ones
    leaving, arriving = z.copy(), means.copy()
    leaving[is_last] = 0.0
    arriving[is_first] = 0.0
    initial = means[first]
    x, some, x_x, gains = _completed(problem, means, by_pattern)
    if some is not None:
        z = z * some[:, None]
        x = x * some[:, None]
    some_observed = observed.any(axis=1)
    x_z = x.T @ z
    x_z[:, :n] += np.einsum("pij,pjk->ik", gains, by_pattern[some_observed])
    return Statistics(
        n_sequences=len(first),
        n_transitions=N - len(first),
        n_observed=N if some is None else int(some.sum()),
        s_next_s_next=plus(arriving.T @ arriving, arriving_sum),
        s_next_z=plus(arriving[1:].T @ leaving[:-1], lag),
        z_z_transition=plus(leaving.T @ leaving, leaving_sum),
        x_x=x.T @ x + x_x,
        x_z=x_z,
        z_z_observed=plus(z.T @ z, by_pattern[some_observed].sum(axis=0)),
        initial_sum=initial.sum(axis=0),
        initial_outer=plus(initial.T @ initial, first_sum),
        log_likelihood=float(log_density.sum()),
    )


def _completed(problem, means, by_pattern):
    """Rows with missing features replaced by their expectation.

    Of the missing features, given the observed ones, x_u = C_u s + D_u u
    + R_uo R_oo^-1 (x_o - C_o s - D_o u) + noise of covariance R_uu - R_uo R_oo^-1 R_ou.

    Returns
    -------
    x : ndarray of shape (N, m)

    some : ndarray of bool of shape (N,), or None
        Rows with an observed feature; None for all.

    x_x : ndarray of shape (m, m)
        Part of the sum of E[x x'] from covariances of states and missing features.

    gains : ndarray of shape (n_patterns with observed features, m, n)
        Derivative of the expected missing features with respect to the state.
    """
    p, system = problem.parameters, problem.system
    C, R = p.observation_matrix, system.observation_covariance
    observed, codes = problem.observed, problem.codes
    x = problem.X
    if codes is None:
        return x, None, 0.0, np.zeros((1, *C.shape))
    expected = means @ C.T
    if problem.U is not None and p.feedthrough_matrix is not None:
        expected += problem.U @ p.feedthrough_matrix.T
    precision = np.swapaxes(system.whitener, 1, 2) @ system.whitener
    missing = ~observed
    # regression of missing on observed features; zero for observed ones
    regression = missing[:, :, None] * (R @ precision)
    x = x.copy()
    holes = np.flatnonzero(codes)
    kinds = codes[holes]
    residual = np.where(observed[kinds], x[holes] - expected[holes], 0.0)
    filled = expected[holes] + np.einsum("tij,tj->ti", regression[kinds], residual)
    x[holes] = np.where(observed[kinds], x[holes], filled)
    gains = missing[:, :, None] * (C - regression @ C)
    noise = missing[:, :, None] * missing[:, None, :] * (R - regression @ R)
    counts = np.bincount(codes, minlength=len(observed)).astype(np.float64)
    any_observed = observed.any(axis=1)
    counts[~any_observed] = 0.0
    x_x = np.tensordot(counts, noise, 1)
    gains = gains[any_observed]
    by_pattern = by_pattern[any_observed]
    x_x += np.einsum("pij,pjk,plk->il", gains, by_pattern, gains, optimize=True)
    return x, any_observed[codes], 0.5 * (x_x + x_x.T), gains
