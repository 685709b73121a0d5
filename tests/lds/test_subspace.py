import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from sklearn_seq.lds._subspace import (
    LARGEST_RADIUS,
    WindowMoments,
    choose_horizon,
    fill_missing,
    identify,
    shown_covariance,
    spectral_radius,
    uncorrelated_noise,
    window_moments,
    window_statistics,
)
from sklearn_seq.lds.kalman import (
    Parameters,
    log_likelihood,
    smooth_states,
    sufficient_statistics,
)


def simulate(system, rng, lengths):
    A, C, Q, R, mean, P, B, D = system
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    n, m, p = len(A), len(C), 0 if B is None else B.shape[1]
    X = rng.multivariate_normal(np.zeros(m), R, offsets[-1], method="cholesky")
    w = rng.multivariate_normal(np.zeros(n), Q, offsets[-1], method="cholesky")
    U = rng.standard_normal((offsets[-1], p))
    U[1:] += 0.8 * U[:-1]
    state = np.zeros(n)
    for t in range(offsets[-1]):
        if t in offsets:
            state = rng.multivariate_normal(mean, P)
        X[t] += C @ state
        state = A @ state + w[t]
        if p:
            X[t] += D @ U[t]
            state += B @ U[t]
    return X, offsets, U if p else None


def a_system(n_inputs=0):
    c, s = 0.9 * np.cos(0.5), 0.9 * np.sin(0.5)
    A = linalg.block_diag([[c, -s], [s, c]], 0.7)
    Q = np.diag([0.3, 0.2, 0.4])
    C = np.array([[1.0, 0.0, 1.0], [0.5, 1.0, -1.0]])
    R = np.array([[0.5, 0.2], [0.2, 0.4]])
    P = linalg.solve_discrete_lyapunov(A, Q)
    rng = np.random.default_rng(1)
    B = rng.standard_normal((3, n_inputs)) if n_inputs else None
    D = rng.standard_normal((2, n_inputs)) if n_inputs else None
    return Parameters(A, C, Q, R, np.zeros(3), P, B, D)


def impulse_response(system, n_steps=12):
    """D, C B, C A B, …: (n_steps, n_features, n_inputs)."""
    response, state = [system.feedthrough_matrix], system.input_matrix
    for _ in range(n_steps - 1):
        response.append(system.observation_matrix @ state)
        state = system.transition_matrix @ state
    return np.array(response)


@pytest.mark.parametrize("lengths", [[40000], [200] * 150 + [5, 90, 1, 3000]])
@pytest.mark.parametrize("n_inputs", [0, 2])
def test_the_true_system_on_long_data(lengths, n_inputs):
    system = a_system(n_inputs)
    rng = np.random.default_rng(0)
    X, offsets, U = simulate(system, rng, lengths)
    found, _ = identify(X, offsets, 3, U)
    eigenvalues = np.sort_complex(np.linalg.eigvals(found.transition_matrix))
    expected = np.sort_complex(np.linalg.eigvals(system.transition_matrix))
    np.testing.assert_allclose(eigenvalues, expected, atol=0.03)
    if n_inputs:
        np.testing.assert_allclose(
            impulse_response(found), impulse_response(system), atol=0.1
        )
    test = simulate(system, rng, [500] * 20)
    truth, here = (log_likelihood(each, *test).mean() for each in (system, found))
    assert truth - 0.05 < here < truth + 0.001


