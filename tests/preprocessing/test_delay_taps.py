import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn_versions import parametrize_with_checks

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.metrics import next_step_r2_scorer
from sklearn_seq.preprocessing import DelayTaps

REASON = "a row's output depends on the rows before it"
ORDER = {
    "check_methods_sample_order_invariance": REASON,
    "check_methods_subset_invariance": REASON,
}

FILLS = st.sampled_from(["edge", 0.0, -1.5, np.nan])


@parametrize_with_checks(
    [DelayTaps(), DelayTaps(3), DelayTaps(2, fill=0.0)],
    expected_failed_checks=lambda est: ORDER if est.n_lags > 1 else {},
)
def test_sklearn_checks(estimator, check):
    check(estimator)


@st.composite
def sequences(draw, equal=False):
    """Some short sequences with up to three features."""
    n_features = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    if equal:
        lengths = [lengths[0]] * len(lengths)
    values = st.floats(-10, 10, width=32)
    return [draw(arrays(np.float64, (n, n_features), elements=values)) for n in lengths]


def taps_by_hand(x, n_lags, fill):
    """One value after another: x is a single sequence."""
    out = np.empty((len(x), n_lags * x.shape[1]))
    for t in range(len(x)):
        column = 0
        for lag in range(n_lags):
            for feature in range(x.shape[1]):
                if t - lag >= 0:
                    out[t, column] = x[t - lag, feature]
                else:
                    out[t, column] = x[0, feature] if fill == "edge" else fill
                column += 1
    return out


@given(sequences(), st.integers(1, 8), FILLS)
def test_taps_by_hand(X, n_lags, fill):
    out = DelayTaps(n_lags, fill=fill).fit_transform(X)
    assert out.dtype == object and out.shape == (len(X),)
    for taps, x in zip(out, X, strict=True):
        assert_array_equal(taps, taps_by_hand(x, n_lags, fill))


@given(sequences(equal=True), st.integers(1, 4), FILLS)
def test_layouts_are_equivalent(X, n_lags, fill):
    n_steps = len(X[0])
    rows = np.concatenate(X)
    ids = np.repeat(np.arange(len(X)), n_steps)
    index = pd.MultiIndex.from_arrays([ids, np.tile(np.arange(n_steps), len(X))])
    transformer = DelayTaps(n_lags, fill=fill)
    expected = transformer.fit_transform(rows, groups=ids)
    assert_array_equal(
        transformer.fit_transform(pd.DataFrame(rows, index=index)), expected
    )
    panel = transformer.fit_transform(np.stack(X))
    assert panel.shape == (len(X), n_steps, n_lags * rows.shape[1])
    assert_array_equal(panel.reshape(len(rows), -1), expected)
    assert_array_equal(np.concatenate(transformer.fit_transform(X)), expected)


@given(sequences(), st.integers(1, 4), st.data())
def test_causal_and_independent(X, n_lags, data):
    ids = np.repeat(np.arange(len(X)), [len(x) for x in X])
    rows = np.concatenate(X)
    transformer = DelayTaps(n_lags).fit(rows)
    before = transformer.transform(rows, groups=ids)
    t = data.draw(st.integers(0, len(rows) - 1))
    changed = rows.copy()
    changed[t:] += 1.0
    after = transformer.transform(changed, groups=ids)
    assert_array_equal(after[:t], before[:t])
    later = ids > ids[t]
    changed = rows.copy()
    changed[t] += 1.0
    after = transformer.transform(changed, groups=ids)
    assert_array_equal(after[later], before[later])


@settings(max_examples=20)
@given(st.integers(1, 3), st.integers(1, 2), st.integers(0, 5))
def test_linear_regression_on_taps_is_autoregression(n_lags, n_features, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, n_features))
    groups = np.repeat([0, 1], [25, 35])
    ar = ARRegressor(n_lags).fit(X, groups=groups)
    taps = DelayTaps(n_lags)
    step = np.r_[np.arange(25), np.arange(35)]
    # rows with all of their taps, and a next row in the same sequence
    full = (step >= n_lags - 1) & np.r_[groups[1:] == groups[:-1], False]
    inputs = taps.fit_transform(X, groups=groups)
    linear = LinearRegression().fit(inputs[full], np.roll(X, -1, axis=0)[full])
    assert_allclose(
        ar.coef_.reshape(n_features, -1),
        linear.coef_.reshape(n_features, -1),
        atol=1e-9,
    )
    assert_allclose(ar.intercept_, linear.intercept_, atol=1e-9)
    predicted = linear.predict(taps.transform(X, groups=groups))
    assert_allclose(ar.predict(X, groups=groups), predicted, atol=1e-9)


