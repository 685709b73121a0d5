"""Saved estimators: in a new process they do what they did, and know their version."""

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
import skops.io
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_common import CASES, Case, real
from threadpoolctl import threadpool_limits

import sklearn_seq
from sklearn_seq import ARRegressor, EchoStateRegressor
from sklearn_seq.preprocessing import DelayTaps, PerTimestep

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

LENGTHS = (14, 9, 20, 11)
ALL = [
    *CASES,
    Case("taps", DelayTaps(3), real),
    Case("per time step", PerTimestep(StandardScaler()), real),
    Case(
        "pipeline", make_pipeline(PerTimestep(StandardScaler()), ARRegressor(2)), real
    ),
]


def pickle_dump(model, path):
    path.write_bytes(pickle.dumps(model))


def pickle_load(path):
    return pickle.loads(path.read_bytes())


def skops_dump(model, path):
    skops.io.dump(model, path)


def skops_load(path):
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


SAVE = {"pickle": pickle_dump, "joblib": joblib.dump, "skops": skops_dump}
LOAD = {"pickle": pickle_load, "joblib": joblib.load, "skops": skops_load}


def outputs(model, X, y):
    """Whatever a model computes, by the name of the method."""
    found = {}
    for method in ("predict", "predict_proba", "transform"):
        if hasattr(model, method):
            found[method] = getattr(model, method)(X)
    if hasattr(model, "score_samples"):
        target = {} if y is None else {"y": y}
        found["score_samples"] = model.score_samples(X, **target)
    if y is None and getattr(model, "exogenous", None) is None:
        if hasattr(model, "forecast"):
            found["forecast"] = model.forecast(X, n_steps=3)
        if hasattr(model, "sample"):
            found["sample"] = model.sample(4, random_state=0)
    return found


def flat(values):
    """All arrays in nested tuples, lists and object arrays."""
    objects = isinstance(values, np.ndarray) and values.dtype.kind == "O"
    if objects or isinstance(values, tuple | list):
        return [array for value in values for array in flat(value)]
    return [np.asarray(values)]


def in_new_process(folder, way):
    """Load every model of a folder and save its outputs there."""
    threadpool_limits(1)
    data = joblib.load(folder / "data")
    results = [
        outputs(LOAD[way](folder / f"{i}.{way}"), *data[i]) for i in range(len(data))
    ]
    joblib.dump(results, folder / f"results.{way}")


SOME = [*{type(case.estimator): case for case in reversed(ALL)}.values()]


@pytest.fixture(
    scope="module", params=[SOME, pytest.param(ALL, marks=pytest.mark.slow)]
)
def cases(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(cases):
    """Models, with the data that they have learnt from."""
    found = []
    for case in cases:
        X, y = case.data(0, LENGTHS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append((clone(case.estimator).fit(X, y), X, y))
    return found


@pytest.fixture(scope="module")
def loaded(fitted, tmp_path_factory):
    """What the models give after loading in one new process, by way of saving."""
    folder = tmp_path_factory.mktemp("models")
    joblib.dump([data for _, *data in fitted], folder / "data")
    for way in SAVE:
        for i, (model, _, _) in enumerate(fitted):
            SAVE[way](model, folder / f"{i}.{way}")
    subprocess.run([sys.executable, __file__, str(folder), *SAVE], check=True)
    return {way: joblib.load(folder / f"results.{way}") for way in SAVE}


@pytest.mark.parametrize("way", SAVE)
def test_a_new_process_computes_the_same(cases, fitted, loaded, way):
    """To the last bit."""
    seen = set()
    for case, (model, X, y), found in zip(cases, fitted, loaded[way], strict=True):
        expected = outputs(model, X, y)
        assert found.keys() == expected.keys() and found, case.name
        seen.update(found)
        for method in expected:
            for a, b in zip(flat(found[method]), flat(expected[method]), strict=True):
                assert a.dtype == b.dtype, (case.name, method)
                assert_array_equal(a, b, err_msg=f"{case.name}: {method}")
    assert seen >= {"predict", "predict_proba", "transform", "score_samples"}
    assert seen >= {"forecast", "sample"}


def test_every_estimator_is_among_them():
    names = {type(case.estimator).__name__ for case in ALL}
    assert names >= set(sklearn_seq._ESTIMATORS) | {"DelayTaps", "PerTimestep"}


def test_skops_must_trust_this_package_only(fitted):
    """Besides what skops trusts by itself: numpy, scipy and scikit-learn."""
    for model, _, _ in fitted:
        types = skops.io.get_untrusted_types(data=skops.io.dumps(model))
        others = [name for name in types if not name.startswith("sklearn_seq.")]
        assert len(types) > len(others)
        assert set(others) <= {"scipy.sparse._csr.csr_array"}  # a sparse reservoir


@pytest.mark.parametrize("package", [sklearn_seq, sklearn])
@pytest.mark.parametrize("case", ALL[-3:-1] + ALL[:1], ids=lambda case: case.name)
def test_a_model_of_another_version_warns(monkeypatch, case, package):
    model = case.estimator.fit(*case.data(0, LENGTHS))
    with monkeypatch.context() as changed:
        changed.setattr(package, "__version__", "0.0.7")
        saved = pickle.dumps(model)
    with pytest.warns(InconsistentVersionWarning) as record:
        loaded = pickle.loads(saved)
    ours = [w for w in record if w.message.estimator_name == type(model).__name__]
    assert len(ours) == 1
    warning = ours[0].message
    assert warning.original_sklearn_version == "0.0.7"
    assert warning.current_sklearn_version == package.__version__
    assert vars(loaded).keys() == vars(model).keys()


def test_a_model_without_a_version_warns():
    model = ARRegressor().fit([[1.0], [2.0], [4.0]])
    copied = ARRegressor.__new__(ARRegressor)
    with pytest.warns(InconsistentVersionWarning, match="from version unknown"):
        copied.__setstate__(vars(model))
    assert_array_equal(copied.coef_, model.coef_)
    assert not {"_sklearn_seq_version", "_sklearn_version"} & vars(copied).keys()


def test_the_same_version_is_silent():
    model = EchoStateRegressor(5, random_state=0).fit(np.arange(9.0)[:, None])
    state = copy.copy(vars(model))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for same in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            assert vars(same).keys() == state.keys()
        assert "_sklearn_seq_version" not in vars(clone(model))
    assert vars(model).keys() == state.keys()


if __name__ == "__main__":
    for way in sys.argv[2:]:
        in_new_process(Path(sys.argv[1]), way)