def test_noise_covariances_of_a_known_innovation_form():
    system = a_system()
    A, C, Q, R = system[:4]
    # The steady filter: hidden part P, gain K, innovations V.
    P = linalg.solve_discrete_are(A.T, C.T, Q, R)
    V = C @ P @ C.T + R
    K = A @ P @ C.T @ np.linalg.inv(V)
    found_Q, found_R, found_P = uncorrelated_noise(A, C, K @ V @ K.T, K @ V, V)
    # Many P may do, all with the same outputs.
    np.testing.assert_allclose(A @ found_P @ C.T, K @ V, atol=1e-8)
    again = linalg.solve_discrete_are(A.T, C.T, found_Q, found_R)
    np.testing.assert_allclose(C @ again @ C.T + found_R, V, rtol=1e-3)


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from(
        ["noise", "constant", "zero", "collinear", "walk", "ramp", "sine", "explosive"]
    ),
    st.integers(0, 2),
)
def test_always_stable_finite_and_positive(seed, lengths, m, n, kind, p):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    N = offsets[-1]
    t = np.arange(N)[:, None]
    X = {
        "noise": lambda: rng.standard_normal((N, m)),
        "constant": lambda: np.ones((N, m)),
        "zero": lambda: np.zeros((N, m)),
        "collinear": lambda: rng.standard_normal((N, 1)) * np.arange(1, m + 1),
        "walk": lambda: np.cumsum(rng.standard_normal((N, m)), axis=0) / N**0.5,
        "ramp": lambda: t / N * np.ones(m),
        "sine": lambda: np.sin(0.3 * t + np.arange(m)),
        "explosive": lambda: 1.1 ** (t - N) * np.ones(m),
    }[kind]()
    U = rng.standard_normal((N, p)) if p else None
    if p and seed % 3 == 0:
        U[:] = 1.0
    found, windows = identify(X, offsets, n, U)
    if found is None:
        assert windows is None
        return
    assert spectral_radius(found.transition_matrix) <= LARGEST_RADIUS + 1e-9
    for name, value in found._asdict().items():
        assert value is None or np.isfinite(value).all()
        if name.endswith("covariance"):
            assert np.linalg.eigvalsh(value)[0] >= -1e-9
    assert np.isfinite(log_likelihood(found, X, offsets, U)).all()


def test_too_few_data_give_none():
    rng = np.random.default_rng(0)
    for lengths, n in (([1] * 50, 1), ([3, 2], 2), ([20], 5)):
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        X = rng.standard_normal((offsets[-1], 1))
        assert identify(X, offsets, n) == (None, None)


def test_horizon():
    assert choose_horizon(np.array([1000]), 2, 1, 0) == 8
    assert choose_horizon(np.array([1000]), 12, 1, 0) == 13
    assert choose_horizon(np.array([40]), 2, 1, 0) == 6
    assert choose_horizon(np.array([6] * 100), 2, 1, 0) == 3
    assert choose_horizon(np.array([6] * 100), 4, 1, 0) == 0
    assert choose_horizon(np.array([10**6]), 2, 1500, 0) == 0


@pytest.mark.parametrize("length", [1, 3, 6])
def test_window_moments(length):
    rng = np.random.default_rng(0)
    offsets = np.array([0, 7, 8, 11, 30])
    rows = rng.standard_normal((30, 2))
    windows = [
        rows[t : t + length].ravel()
        for a, b in zip(offsets[:-1], offsets[1:], strict=True)
        for t in range(a, b - length + 1)
    ]
    found = window_moments(rows, offsets, length)
    assert found.n_windows == len(windows) and found.length == length
    expected = np.mean([np.outer(w, w) for w in windows], axis=0)
    np.testing.assert_allclose(found.moments, expected, atol=1e-12)


@pytest.mark.parametrize("n_inputs", [0, 2])
def test_window_statistics_are_those_of_windows_cut_out(n_inputs):
    system = a_system(n_inputs)
    rng = np.random.default_rng(3)
    X, offsets, U = simulate(system, rng, [9, 12])
    length = 4
    rows = X if U is None else np.hstack([X, U])
    windows = window_moments(rows, offsets, length)
    starts = [*range(0, 6), *range(9, 18)]
    assert windows.n_windows == len(starts)
    cut = np.concatenate([np.arange(t, t + length) for t in starts])
    cut_offsets = length * np.arange(len(starts) + 1)
    cut_inputs = None if U is None else U[cut]
    found = window_statistics(system, windows)
    expected = sufficient_statistics(system, X[cut], cut_offsets, cut_inputs)
    for name, value in found._asdict().items():
        if name not in ("log_likelihood", "initial_sum"):
            np.testing.assert_allclose(
                np.asarray(value) * len(starts),
                getattr(expected, name),
                rtol=1e-9,
                atol=1e-9,
                err_msg=name,
            )


