"""Masked arrays, and what other packages keep numbers in."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from test_common import EQUAL, all_outputs, assert_same, rows_of
from test_misread import RNG, cases, every_case, takes_missing

from sklearn_seq.autoregressive import ARClassifier, ARRegressor
from sklearn_seq.hmm import CategoricalHMM, GaussianHMM, HMMClassifier, HMMRegressor
from sklearn_seq.inspection import HiddenStateDisplay, permutation_importance
from sklearn_seq.lds import LinearDynamicalSystem
from sklearn_seq.preprocessing import DelayTaps, PerTimestep
from sklearn_seq.sequences import read_layout

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def masked_and_missing(case, lengths=EQUAL):
    """Sequences with masks over senseless values, and with NaN or None there."""
    sequences, y = case.data(0, lengths)
    rng = RNG(3)
    masked, missing = [], []
    for x in sequences:
        mask = rng.random(x.shape) < 0.15
        mask[0] = False
        senseless = np.where(mask, "zz" if x.dtype.kind == "U" else 10**6, x)
        masked.append(np.ma.masked_array(senseless.astype(x.dtype), mask))
        missing.append(np.where(mask, None, x.astype(object)))
        if x.dtype.kind != "U":
            missing[-1] = missing[-1].astype(float)
    return masked, missing, y


def outcome(case, X, y, groups=None):
    """What a fitted model says, or why it cannot be fitted."""
    options = {} if groups is None else {"groups": groups}
    try:
        model = clone(case.estimator).fit(X, y, **options)
    except ValueError as error:
        return str(error)
    return all_outputs(model, X, y, groups, stack=groups is None)


@every_case
def test_masked_is_missing(case):
    masked, missing, y = masked_and_missing(case)
    pairs = [
        (masked, missing, y, None),
        (np.ma.stack(masked), np.stack(missing), y if y is None else np.stack(y), None),
    ]
    if not case.gives_one_output_per_sequence:
        X, flat_y, groups = rows_of(missing, y)
        pairs.append((np.ma.concatenate(masked), X, flat_y, groups))
    for X, expected_X, y, groups in pairs:
        found, expected = (outcome(case, x, y, groups) for x in (X, expected_X))
        assert isinstance(found, str) != takes_missing(case)
        if isinstance(found, str):
            assert "NaN" in found or "missing" in found
            assert found == expected
        else:
            assert_same(found, expected)


@cases(
    lambda case: (
        case.make_X.__name__ != "text" if hasattr(case.make_X, "__name__") else True
    )
)
def test_a_mask_that_hides_nothing_changes_nothing(case):
    sequences, y = case.data(0, EQUAL)
    found = outcome(case, [np.ma.masked_array(x) for x in sequences], y)
    assert_same(found, outcome(case, sequences, y))


@cases(lambda case: case.make_y is not None)
def test_masked_targets_are_missing(case):
    sequences, y = case.data(0, EQUAL)
    mask = RNG(0).random(len(sequences)) < 0.3
    if not case.gives_one_output_per_sequence:
        masks = [RNG(i).random(len(values)) < 0.3 for i, values in enumerate(y)]
        if y[0].ndim == 2:
            masks = [np.column_stack([mask, mask]) for mask in masks]
        masked = [hide(v, m) for v, m in zip(y, masks, strict=True)]
        missing = [without(v, m) for v, m in zip(y, masks, strict=True)]
        pairs = [(masked, missing), (np.ma.stack(masked), np.stack(missing))]
        X = np.concatenate(sequences)
        rows = [np.ma.concatenate(masked), np.concatenate(missing)]
        found, expected = (outcome(case, X, values) for values in rows)
        assert not isinstance(found, str), found
        assert_same(found, expected)
    else:
        mask[:2] = False  # of both classes
        pairs = [(hide(y, mask), without(y, mask))]
    for given, wanted in pairs:
        assert_same(outcome(case, sequences, given), outcome(case, sequences, wanted))
        model = clone(case.estimator).fit(sequences, y)
        assert model.score(sequences, given) == model.score(sequences, wanted)


def hide(values, mask):
    """Masked, with another value underneath."""
    other = 10**6 if values.dtype.kind in "if" else "zz"
    return np.ma.masked_array(np.where(mask, other, values).astype(values.dtype), mask)


def without(values, mask):
    if values.dtype.kind == "f":
        return np.where(mask, np.nan, values)
    return np.where(mask, None, values.astype(object))


@every_case
def test_masked_weights_and_groups_are_refused(case):
    sequences, y = case.data(0, EQUAL)
    model = clone(case.estimator).fit(sequences, y)
    mask = np.arange(len(sequences)) == 2
    weights = np.ma.masked_array(np.ones(len(sequences)), mask)
    with pytest.raises(ValueError, match="sample_weight is masked at position 2"):
        model.score(sequences, y, sample_weight=weights)
    model.score(sequences, y, sample_weight=np.ma.masked_array(weights.data))
    if case.gives_one_output_per_sequence:
        return
    X, _, groups = rows_of(sequences, y)
    groups = np.ma.masked_array(groups, np.arange(len(groups)) == 16)
    with pytest.raises(ValueError, match="groups is missing at row 16"):
        getattr(model, case.output)(X, groups=groups)


def test_masks_in_other_places():
    symbols = np.ma.masked_array([0, 1, 2, 0, 1, 2, 9], [0, 0, 0, 0, 0, 0, 1])
    for X in ([symbols, symbols[2:]], [symbols[:, None]], symbols[:, None]):
        assert_array_equal(CategoricalHMM(2).fit(X).symbols_, [[0, 1, 2]])
        assert_array_equal(HMMClassifier(2).fit(X).classes_, [0, 1, 2])
    flags = np.ma.masked_array([[True], [False], [True]], [[0], [0], [1]])
    assert CategoricalHMM().fit(flags).symbols_[0].dtype == bool
    x = np.ma.masked_array([[1.0], [2.0], [1e6]], [[0], [0], [1]])
    taps = DelayTaps(2).fit_transform(x)
    assert_array_equal(taps, [[1.0, 1.0], [2.0, 1.0], [np.nan, 2.0]])
    assert DelayTaps(2).fit_transform(x.astype(np.float32)).dtype == np.float32
    # Entries of lists.
    X, y = [[1.0], [2.0], [4.0], [8.0]], [2.0, np.ma.masked, 8.0, 16.0]
    assert_array_equal(ARRegressor().fit(X, y).coef_.round(12), [[[2.0]]])
    objects = np.empty(2, dtype=object)
    objects[:] = [x, x]
    assert_array_equal(
        LinearDynamicalSystem(max_iter=2).fit(objects).observation_covariance_,
        LinearDynamicalSystem(max_iter=2)
        .fit([x.filled(np.nan)] * 2)
        .observation_covariance_,
    )


def test_masks_beyond_the_models():
    rng = RNG(0)
    X = np.ma.masked_array(rng.normal(size=(30, 2)), rng.random((30, 2)) < 0.2)
    X.data[X.mask] = 1e6
    expected = X.filled(np.nan)
    scaled = PerTimestep(StandardScaler()).fit_transform(X)
    assert_array_equal(scaled, StandardScaler().fit_transform(expected))
    model = HMMRegressor(2, random_state=0).fit(expected)
    found, wanted = (
        permutation_importance(model, x, random_state=0, n_repeats=2).importances
        for x in (X, expected)
    )
    assert_array_equal(found, wanted)
    panel = Lazy(expected.reshape(3, 10, 2))  # which cannot be indexed
    display = HiddenStateDisplay.from_estimator(model, panel, sequence=1)
    assert len(display.states) == 10


# Containers of other packages.


class Lazy:
    """What Dask's collections have in common."""

    __dask_graph__ = None

    def __init__(self, value):
        self._value = value
        self.shape, self.ndim = value.shape, value.ndim

    def compute(self):
        return self._value


