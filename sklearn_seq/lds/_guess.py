"""Where learning a linear dynamical system starts."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import linalg
from sklearn.decomposition import FactorAnalysis

from ._m_step import Floors, m_step
from ._subspace import (
    HORIZON,
    LARGEST_RADIUS,
    fill_missing,
    identify,
    raise_eigenvalues,
    spectral_radius,
    stabilised,
    symmetric,
    window_statistics,
)
from .kalman import Parameters, sufficient_statistics

WINDOW_ITERATIONS = 20  # EM on the windows that the subspace was identified from
LARGEST_GROWTH = 1.5  # of a state in a time step, beyond which dynamics explode
START_ITERATIONS = 3  # EM for the initial state, on the first rows


def initial_guess(X, offsets, U, n_components, *, init, fixed, spread, rng):
    """Parameters for EM to start from; data of about unit size.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        NaN is missing.
    offsets : ndarray of int of shape (n_sequences + 1,)
    U : ndarray of shape (n_rows, n_inputs) or None
    n_components : int
    init : {"subspace", "factor_analysis", "random"}
        With too few data for one, the next is taken.
    fixed : dict of str to ndarray
        Part of the result. The guess is brought into the coordinates of the state
        that they imply, if they imply any.
    spread : ndarray of shape (n_features,)
        Variances of the features.
    rng : RandomState

    Returns
    -------
    parameters : Parameters
    """
    guess = None
    filled = fill_missing(X, offsets)
    if init == "subspace":
        guess = from_subspace(filled, offsets, U, n_components)
    if init == "factor_analysis" or (init == "subspace" and guess is None):
        guess = from_factor_analysis(filled, offsets, U, n_components)
    if guess is not None:
        guess = in_coordinates_of(guess, fixed)
    if guess is None:
        guess = at_random(
            n_components, spread, 0 if U is None else U.shape[1], fixed, rng
        )
    return guess._replace(**fixed)


def from_subspace(X, offsets, U, n_components):
    """Subspace identification, then EM on the windows it was made from."""
    guess, windows = identify(X, offsets, n_components, U)
    if guess is None:
        return None
    floors = Floors(
        np.full(n_components, 1e-6),
        np.full(X.shape[1], 1e-6),
        np.full(n_components, 1e-6),
    )
    # Dynamics may explode, as of a wave without noise, until windows are singular.
    for largest_radius in (None, LARGEST_RADIUS):
        try:
            found = on_windows(guess, windows, floors, largest_radius)
        except np.linalg.LinAlgError:
            continue
        A = found.transition_matrix
        if spectral_radius(A) <= LARGEST_GROWTH:
            return found._replace(transition_matrix=stabilised(A))
    return None


def on_windows(guess, windows, floors, largest_radius):
    """EM on windows, each taken for a sequence of its own."""
    for _ in range(WINDOW_ITERATIONS):
        sums = window_statistics(guess, windows)
        guess = m_step(
            sums,
            guess,
            fixed=("initial_state_mean",),
            floors=floors,
            largest_radius=largest_radius,
        )
    return guess


def from_factor_analysis(X, offsets, U, n_components):
    """Factors of the outputs taken for the state, and their regression in time.

    Where there are as many states as features, factors of a row and the rows before
    it. Second moments, not covariances: the model has no constant. Of the factor
    scores W x, with W C = M, products one step apart are M E[s[t+1] s[t]ᵀ] Mᵀ, because
    noise is not correlated in time. Factors beyond what short sequences have are
    short-lived and hardly seen.
    """
    m, n = X.shape[1], n_components
    B = D = None
    if U is not None:
        D = np.linalg.lstsq(U, X, rcond=None)[0].T
        X = X - U @ D.T
        B = np.zeros((n, U.shape[1]))
    delays = min(n // m, int(np.diff(offsets).max()) - 1)
    position = np.arange(len(X)) - np.repeat(offsets[:-1], np.diff(offsets))
    now = np.flatnonzero(position >= delays)
    X = np.hstack([X[now - delay] for delay in range(delays + 1)])
    k = min(n, X.shape[1])

    moments = X.T @ X / len(X) + 1e-6 * np.eye(X.shape[1])
    rows = np.sqrt(len(moments)) * np.linalg.cholesky(moments).T
    model = FactorAnalysis(k, svd_method="lapack").fit(np.vstack([rows, -rows]))
    noise = np.maximum(model.noise_variance_, 1e-3 * np.diagonal(moments))
    loadings = model.components_.T
    weights = loadings.T / noise
    weights = np.linalg.solve(np.eye(k) + weights @ loadings, weights)
    scores = X @ weights.T
    later = np.flatnonzero(np.diff(now) == 1) + 1
    later = later[position[now[later]] > delays]
    lagged = scores[later].T @ scores[later - 1] / max(1, len(later))
    growth = np.linalg.pinv(weights @ loadings, rcond=1e-3)

    A = 0.5 * np.eye(n)
    A[:k, :k] = growth @ lagged @ growth.T
    A = stabilised(A, 0.95)
    C = np.zeros((m, n))
    C[:, :k] = loadings[:m]
    excess = np.arange(k, n)
    C[excess % m, excess] = 0.1
    Q = raise_eigenvalues(np.eye(n) - A @ A.T, 0.05)
    return Parameters(A, C, Q, np.diag(noise[:m]), np.zeros(n), np.eye(n), B, D)


def at_random(n_components, spread, n_inputs, fixed, rng):
    """A random rotation that decays, seen at random, half of the variance noise."""
    n, m = n_components, len(spread)
    C = rng.standard_normal((m, n)) * np.sqrt(spread[:, None] / n)
    C = fixed.get("observation_matrix", C)
    visible = (C**2 / spread[:, None]).mean(axis=0)
    scale = 1 / np.where(visible > 0, visible, 1.0)
    rotation, _ = np.linalg.qr(rng.standard_normal((n, n)))
    root = np.sqrt(scale)
    return Parameters(
        0.9 * rotation * np.outer(root, 1 / root),
        C,
        0.19 * np.diag(scale),
        0.5 * np.diag(spread),
        np.zeros(n),
        np.diag(scale),
        np.zeros((n, n_inputs)) if n_inputs else None,
        np.zeros((m, n_inputs)) if n_inputs else None,
    )


def in_coordinates_of(guess, fixed):
    """The guess with its state T s such that it comes near the fixed parameters.

    Parameters
    ----------
    guess : Parameters
    fixed : dict of str to ndarray

    Returns
    -------
    guess : Parameters or None
        None if the fixed parameters imply coordinates, but do not tell which.
    """
    n = len(guess.transition_matrix)
    C, A = fixed.get("observation_matrix"), fixed.get("transition_matrix")
    Q = fixed.get("transition_covariance")
    if C is not None:
        # C T = Ĉ and, where that leaves T open, T Â = A T; T stacked row by row.
        size = np.linalg.norm(C) or 1.0
        left = [np.kron(C / size, np.eye(n))]
        right = [guess.observation_matrix.ravel() / size]
        if A is not None:
            change = np.kron(np.eye(n), guess.transition_matrix.T)
            left.append(1e-3 * (change - np.kron(A, np.eye(n))))
            right.append(np.zeros(n * n))
        T = np.linalg.lstsq(np.vstack(left), np.concatenate(right))[0].reshape(n, n)
    elif A is not None or "input_matrix" in fixed:
        return None
    elif Q is not None:
        if np.linalg.matrix_rank(Q, hermitian=True) < n:
            return None
        T = np.linalg.cholesky(Q) @ linalg.inv(
            np.linalg.cholesky(guess.transition_covariance)
        )
    else:
        return guess
    balanced = T / np.maximum(np.linalg.norm(T, axis=1, keepdims=True), 1e-300)
    if not np.linalg.cond(balanced) < 1e3:
        return None
    return transformed(guess, T)


def transformed(parameters, T):
    """The same system with state T s."""
    A, C, Q, R, mean, P, B, D = parameters
    inverse = np.linalg.inv(T)
    return Parameters(
        T @ A @ inverse,
        C @ inverse,
        symmetric(T @ Q @ T.T),
        R,
        T @ mean,
        symmetric(T @ P @ T.T),
        None if B is None else T @ B,
        D,
    )


def fit_start(parameters, X, offsets, U, **m_step_params):
    """EM for the distribution of the initial state alone, on the first rows."""
    lengths = np.minimum(np.diff(offsets), 2 * HORIZON)
    stops = np.cumsum(lengths)
    first = np.repeat(offsets[:-1] - (stops - lengths), lengths) + np.arange(stops[-1])
    data = X[first], np.concatenate([[0], stops]), None if U is None else U[first]
    for _ in range(START_ITERATIONS):
        updated = m_step(
            sufficient_statistics(parameters, *data), parameters, **m_step_params
        )
        parameters = parameters._replace(
            initial_state_mean=updated.initial_state_mean,
            initial_state_covariance=updated.initial_state_covariance,
        )
    return parameters