def test_fill_missing():
    nan = np.nan
    X = np.array(
        [[nan, 1.0], [1.0, nan], [nan, 3.0], [3.0, nan], [nan, nan], [nan, 8.0]]
    )
    filled = fill_missing(X, np.array([0, 4, 6]))
    np.testing.assert_allclose(filled[:, 0], [1, 1, 2, 3, 2, 2])
    np.testing.assert_allclose(filled[:, 1], [1, 2, 3, 3, 8, 8])
    assert (fill_missing(np.full((3, 1), nan), np.array([0, 3])) == 0).all()
    whole = np.ones((2, 1))
    assert fill_missing(whole, np.array([0, 2])) is whole


def held(call):
    """The bytes that a call held at most."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_rows():
    rows = np.random.default_rng(0).standard_normal((300_000, 2))
    peak = held(lambda: window_moments(rows, np.array([0, 150_000, 300_000]), 16))
    # Chunks of windows and an index of rows, not 300,000 windows of 32 entries.
    assert peak < 300_000 * 32 * 8 / 2


def test_smoothed_states_follow_the_true_ones():
    system = a_system()
    rng = np.random.default_rng(5)
    X, offsets, _ = simulate(system, rng, [3000])
    found, _ = identify(X, offsets, 3)
    states = smooth_states(found, X, offsets).means
    true = smooth_states(system, X, offsets).means
    residual = true - states @ np.linalg.lstsq(states, true)[0]
    assert (residual**2).sum() < 0.05 * (true**2).sum()


def symmetric_basis(n):
    """Orthonormal, of the symmetric matrices: (n (n + 1) / 2, n, n)."""
    basis = []
    for i in range(n):
        for j in range(i + 1):
            matrix = np.zeros((n, n))
            matrix[i, j] = matrix[j, i] = 1.0
            basis.append(matrix / np.linalg.norm(matrix))
    return np.array(basis)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 1), (4, 2), (5, 5), (4, 9), (6, 3)])
def test_hidden_covariance_is_that_of_least_squares(n, m):
    """Least squares over a basis of all symmetric matrices, and of minimum norm."""
    rng = np.random.default_rng(n)
    A, C = rng.standard_normal((n, n)), rng.standard_normal((m, n))
    S = rng.standard_normal((n, m))
    if n == 6:  # outputs that show two directions alone
        C[2] = C[0] - C[1]
    basis = symmetric_basis(n)
    design = (A @ basis @ C.T).reshape(len(basis), -1).T
    entries = np.linalg.lstsq(design, S.ravel(), rcond=1e-6)[0]
    found, unseen = shown_covariance(A, C, S)
    expected = np.tensordot(entries, basis, axes=1)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
    rank = np.linalg.matrix_rank(C)
    assert unseen.shape == (n, n - rank)
    np.testing.assert_allclose(C @ unseen, 0, atol=1e-12)
    # What is open are the matrices between unseen directions, and no others.
    kernel = len(basis) - np.linalg.matrix_rank(design)
    assert kernel == (n - rank) * (n - rank + 1) // 2


def test_memory_grows_with_the_square_of_the_number_of_states():
    """n (n + 1) / 2 matrices of n × n would be 800 matrices, states by steps 2000."""
    n, m = 40, 2
    rng = np.random.default_rng(0)
    system = Parameters(
        0.9 * np.linalg.qr(rng.standard_normal((n, n)))[0],
        rng.standard_normal((m, n)),
        np.eye(n),
        np.eye(m),
        np.zeros(n),
        np.eye(n),
    )
    noise = np.eye(n), 0.1 * rng.standard_normal((n, m)), np.eye(m)
    matrices = system.transition_matrix, system.observation_matrix
    square = 8 * n * n
    assert held(lambda: uncorrelated_noise(*matrices, *noise)) < 60 * square
    windows = WindowMoments(np.eye(2 * 42 * m), 1000, 2 * 42)
    assert held(lambda: window_statistics(system, windows)) < 200 * square
