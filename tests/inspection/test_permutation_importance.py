"""Permutation importance, held against scikit-learn's and against loops by hand."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import inspection
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARClassifier, ARRegressor, MLPSequenceRegressor
from sklearn_seq.echo_state import EchoStateRegressor
from sklearn_seq.hmm import GaussianHMM, HMMRegressor
from sklearn_seq.inspection import permutation_importance
from sklearn_seq.lds import LDSRegressor
from sklearn_seq.metrics import mean_log_likelihood_scorer
from sklearn_seq.preprocessing import PerTimestep
from sklearn_seq.rnn import RNNRegressor

LENGTHS = (12, 9, 12, 9, 9, 12)
GROUPS = np.repeat(np.arange(6), LENGTHS)


def recordings(lengths=LENGTHS):
    """Labels by the first of three features; the second is noise."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 3)) for n in lengths]
    y = [np.digitize(x[:, 0] + 0.5 * x[:, 2], [-0.5, 0.5]) - 1 for x in X]
    return X, y


@pytest.mark.parametrize("as_frame", [False, True])
def test_rows_as_in_scikit_learn(as_frame):
    X, y = recordings()
    rows, labels = np.concatenate(X), np.concatenate(y)
    if as_frame:
        rows = pd.DataFrame(rows, columns=list("abc"))
    model = ARClassifier(2).fit(rows, labels)
    for scoring in (None, "f1_macro"):
        arguments = {"scoring": scoring, "n_repeats": 4, "random_state": 3}
        expected = inspection.permutation_importance(model, rows, labels, **arguments)
        found = permutation_importance(model, rows, labels, **arguments)
        assert sorted(found) == sorted(expected)
        for name in expected:
            assert_allclose(found[name], expected[name], atol=1e-12)
    assert found.importances.shape == (3, 4)
    assert found.importances_mean[0] > 0.2


def test_all_layouts_agree():
    X, y = recordings()
    rows, flat_y = np.concatenate(X), np.concatenate(y)
    model = ARClassifier(2).fit(X, y)
    arguments = {"n_repeats": 3, "random_state": 0, "scoring": "balanced_accuracy"}
    listed = permutation_importance(model, X, y, **arguments).importances
    grouped = permutation_importance(model, rows, flat_y, groups=GROUPS, **arguments)
    assert_allclose(listed, grouped.importances)
    steps = np.concatenate([np.arange(n) for n in LENGTHS])
    index = pd.MultiIndex.from_arrays([GROUPS, steps])
    frame = pd.DataFrame(rows, index=index, columns=list("abc"))
    named = clone(model).fit(frame, flat_y)
    indexed = permutation_importance(named, frame, flat_y, **arguments)
    assert_allclose(listed, indexed.importances)
    frames = [pd.DataFrame(x, columns=list("abc")) for x in X]
    listed_frames = permutation_importance(named, frames, y, **arguments)
    assert_allclose(listed, listed_frames.importances)
    polars = pl.DataFrame(rows, schema=list("abc"))
    named = permutation_importance(named, polars, flat_y, groups=GROUPS, **arguments)
    assert_allclose(listed, named.importances)
    X, y = recordings((10,) * 6)
    listed = permutation_importance(model, X, y, **arguments)
    stacked = permutation_importance(model, np.stack(X), np.stack(y), **arguments)
    assert_allclose(listed.importances, stacked.importances)


def test_data_stay_as_they_were():
    X, y = recordings((10,) * 6)
    stacked = np.stack(X)
    model = ARClassifier().fit(stacked, np.stack(y))
    permutation_importance(model, stacked, np.stack(y))
    assert_array_equal(stacked, np.stack(X))
    permutation_importance(model, X, y)
    assert_array_equal(stacked, np.stack(X))


def test_frames_keep_their_dtypes():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=40).astype(np.float32),
            "b": rng.integers(5, size=40),
            "c": pd.Series(rng.integers(5, size=40), dtype="Int64"),
        }
    )
    seen = []

    class Watching(ARRegressor):
        def score(self, X, y=None, sample_weight=None, groups=None):
            seen.append(X)
            return super().score(X, y, sample_weight, groups)

    y = X["a"].to_numpy() * 2.0
    permutation_importance(Watching().fit(X, y), X, y, n_repeats=1)
    assert len(seen) == 4
    for j, permuted in enumerate(seen[1:]):
        pd.testing.assert_series_equal(permuted.dtypes, X.dtypes)
        for k in range(3):
            same = permuted.iloc[:, k].equals(X.iloc[:, k])
            assert same == (j != k)
            assert sorted(permuted.iloc[:, k]) == sorted(X.iloc[:, k])


def test_whole_sequences():
    """A feature that is constant in each sequence: its sequences change places."""
    rng = np.random.default_rng(0)
    X = [
        np.column_stack([np.full(n, i), rng.normal(size=n)])
        for i, n in enumerate(LENGTHS)
    ]
    y = [x[:, 0] + x[:, 1] for x in X]
    seen = []

    class Watching(ARRegressor):
        def score(self, X, y=None, sample_weight=None, groups=None):
            seen.append(X)
            return super().score(X, y, sample_weight, groups)

    model = Watching().fit(X, y)
    result = permutation_importance(
        model, X, y, permute="sequences", n_repeats=5, random_state=0
    )
    for permuted in seen[1:6]:
        levels = [np.unique(x[:, 0]) for x in permuted]
        assert all(len(level) == 1 for level in levels)
        assert {levels[i][0] for i in (1, 3, 4)} == {1, 3, 4}
        assert {levels[i][0] for i in (0, 2, 5)} == {0, 2, 5}
    # y is the sum, so that the squared errors are the squared differences.
    true = np.concatenate(y)
    for i, permuted in enumerate(seen[1:6]):
        errors = np.concatenate(
            [p[:, 0] - x[:, 0] for p, x in zip(permuted, X, strict=True)]
        )
        expected = np.mean(errors**2) / np.var(true)
        assert_allclose(result.importances[0, i], expected, atol=1e-8)
    with pytest.raises(ValueError, match="only one has 10 rows. Cut the sequences"):
        permutation_importance(
            model, [*X, X[0][:10]], [*y, y[0][:10]], permute="sequences"
        )


