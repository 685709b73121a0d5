"""Filter, smoother and Viterbi, against enumeration and loops in logarithms.

All tests run twice: on the compiled recursions, and on the reference in NumPy.
"""

import itertools
import tracemalloc

import numpy as np
import peers
import pytest
from engines import engine_of, engines
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sklearn_seq.hmm import inference
from sklearn_seq.hmm.inference import forward, log_likelihood, smooth, viterbi


@pytest.fixture(params=engines(inference), autouse=True, scope="module")
def engine(request):
    with engine_of(inference, request.param):
        yield


def offsets_of(lengths):
    return np.concatenate([[0], np.cumsum(lengths, dtype=int)])


def log(values):
    with np.errstate(divide="ignore"):
        return np.log(values)


def log_sum(values, axis):
    return np.logaddexp.reduce(values, axis=axis)


def by_enumeration(startprob, transmat, log_densities):
    """Posteriors, transitions, log-likelihood, best path and its log probability."""
    T, K = log_densities.shape
    paths = np.array(list(itertools.product(range(K), repeat=T)))
    joint = log(startprob)[paths[:, 0]] + log_densities[0, paths[:, 0]]
    for t in range(1, T):
        joint = joint + log(transmat)[paths[:, t - 1], paths[:, t]]
        joint = joint + log_densities[t, paths[:, t]]
    total = log_sum(joint, 0)
    weight = np.exp(joint - total)
    proba, transitions = np.zeros((T, K)), np.zeros((K, K))
    for path, w in zip(paths, weight, strict=True):
        proba[np.arange(T), path] += w
        np.add.at(transitions, (path[:-1], path[1:]), w)
    return proba, transitions, total, paths[joint.argmax()], joint.max()


def by_loops(startprob, transmat, log_densities):
    """Filtered and smoothed posteriors, transitions, log-likelihood of each row.

    In logarithms. A row that is impossible counts as missing.
    """
    T, K = log_densities.shape
    logA = log(transmat)
    top = log_densities.max(axis=1, keepdims=True)
    top[top == -np.inf] = 0.0
    seen = log_densities - top
    alpha, density = np.empty((T, K)), np.empty(T)
    predicted = log(startprob)
    for t in range(T):
        if t:
            predicted = log_sum(alpha[t - 1][:, None] + logA, 0)
        alpha[t] = predicted + seen[t]
        density[t] = log_sum(alpha[t], 0)
        if density[t] == -np.inf:
            alpha[t], seen[t] = predicted, 0.0
        alpha[t] -= log_sum(alpha[t], 0)
    beta = np.zeros((T, K))
    transitions = np.zeros((K, K))
    for t in range(T - 2, -1, -1):
        pair = logA + seen[t + 1] + beta[t + 1]
        beta[t] = log_sum(pair, 1)
        pair = pair + alpha[t][:, None]
        transitions += np.exp(pair - log_sum(pair.ravel(), 0))
        beta[t] -= beta[t].max()
    gamma = alpha + beta
    gamma -= log_sum(gamma, 1)[:, None]
    return np.exp(alpha), np.exp(gamma), transitions, density + top[:, 0]


def best_log_proba(startprob, transmat, log_densities):
    best = log(startprob) + log_densities[0]
    for row in log_densities[1:]:
        best = (best[:, None] + log(transmat)).max(axis=0) + row
    return best.max()


def path_log_proba(startprob, transmat, log_densities, path):
    steps = log(transmat)[path[:-1], path[1:]].sum()
    rows = log_densities[np.arange(len(path)), path].sum()
    return log(startprob)[path[0]] + steps + rows


