"""Kalman filter and smoother, against statsmodels and Gaussian conditioning."""

import mpmath
import numpy as np
import pytest
from engines import NO_KERNEL, engine_of, engines
from hypothesis import example, given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

from sklearn_seq.lds import kalman
from sklearn_seq.lds.kalman import (
    Parameters,
    Statistics,
    add_statistics,
    filter_states,
    log_likelihood,
    smooth_states,
    sufficient_statistics,
)


@pytest.fixture(params=engines(kalman), scope="module", autouse=True)
def recursions(request):
    """The tests of this file run on the compiled recursions and on the reference."""
    with engine_of(kalman, request.param):
        yield


def shortened(lengths):
    """For the reference, which is slow, and takes rows late and early alike."""
    return lengths if kalman.compiled else tuple(min(n, 150) for n in lengths)


def random_covariance(rng, n):
    factor = rng.standard_normal((n, n))
    return factor @ factor.T / n + 0.1 * np.eye(n)


def random_system(rng, n, m, p=0, radius=0.95):
    A = rng.standard_normal((n, n))
    A *= radius / np.abs(np.linalg.eigvals(A)).max()
    return Parameters(
        A,
        rng.standard_normal((m, n)),
        random_covariance(rng, n),
        random_covariance(rng, m),
        rng.standard_normal(n),
        random_covariance(rng, n),
        rng.standard_normal((n, p)) if p else None,
        rng.standard_normal((m, p)) if p else None,
    )


def random_rows(rng, lengths, m, p=0, missing=0.0):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    X = 3 * rng.standard_normal((offsets[-1], m))
    if missing:
        X[rng.random(X.shape) < missing] = np.nan
        X[rng.random(len(X)) < missing / 2] = np.nan
    U = rng.standard_normal((len(X), p)) if p else None
    return X, offsets, U


def by_statsmodels(parameters, X, U=None):
    p = parameters
    n, m = len(p.transition_matrix), X.shape[1]
    model = KalmanSmoother(k_endog=m, k_states=n, k_posdef=n, tolerance=0)
    model.bind(X)
    model["transition"], model["design"] = p.transition_matrix, p.observation_matrix
    model["state_cov"], model["obs_cov"] = (
        p.transition_covariance,
        p.observation_covariance,
    )
    model["selection"] = np.eye(n)
    if U is not None:
        model["state_intercept"] = np.ascontiguousarray((U @ p.input_matrix.T).T)
        model["obs_intercept"] = np.ascontiguousarray((U @ p.feedthrough_matrix.T).T)
    model.initialize_known(p.initial_state_mean, p.initial_state_covariance)
    return model.smooth()


def by_conditioning(parameters, X, U=None):
    """Mean and covariance of [all states; all outputs] of one sequence given X.

    From their joint Gaussian, all at once: no recursion over covariances.
    """
    A, C, Q, R, m0, P0, B, D = parameters
    T, m = X.shape
    n = len(A)
    mean = np.zeros((T, n))
    cov = np.zeros((T, n, T, n))
    mean[0], cov[0, :, 0] = m0, P0
    for t in range(1, T):
        mean[t] = A @ mean[t - 1] + (0 if B is None else B @ U[t - 1])
        cov[t, :, t] = A @ cov[t - 1, :, t - 1] @ A.T + Q
    for t in range(T):
        for k in range(t + 1, T):
            cov[k, :, t] = A @ cov[k - 1, :, t]
            cov[t, :, k] = cov[k, :, t].T
    cov = cov.reshape(T * n, T * n)
    H = np.kron(np.eye(T), C)
    outputs = mean @ C.T + (0 if D is None else U @ D.T)
    joint = np.block(
        [[cov, cov @ H.T], [H @ cov, H @ cov @ H.T + np.kron(np.eye(T), R)]]
    )
    joint_mean = np.concatenate([mean.ravel(), outputs.ravel()])
    known = ~np.isnan(X).ravel()
    at = T * n + np.flatnonzero(known)
    S, residual = joint[np.ix_(at, at)], X.ravel()[known] - joint_mean[at]
    gain = np.linalg.solve(S, joint[at]).T
    posterior_mean = joint_mean + gain @ residual
    posterior_cov = joint - gain @ joint[at]
    _, log_det = np.linalg.slogdet(S)
    density = residual @ np.linalg.solve(S, residual) + log_det
    density = -0.5 * (density + len(at) * np.log(2 * np.pi))
    return posterior_mean, posterior_cov, density