FORECASTERS = {
    "AR": ARRegressor(2),
    "MLP": MLPSequenceRegressor(2, (5,), solver="lbfgs", max_iter=30, random_state=0),
    "LDS": LDSRegressor(2, max_iter=5),
    "HMM": HMMRegressor(2, max_iter=5, random_state=0),
    "RNN": RNNRegressor(4, max_iter=3, random_state=0),
    "ESN": EchoStateRegressor(20, random_state=0),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FORECASTERS)
@pytest.mark.parametrize("burn_in", [0, 3])
def test_next_steps(name, burn_in):
    """Targets are the next steps of X as it was."""
    rng = np.random.default_rng(1)
    X = [np.cumsum(rng.normal(size=(n, 2)), axis=0) for n in (20, 15, 30)]
    model = clone(FORECASTERS[name]).set_params(burn_in=burn_in).fit(X)
    seen = []

    def watch(y_true, y_pred):
        seen.append((y_true, y_pred))
        return 1.0

    watch.__name__ = "some_score"
    permutation_importance(model, X, scoring=watch, n_repeats=1, random_state=0)
    expected = np.concatenate([x[max(1, burn_in) :] for x in X])
    for true, _ in seen:
        assert_allclose(true, expected)
    forecasts = np.concatenate([p[max(1, burn_in) - 1 : -1] for p in model.predict(X)])
    assert_allclose(seen[0][1], forecasts)
    assert all(not np.allclose(p, forecasts) for _, p in seen[1:])
    result = permutation_importance(model, X, n_repeats=2, random_state=0)
    assert np.isfinite(result.importances).all()


def test_next_symbols():
    """Symbols of the second column follow those of the first, as inputs."""
    rng = np.random.default_rng(0)
    first = rng.integers(3, size=(200, 1))
    X = np.hstack([first, np.roll(first, 1)])
    model = ARClassifier(1, exogenous=[0], C=100).fit(X)
    result = permutation_importance(model, X, n_repeats=3, random_state=0)
    assert model.score(X) == 1
    assert result.importances_mean[0] > 0.5
    assert_allclose(result.importances[1], 0)


def test_pipelines_searches_and_several_scorers():
    X, y = recordings()
    pipeline = make_pipeline(PerTimestep(StandardScaler()), ARClassifier())
    search = GridSearchCV(pipeline, {"arclassifier__n_lags": [1, 2]}, cv=KFold(2))
    search.fit(X, y)
    arguments = {"n_repeats": 2, "random_state": 0}
    found = permutation_importance(search, X, y, **arguments)
    best = permutation_importance(search.best_estimator_, X, y, **arguments)
    assert_array_equal(found.importances, best.importances)
    several = permutation_importance(
        search,
        X,
        y,
        scoring={"f1": "f1_macro", "likelihood": mean_log_likelihood_scorer},
        n_jobs=2,
        **arguments,
    )
    assert sorted(several) == ["f1", "likelihood"]
    single = permutation_importance(search, X, y, scoring="f1_macro", **arguments)
    assert_allclose(several["f1"].importances, single.importances)
    names = permutation_importance(search, X, y, scoring=["f1_macro"], **arguments)
    assert_allclose(names["f1_macro"].importances, single.importances)
    # An importance by hand: the difference of two scores.
    score = f1_score(
        np.concatenate(y), np.concatenate(list(search.predict(X))), average="macro"
    )
    assert score > single.importances_mean[0] > 0.2
    weights = np.array([1.0, 0, 0, 0, 0, 0])
    one = permutation_importance(
        pipeline.fit(X, y), X, y, sample_weight=weights, **arguments
    )
    assert_allclose(one.importances * 12, np.round(one.importances * 12), atol=1e-9)


def test_a_scaler_changes_neither_targets_nor_importance():
    rng = np.random.default_rng(1)
    X = 100 + 10 * np.cumsum(rng.normal(size=(60, 2)), axis=0)
    plain = ARRegressor(2).fit(X)
    pipeline = make_pipeline(StandardScaler(), ARRegressor(2)).fit(X)
    arguments = {"n_repeats": 2, "random_state": 0}
    assert_allclose(
        permutation_importance(pipeline, X, **arguments).importances,
        permutation_importance(plain, X, **arguments).importances,
        rtol=1e-6,
    )


def test_errors():
    X, y = recordings()
    model = ARClassifier().fit(X, y)
    with pytest.raises(ValueError, match="permute='rows': expected one of"):
        permutation_importance(model, X, y, permute="rows")
    with pytest.raises(
        ValueError, match="n_repeats=0: expected an integer of at least"
    ):
        permutation_importance(model, X, y, n_repeats=0)
    with pytest.raises(
        TypeError, match="a classifier or a regressor, but got GaussianH"
    ):
        permutation_importance(GaussianHMM().fit(X), X)
    rows = np.concatenate(X)
    linear = LinearRegression().fit(rows, rows[:, 0])
    with pytest.raises(ValueError, match="LinearRegression is no sequence model: y is"):
        permutation_importance(linear, rows)