def assert_close(actual, expected, rtol=1e-12, atol=1e-13):
    """Equal to rounding; probabilities are compared where they are not tiny."""
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def check(startprob, transmat, log_densities, offsets, rtol=1e-12):
    model = startprob, transmat
    filtered = forward(*model, log_densities, offsets)
    smoothed = smooth(*model, log_densities, offsets)
    states, log_proba = viterbi(*model, log_densities, offsets)
    np.testing.assert_array_equal(
        log_likelihood(*model, log_densities, offsets), filtered.log_likelihood
    )
    np.testing.assert_array_equal(smoothed.log_likelihood, filtered.log_likelihood)
    transitions, start = 0.0, 0.0
    for i, (a, b) in enumerate(itertools.pairwise(offsets)):
        if a == b:
            assert log_proba[i] == 0
            continue
        rows = log_densities[a:b]
        alpha, gamma, counts, density = by_loops(*model, rows)
        assert_close(filtered.proba[a:b], alpha, rtol)
        assert_close(smoothed.proba[a:b], gamma, rtol)
        largest = np.max(np.abs(rows), axis=1, initial=1.0, where=np.isfinite(rows))
        bound = 1e-12 * np.maximum(largest, 1)
        same = filtered.log_likelihood[a:b] == density
        with np.errstate(invalid="ignore"):
            assert (same | (abs(filtered.log_likelihood[a:b] - density) < bound)).all()
        best = best_log_proba(*model, rows)
        assert_close(log_proba[i], best, 1e-12, 1e-10)
        path = path_log_proba(*model, rows, states[a:b])
        assert_close(path, best, 1e-12, 1e-10)
        transitions, start = transitions + counts, start + gamma[0]
    assert_close(smoothed.transitions, transitions, rtol * 10, 1e-12 * offsets[-1])
    assert_close(smoothed.start, start, rtol * 10)
    for array in (*smoothed[:3], filtered.proba, log_proba):
        assert not np.isnan(array).any()
    assert_close(smoothed.proba.sum(axis=1), 1.0)
    assert_close(filtered.proba.sum(axis=1), 1.0)


def random_model(rng, K, kind="dense"):
    transmat = rng.dirichlet(np.ones(K), K)
    startprob = rng.dirichlet(np.ones(K))
    if kind == "zeros":
        transmat *= rng.random((K, K)) < 0.5
        transmat[np.arange(K), rng.permutation(K)] += 0.1
        startprob *= rng.random(K) < 0.5
        startprob[rng.integers(K)] += 0.1
    elif kind == "left-right":
        transmat = np.triu(transmat) * (np.tri(K, K, 1) > 0) + 1e-3 * np.eye(K)
        startprob = np.eye(K)[0]
    elif kind == "deterministic":
        transmat = np.roll(np.eye(K), 1, axis=1) + 1e-12 * transmat
    elif kind == "slow":
        transmat = 0.9999 * np.eye(K) + 0.0001 * transmat
    elif kind == "tiny":
        transmat = np.eye(K) + transmat * 10.0 ** -rng.integers(0, 300, (K, K))
    startprob /= startprob.sum()
    return startprob, transmat / transmat.sum(axis=1, keepdims=True)


KINDS = ["dense", "zeros", "left-right", "deterministic", "slow", "tiny"]


@pytest.mark.parametrize("K, T", [(1, 4), (2, 1), (2, 7), (3, 5), (4, 4)])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_enumeration(K, T, kind):
    rng = np.random.default_rng(K * T)
    model = random_model(rng, K, kind)
    rows = 2 * rng.standard_normal((T, K))
    proba, transitions, total, path, best = by_enumeration(*model, rows)
    smoothed = smooth(*model, rows, [0, T])
    assert_close(smoothed.proba, proba)
    assert_close(smoothed.transitions, transitions)
    assert_close(smoothed.start, proba[0])
    assert_close(smoothed.log_likelihood.sum(), total)
    states, log_proba = viterbi(*model, rows, [0, T])
    np.testing.assert_array_equal(states, path)
    assert_close(log_proba, [best])
    filtered = forward(*model, rows, [0, T]).proba
    for t in range(T):
        assert_close(filtered[t], by_enumeration(*model, rows[: t + 1])[0][-1])


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    K=st.integers(1, 9),
    kind=st.sampled_from(KINDS),
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=12),
    spread=st.sampled_from([0.01, 1.0, 30.0, 300.0, 1e5]),
    impossible=st.sampled_from([0.0, 0.1, 0.6]),
)
@example(
    # what is lost outlives a row that no path reaches
    seed=19948,
    K=3,
    kind="zeros",
    lengths=[23, 40],
    spread=300.0,
    impossible=0.6,
)
def test_equal_to_loops_in_logarithms(seed, K, kind, lengths, spread, impossible):
    rng = np.random.default_rng(seed)
    model = random_model(rng, K, kind)
    offsets = offsets_of(lengths)
    rows = spread * rng.standard_normal((offsets[-1], K))
    rows += spread * rng.standard_normal((offsets[-1], 1))
    rows[rng.random(rows.shape) < impossible] = -np.inf
    # logarithms of this size are rounded, by the loops as well
    check(*model, rows, offsets, rtol=max(1e-12, 1e-14 * spread))