def test_no_taps_across_a_hole():
    index = pd.Index([0, 1, 2, 5, 6])
    X = pd.DataFrame({"temp": [1.0, 2.0, 3.0, 4.0, 5.0]}, index=index)
    out = DelayTaps(2, fill=0.0).fit_transform(X)
    assert_array_equal(out, [[1, 0], [2, 1], [3, 2], [4, 0], [5, 4]])


def test_default_order_and_single_row():
    out = DelayTaps(3).fit_transform([[1.0, 10.0]])
    assert_array_equal(out, [[1, 10, 1, 10, 1, 10]])
    out = DelayTaps(2).fit_transform([[1.0, 10.0], [2.0, 20.0]])
    assert_array_equal(out, [[1, 10, 1, 10], [2, 20, 1, 10]])


@pytest.mark.parametrize("n_lags", [1, 3])
def test_output_is_a_copy(n_lags):
    X = np.zeros((4, 1))
    out = DelayTaps(n_lags).fit_transform(X)
    out[:] = 7.0
    assert_array_equal(X, 0.0)


@pytest.mark.parametrize(
    "dtype, expected",
    [("float64", "float64"), ("float32", "float32"), ("int64", "float64")],
)
def test_dtype(dtype, expected):
    X = np.arange(6).reshape(3, 2).astype(dtype)
    transformer = DelayTaps(2, fill=np.nan).fit(X)
    assert transformer.transform(X).dtype == expected
    assert transformer.fit_transform([X, X])[0].dtype == expected
    assert np.isnan(transformer.transform(X)[0, 2:]).all()


def test_nan_passes_through():
    X = np.array([[1.0], [np.nan], [3.0]])
    expected = [[1.0, 1.0], [np.nan, 1.0], [3.0, np.nan]]
    assert_array_equal(DelayTaps(2).fit_transform(X), expected)


def test_feature_names():
    X = pd.DataFrame({"temp": [1.0, 2.0], "wind": [3.0, 4.0]})
    transformer = DelayTaps(2).fit(X)
    names = ["temp_lag0", "wind_lag0", "temp_lag1", "wind_lag1"]
    assert transformer.get_feature_names_out().tolist() == names
    assert transformer.n_features_in_ == 2
    assert transformer.feature_names_in_.tolist() == ["temp", "wind"]
    transformer.fit(X.to_numpy())
    names = ["x0_lag0", "x1_lag0", "x0_lag1", "x1_lag1"]
    assert transformer.get_feature_names_out().tolist() == names
    assert transformer.get_feature_names_out(["a", "b"]).tolist()[0] == "a_lag0"


def test_pandas_output_keeps_the_index():
    index = pd.MultiIndex.from_product([["a", "b"], [0, 1, 2]])
    X = pd.DataFrame({"temp": np.arange(6.0)}, index=index)
    out = DelayTaps(2).set_output(transform="pandas").fit_transform(X)
    assert out.columns.tolist() == ["temp_lag0", "temp_lag1"]
    assert out.index.equals(index)
    assert out["temp_lag1"].tolist() == [0, 0, 1, 3, 3, 4]
    assert DelayTaps(2).set_output(transform="pandas").fit(X).transform(X).equals(out)


def test_polars_in_and_out():
    X = pl.DataFrame({"temp": [1.0, 2.0, 3.0]})
    transformer = DelayTaps(2).set_output(transform="polars")
    out = transformer.fit_transform(X, groups=[0, 0, 1])
    assert isinstance(out, pl.DataFrame)
    assert out.columns == ["temp_lag0", "temp_lag1"]
    assert out["temp_lag1"].to_list() == [1.0, 1.0, 3.0]