class Named:
    """As much as is asked of an array of xarray's."""

    coords = None

    def __init__(self, values, dims):
        self.values, self.dims, self.ndim = values, dims, values.ndim

    def to_pandas(self):
        names = ["a", "b"] if self.values.shape[1] == 2 else None
        return pd.DataFrame(self.values, columns=names)


def test_collections_of_dask_are_computed():
    sequences = [RNG(i).normal(size=(9, 2)) for i in range(3)]
    X = np.concatenate(sequences)
    frame = pd.DataFrame(X, columns=["a", "b"])
    groups = np.repeat([0, 1, 2], 9)
    y = np.where(frame["a"].shift() > 0, "up", "down")
    for given, labels in ((Lazy(frame), Lazy(pd.Series(y))), (Lazy(X), Lazy(y))):
        model = ARClassifier(2).fit(given, labels, groups=Lazy(groups))
        expected = ARClassifier(2).fit(X, y, groups=groups)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-9)  # memory orders differ
        assert_array_equal(
            model.predict(given, groups=Lazy(groups)), expected.predict(X, groups)
        )
        assert model.score(
            given, labels, groups=Lazy(groups), sample_weight=Lazy(np.ones(27))
        ) == expected.score(X, y, groups=groups)
    assert_array_equal(ARClassifier().fit(Lazy(frame), y).feature_names_in_, ["a", "b"])
    holed = frame.drop(index=range(9, 14))
    assert_array_equal(read_layout(Lazy(holed))[1].offsets, [0, 9, 22])
    for panel in (Lazy(np.stack(sequences)), [Lazy(x) for x in sequences]):
        model = ARRegressor().fit(panel)
        assert_array_equal(model.coef_, ARRegressor().fit(sequences).coef_)
    GaussianHMM().fit(Lazy(X), Lazy(y))