@pytest.mark.parametrize("K", [2, 5, 17])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "spread",
    [2.0, *(pytest.param(spread, marks=pytest.mark.slow) for spread in (0.02, 40.0))],
)
def test_one_long_sequence(K, kind, spread):
    rng = np.random.default_rng(0)
    model = random_model(rng, K, kind)
    T = 1_203
    # the largest error is that of the loops in logarithms
    check(*model, spread * rng.standard_normal((T, K)), np.array([0, T]), 1e-11)


def test_probabilities_that_come_back_from_far_below():
    """What underflows on the way still decides the end."""
    rows = np.zeros((40, 2))
    rows[:20, 1] -= 100.0
    rows[20:, 0] -= 100.5
    for n in (1, 3):
        offsets = np.arange(n + 1) * 40
        check(np.full(2, 0.5), np.eye(2), np.tile(rows, (n, 1)), offsets)
        check(np.full(2, 0.5), np.eye(2), np.tile(rows[::-1], (n, 1)), offsets)


def test_transitions_that_underflow_still_decide():
    """From a state of probability 1e-149 to another, by 1e-200."""
    transmat = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1e-200], [1.0, 0.0, 0.0]])
    rows = np.array([[0.0, 0.0, 0.0], [-np.inf, -np.inf, 0.0], [0.0, 0.0, 0.0]])
    check(np.array([1.0, 1e-149, 0.0]), transmat, rows, np.array([0, 3]))


def test_a_start_that_underflows():
    """Where all transitions are possible, no other row can lose something."""
    rows = np.array([[-735.0, 0.0], [0.0, -1.0]])
    check(np.array([1.0, 1e-318]), np.full((2, 2), 0.5), rows, np.array([0, 2]))


def test_states_that_no_path_reaches_tell_nothing():
    """The last would explain all rows, by far better than the path that is possible."""
    transmat = np.array([[1e-100, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    rows = np.zeros((9, 3))
    rows[:, 1] = -np.inf
    check(np.array([1.0, 0.0, 0.0]), transmat, rows, np.array([0, 9]))


def test_impossible_rows_count_as_missing():
    transmat = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5]])
    startprob = np.array([1.0, 0.0, 0.0])
    rows = np.array([[0.0, 0, 0], [-np.inf, -np.inf, 0], [-3, -2, -1]])
    filtered = forward(startprob, transmat, rows, [0, 3])
    np.testing.assert_array_equal(np.isneginf(filtered.log_likelihood), [0, 1, 0])
    assert_close(filtered.proba[1], transmat[0])
    for row in range(3):
        blank = np.zeros((3, 3))
        blank[row] = -np.inf
        for lengths in ([3], [1, 2], [1, 1, 1], [3, 0]):
            check(startprob, transmat, blank, offsets_of(lengths))
            check(np.ones(3) / 3, np.ones((3, 3)) / 3, blank, offsets_of(lengths))
    states, log_proba = viterbi(startprob, transmat, rows, [0, 3])
    assert log_proba == -np.inf
    rows[1] = 0.0
    path = by_enumeration(startprob, transmat, rows)[3]
    np.testing.assert_array_equal(states, path)


