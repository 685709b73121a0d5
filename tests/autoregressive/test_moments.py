import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklearn_seq.autoregressive import _moments
from sklearn_seq.autoregressive._least_squares import (
    solve_moments,
    solve_patterns,
    triangulate_blocks,
)
from sklearn_seq.autoregressive._moments import (
    Moments,
    lagged_gram,
    lagged_products,
    next_step_moments,
    step_moments,
)


@st.composite
def problems(draw, context=0):
    """Rows, their number of lags, and runs of rows with enough predecessors.

    Runs come from segments, and from gaps in the targets: they may touch.
    """
    n_lags = draw(st.integers(1, 4))
    n_features = draw(st.integers(1, 3))
    starts, stops, row = [], [], 0
    for _ in range(draw(st.integers(1, 4))):
        row += n_lags - 1 + context
        for _ in range(draw(st.integers(1, 2))):
            starts.append(row)
            row += draw(st.integers(1, 5))
            stops.append(row)
            row += draw(st.integers(0, 2))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    rows = rng.normal(size=(row, n_features)) + draw(st.sampled_from([0.0, 100.0]))
    return rows, n_lags, (np.array(starts), np.array(stops))


CHUNKS = st.sampled_from([1, 3, 1 << 15])


def rows_in(runs):
    return [t for a, b in zip(*runs, strict=True) for t in range(a, b)]


def taps(rows, t, n_lags):
    return np.concatenate([rows[t - lag] for lag in range(n_lags)])


def moments_by_hand(pairs, centre):
    z, y = (np.array(values) for values in zip(*pairs, strict=True))
    z_mean, y_mean = z.mean(axis=0) * centre, y.mean(axis=0) * centre
    z, y = z - z_mean, y - y_mean
    return Moments(len(z), z_mean, y_mean, z.T @ z, z.T @ y, y.T @ y)


def assert_moments(moments, expected):
    assert moments.n == expected.n
    for name in Moments._fields[1:]:
        values = getattr(expected, name)
        assert_allclose(getattr(moments, name), values, rtol=1e-9, atol=1e-8)


@given(problem=problems(), chunk_rows=CHUNKS, n_left=st.integers(1, 2))
def test_lagged_products(problem, chunk_rows, n_left):
    rows, n_lags, runs = problem
    rng = np.random.default_rng(0)
    left = rng.normal(size=(len(rows), n_left))
    left_mean, mean = rng.normal(size=n_left), rows.mean(axis=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_moments, "CHUNK_ROWS", chunk_rows)
        products, sums = lagged_products(left, rows, left_mean, mean, n_lags, runs)
    expected = np.zeros_like(products)
    for t in rows_in(runs):
        for j in range(n_lags):
            expected[:, j] += np.outer(left[t] - left_mean, rows[t - j] - mean)
    assert_allclose(products, expected, rtol=1e-9, atol=1e-9)
    assert_allclose(sums, (left[rows_in(runs)] - left_mean).sum(axis=0), atol=1e-9)


@given(problem=problems(), chunk_rows=CHUNKS)
def test_lagged_gram(problem, chunk_rows):
    rows, n_lags, runs = problem
    mean = rows.mean(axis=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_moments, "CHUNK_ROWS", chunk_rows)
        gram, sums = lagged_gram(rows, mean, n_lags, runs)
    z = np.array([taps(rows - mean, t, n_lags) for t in rows_in(runs)])
    assert_allclose(gram, z.T @ z, rtol=1e-9, atol=1e-9)
    assert_allclose(sums, z.sum(axis=0), rtol=1e-9, atol=1e-9)