def test_arrays_of_dask():
    da = pytest.importorskip("dask.array")
    X = RNG(0).normal(size=(30, 2))
    given = da.from_array(X, chunks=7)
    model, expected = ARRegressor().fit(given), ARRegressor().fit(X)
    assert_array_equal(model.coef_, expected.coef_)
    assert_array_equal(model.predict(given), expected.predict(X))
    y = X[:, 0] ** 2
    model = ARRegressor().fit(given, da.from_array(y, chunks=7))
    assert_array_equal(model.coef_, ARRegressor().fit(X, y).coef_)


def test_named_axes():
    X = RNG(0).normal(size=(9, 2))
    model = ARRegressor().fit(Named(X, ("time", "feature")))
    assert_array_equal(model.feature_names_in_, ["a", "b"])
    with pytest.raises(ValueError, match=r"X.transpose\(..., 'time', 'feature'\)"):
        ARRegressor().fit(Named(X.T, ("feature", "time")))
    panel = Named(np.stack([X, X]), ("case", "time", "feature"))
    y = Named(np.arange(18.0).reshape(2, 9), ("case", "time"))
    model = ARRegressor().fit(panel, y)
    assert_array_equal(model.coef_, ARRegressor().fit(panel.values, y.values).coef_)


# Series of sequences, and what is none.

SHAPED = [RNG(i).normal(size=(9, 2)) for i in range(4)]
FLAT = [x[:, 0] for x in SHAPED]
SERIES = {
    "arrays": pd.Series,
    "lists": lambda items: pd.Series([x.tolist() for x in items]),
    "frames": lambda items: pd.Series(
        [(pd.DataFrame if x.ndim == 2 else pd.Series)(x) for x in items]
    ),
    "polars lists": lambda items: pl.Series([x.tolist() for x in items]),
    "polars arrays": lambda items: pl.Series(
        [x.tolist() for x in items],
        dtype=pl.Array(
            pl.Float64 if items[0].dtype.kind == "f" else pl.Int64, items[0].shape
        ),
    ),
}


@pytest.mark.parametrize("kind", SERIES)
def test_series_of_sequences(kind):
    series = SERIES[kind]
    for items in (SHAPED, FLAT):
        model, expected = ARRegressor().fit(series(items)), ARRegressor().fit(items)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
    model, expected = (ARRegressor().fit(SHAPED, y) for y in (series(FLAT), FLAT))
    assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
    labels = [(x > 0).astype(int) for x in FLAT]
    model, expected = (ARClassifier().fit(SHAPED, y) for y in (series(labels), labels))
    assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
    if "arrays" in kind:
        model = CategoricalHMM(2, random_state=0, max_iter=3).fit(series(labels))
        expected = clone(model).fit(labels)
        assert_allclose(model.transmat_, expected.transmat_, rtol=1e-9)


def test_na_in_a_list_of_targets():
    x, y = SHAPED[0], FLAT[1].tolist()
    y[2] = None
    expected = ARRegressor().fit(x, y).coef_
    y[2] = pd.NA
    assert_array_equal(ARRegressor().fit(x, y).coef_, expected)


@every_case
def test_what_is_no_list(case):
    model, y = clone(case.estimator), [0, 1]
    for X in ([], ()):
        with pytest.raises(ValueError, match="X holds no sequences"):
            model.fit(X, y)
    for X in ({"a": SHAPED[0]}, {1, 2}, (x for x in SHAPED), {"a": 1}.values()):
        with pytest.raises(TypeError, match=r"X is of type .* Pass a list"):
            model.fit(X, y)


def test_future_inputs_are_no_dict():
    model = ARRegressor(exogenous=1).fit(SHAPED[0])
    for inputs in ({"a": 1}, {1}, (x for x in SHAPED)):
        with pytest.raises(TypeError, match="future_exogenous is of type"):
            model.forecast(SHAPED[0], 3, future_exogenous=inputs)