@pytest.mark.parametrize("lengths", [[30, 1, 7, 25, 2, 2, 60], [1_000, 3, 10], [0, 5]])
def test_sequences_of_unequal_length_are_independent(lengths):
    rng = np.random.default_rng(1)
    model = random_model(rng, 4)
    offsets = offsets_of(lengths)
    rows = 3 * rng.standard_normal((offsets[-1], 4))
    filtered, smoothed = forward(*model, rows, offsets), smooth(*model, rows, offsets)
    states, log_proba = viterbi(*model, rows, offsets)
    transitions = 0
    for i, (a, b) in enumerate(itertools.pairwise(offsets)):
        alone = [0, b - a]
        assert_close(filtered.proba[a:b], forward(*model, rows[a:b], alone).proba)
        one = smooth(*model, rows[a:b], alone)
        assert_close(smoothed.proba[a:b], one.proba)
        transitions = transitions + one.transitions
        path, value = viterbi(*model, rows[a:b], alone)
        np.testing.assert_array_equal(states[a:b], path)
        assert_close(log_proba[i], value[0])
    assert_close(smoothed.transitions, transitions)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(KINDS),
    lengths=st.sampled_from([[700], [30, 20, 10, 9, 8] * 4, [400, 5, 9]]),
    spread=st.sampled_from([0.01, 3.0, 300.0]),
    change=st.sampled_from(["noise", "outlier", "impossible", "flat"]),
)
def test_filter_is_causal_bit_for_bit(seed, kind, lengths, spread, change):
    rng = np.random.default_rng(seed)
    model = random_model(rng, 3, kind)
    offsets = offsets_of(lengths)
    rows = spread * rng.standard_normal((offsets[-1], 3))
    t = int(rng.integers(len(rows)))
    other = rows.copy()
    if change == "noise":
        other[t:] = rng.standard_normal(other[t:].shape)
    elif change == "outlier":
        other[t:] *= 1e4
    elif change == "impossible":
        other[t:][rng.random(other[t:].shape) < 0.7] = -np.inf
    else:
        other[t:] = 0.0
    one, two = forward(*model, rows, offsets), forward(*model, other, offsets)
    np.testing.assert_array_equal(one.proba[:t], two.proba[:t])
    np.testing.assert_array_equal(one.log_likelihood[:t], two.log_likelihood[:t])


def test_nothing_to_do():
    model = np.full(2, 0.5), np.full((2, 2), 0.5)
    for offsets in ([0], [0, 0, 0]):
        smoothed = smooth(*model, np.empty((0, 2)), offsets)
        assert smoothed.proba.shape == (0, 2)
        assert_close(smoothed.transitions, 0)
        states, log_proba = viterbi(*model, np.empty((0, 2)), offsets)
        assert len(states) == 0 and len(log_proba) == len(offsets) - 1


@pytest.mark.parametrize("n_sequences", [1, 50])
def test_memory_is_linear(n_sequences):
    rng = np.random.default_rng(0)
    model = random_model(rng, 4)
    peaks = []
    for n_rows in (1_000, 4_000):
        rows = rng.standard_normal((n_rows, 4))
        offsets = np.linspace(0, n_rows, n_sequences + 1).astype(int)
        tracemalloc.start()
        smooth(*model, rows, offsets)
        viterbi(*model, rows, offsets)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 5 * peaks[0]
    assert peaks[1] < 12 * rows.nbytes


@pytest.mark.parametrize("lengths", [[200], [40, 30, 30]])
def test_smooth_in_place(lengths):
    rng = np.random.default_rng(0)
    model = random_model(rng, 3, "zeros")
    offsets = offsets_of(lengths)
    rows = 20 * rng.standard_normal((offsets[-1], 3))
    given, expected = rows.copy(), smooth(*model, rows, offsets)
    np.testing.assert_array_equal(rows, given)
    smoothed = smooth(*model, rows, offsets, overwrite=True)
    assert np.shares_memory(smoothed.proba, rows)
    for one, two in zip(smoothed, expected, strict=True):
        np.testing.assert_array_equal(one, two)


def test_equal_to_hmmlearn():
    hmm = peers.hmmlearn()
    rng = np.random.default_rng(0)
    startprob, transmat = random_model(rng, 4)
    peer = hmm.GaussianHMM(4, covariance_type="spherical")
    peer.startprob_, peer.transmat_ = startprob, transmat
    peer.means_, peer.covars_ = rng.standard_normal((4, 2)), np.ones(4)
    X, lengths = rng.standard_normal((200, 2)), [50, 120, 30]
    distances = np.square(X[:, None] - peer.means_).sum(axis=2)
    rows = -0.5 * distances - np.log(2 * np.pi)
    offsets = offsets_of(lengths)
    smoothed = smooth(startprob, transmat, rows, offsets)
    score, posteriors = peer.score_samples(X, lengths)
    assert_close(smoothed.proba, posteriors, 1e-9)
    assert_close(smoothed.log_likelihood.sum(), score)
    states, log_proba = viterbi(startprob, transmat, rows, offsets)
    score, path = peer.decode(X, lengths)
    np.testing.assert_array_equal(states, path)
    assert_close(log_proba.sum(), score)