@given(
    problem=problems(context=1),
    chunk_rows=CHUNKS,
    centre=st.booleans(),
    data=st.data(),
)
def test_moments_of_the_next_step(problem, chunk_rows, centre, data):
    rows, n_lags, runs = problem
    columns = st.sets(st.integers(0, rows.shape[1] - 1), min_size=1)
    columns = np.array(sorted(data.draw(columns)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_moments, "CHUNK_ROWS", chunk_rows)
        moments = next_step_moments(rows, columns, n_lags, runs, centre)
    pairs = [(taps(rows, t - 1, n_lags), rows[t, columns]) for t in rows_in(runs)]
    assert_moments(moments, moments_by_hand(pairs, centre))


@given(
    problem=problems(),
    chunk_rows=CHUNKS,
    centre=st.booleans(),
    n_targets=st.integers(1, 2),
)
def test_moments_with_a_target_for_each_row(problem, chunk_rows, centre, n_targets):
    rows, n_lags, runs = problem
    y = np.random.default_rng(1).normal(size=(len(rows), n_targets)) + 3.0
    missing = np.ones(len(rows), dtype=bool)
    missing[rows_in(runs)] = False
    y[missing] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_moments, "CHUNK_ROWS", chunk_rows)
        moments = step_moments(rows, y, n_lags, runs, centre)
    pairs = [(taps(rows, t, n_lags), y[t]) for t in rows_in(runs)]
    assert_moments(moments, moments_by_hand(pairs, centre))


def test_memory_does_not_grow_with_the_number_of_lags():
    """The matrix of taps would take 16 MB for each of its 40 lags."""
    rows = np.random.default_rng(0).normal(size=(2_000_000, 1))
    runs = np.array([40]), np.array([len(rows)])
    tracemalloc.start()
    next_step_moments(rows, np.array([0]), 40, runs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.2 * rows.nbytes


def regression(seed, n=50, n_inputs=4, n_targets=2):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, n_inputs)) + 2.0
    y = z @ rng.normal(size=(n_inputs, n_targets)) + rng.normal(size=(n, n_targets))
    return z, y - 5.0


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 3.0])
@given(seed=st.integers(0, 99), block=st.sampled_from([1, 7, 50]))
def test_both_ways_to_the_minimum(centre, alpha, seed, block):
    """Against the normal equations, in the notation of a textbook."""
    z, y = regression(seed)
    z_mean, y_mean = z.mean(axis=0) * centre, y.mean(axis=0) * centre
    zc, yc = z - z_mean, y - y_mean
    coef = np.linalg.solve(zc.T @ zc + alpha * np.eye(4), zc.T @ yc).T
    residual = yc - zc @ coef.T
    expected = coef, y_mean - coef @ z_mean, residual.T @ residual / len(z)
    moments = moments_by_hand(list(zip(z, y, strict=True)), centre)

    def blocks():
        for start in range(0, len(z), block):
            yield z[start : start + block], y[start : start + block]

    for fit in (
        solve_moments(moments, alpha),
        solve_patterns(triangulate_blocks(blocks(), centre), 4, alpha, centre),
    ):
        for values, wanted in zip(fit, expected, strict=True):
            assert_allclose(values, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda z: z.__setitem__((slice(None), 1), z[:, 0]),
        lambda z: z.__setitem__((slice(None), 1), z[:, 0] + 1e-8 * z[:, 2]),
        lambda z: z.__setitem__((slice(None), 1), 5.0),
        lambda z: z.__setitem__((slice(None), 1), 0.0),
    ],
    ids=["twice", "nearly twice", "constant", "zero"],
)
def test_ill_conditioned_moments_are_given_up(spoil):
    """The blocks of rows then give the solution of smallest norm."""
    z, y = regression(0)
    spoil(z)
    pairs = list(zip(z, y, strict=True))
    assert solve_moments(moments_by_hand(pairs, True), 0.0) is None
    blocks = triangulate_blocks([(z[:20], y[:20]), (z[20:], y[20:])])
    fit = solve_patterns(blocks, 4, 0.0)
    zc = z - z.mean(axis=0)
    expected = np.linalg.lstsq(zc, y - y.mean(axis=0), rcond=None)[0].T
    assert_allclose(fit.coef, expected, rtol=1e-6, atol=1e-9)


def test_an_exact_fit_is_given_up():
    """The residual would be a difference of nearly equal numbers."""
    z, y = regression(0)
    y = z @ np.ones((4, 1)) + 1e-7 * y[:, :1]
    assert solve_moments(moments_by_hand(list(zip(z, y, strict=True)), True), 0) is None
    fit = solve_patterns(triangulate_blocks([(z, y)]), 4, 0.0)
    residual = y - z @ fit.coef.T - fit.intercept
    assert fit.residual_covariance == pytest.approx(np.mean(residual**2), rel=1e-6)
