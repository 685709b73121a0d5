"""Initial guesses for learning a linear dynamical system."""

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

WINDOW_ITERATIONS = 20  # EM on windows after subspace identification
LARGEST_GROWTH = 1.5  # largest spectral radius of a guess
START_ITERATIONS = 3  # EM for the initial state on first rows


def initial_guess(X, offsets, U, n_components, *, init, fixed, spread, rng):
    """Initial parameters for EM, from data in units of about 1.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        NaN is missing.
    offsets : ndarray of int of shape (n_sequences + 1,)
    U : ndarray of shape (n_rows, n_inputs) or None
    n_components : int
    init : {"subspace", "factor_analysis", "random"}
        With too few data, the next one is used.
    fixed : dict of str to ndarray
        Replace the guess, after it is brought into the basis of the state that they
        imply, if any.
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
    """Subspace identification, then EM on its windows."""
    guess, windows = identify(X, offsets, n_components, U)
    if guess is None:
        return None
    floors = Floors(
        np.full(n_components, 1e-6),
        np.full(X.shape[1], 1e-6),
        np.full(n_components, 1e-6),
    )
    # Dynamics may grow until windows are singular, as with a noise-free oscillation.
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
    """EM that treats each window as a sequence."""
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
    """Factor analysis of the outputs, and a first-order regression of the factors.

    With as many states as features or more, the factors are those of a row and the rows
    before it. It works on second moments about zero, since the model has no constant.
    For factor scores W x with W C = M, lag-one products are M E[s[t+1] s[t]ᵀ] Mᵀ,
    because the noise is white. States for which sequences are too short get fast decay
    and a small observation matrix.
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
    """A damped random rotation and a random C; noise is half of the variance."""
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
    """The guess in the basis T s of the state that is closest to fixed parameters.

    Parameters
    ----------
    guess : Parameters
    fixed : dict of str to ndarray

    Returns
    -------
    guess : Parameters or None
        None if the fixed parameters depend on the basis, but do not determine T.
    """
    n = len(guess.transition_matrix)
    C, A = fixed.get("observation_matrix"), fixed.get("transition_matrix")
    Q = fixed.get("transition_covariance")
    if C is not None:
        # C T = Ĉ and, where T is still free, T Â = A T; T is flattened row by row.
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
    """The system in the basis in which its state is T s."""
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
    """EM for the initial mean and covariance alone, on the first rows."""
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