def statistics_by_conditioning(
    parameters, X, offsets, U=None, conditioning=by_conditioning
):
    total = None
    n, m = len(parameters.transition_matrix), X.shape[1]
    p = 0 if U is None else U.shape[1]
    for a, b in zip(offsets[:-1], offsets[1:], strict=True):
        x, u, T = X[a:b], None if U is None else U[a:b], b - a
        mean, cov, density = conditioning(parameters, x, u)
        # [states; outputs; inputs] as one vector, the inputs without variance
        inputs = np.zeros(0) if u is None else u.ravel()
        mean = np.concatenate([mean, inputs])
        second = np.outer(mean, mean)
        second[: len(cov), : len(cov)] += cov
        state = np.arange(T * n).reshape(T, n)
        output = T * n + np.arange(T * m).reshape(T, m)
        z = np.hstack([state, T * (n + m) + np.arange(T * p).reshape(T, p)])

        def summed(pairs, first, other, second=second):
            shape = first.shape[1], other.shape[1]
            terms = (second[np.ix_(first[i], other[j])] for i, j in pairs)
            return sum(terms, np.zeros(shape))

        steps = [(t, t) for t in range(T - 1)]
        seen = [(t, t) for t in range(T) if not np.isnan(x[t]).all()]
        part = Statistics(
            1,
            T - 1,
            len(seen),
            summed([(t + 1, t + 1) for t, _ in steps], state, state),
            summed([(t + 1, t) for t, _ in steps], state, z),
            summed(steps, z, z),
            summed(seen, output, output),
            summed(seen, output, z),
            summed(seen, z, z),
            mean[state[0]],
            second[np.ix_(state[0], state[0])],
            density,
        )
        total = part if total is None else add_statistics(total, part)
    return total