@pytest.mark.parametrize("X", [np.zeros((2, 3, 1)), [np.zeros((2, 1))] * 2])
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_no_frame_for_a_panel(X, container):
    transformer = DelayTaps(2).set_output(transform=container)
    with pytest.raises(ValueError, match=f"{container} frame cannot hold a panel"):
        transformer.fit_transform(X)
    with pytest.raises(ValueError, match="pass rows|Pass rows"):
        transformer.fit(X).transform(X)


def test_groups_reach_it_in_a_pipeline():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 1)).cumsum(axis=0)
    y = np.roll(X[:, 0], -1)
    groups = np.repeat([0, 1, 2, 3], 10)
    by_hand = []
    for _, test in GroupKFold(4).split(X, y, groups):
        rest = np.setdiff1d(np.arange(40), test)
        taps = np.concatenate([taps_by_hand(X[groups == g], 3, 0.0) for g in range(4)])
        linear = LinearRegression().fit(taps[rest], y[rest])
        by_hand.append(linear.score(taps[test], y[test]))
    model = make_pipeline(DelayTaps(3, fill=0.0), LinearRegression())
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            model,
            X,
            y,
            cv=GroupKFold(4),
            scoring=next_step_r2_scorer,
            params={"groups": groups},
        )
        assert_allclose(scores, by_hand)
        model.fit(X, y, groups=groups)
        taps = [taps_by_hand(X[groups == g], 3, 0.0) for g in range(4)]
        assert_allclose(
            model.predict(X, groups=groups), model[-1].predict(np.concatenate(taps))
        )


def test_groups_are_requested_under_any_name():
    with sklearn.config_context(enable_metadata_routing=True):
        transformer = DelayTaps(2).set_transform_request(groups="sequence")
        requests = clone(transformer).get_metadata_routing()
        assert requests.fit.requests == {"groups": True}
        assert requests.transform.requests == {"groups": "sequence"}


@pytest.mark.parametrize("n_lags", [0, -1, 1.5, "2", None])
def test_bad_n_lags(n_lags):
    with pytest.raises(ValueError, match="'n_lags' parameter of DelayTaps must be"):
        DelayTaps(n_lags).fit(np.zeros((3, 1)))


@pytest.mark.parametrize("fill", ["mean", None, np.inf, [0.0]])
def test_bad_fill(fill):
    with pytest.raises(ValueError, match="'fill' parameter of DelayTaps must be"):
        DelayTaps(fill=fill).fit_transform(np.zeros((3, 1)))


@pytest.mark.parametrize(
    "X, groups, message",
    [
        ([[1.0], [np.inf]], None, "X contains infinity"),
        ([["a"], ["b"]], None, "takes no text"),
        (np.zeros(3), None, "Expected 2D array"),
        (np.zeros((0, 1)), None, "0 sample"),
        (np.zeros((3, 1)), [0, 1, 0], "groups must be contiguous"),
        (np.zeros((3, 1)), [0, 1], "inconsistent numbers of samples"),
        (np.zeros((2, 0, 1)), None, "needs at least one row"),
        ([np.zeros((2, 1)), np.zeros((0, 1))], None, "Sequence 1 of X is empty"),
        ([np.zeros((2, 1)), np.zeros((3, 2))], None, "Sequence 1 of X has 2 features"),
        (np.zeros((2, 3, 1)), [0], "one group for each sequence"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=[1, 0]), None, "does not increase"),
    ],
)
def test_bad_input(X, groups, message):
    with pytest.raises(ValueError, match=message):
        DelayTaps(2).fit(X, groups=groups)
    with pytest.raises(ValueError, match=message):
        DelayTaps(2).fit_transform(X, groups=groups)
    with pytest.raises(ValueError, match=message):
        DelayTaps(2).fit(np.zeros((3, 1))).transform(X, groups=groups)


def test_not_fitted_and_changed_features():
    with pytest.raises(NotFittedError, match="DelayTaps"):
        DelayTaps(2).transform(np.zeros((3, 1)))
    with pytest.raises(NotFittedError, match="DelayTaps"):
        DelayTaps(2).get_feature_names_out()
    with pytest.raises(
        ValueError, match="X has 2 features, but DelayTaps is expecting"
    ):
        DelayTaps(2).fit(np.zeros((3, 1))).transform(np.zeros((3, 2)))
