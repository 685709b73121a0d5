import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.metrics import mean_log_likelihood_scorer, next_step_r2_scorer
from sklearn_seq.model_selection import TimeSeriesSplitWithContext

SPLITS = {
    "n_splits": st.integers(2, 4),
    "gap": st.integers(0, 3),
    "max_train_size": st.none() | st.integers(1, 10),
    "test_size": st.none() | st.integers(1, 4),
}


def folds_or_nothing(cv, n_rows):
    try:
        return list(cv.split(np.empty((n_rows, 1))))
    except ValueError:
        return None


@given(st.integers(3, 30), st.fixed_dictionaries(SPLITS))
def test_without_context_it_is_scikit_learn_s(n_rows, parameters):
    expected = folds_or_nothing(TimeSeriesSplit(**parameters), n_rows)
    folds = folds_or_nothing(TimeSeriesSplitWithContext(**parameters), n_rows)
    assert (folds is None) == (expected is None)
    for fold, other in zip(folds or (), expected or (), strict=True):
        assert_array_equal(fold[0], other[0])
        assert_array_equal(fold[1], other[1])


@given(st.integers(3, 30), st.fixed_dictionaries(SPLITS), st.integers(0, 6))
def test_context_comes_before_the_window(n_rows, parameters, burn_in):
    expected = folds_or_nothing(TimeSeriesSplit(**parameters), n_rows)
    assume(expected is not None)
    cv = TimeSeriesSplitWithContext(**parameters, burn_in=burn_in)
    folds = folds_or_nothing(cv, n_rows)
    assert (folds is None) == (expected[0][1][0] < burn_in)
    for (train, test), (other, window) in zip(
        folds or (), expected, strict=bool(folds)
    ):
        assert_array_equal(train, other)
        assert_array_equal(test, np.arange(window[0] - burn_in, window[-1] + 1))


@given(
    st.lists(st.integers(8, 20), min_size=2, max_size=4),
    st.integers(2, 3),
    st.integers(0, 2),
    st.integers(0, 1),
)
def test_each_sequence_is_split_for_itself(lengths, n_splits, burn_in, gap):
    cv = TimeSeriesSplitWithContext(n_splits, burn_in=burn_in, gap=gap)
    starts = np.append(0, np.cumsum(lengths))
    groups = np.repeat(np.arange(len(lengths)), lengths)
    X = np.empty((len(groups), 1))
    folds = list(cv.split(X, groups=groups))
    assert len(folds) == cv.get_n_splits(X, groups=groups) == n_splits
    alone = [list(cv.split(np.empty((n, 1)))) for n in lengths]
    for k, (train, test) in enumerate(folds):
        for part, rows in enumerate((train, test)):
            expected = [
                start + folds_of_one[k][part]
                for start, folds_of_one in zip(starts, alone, strict=False)
            ]
            assert_array_equal(rows, np.concatenate(expected))
            # in order, and without holes within a sequence
            assert (np.diff(rows)[np.diff(groups[rows]) == 0] == 1).all()
            assert (np.diff(rows) > 0).all()
    for sequence in range(len(lengths)):
        last_train = [t[groups[t] == sequence][-1] for t, _ in folds]
        windows = [t[groups[t] == sequence][burn_in:] for _, t in folds]
        # windows follow each other without a gap, up to the end, after the training
        joined = np.concatenate(windows)
        assert_array_equal(joined, np.arange(joined[0], starts[sequence + 1]))
        for last, window in zip(last_train, windows, strict=True):
            assert last + gap + 1 == window[0]


def test_groups_and_index_agree():
    groups = np.repeat(["b", "a"], [12, 9])
    steps = np.r_[np.arange(12), np.arange(5, 14)]
    X = np.zeros((21, 1))
    index = pd.MultiIndex.from_arrays([groups, steps])
    cv = TimeSeriesSplitWithContext(2, burn_in=2)
    by_groups = list(cv.split(X, groups=groups))
    for frame, ids in (
        (pd.DataFrame(X, index=index), None),
        (pd.DataFrame(X, index=index), groups),
        (pd.Series(X[:, 0], index=index), None),
        (pl.DataFrame(X), groups),
        (X.tolist(), groups.tolist()),
        (X[:, 0], pd.Series(groups)),
    ):
        for fold, other in zip(by_groups, cv.split(frame, groups=ids), strict=True):
            assert_array_equal(fold[0], other[0])
            assert_array_equal(fold[1], other[1])