def assert_close(actual, expected, tolerance=1e-9):
    """To a tolerance relative to the largest entry."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    if expected.size:
        scale = np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def all_outputs(parameters, X, offsets, U=None):
    filtered = filter_states(parameters, X, offsets, U)
    smoothed = smooth_states(parameters, X, offsets, U)
    return *filtered, *smoothed, log_likelihood(parameters, X, offsets, U)


LENGTHS = [
    (1,),
    (7,),
    (3000,),
    (1, 1),
    (300, 2, 40),
    tuple(range(1, 31)),
    (50,) * 20,
    (700, 30, 30, *(5,) * 15),
]


@pytest.mark.parametrize("missing", [0.0, 0.02, 0.4])
@pytest.mark.parametrize("lengths", LENGTHS, ids=lambda x: f"{len(x)}x{max(x)}")
@pytest.mark.parametrize("seed", range(3))
def test_equal_to_statsmodels(seed, lengths, missing):
    rng = np.random.default_rng([seed, len(lengths), int(100 * missing)])
    n, m = rng.integers(1, 11, 2)
    p = int(rng.integers(0, 3))
    parameters = random_system(rng, n, m, p, rng.choice([0.5, 0.95, 0.999]))
    X, offsets, U = random_rows(rng, shortened(lengths), m, p, missing)
    filtered = filter_states(parameters, X, offsets, U)
    smoothed = smooth_states(parameters, X, offsets, U)
    density = log_likelihood(parameters, X, offsets, U)
    for a, b in zip(offsets[:-1], offsets[1:], strict=True):
        expected = by_statsmodels(parameters, X[a:b], None if U is None else U[a:b])
        there = slice(a, b)
        assert_close(density[there], expected.llf_obs)
        assert_close(filtered.log_likelihood[there], expected.llf_obs)
        assert_close(smoothed.log_likelihood[there], expected.llf_obs)
        for ours, theirs in (
            (filtered.means, expected.filtered_state),
            (filtered.covariances, expected.filtered_state_cov),
            (filtered.predicted_means, expected.predicted_state[:, :-1]),
            (filtered.predicted_covariances, expected.predicted_state_cov[..., :-1]),
            (smoothed.means, expected.smoothed_state),
            (smoothed.covariances, expected.smoothed_state_cov),
        ):
            assert_close(ours[there], np.moveaxis(theirs, -1, 0))


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("lengths", [(1,), (6,), (5, 1, 3), (4,) * 20, (2, 7) * 10])
@pytest.mark.parametrize("p", [0, 2])
def test_equal_to_conditioning(p, lengths, missing):
    rng = np.random.default_rng([p, len(lengths)])
    n, m = 3, 2
    parameters = random_system(rng, n, m, p)
    X, offsets, U = random_rows(rng, lengths, m, p, missing)
    smoothed = smooth_states(parameters, X, offsets, U)
    without = smooth_states(parameters, X, offsets, U, lag_one=False)
    assert without.lag_one_covariances is None
    np.testing.assert_array_equal(without.covariances, smoothed.covariances)
    for a, b in zip(offsets[:-1], offsets[1:], strict=True):
        T = b - a
        mean, cov, density = by_conditioning(
            parameters, X[a:b], None if U is None else U[a:b]
        )
        cov = cov[: T * n, : T * n].reshape(T, n, T, n)
        steps = np.arange(T)
        assert_close(smoothed.means[a:b], mean[: T * n].reshape(T, n))
        assert_close(smoothed.covariances[a:b], cov[steps, :, steps])
        assert_close(
            smoothed.lag_one_covariances[a : b - 1], cov[steps[1:], :, steps[:-1]]
        )
        assert not smoothed.lag_one_covariances[b - 1].any()
        assert_close(smoothed.log_likelihood[a:b].sum(), density)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("lengths", [(1,), (6,), (5, 1, 3), (4,) * 20, (2, 7) * 10])
@pytest.mark.parametrize("n, m, p", [(3, 2, 0), (2, 4, 2), (1, 1, 1)])
def test_statistics(n, m, p, lengths, missing):
    rng = np.random.default_rng([n, len(lengths)])
    parameters = random_system(rng, n, m, p)
    X, offsets, U = random_rows(rng, lengths, m, p, missing)
    actual = sufficient_statistics(parameters, X, offsets, U)
    expected = statistics_by_conditioning(parameters, X, offsets, U)
    for ours, theirs in zip(actual, expected, strict=True):
        assert_close(ours, theirs)


def test_statistics_of_blocks_add_up():
    rng = np.random.default_rng(0)
    parameters = random_system(rng, 3, 2, 1)
    X, offsets, U = random_rows(rng, rng.integers(1, 90, 60), 2, 1, 0.05)
    whole = sufficient_statistics(parameters, X, offsets, U)
    cut = offsets[25]
    parts = add_statistics(
        sufficient_statistics(parameters, X[:cut], offsets[:26], U[:cut]),
        sufficient_statistics(parameters, X[cut:], offsets[25:] - cut, U[cut:]),
    )
    for ours, theirs in zip(whole, parts, strict=True):
        assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_ragged_batch_equals_one_by_one(missing):
    rng = np.random.default_rng(3)
    parameters = random_system(rng, 4, 3, 1)
    X, offsets, U = random_rows(rng, rng.integers(1, 120, 40), 3, 1, missing)
    together = all_outputs(parameters, X, offsets, U)
    for a, b in zip(offsets[:-1], offsets[1:], strict=True):
        alone = all_outputs(parameters, X[a:b], np.array([0, b - a]), U[a:b])
        for ours, theirs in zip(together, alone, strict=True):
            assert_close(ours[a:b], theirs, 1e-12)


def test_wholly_missing_rows_say_nothing():
    rng = np.random.default_rng(5)
    parameters = random_system(rng, 2, 2)
    X, offsets, _ = random_rows(rng, (30,) * 20, 2)
    X[100:160] = np.nan
    filtered = filter_states(parameters, X, offsets)
    assert not filtered.log_likelihood[100:160].any()
    assert_close(filtered.means[100:160], filtered.predicted_means[100:160], 1e-14)
    X[:] = np.nan
    nothing = sufficient_statistics(parameters, X, offsets)
    assert nothing.n_observed == 0 and nothing.log_likelihood == 0
    assert not nothing.x_x.any() and not nothing.x_z.any()


def test_empty_sequences_are_passed_over():
    rng = np.random.default_rng(6)
    parameters = random_system(rng, 2, 2)
    X, _, _ = random_rows(rng, (10,), 2)
    plain = all_outputs(parameters, X, np.array([0, 4, 10]))
    holes = all_outputs(parameters, X, np.array([0, 0, 4, 4, 10, 10]))
    for ours, theirs in zip(holes, plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert sufficient_statistics(parameters, X, [0, 0, 4, 10]).n_sequences == 2


@pytest.mark.parametrize("missing", [0.0, 0.05])
@pytest.mark.parametrize("change", ["values", "gaps"])
@pytest.mark.parametrize("lengths", [(1, 1), (600,), (9000,), (80,) * 30, (3, 70) * 9])
def test_later_rows_change_nothing(lengths, change, missing):
    rng = np.random.default_rng(len(lengths))
    n, m = 3, 2
    parameters = random_system(rng, n, m, 1)
    X, offsets, U = random_rows(rng, shortened(lengths), m, 1, missing)
    before = filter_states(parameters, X, offsets, U)
    density = log_likelihood(parameters, X, offsets, U)
    first, last = offsets[:-1], offsets[1:]
    for fraction in (0.0, 0.3, 0.9):
        cuts = first + ((last - first - 1) * fraction).astype(int)
        Y = X.copy()
        kept = np.zeros(len(X), dtype=bool)
        for cut, a, b in zip(cuts, first, last, strict=True):
            kept[a : cut + 1] = True
            if change == "values":
                Y[cut + 1 : b] *= -7.3
            else:
                Y[cut + 1 : b : 3] = np.nan
        after = filter_states(parameters, Y, offsets, U)
        for ours, theirs in zip(before, after, strict=True):
            np.testing.assert_array_equal(ours[kept], theirs[kept])
        changed = log_likelihood(parameters, Y, offsets, U)
        np.testing.assert_array_equal(changed[kept], density[kept])


def assert_covariances(covariances, tolerance=1e-13):
    np.testing.assert_array_equal(covariances, np.swapaxes(covariances, 1, 2))
    values = np.linalg.eigvalsh(covariances)
    assert (values[:, 0] >= -tolerance * values[:, -1] - 1e-290).all()


@settings(max_examples=60, deadline=None)
@example(0, 2, 1, 1e-163, 0, -2, 0, 0, 0.2, (20,) * 30)  # squares underflow
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 6),
    m=st.integers(1, 6),
    radius=st.floats(0.0, 1.2),
    process=st.integers(-20, 6),
    noise=st.integers(-20, 6),
    initial=st.integers(-6, 8),
    rank=st.integers(0, 6),
    missing=st.sampled_from([0.0, 0.2]),
    lengths=st.sampled_from([(1,), (150,), (20,) * 30, (3, 60, 7)]),
)
def test_covariances_are_positive(
    seed, n, m, radius, process, noise, initial, rank, missing, lengths
):
    rng = np.random.default_rng(seed)
    parameters = random_system(rng, n, m, radius=radius or 0.1)
    singular = np.zeros((n, n))
    singular[: min(rank, n)] = rng.standard_normal((min(rank, n), n))
    parameters = parameters._replace(
        transition_covariance=10.0**process * singular.T @ singular,
        observation_covariance=10.0**noise * parameters.observation_covariance,
        initial_state_covariance=10.0**initial * parameters.initial_state_covariance,
    )
    X, offsets, _ = random_rows(rng, lengths, m, 0, missing)
    filtered = filter_states(parameters, X, offsets)
    smoothed = smooth_states(parameters, X, offsets)
    assert_covariances(filtered.covariances)
    assert_covariances(filtered.predicted_covariances)
    assert_covariances(smoothed.covariances)
    for result in (*filtered, *smoothed):
        assert np.isfinite(result).all()
    statistics = sufficient_statistics(parameters, X, offsets)
    for name in ("s_next_s_next", "z_z_transition", "x_x", "z_z_observed"):
        assert_covariances(getattr(statistics, name)[None])


ILL = {
    "tiny R": {"noise": 1e-14},
    "tinier R": {"noise": 1e-24},
    "tiny Q": {"process": 1e-14},
    "large P0": {"initial": 1e10},
    "tiny R, large P0": {"noise": 1e-10, "initial": 1e8},
    "unstable": {"radius": 1.5},
}


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("copies", [1, 25])
@pytest.mark.parametrize("case", ILL)
def test_ill_conditioned(case, copies, missing):
    how = {"noise": 1.0, "process": 1.0, "initial": 1.0, "radius": 0.9} | ILL[case]
    rng = np.random.default_rng(8)
    n, m, T = 3, 2, 7
    p = random_system(rng, n, m, radius=how["radius"])
    p = p._replace(
        transition_covariance=how["process"] * p.transition_covariance,
        observation_covariance=how["noise"] * p.observation_covariance,
        initial_state_covariance=how["initial"] * p.initial_state_covariance,
    )
    X, _, _ = random_rows(rng, (T,), m, 0, missing)
    offsets = T * np.arange(copies + 1)
    smoothed = smooth_states(p, np.tile(X, (copies, 1)), offsets)
    mean, cov = exact_smoother(p, X)
    steps = np.arange(T)
    cov = cov.reshape(T, n, T, n)
    assert_close(smoothed.means[-T:], mean.reshape(T, n), 1e-5)
    for t in steps:
        # each step by itself: variances differ by orders of magnitude
        assert_close(smoothed.covariances[t - T], cov[t, :, t], 1e-10)
        if t:
            assert_close(
                smoothed.lag_one_covariances[t - 1 - T], cov[t, :, t - 1], 1e-10
            )


def exact_smoother(parameters, X):
    """Conditioning in 80 digits: by least squares, from the precision matrix."""
    A, C, Q, R, m0, P0, _, _ = parameters
    T, n = len(X), len(A)
    with mpmath.workdps(80):
        A, C = mpmath.matrix(A), mpmath.matrix(C)
        Qi, P0i = mpmath.inverse(mpmath.matrix(Q)), mpmath.inverse(mpmath.matrix(P0))
        precision, weighted = mpmath.zeros(T * n), mpmath.zeros(T * n, 1)

        def add(i, j, block):
            for a in range(n):
                for b in range(n):
                    precision[i * n + a, j * n + b] += block[a, b]

        add(0, 0, P0i)
        start = P0i * mpmath.matrix(m0)
        for a in range(n):
            weighted[a] += start[a]
        for t in range(T):
            if t:
                add(t, t, Qi)
                add(t - 1, t - 1, A.T * Qi * A)
                add(t, t - 1, -Qi * A)
                add(t - 1, t, -A.T * Qi)
            known = np.flatnonzero(~np.isnan(X[t]))
            if len(known):
                c = mpmath.matrix([[C[i, a] for a in range(n)] for i in known])
                Ri = mpmath.inverse(mpmath.matrix(R[np.ix_(known, known)]))
                add(t, t, c.T * Ri * c)
                said = c.T * Ri * mpmath.matrix(X[t, known])
                for a in range(n):
                    weighted[t * n + a] += said[a]
        cov = mpmath.inverse(precision)
        mean = cov * weighted
    return (
        np.array(mean.tolist(), dtype=float).ravel(),
        np.array(cov.tolist(), dtype=float),
    )


def test_singular_covariances():
    """A companion form without observation noise is an autoregression."""
    rng = np.random.default_rng(0)
    a = np.array([0.5, -0.3])
    x = rng.standard_normal(400)
    parameters = Parameters(
        np.array([a, [1.0, 0.0]]),
        np.array([[1.0, 0.0]]),
        np.diag([2.0, 0.0]),
        np.zeros((1, 1)),
        np.zeros(2),
        np.eye(2),
    )
    for sequences in (1, 20):
        X = np.tile(x, sequences)[:, None]
        offsets = 400 * np.arange(sequences + 1)
        density = log_likelihood(parameters, X, offsets)[-400:]
        residual = x[2:] - a[0] * x[1:-1] - a[1] * x[:-2]
        expected = -0.5 * (residual**2 / 2.0 + np.log(2 * np.pi * 2.0))
        np.testing.assert_allclose(density[2:], expected, rtol=1e-9)
        smoothed = smooth_states(parameters, X, offsets)
        np.testing.assert_allclose(smoothed.means[-400:, 0], x, atol=1e-9)
        assert_covariances(smoothed.covariances[:, :1, :1])


def test_unseen_growth_and_slow_decay():
    """No steady state: a random walk that nothing observes; a constant, learned."""
    parameters = Parameters(
        np.eye(2), np.array([[1.0, 0.0]]), np.diag([0.0, 1.0]), np.eye(1),
        np.zeros(2), np.eye(2),
    )  # fmt: skip
    (n,) = shortened((2000,))
    X = np.ones((n, 1))
    filtered = filter_states(parameters, X, [0, n])
    steps = np.arange(1, n + 1)
    np.testing.assert_allclose(filtered.covariances[:, 0, 0], 1 / (1 + steps))
    np.testing.assert_allclose(filtered.covariances[:, 1, 1], steps)
    np.testing.assert_allclose(filtered.means[:, 0], steps / (1 + steps))
    smoothed = smooth_states(parameters, X, [0, n])
    np.testing.assert_allclose(smoothed.covariances[:, 0, 0], 1 / (n + 1))


def test_long_and_slow():
    """A closed loop that forgets in a thousand steps, against statsmodels."""
    rng = np.random.default_rng(0)
    parameters = Parameters(
        np.eye(1), np.eye(1), 1e-6 * np.eye(1), np.eye(1), np.zeros(1), np.eye(1)
    )
    X = rng.standard_normal((*shortened((20_000,)), 1))
    expected = by_statsmodels(parameters, X)
    smoothed = smooth_states(parameters, X, [0, len(X)])
    assert_close(smoothed.log_likelihood, expected.llf_obs)
    assert_close(smoothed.means, expected.smoothed_state.T)
    assert_close(smoothed.covariances[:, 0, 0], expected.smoothed_state_cov[0, 0])


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e100, 1e150])
def test_extreme_magnitudes(scale):
    """Results scale with the data, or are refused; never NaN."""
    rng = np.random.default_rng(0)
    parameters = random_system(rng, 2, 2)
    X, offsets, _ = random_rows(rng, (40,) * 20, 2)
    plain = smooth_states(parameters, X, offsets)
    X[30:35] = np.nan
    scaled = parameters._replace(
        transition_covariance=parameters.transition_covariance * scale**2,
        observation_covariance=parameters.observation_covariance * scale**2,
        initial_state_mean=parameters.initial_state_mean * scale,
        initial_state_covariance=parameters.initial_state_covariance * scale**2,
    )
    try:
        smoothed = smooth_states(scaled, X * scale, offsets)
        for result in (*smoothed, *filter_states(scaled, X * scale, offsets)):
            assert np.isfinite(result).all()
        np.testing.assert_allclose(smoothed.means[40:], plain.means[40:] * scale)
    except ValueError as error:
        assert "finite" in str(error)
    for data in (X * scale, np.where(np.isnan(X), 1.0, X) * scale):
        try:
            for result in all_outputs(parameters, data, offsets):
                assert np.isfinite(result).all()
        except ValueError as error:
            assert "finite" in str(error)


def test_refusals():
    rng = np.random.default_rng(0)
    parameters = random_system(rng, 2, 1)
    X, offsets, _ = random_rows(rng, (5,), 1)
    bad = parameters._replace(transition_matrix=np.full((2, 2), np.inf))
    with pytest.raises(ValueError, match="transition_matrix must be finite"):
        filter_states(bad, X, offsets)
    X[3] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        log_likelihood(parameters, X, offsets)
    unseen = parameters._replace(
        transition_matrix=np.diag([1.5, 0.5]), observation_matrix=np.array([[0.0, 1.0]])
    )
    with pytest.raises(ValueError, match="unstable mode"):
        filter_states(unseen, np.zeros((4000, 1)), [0, 4000])


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("name", ["input_matrix", "feedthrough_matrix"])
def test_one_way_of_inputs(name, missing):
    rng = np.random.default_rng(2)
    parameters = random_system(rng, 3, 2, 2)._replace(**{name: None})
    X, offsets, U = random_rows(rng, (6,), 2, 2, missing)
    mean, _, density = by_conditioning(parameters, X, U)
    smoothed = smooth_states(parameters, X, offsets, U)
    assert_close(smoothed.means.ravel(), mean[: smoothed.means.size])
    assert_close(log_likelihood(parameters, X, offsets, U).sum(), density)


def test_what_is_not_asked_for_is_not_made():
    rng = np.random.default_rng(4)
    parameters = random_system(rng, 3, 2)
    X, offsets, _ = random_rows(rng, (30, 8), 2, 0, 0.1)
    filtered = filter_states(parameters, X, offsets)
    means = filter_states(parameters, X, offsets, covariances=False)
    assert means.covariances is None and means.predicted_covariances is None
    np.testing.assert_array_equal(means.means, filtered.means)
    np.testing.assert_array_equal(means.log_likelihood, filtered.log_likelihood)
    smoothed = smooth_states(parameters, X, offsets)
    means = smooth_states(parameters, X, offsets, lag_one=False, covariances=False)
    assert means.covariances is None and means.lag_one_covariances is None
    np.testing.assert_array_equal(means.means, smoothed.means)


@pytest.mark.skipif(kalman.compiled is None, reason=NO_KERNEL)
@pytest.mark.parametrize("recursions", ["compiled"], indirect=True)
@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 6),
    m=st.integers(1, 4),
    p=st.integers(0, 2),
    radius=st.sampled_from([0.0, 0.5, 0.95, 0.999, 1.02]),
    ranks=st.tuples(*[st.integers(0, 6)] * 3),
    missing=st.sampled_from([0.0, 0.01, 0.2]),
    lengths=st.sampled_from([(1,), (120,), (20,) * 5, (3, 80, 0, 7, 40)]),
)
def test_compiled_equal_to_reference(seed, n, m, p, radius, ranks, missing, lengths):
    """Singular Q and P0, and R of full rank or next to none."""
    rng = np.random.default_rng(seed)
    parameters = random_system(rng, n, m, p, radius or 1.0)
    Q, P0 = (
        (lambda factor: factor @ factor.T)(rng.standard_normal((n, min(rank, n))))
        for rank in ranks[:2]
    )
    parameters = parameters._replace(
        transition_matrix=parameters.transition_matrix * (radius > 0),
        transition_covariance=Q,
        initial_state_covariance=P0,
        observation_covariance=parameters.observation_covariance
        * (1.0 if ranks[2] else 1e-4),
    )
    X, offsets, U = random_rows(rng, lengths, m, p, missing)
    results = []
    for kind in ("compiled", "reference"):
        with engine_of(kalman, kind):
            smoothed = smooth_states(parameters, X, offsets, U)
            results.append(
                [
                    *filter_states(parameters, X, offsets, U),
                    *sufficient_statistics(parameters, X, offsets, U),
                    smoothed.means,
                    np.stack([smoothed.covariances, smoothed.lag_one_covariances]),
                ]
            )
    for ours, theirs in zip(*results, strict=True):
        assert_close(ours, theirs, 1e-8)


def test_values_do_not_depend_on_other_sequences():
    """Nor on how many of them have been there before, bit by bit."""
    rng = np.random.default_rng(7)
    repeats = 12 if kalman.compiled else 1
    for n, m in ((3, 2), (12, 3)):
        parameters = random_system(rng, n, m)
        X, offsets, _ = random_rows(rng, (90, 400, 90, 15) * repeats, m, 0, 0.03)
        X[:490] = rng.standard_normal((490, m))
        together = all_outputs(parameters, X, offsets)
        for k in (0, 1, 2, 4 * repeats - 2):
            rows = slice(offsets[k], offsets[k + 1])
            alone = all_outputs(parameters, X[rows], [0, rows.stop - rows.start])
            for ours, theirs in zip(together, alone, strict=True):
                if kalman.compiled is None:
                    assert_close(ours[rows], theirs, 1e-12)
                else:
                    np.testing.assert_array_equal(ours[rows], theirs)


@pytest.mark.parametrize("rotate", [False, True])
def test_steady_state_of_a_singular_covariance(rotate):
    """States that are known exactly, whose factors do not repeat but for rotations."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    x[[100, 101, 180]] = np.nan
    a = [0.5, -0.3, 0.2]
    basis = np.linalg.qr(rng.standard_normal((3, 3)))[0] if rotate else np.eye(3)[::-1]
    A = basis @ np.array([a, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) @ basis.T
    C = np.array([[1.0, 0.0, 0.0]]) @ basis.T
    Q = basis @ np.diag([1.0, 0.0, 0.0]) @ basis.T
    parameters = Parameters(A, C, Q, np.zeros((1, 1)), np.zeros(3), np.eye(3))
    smoothed = smooth_states(parameters, x[:, None], [0, 300])
    states = smoothed.means @ basis
    known = ~np.isnan(x)
    np.testing.assert_allclose(states[known, 0], x[known], atol=1e-9)
    np.testing.assert_allclose(states[2:, 2], states[:-2, 0], atol=1e-9)
    # of one missing value, given all others, by least squares
    row = 180
    weights = np.array([1.0, -a[0], -a[1], -a[2]])
    residuals = [x[row + k - np.arange(4)] for k in range(4)]
    others = [sum(np.delete(weights * r, k)) for k, r in enumerate(residuals)]
    expected = -(weights @ others) / (weights @ weights)
    np.testing.assert_allclose(states[row, 0], expected, atol=1e-9)
    variance = (basis.T @ smoothed.covariances[row] @ basis)[0, 0]
    np.testing.assert_allclose(variance, 1 / (weights @ weights), rtol=1e-9)
