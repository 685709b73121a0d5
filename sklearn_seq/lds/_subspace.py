"""Subspace identification of a linear dynamical system, without iterations.

Canonical variate analysis: let p be the past k rows of outputs and inputs, f the next
k outputs and g the next k inputs. The state is made of the linear combinations of p
with the largest partial canonical correlations with f, given g. Only second moments of
windows of rows are needed: memory does not grow with the number of rows, and sequences
of any lengths are pooled.

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
LARGEST_WINDOW = 400  # entries of a window; limits the horizon
TOO_LARGE = 2000  # entries of a window above which identification is skipped
WINDOWS_PER_ENTRY = 2  # windows needed per entry of a window
CHUNK_ENTRIES = 1 << 20  # entries of windows gathered at a time
RANK_TOLERANCE = 1e-10  # relative variance that counts as zero
LARGEST_RADIUS = 0.999  # largest spectral radius of a guess
PROJECTIONS = 300  # iterations of alternating projections
SMALLEST_SHARE = 1e-6  # relative singular value that counts as zero
TINY = np.finfo(np.float64).tiny
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

    At least ``n_components / n_features``, so that the state can be observable.
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
        time. The transition matrix is stable. None if the data are too few or of a
        lower order than n_components.
    windows : WindowMoments or None
        The windows that the system was identified from.
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
    """The linear combinations of the past that predict the future best.

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
    """Least squares of y = [next state, x] on z = [state, u] with stable dynamics.

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

    Identification gives the innovations form: the state predicted from the past, with
    s' = A s + w, x = C s + v and correlated noise of covariance [[W, S], [Sᵀ, V]]. The
    prediction error of the state has covariance P. Both models are equivalent if

        A P Cᵀ = S,   R = V - C P Cᵀ,   Q = W + P - A P Aᵀ

    (Katayama, 2005, chapter 5). P follows by least squares, as far as it is observable;
    Q and R, with sampling errors, are projected to positive matrices.

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
    factor = np.linalg.cholesky(raise_eigenvalues(output_noise, RANK_TOLERANCE))
    white_C = linalg.solve_triangular(factor, C, lower=True)
    white_S = linalg.solve_triangular(factor, cross_noise.T, lower=True).T
    shown, unseen = shown_covariance(A, white_C, white_S)
    # In unobserved directions P is free: choose it so that P and Q are positive, by
    # projections onto convex sets (for Q along the gradient, Byrne, 2002).
    hidden = shown
    rate = 1 / (1 + np.linalg.norm(A, 2) ** 2) ** 2
    for _ in range(PROJECTIONS):
        previous = hidden
        transition = state_noise + hidden - A @ hidden @ A.T
        lack = raise_eigenvalues(transition, 0.0) - symmetric(transition)
        hidden = raise_eigenvalues(hidden + rate * (lack - A.T @ lack @ A), 0.0)
        hidden = shown + unseen @ (unseen.T @ hidden @ unseen) @ unseen.T
        if np.abs(hidden - previous).max() <= 1e-6 * np.abs(hidden).max():
            break
    hidden = raise_eigenvalues(hidden, 0.0)

    share = np.eye(len(C)) - white_C @ hidden @ white_C.T
    observation = factor @ raise_eigenvalues(share, SMALLEST_NOISE) @ factor.T
    transition = state_noise + hidden - A @ hidden @ A.T
    transition = raise_eigenvalues(transition, 1e-3 * (1 - LARGEST_RADIUS))
    return transition, symmetric(observation), hidden


def shown_covariance(A, C, S):
    """The symmetric P that minimises ||A P Cᵀ - S||, zero in unobserved directions.

    With C = U diag(c) Vᵀ of null space N, write P = V X Vᵀ + N Y Vᵀ + V Yᵀ Nᵀ.
    Given X, Y solves its equations exactly. The rest is least squares M Z = B for the
    symmetric matrix Z = diag(c) X diag(c), solved by a singular value decomposition of
    M (Higham, 1988, The symmetric Procrustes problem, BIT 28, 133-143).

    Parameters
    ----------
    A : ndarray of shape (n, n)
    C : ndarray of shape (m, n)
    S : ndarray of shape (n, m)

    Returns
    -------
    covariance : ndarray of shape (n, n)
    unseen : ndarray of shape (n, n_unseen)
        An orthonormal basis N of the null space of C.
    """
    left, sizes, right = np.linalg.svd(C)
    k = int((sizes > SMALLEST_SHARE * max(sizes[0], TINY)).sum())
    c, seen, unseen = sizes[:k], right[:k].T, right[k:].T
    rest = len(A) - k
    Q, R = np.linalg.qr(A @ np.hstack([unseen, seen]))
    target = Q.T @ S @ left[:, :k] / c

    E, d, Ft = np.linalg.svd(R[rest:, rest:] / c)
    B = E.T @ (target[rest:] * c) @ Ft.T
    weights = d[:, None] ** 2 + d**2
    told = weights > (SMALLEST_SHARE * d.max(initial=TINY)) ** 2
    Z = (d[:, None] * B + d * B.T) / np.where(told, weights, np.inf)
    X = Ft.T @ Z @ Ft / c / c[:, None]
    Y = np.linalg.pinv(R[:rest, :rest], rcond=SMALLEST_SHARE)
    Y = Y @ (target[:rest] - R[:rest, rest:] @ X)
    cross = unseen @ Y @ seen.T
    return symmetric(seen @ X @ seen.T) + cross + cross.T, unseen


def window_statistics(parameters, windows):
    """Expected sufficient statistics of windows, each treated as a sequence.

    Smoothed means are linear in the window, so that their second moments follow from
    those of the windows.

    Parameters
    ----------
    parameters : Parameters
        `initial_state_mean` must be 0: a window may begin at any time.
    windows : WindowMoments

    Returns
    -------
    statistics : Statistics
        Mean over windows, without the log-likelihood (NaN).
    """
    A, C, _, R, _, _, _, D = parameters
    length, moments = windows.length, windows.moments
    (m, n), d = C.shape, len(moments) // windows.length
    p = d - m
    index = np.arange(length * d).reshape(length, d)
    outputs, inputs = index[:, :m].ravel(), index[:, m:].ravel()

    innovation = linalg.block_diag(*[R] * length)
    driven = np.zeros((length * m, length * p))  # from inputs to outputs
    for t, (_, seen, drive) in enumerate(_prior_states(parameters, length, p)):
        here = slice(t * m, (t + 1) * m)
        innovation[:, here] += seen @ C.T
        driven[here] = C @ drive
        if p:
            driven[here, t * p : (t + 1) * p] += D
    factor = linalg.cho_factor(symmetric(innovation))

    s_next_z, x_z = np.zeros((n, n + p)), np.zeros((m, n + p))
    x_x, (z_z, z_z_transition) = np.zeros((m, m)), np.zeros((2, n + p, n + p))
    s_next_s_next = np.zeros((n, n))
    first = earlier = seen_earlier = prior = None
    for t, (P, seen, drive) in enumerate(_prior_states(parameters, length, p)):
        x, u = index[t, :m], index[t, m:]
        # The smoothed mean is linear in the window.
        gain = linalg.cho_solve(factor, seen).T
        smoother = np.zeros((n, length * d))
        smoother[:, outputs] = gain
        smoother[:, inputs] = drive - gain @ driven
        products = smoother @ moments
        own = products @ smoother.T + P - gain @ seen
        with_inputs = products[:, u]
        z = np.block([[own, with_inputs], [with_inputs.T, moments[np.ix_(u, u)]]])
        z_z += z
        if t + 1 < length:
            z_z_transition += z
        x_x += moments[np.ix_(x, x)]
        x_z[:, :n] += products[:, x].T
        x_z[:, n:] += moments[np.ix_(x, u)]
        if not t:
            first = own
        else:
            s_next_s_next += own
            s_next_z[:, :n] += products @ earlier.T + prior - gain @ seen_earlier
            s_next_z[:, n:] += products[:, index[t - 1, m:]]
        earlier, seen_earlier, prior = smoother, seen, A @ P
    return Statistics(
        n_sequences=1,
        n_transitions=length - 1,
        n_observed=length,
        s_next_s_next=s_next_s_next,
        s_next_z=s_next_z,
        z_z_transition=z_z_transition,
        x_x=x_x,
        x_z=x_z,
        z_z_observed=z_z,
        initial_sum=np.zeros(n),
        initial_outer=first,
        log_likelihood=np.nan,
    )


def _prior_states(parameters, length, n_inputs):
    """Prior moments of the states of a window.

    Yields
    ------
    covariance : ndarray of shape (n, n)
        Covariance of the state.
    seen : ndarray of shape (length * m, n)
        Covariance of all outputs of the window with the state.
    drive : ndarray of shape (n, length * n_inputs)
        Its mean is this matrix times the inputs of the window.
    """
    A, C, Q, _, _, P, B, _ = parameters
    m, n = C.shape
    powers = np.empty((length, m, n))
    powers[0] = C
    for t in range(1, length):
        powers[t] = powers[t - 1] @ A
    powers = powers.reshape(length * m, n)
    before = np.empty((0, n))
    drive = np.zeros((n, length * n_inputs))
    for t in range(length):
        seen = np.concatenate([before, powers[: (length - t) * m] @ P])
        yield P, seen, drive
        before = seen[: (t + 1) * m] @ A.T
        drive = A @ drive
        if n_inputs:
            drive[:, t * n_inputs : (t + 1) * n_inputs] = B
        P = A @ P @ A.T + Q


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
    """W with W covariance Wᵀ = I, of shape (rank, n)."""
    values, vectors = np.linalg.eigh(symmetric(covariance))
    there = values > RANK_TOLERANCE * max(values[-1], TINY)
    return (vectors[:, there] / np.sqrt(values[there])).T


def stabilised(A, radius=LARGEST_RADIUS):
    """A, or A scaled down so that no eigenvalue exceeds `radius`."""
    largest = spectral_radius(A)
    return A if largest <= radius else A * (radius / largest)
