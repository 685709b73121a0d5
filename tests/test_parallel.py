"""The same numbers whichever joblib backend does the work, and wherever it dies.

The tests on a Dask cluster, of real processes, run where `distributed` is installed.
"""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq._core import parallel
from sklearn_seq._core.parallel import SharedSums
from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.datasets import make_ar_process
from sklearn_seq.hmm import CategoricalHMM, GaussianHMM, HMMClassifier
from sklearn_seq.lds import LDSClassifier, LinearDynamicalSystem

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::ResourceWarning",  # of workers that are killed
)

EXACT = {"rtol": 1e-12, "atol": 1e-12}  # the same sums, in whatever process
SUMS = {"rtol": 1e-8, "atol": 1e-10}  # sums in another order, through steps of EM


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes on this machine."""
    import distributed

    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(params=["threading", "loky", "dask"])
def backend(request):
    """The arguments of `joblib.parallel_config`."""
    if request.param == "dask":
        request.getfixturevalue("client")
    return {"backend": request.param, "n_jobs": 2}


def waves(n_sequences=8, n_timesteps=60, seed=0):
    return make_ar_process(
        n_timesteps, coef=[0.9, -0.5], n_sequences=n_sequences, random_state=seed
    )


def classes():
    """Sequences of two features that differ by class in level and in memory."""
    rng = np.random.default_rng(0)
    y = np.arange(12) % 3
    noise = rng.normal(size=(12, 30, 2))
    X = [
        w.cumsum(axis=0) + c if c == 1 else w + c for w, c in zip(noise, y, strict=True)
    ]
    return np.array(X), y


def process_id(model, X, y=None):
    return os.getpid()


def test_a_grid_search(backend):
    """Scores come from other processes, and are those of this one."""
    X = waves()
    search = GridSearchCV(
        ARRegressor(),
        {"n_lags": [1, 2, 3, 4], "alpha": [0.0, 1.0]},
        cv=4,
        scoring={"score": lambda model, X, y=None: model.score(X), "id": process_id},
        refit="score",
    ).fit(X)
    with joblib.parallel_config(**backend):
        shared = GridSearchCV(**search.get_params(deep=False)).fit(X)
    for k in range(4):
        key = f"split{k}_test_score"
        assert_allclose(shared.cv_results_[key], search.cv_results_[key], **EXACT)
    assert shared.best_params_ == search.best_params_
    ids = {i for k in range(4) for i in shared.cv_results_[f"split{k}_test_id"]}
    assert (os.getpid() in ids) == (backend["backend"] == "threading")


def test_routed_groups_reach_the_workers(backend):
    """In a pipeline, `groups` is handed on only under scikit-learn's routing."""
    X = waves().reshape(-1, 1)
    groups = np.repeat(np.arange(8), 60)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), ARRegressor()),
            {"arregressor__n_lags": [2, 20]},
            cv=GroupKFold(4),
        ).fit(X, groups=groups)
        with joblib.parallel_config(**backend):
            shared = GridSearchCV(**search.get_params(deep=False))
            shared.fit(X, groups=groups)
    as_one = GridSearchCV(search.estimator, search.param_grid, cv=GroupKFold(4))
    as_one.fit(X, groups=groups)  # splits, but not boundaries
    key = "mean_test_score"
    assert_allclose(shared.cv_results_[key], search.cv_results_[key], **EXACT)
    assert not np.allclose(as_one.cv_results_[key], search.cv_results_[key], **EXACT)


@pytest.mark.parametrize(
    "model",
    [
        GaussianHMM(2, n_init=2, max_iter=5, tol=0, random_state=0),
        LinearDynamicalSystem(2, n_init=2, max_iter=5, tol=0, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_sequences_of_an_e_step(backend, model, monkeypatch):
    """Also with restarts: of them the best is the same."""
    monkeypatch.setattr(parallel, "BLOCK_ENTRIES", 100)
    X = list(waves(5, 80)) + list(waves(1, 33))
    model.set_params(n_jobs=None).fit(X)
    score, samples = model.score(X), np.concatenate(model.score_samples(X))
    with joblib.parallel_config(**backend):
        model.set_params(n_jobs=2).fit(X)
    assert model.score(X) == pytest.approx(score, rel=1e-8)
    assert_allclose(np.concatenate(model.score_samples(X)), samples, **SUMS)


def count(parameters, rows, offsets):
    return np.array([os.getpid()]), len(rows), rows.sum() * parameters


def join(a, b):
    return np.concatenate([a[0], b[0]]), a[1] + b[1], a[2] + b[2]


def test_blocks_of_sequences_go_to_the_workers(backend, monkeypatch):
    monkeypatch.setattr(parallel, "BLOCK_ENTRIES", 50)
    rows, offsets = np.arange(100.0)[:, None], np.array([0, 30, 50, 55, 100])
    with joblib.parallel_config(**backend):
        with SharedSums(offsets, 1, n_jobs=2) as sums:
            ids, n, result = sums.of(count, join, (rows,))(3.0)
    assert (len(ids), n, result) == (2, 100, 3.0 * rows.sum())
    assert (os.getpid() in ids) == (backend["backend"] == "threading")


@pytest.mark.parametrize(
    "model",
    [
        HMMClassifier(2, emission="gaussian", max_iter=5, random_state=0),
        LDSClassifier(2, max_iter=5, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_one_model_for_each_class(backend, model):
    X, y = classes()
    expected = model.set_params(n_jobs=None).fit(X, y).predict_log_proba(X)
    with joblib.parallel_config(**backend):
        model.set_params(n_jobs=2).fit(X, y)
    assert_allclose(model.predict_log_proba(X), expected, **EXACT)


def test_a_search_over_models_that_share_their_e_steps(backend, monkeypatch):
    """Workers within workers neither wait for each other for ever nor differ."""
    monkeypatch.setattr(parallel, "BLOCK_ENTRIES", 40)
    X = np.array([np.arange(40) // k % 2 for k in (1, 2, 3, 4, 5, 6)])[:, :, None]
    search = GridSearchCV(
        CategoricalHMM(max_iter=3, tol=0, random_state=0, n_jobs=2),
        {"n_components": [1, 2]},
        cv=3,
    )
    expected = search.fit(X).cv_results_["mean_test_score"]
    with joblib.parallel_config(**backend):
        found = search.fit(X).cv_results_["mean_test_score"]
    assert_allclose(found, expected, **SUMS)


def slow_score(model, X, y=None):
    time.sleep(0.1)
    return model.score(X)


@pytest.mark.slow
def test_a_dask_worker_that_dies_in_mid_search(client):
    """Its tasks are done again by others, and a new one takes its place."""
    X = waves()
    search = GridSearchCV(
        ARRegressor(), {"n_lags": [1, 2, 3, 4, 5]}, cv=4, scoring=slow_score
    )
    expected = search.fit(X).cv_results_["mean_test_score"]
    before = set(client.run(os.getpid).values())
    victim = min(before)
    done_before_death = []

    def kill():
        while not done_before_death:  # until some fold is done
            done = [k for k, where in client.who_has().items() if where and "fit" in k]
            done_before_death.extend(done)
            time.sleep(0.02)
        os.kill(victim, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with joblib.parallel_config("dask", scatter=[X]):
        found = search.fit(X).cv_results_["mean_test_score"]
    killer.join()
    assert len(done_before_death) < 20
    assert_allclose(found, expected, **EXACT)
    client.wait_for_workers(2, timeout=30)
    after = set(client.run(os.getpid).values())
    assert victim not in after and len(after) == 2
