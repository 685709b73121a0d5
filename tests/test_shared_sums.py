"""Sums over sequences by several workers, and the pools that hold these."""

import threading
import time
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from sklearn_seq._core import parallel
from sklearn_seq._core.parallel import LEAST_ROWS, Pool, SharedSums, sequence_blocks
from sklearn_seq.hmm import GaussianHMM, HMMClassifier
from sklearn_seq.lds import LDSClassifier, LinearDynamicalSystem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks that data of tests fill."""
    monkeypatch.setattr(parallel, "BLOCK_ENTRIES", 100)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 8))
def test_blocks_are_all_sequences_in_order(lengths, n_blocks):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    blocks = sequence_blocks(offsets, n_blocks)
    assert 1 <= len(blocks) <= n_blocks
    assert blocks[0][0] == 0 and blocks[-1][1] == len(lengths)
    assert all(a < b for a, b in blocks)
    assert all(x[1] == y[0] for x, y in zip(blocks[:-1], blocks[1:], strict=True))
    rows = [offsets[b] - offsets[a] for a, b in blocks]
    assert max(rows) <= sum(lengths) / n_blocks + 2 * max(lengths)


def _moments(scale, X, y, offsets):
    sums = np.add.reduceat(X, offsets[:-1])
    return scale * (sums.T @ sums)


def _add(a, b):
    return a + b


def _moments(scale, X, y, offsets):
    sums = np.add.reduceat(X, offsets[:-1])
    return scale * (sums.T @ sums)


def _add(a, b):
    return a + b


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_sums_over_sequences(n_jobs, small_blocks):
    rng = np.random.default_rng(0)
    offsets = np.array([0, 5, 6, 20, 31, 40])
    X = rng.standard_normal((40, 2))
    with SharedSums(offsets, 10, n_jobs) as sums:
        found = sums.of(_moments, _add, (X, None))(2.0)
    assert_allclose(found, _moments(2.0, X, None, offsets))


def threads_of(n_jobs, n_rows, context_jobs=2):
    """Rows of each block, and how many threads took some."""
    rows, threads, both = [], set(), threading.Barrier(2)

    def count(parameters, X, offsets):
        rows.append(len(X))
        threads.add(threading.get_ident())
        if parameters:
            both.wait(timeout=20)  # until the other worker has begun, too
        return len(X)

    offsets = np.linspace(0, n_rows, 13).astype(int)
    with joblib.parallel_config(n_jobs=context_jobs):
        sums = SharedSums(offsets, 10, n_jobs)
        with sums:
            total = sums.of(count, _add, (np.zeros(n_rows),))
            shared = sums._pool.n_workers > 1
            assert total(shared and len(sums._blocks) == 2) == n_rows
    return rows, len(threads)


def test_blocks_follow_from_the_data_and_not_from_the_workers(small_blocks):
    for n_rows in (5, 19):
        assert threads_of(2, n_rows) == ([n_rows], 1)
    rows, n_threads = threads_of(2, 24)
    assert rows == [12, 12] and n_threads == 2
    for n_jobs in (1, 2, 3, 12):
        rows, _ = threads_of(n_jobs, 120)
        assert sorted(rows) == [10] * 12


def test_small_data_are_shared_only_on_request(small_blocks):
    """Where a context has workers, and n_jobs is None."""
    assert threads_of(None, 24)[1] == 1
    assert threads_of(None, 24, context_jobs=1)[1] == 1


def test_large_data_are_shared_where_a_context_has_workers(monkeypatch):
    monkeypatch.setattr(parallel, "BLOCK_ENTRIES", 10 * LEAST_ROWS)
    rows, n_threads = threads_of(None, 2 * LEAST_ROWS)
    assert len(rows) == 2 and n_threads == 2


def ragged(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, 2)).cumsum(axis=0) for n in rng.integers(5, 60, 30)]


@pytest.mark.parametrize(
    "model",
    [
        GaussianHMM(3, n_init=2, max_iter=6, tol=0, random_state=0),
        LinearDynamicalSystem(2, n_init=2, max_iter=6, tol=0, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_fits_are_equal_bit_by_bit_for_any_number_of_workers(model, small_blocks):
    X = ragged()
    names = [
        name for name in vars(model.set_params(n_jobs=1).fit(X)) if name[-1] == "_"
    ]
    expected = {name: getattr(model, name) for name in names}
    assert len(names) > 8
    for n_jobs in (2, 3, 7):
        model.set_params(n_jobs=n_jobs).fit(X)
        for name in names:
            assert_array_equal(getattr(model, name), expected[name])


@pytest.mark.parametrize(
    "model",
    [GaussianHMM(2, max_iter=8, tol=0), LinearDynamicalSystem(2, max_iter=8, tol=0)],
    ids=lambda model: type(model).__name__,
)
def test_a_fit_opens_one_pool_and_closes_it(model, small_blocks, monkeypatch):
    pools, threads = [], threading.active_count()

    class Counted(parallel.ThreadPoolExecutor):
        def __init__(self, n_workers):
            super().__init__(n_workers)
            pools.append(self)

    monkeypatch.setattr(parallel, "ThreadPoolExecutor", Counted)
    model.set_params(n_jobs=2).fit(ragged())
    assert len(pools) == 1 and threading.active_count() == threads
    with pytest.raises(RuntimeError, match="after shutdown"):
        pools[0].submit(int)


def test_a_pool_closes_after_an_error():
    def fail(x):
        raise ZeroDivisionError(x)

    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError), Pool(2, 2) as pool:
        pool.map(fail, [(1,), (2,)])
    assert threading.active_count() == threads


def test_workers_have_the_settings_of_the_thread_that_asks():
    def settings(_):
        return sklearn.get_config()["enable_metadata_routing"], np.geterr()["over"]

    with (
        sklearn.config_context(enable_metadata_routing=True),
        np.errstate(over="ignore"),
        Pool(2, 2) as pool,
    ):
        assert pool.map(settings, [(0,), (1,)]) == [(True, "ignore")] * 2


def two_classes():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    return rng.normal(size=(40, 30, 2)).cumsum(axis=1) * (1 + y[:, None, None]), y


@pytest.mark.parametrize(
    "model",
    [
        HMMClassifier(2, emission="gaussian", max_iter=5, random_state=0),
        LDSClassifier(2, max_iter=5, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_classes_are_learned_by_threads_and_equal_bit_by_bit(model, monkeypatch):
    X, y = two_classes()
    alone = model.set_params(n_jobs=1).fit(X, y).predict_log_proba(X)
    threads = []
    submit = parallel.ThreadPoolExecutor.submit

    def counted(pool, *task):
        threads.append(task)
        return submit(pool, *task)

    monkeypatch.setattr(parallel.ThreadPoolExecutor, "submit", counted)
    assert_array_equal(model.set_params(n_jobs=2).fit(X, y).predict_log_proba(X), alone)
    assert len(threads) == 2
    # a number of workers that the user's context has, and a backend of his
    model.set_params(n_jobs=None)
    with joblib.parallel_config(n_jobs=2):
        assert_array_equal(model.fit(X, y).predict_log_proba(X), alone)
    assert len(threads) == 4
    with joblib.parallel_config("loky", n_jobs=2):
        again = model.fit(X, y).predict_log_proba(X)
    assert len(threads) == 4
    assert_allclose(again, alone, rtol=1e-12, atol=1e-12)


def test_k_means_runs_alone(monkeypatch):
    """It sets the number of BLAS threads, and we the filters of warnings."""
    running, most, fit = [], [], KMeans.fit

    def slow(self, *args, **kwargs):
        running.append(self)
        most.append(len(running))
        time.sleep(0.05)
        try:
            return fit(self, *args, **kwargs)
        finally:
            running.remove(self)

    monkeypatch.setattr(KMeans, "fit", slow)
    X, y = two_classes()
    before = list(warnings.filters)
    model = HMMClassifier(2, emission="gaussian", max_iter=2, random_state=0, n_jobs=2)
    model.fit(X, y)
    assert most == [1, 1]
    assert warnings.filters == before