@pytest.mark.parametrize("n_lags, burn_in", [(1, 1), (2, 2), (2, 5)])
@pytest.mark.parametrize("with_y", [False, True])
def test_exactly_the_window_is_scored(n_lags, burn_in, with_y):
    """The score of a fold is that of the window's rows in the whole series."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 1)).cumsum(axis=0)
    groups = np.repeat([0, 1], [40, 50])
    y = X[:, 0] ** 2 if with_y else None
    targets = y if with_y else X[:, 0]
    cv = TimeSeriesSplitWithContext(3, burn_in=burn_in)
    model = ARRegressor(n_lags, burn_in=burn_in)
    r2, log_likelihood = [], []
    for train, test in cv.split(X, groups=groups):
        fold_y = None if y is None else y[train]
        fitted = clone(model).fit(X[train], fold_y, groups=groups[train])
        window = np.concatenate([test[groups[test] == g][burn_in:] for g in (0, 1)])
        predicted = fitted.predict(X, groups=groups).reshape(90)
        predicted = predicted[window - (not with_y)]
        r2.append(r2_score(targets[window], predicted))
        args = (X,) if y is None else (X, y)
        density = fitted.score_samples(*args, groups=groups)
        log_likelihood.append(density[window].mean())
    scoring = {"r2": next_step_r2_scorer, "nats": mean_log_likelihood_scorer}
    with sklearn.config_context(enable_metadata_routing=True):
        results = cross_validate(
            model, X, y, cv=cv, scoring=scoring, params={"groups": groups}
        )
    assert_allclose(results["test_r2"], r2)
    assert_allclose(results["test_nats"], log_likelihood)


def test_in_a_search_over_an_indexed_frame():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([["a", "b"], range(40)])
    X = pd.DataFrame(rng.normal(size=(80, 1)).cumsum(axis=0), index, ["x"])
    model = make_pipeline(StandardScaler(), ARRegressor(burn_in=3))
    model.set_output(transform="pandas")
    cv = TimeSeriesSplitWithContext(3, burn_in=3)
    search = GridSearchCV(
        model, {"arregressor__n_lags": [1, 2]}, cv=cv, error_score="raise"
    ).fit(X)
    by_hand = []
    for train, test in cv.split(X):
        fitted = clone(model).fit(X.iloc[train])
        score = next_step_r2_scorer(fitted, X.iloc[test])
        by_hand.append(score)
    assert_allclose(search.cv_results_["mean_test_score"][0], np.mean(by_hand))


def test_max_train_size_and_test_size_hold_for_each_sequence():
    cv = TimeSeriesSplitWithContext(2, max_train_size=2, test_size=1, gap=1, burn_in=2)
    folds = list(cv.split(np.empty(12), groups=[0] * 6 + [1] * 6))
    assert [[part.tolist() for part in fold] for fold in folds] == [
        [[1, 2, 7, 8], [2, 3, 4, 8, 9, 10]],
        [[2, 3, 8, 9], [3, 4, 5, 9, 10, 11]],
    ]


def test_requests_groups_under_any_name():
    cv = TimeSeriesSplitWithContext()
    with sklearn.config_context(enable_metadata_routing=True):
        assert cv.get_metadata_routing().split.requests == {"groups": True}
        cv.set_split_request(groups="sequence")
        assert cv.get_metadata_routing().split.requests == {"groups": "sequence"}


def test_repr_and_type():
    cv = TimeSeriesSplitWithContext(3, gap=1, burn_in=2)
    assert isinstance(cv, TimeSeriesSplit)
    text = " ".join(repr(cv).split())
    assert text == (
        "TimeSeriesSplitWithContext(burn_in=2, gap=1, max_train_size=None, n_splits=3, "
        "test_size=None)"
    )


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_splits": 1}, "n_splits=2 or more"),
        ({"n_splits": 2.5}, "must be of Integral type"),
        ({"burn_in": -1}, "burn_in=-1: expected an integer of at least 0"),
        ({"burn_in": 1.0}, "burn_in=1.0: expected an integer"),
        ({"burn_in": None}, "burn_in=None: expected an integer"),
        ({"gap": -1}, "gap=-1: expected an integer of at least 0"),
        ({"test_size": 0}, "test_size=0: expected an integer of at least 1"),
        ({"max_train_size": 0}, "max_train_size=0: expected an integer of at least 1"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        TimeSeriesSplitWithContext(**parameters)


FRAME = pd.DataFrame({"x": np.zeros(6)}, index=[0, 1, 2, 5, 4, 3])


@pytest.mark.parametrize(
    "parameters, X, groups, message",
    [
        ({"burn_in": 4}, np.empty(12), None, "burn_in=4 rows.*only 3 rows before that"),
        ({"burn_in": 4}, np.empty(12), [0] * 6 + [1] * 6, "sequence of rows 0 to 5"),
        ({}, np.empty(3), None, "Too few rows: Cannot have number of folds=4"),
        ({}, np.empty(8), [0] * 5 + [1] * 3, "Too few rows of the sequence of rows 5"),
        ({"gap": 9}, np.empty(12), None, "Too many splits=3.*Use fewer splits"),
        ({}, np.empty(8), [0, 1] * 4, "groups must be contiguous"),
        ({}, np.empty(8), [0] * 7, "inconsistent numbers of samples"),
        ({}, np.empty((8, 4, 1)), None, "samples of a panel"),
        ({}, [np.zeros((3, 1)), np.zeros((4, 1))], None, "samples of a panel"),
        ({}, FRAME, None, "does not increase in time"),
    ],
)
def test_bad_input(parameters, X, groups, message):
    cv = TimeSeriesSplitWithContext(3, **parameters)
    with pytest.raises(ValueError, match=message):
        list(cv.split(X, groups=groups))
