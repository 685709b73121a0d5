"""Subspace identification: a linear dynamical system without iterations.

With p the past k rows of outputs and inputs, f the next k outputs and g the next k
inputs, the best linear forecast of f from p given g goes through the state: the
canonical correlations of p and f, both freed from g, say which combinations of the
past are the state (canonical variate analysis). Only second moments of windows of rows
are needed, so that memory does not grow with the number of rows, and sequences of any
lengths add up.

References
----------
Larimore, W. E. (1990). Canonical variate analysis in identification, filtering, and
adaptive control. CDC 29, 596-604.
Van Overschee, P. and De Moor, B. (1996). Subspace Identification for Linear Systems.
Katayama, T. (2005). Subspace Methods for System Identification.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy import linalg

from .kalman import Parameters, Statistics

HORIZON = 8  # rows of past and of future, if the data allow
LARGEST_WINDOW = 400  # entries of a window beyond which the horizon is cut
TOO_LARGE = 2000  # entries beyond which there is no identification
WINDOWS_PER_ENTRY = 2  # windows needed per entry of a window
CHUNK_ENTRIES = 1 << 20  # entries of windows gathered at a time
RANK_TOLERANCE = 1e-10  # relative variance below which a direction is empty
LARGEST_RADIUS = 0.999  # of the eigenvalues of a guessed transition matrix
PROJECTIONS = 300  # between matrices that solve an equation and positive ones
SMALLEST_NOISE = 0.02  # share of the innovations that is observation noise, at least


class WindowMoments(NamedTuple):
    """Mean second moments of windows of consecutive rows [x[t], u[t]].

    Attributes
    ----------
    moments : ndarray of shape (length * d, length * d)
        Mean of w wᵀ, w the rows of a window one after another, d = n_features +
        n_inputs.

    n_windows : int
        The number of windows, which overlap.

    length : int
        The number of rows of a window.
    """

    moments: np.ndarray
    n_windows: int
    length: int


def window_moments(rows, offsets, length):
    """Second moments of all windows that lie within one sequence.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, d)
    offsets : ndarray of int of shape (n_sequences + 1,)
    length : int

    Returns
    -------
    moments : WindowMoments
    """
    size = length * rows.shape[1]
    total = np.zeros((size, size))
    stops = np.repeat(offsets[1:], np.diff(offsets))
    starts = np.flatnonzero(np.arange(len(rows)) + length <= stops)
    if len(starts):
        windows = np.lib.stride_tricks.sliding_window_view(rows, length, axis=0)
        step = max(1, CHUNK_ENTRIES // size)
        for a in range(0, len(starts), step):
            piece = windows[starts[a : a + step]].transpose(0, 2, 1)
            piece = piece.reshape(len(piece), size)
            total += piece.T @ piece
    return WindowMoments(total / max(1, len(starts)), len(starts), length)


def fill_missing(X, offsets):
    """Missing values replaced by linear interpolation along time.

    Before the first and after the last known value of a sequence, that value; the
    feature's mean in a sequence without any, 0 if it is never known.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        NaN is missing.
    offsets : ndarray of int of shape (n_sequences + 1,)

    Returns
    -------
    filled : ndarray of shape (n_rows, n_features)
    """
    known = ~np.isnan(X)
    if known.all():
        return X
    filled = X.copy()
    counts = known.sum(axis=0)
    means = np.where(known, X, 0.0).sum(axis=0) / np.maximum(counts, 1)
    for a, b in zip(offsets[:-1], offsets[1:], strict=True):
        for j in np.flatnonzero(~known[a:b].all(axis=0)):
            there = np.flatnonzero(known[a:b, j])
            if len(there):
                missing = np.flatnonzero(~known[a:b, j])
                filled[a + missing, j] = np.interp(missing, there, X[a + there, j])
            else:
                filled[a:b, j] = means[j]
    return filled


def choose_horizon(lengths, n_components, n_features, n_inputs):
    """The number k of past and of future rows, 0 if the data are too few for any.

    At least ``n_components / n_features``, or the future could not show the state.
    """
    smallest = -(-n_components // n_features)
    width = n_features + n_inputs
    horizon = max(HORIZON, smallest + 1)
    horizon = max(min(horizon, LARGEST_WINDOW // (2 * width)), smallest + 1)
    while horizon >= smallest:
        n_windows = np.maximum(lengths - 2 * horizon + 1, 0).sum()
        size = 2 * horizon * width
        if n_windows >= WINDOWS_PER_ENTRY * size and size <= TOO_LARGE:
            return horizon
        horizon -= 1
    return 0


def identify(X, offsets, n_components, U=None):
    """Identify a system from the canonical correlations of past and future.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Without missing values, each feature of about unit size.
    offsets : ndarray of int of shape (n_sequences + 1,)
    n_components : int
    U : ndarray of shape (n_rows, n_inputs), default=None

    Returns
    -------
    parameters : Parameters or None
        The state has about unit variance; the initial state is that at an arbitrary
        time. The transition matrix is stable. None if the data are too few or show
        fewer than n_components states.
    windows : WindowMoments or None
        What the system was identified from.
    """
    n, m = n_components, X.shape[1]
    rows = X if U is None else np.hstack([X, U])
    d = rows.shape[1]
    horizon = choose_horizon(np.diff(offsets), n, m, d - m)
    if not horizon:
        return None, None
    windows = window_moments(rows, offsets, 2 * horizon)
    state = state_from_past(windows.moments, horizon, n, m)
    if state is None:
        return None, None

    # Second moments of y = [next state, x] and z = [state, u].
    transform = np.zeros((2 * n + d, (horizon + 1) * d))
    transform[:n, d:] = transform[n + m : 2 * n + m, :-d] = state
    transform[n : n + m, -d : d * horizon + m] = np.eye(m)
    if d > m:
        transform[2 * n + m :, m - d :] = np.eye(d - m)
    short = window_moments(rows, offsets, horizon + 1).moments
    joint = symmetric(transform @ short @ transform.T)
    y, z = slice(0, n + m), slice(n + m, None)
    coef, noise = regress(joint[y, y], joint[y, z], joint[z, z], n)

    transition, observation, hidden = uncorrelated_noise(
        coef[:n, :n], coef[n:, :n], noise[:n, :n], noise[:n, n:], noise[n:, n:]
    )
    spread = joint[n + m : 2 * n + m, n + m : 2 * n + m]
    has_inputs = U is not None
    parameters = Parameters(
        transition_matrix=coef[:n, :n],
        observation_matrix=coef[n:, :n],
        transition_covariance=transition,
        observation_covariance=observation,
        initial_state_mean=np.zeros(n),
        initial_state_covariance=spread + hidden,
        input_matrix=coef[:n, n:] if has_inputs else None,
        feedthrough_matrix=coef[n:, n:] if has_inputs else None,
    )
    return parameters, windows


def state_from_past(moments, horizon, n_components, n_features):
    """The combinations of the past that forecast the future best.

    Parameters
    ----------
    moments : ndarray of shape (2 * horizon * d, 2 * horizon * d)
        Second moments of windows, past rows first.
    horizon, n_components, n_features : int

    Returns
    -------
    state : ndarray of shape (n_components, horizon * d) or None
        State at the first future row = state @ past; unit variance given the future
        inputs. None if past and future are of lower rank.
    """
    index = np.arange(len(moments)).reshape(2 * horizon, -1)
    past = index[:horizon].ravel()
    future = index[horizon:, :n_features].ravel()
    inputs = index[horizon:, n_features:].ravel()
    both = np.concatenate([past, future])
    partial = moments[np.ix_(both, both)]
    if len(inputs):
        shared = whitening(moments[np.ix_(inputs, inputs)])
        shared = shared @ moments[np.ix_(inputs, both)]
        partial = partial - shared.T @ shared
    k = len(past)
    white_past = whitening(partial[:k, :k])
    white_future = whitening(partial[k:, k:])
    correlations = white_future @ partial[k:, :k] @ white_past.T
    if min(correlations.shape) < n_components:
        return None
    _, _, right = np.linalg.svd(correlations, full_matrices=False)
    return right[:n_components] @ white_past


def regress(yy, yz, zz, n_components):
    """Least squares of y = [next state, x] on z = [state, u], the dynamics stable.

    A ridge penalty on the state, as small as possible, keeps all eigenvalues of the
    transition matrix within `LARGEST_RADIUS` (Van Gestel et al., 2001, Identification
    of stable models in subspace identification by using regularization).

    Returns
    -------
    coef : ndarray of shape (n_components + n_features, n_components + n_inputs)
        [[A, B], [C, D]].
    noise : ndarray, square, of order n_components + n_features
        Second moments of the residuals.
    """
    n = n_components

    def solve(penalty):
        gram = zz.copy()
        gram[:n, :n] += penalty * np.diag(np.diagonal(zz)[:n])
        white = whitening(gram)
        return yz @ white.T @ white

    def radius(penalty):
        return spectral_radius(solve(penalty)[:n, :n])

    coef = solve(0.0)
    if radius(0.0) > LARGEST_RADIUS:
        low, high = -12.0, 2.0  # the logarithm of the penalty
        while radius(10.0**high) > LARGEST_RADIUS:
            high += 1.0
        for _ in range(30):
            middle = (low + high) / 2
            if radius(10.0**middle) > LARGEST_RADIUS:
                low = middle
            else:
                high = middle
        coef[:n] = solve(10.0**high)[:n]
    noise = yy - coef @ yz.T - yz @ coef.T + coef @ zz @ coef.T
    return coef, symmetric(noise)


def uncorrelated_noise(A, C, state_noise, cross_noise, output_noise):
    """Covariances Q and R of a model whose two noises are uncorrelated.

    The state seen from the past lacks a part of covariance P, which no past shows. In
    terms of P, the equations of the seen state, s' = A s + w, x = C s + v with
    covariances [[W, S], [Sᵀ, V]], are those of the full state if

        A P Cᵀ = S,   R = V - C P Cᵀ,   Q = W + P - A P Aᵀ

    (Katayama, 2005, chapter 5). P follows by least squares; what sampling errors make
    of Q and R is brought back to positive matrices.

    Parameters
    ----------
    A : ndarray of shape (n, n)
    C : ndarray of shape (m, n)
    state_noise, cross_noise, output_noise : ndarray of shape (n, n), (n, m), (m, m)
        W, S and V.

    Returns
    -------
    covariances : tuple of ndarray (Q, R, P)
    """
    n = len(A)
    factor = np.linalg.cholesky(raise_eigenvalues(output_noise, RANK_TOLERANCE))
    white_C = linalg.solve_triangular(factor, C, lower=True)
    white_S = linalg.solve_triangular(factor, cross_noise.T, lower=True).T

    # An orthonormal basis of the symmetric matrices.
    first, second = np.triu_indices(n)
    basis = np.zeros((len(first), n, n))
    basis[np.arange(len(first)), first, second] = 1.0
    basis[np.arange(len(first)), second, first] = 1.0
    basis /= np.linalg.norm(basis, axis=(1, 2), keepdims=True)
    design = (A @ basis @ white_C.T).reshape(len(first), -1)
    left, sizes, right = np.linalg.svd(design.T, full_matrices=False)
    told = sizes > 1e-6 * max(sizes[0], np.finfo(np.float64).tiny)
    right = right[told]
    least = right.T @ ((left[:, told].T @ white_S.ravel()) / sizes[told])
    # Unseen directions of P are open: there, what makes P and Q positive (projections
    # onto convex sets; for Q along the gradient, Byrne, 2002).
    hidden = np.tensordot(least, basis, axes=1)
    rate = 1 / (1 + np.linalg.norm(A, 2) ** 2) ** 2
    for _ in range(PROJECTIONS):
        previous = hidden
        transition = state_noise + hidden - A @ hidden @ A.T
        lack = raise_eigenvalues(transition, 0.0) - symmetric(transition)
        hidden = raise_eigenvalues(hidden + rate * (lack - A.T @ lack @ A), 0.0)
        entries = np.tensordot(basis, hidden, axes=2)
        entries += right.T @ (right @ (least - entries))
        hidden = symmetric(np.tensordot(entries, basis, axes=1))
        if np.abs(hidden - previous).max() <= 1e-6 * np.abs(hidden).max():
            break
    hidden = raise_eigenvalues(hidden, 0.0)

    share = np.eye(len(C)) - white_C @ hidden @ white_C.T
    observation = factor @ raise_eigenvalues(share, SMALLEST_NOISE) @ factor.T
    transition = state_noise + hidden - A @ hidden @ A.T
    transition = raise_eigenvalues(transition, 1e-3 * (1 - LARGEST_RADIUS))
    return transition, symmetric(observation), hidden


def window_statistics(parameters, windows):
    """Expected sufficient statistics of the windows, taken for sequences of their own.

    Smoothed states are linear in a window, so that their second moments follow from
    the window's, whatever the number of rows.

    Parameters
    ----------
    parameters : Parameters
        `initial_state_mean` must be 0: a window may begin at any time.
    windows : WindowMoments

    Returns
    -------
    statistics : Statistics
        Of one mean window, without the log-likelihood (NaN).
    """
    A, C, Q, R, _, P, B, D = parameters
    length, moments = windows.length, windows.moments
    (m, n), d = C.shape, len(moments) // windows.length
    p = d - m
    prior = np.zeros((length, n, length, n))
    from_inputs = np.zeros((length, n, length, p))
    for t in range(length):
        block = P
        for later in range(t, length):
            prior[later, :, t], prior[t, :, later] = block, block.T
            block = A @ block
        P = A @ P @ A.T + Q
        if t and p:
            from_inputs[t] = np.tensordot(A, from_inputs[t - 1], axes=1)
            from_inputs[t, :, t - 1] += B
    prior = prior.reshape(length * n, length * n)
    from_inputs = from_inputs.reshape(length * n, length * p)

    # Conditional mean gain @ x + … and covariance of all states of a window.
    seen = prior.reshape(length, n, -1)
    seen = (C @ seen).reshape(length * m, length * n)
    innovation = (seen.reshape(-1, length, n) @ C.T).reshape(length * m, length * m)
    for t in range(length):
        innovation[t * m : (t + 1) * m, t * m : (t + 1) * m] += R
    gain = linalg.cho_solve(linalg.cho_factor(symmetric(innovation)), seen).T
    posterior = prior - gain @ seen
    index = np.arange(length * d).reshape(length, d)
    smoother = np.zeros((length * n, length * d))
    smoother[:, index[:, :m].ravel()] = gain
    if p:
        outputs = C @ from_inputs.reshape(length, n, -1)
        for t in range(length):
            outputs[t, :, t * p : (t + 1) * p] += D
        outputs = outputs.reshape(length * m, length * p)
        smoother[:, index[:, m:].ravel()] = from_inputs - gain @ outputs
    state_rows = smoother @ moments
    states = (state_rows @ smoother.T + posterior).reshape(length, n, length, n)
    state_rows = state_rows.reshape(length, n, length, d)
    moments = moments.reshape(length, d, length, d)

    s_next_z, x_z = np.zeros((n, n + p)), np.zeros((m, n + p))
    x_x, z_z = np.zeros((m, m)), np.zeros((length, n + p, n + p))
    for t in range(length):
        z_z[t, :n, :n] = states[t, :, t]
        z_z[t, :n, n:] = state_rows[t, :, t, m:]
        z_z[t, n:, :n] = z_z[t, :n, n:].T
        z_z[t, n:, n:] = moments[t, m:, t, m:]
        x_x += moments[t, :m, t, :m]
        x_z[:, :n] += state_rows[t, :, t, :m].T
        x_z[:, n:] += moments[t, :m, t, m:]
        if t:
            s_next_z[:, :n] += states[t, :, t - 1]
            s_next_z[:, n:] += state_rows[t, :, t - 1, m:]
    return Statistics(
        n_sequences=1,
        n_transitions=length - 1,
        n_observed=length,
        s_next_s_next=z_z[1:, :n, :n].sum(axis=0),
        s_next_z=s_next_z,
        z_z_transition=z_z[:-1].sum(axis=0),
        x_x=x_x,
        x_z=x_z,
        z_z_observed=z_z.sum(axis=0),
        initial_sum=np.zeros(n),
        initial_outer=z_z[0, :n, :n],
        log_likelihood=np.nan,
    )


def symmetric(matrix):
    """The symmetric part."""
    return matrix / 2 + matrix.T / 2  # the sum of two large numbers may overflow


def spectral_radius(matrix):
    """The largest modulus of an eigenvalue."""
    return np.abs(np.linalg.eigvals(matrix)).max(initial=0.0)


def raise_eigenvalues(matrix, smallest):
    """The nearest symmetric matrix whose eigenvalues are at least `smallest`."""
    values, vectors = np.linalg.eigh(symmetric(matrix))
    if values[0] >= smallest:
        return symmetric(matrix)
    return symmetric((vectors * np.maximum(values, smallest)) @ vectors.T)


def whitening(covariance):
    """W with W covariance Wᵀ = I on the directions that have variance: (rank, n)."""
    values, vectors = np.linalg.eigh(symmetric(covariance))
    there = values > RANK_TOLERANCE * max(values[-1], np.finfo(np.float64).tiny)
    return (vectors[:, there] / np.sqrt(values[there])).T


def stabilised(A, radius=LARGEST_RADIUS):
    """A, or A scaled down so that no eigenvalue exceeds `radius`."""
    largest = spectral_radius(A)
    return A if largest <= radius else A * (radius / largest)
