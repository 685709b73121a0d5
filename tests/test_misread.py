"""What looks as if it was meant otherwise: refused, or warned of, with the remedy."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from test_common import (
    CASES,
    EQUAL,
    all_outputs,
    assert_close,
    each_class_once,
    label_per_step,
    per_step,
    rows_of,
    two_per_step,
)

from sklearn_seq.autoregressive import ARClassifier, ARRegressor
from sklearn_seq.density import SequenceDensity
from sklearn_seq.hmm import CategoricalHMM, GaussianHMM, HMMClassifier, HMMRegressor
from sklearn_seq.lds import LDSRegressor
from sklearn_seq.preprocessing import DelayTaps
from sklearn_seq.sequences import read_layout, unpad

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

RNG = np.random.default_rng


def cases(condition=lambda case: True):
    chosen = [case for case in CASES if condition(case)]
    return pytest.mark.parametrize("case", each_class_once(chosen))


every_case = cases()
every_density = cases(lambda case: isinstance(case.estimator, SequenceDensity))
every_case_of_rows = cases(lambda case: not case.gives_one_output_per_sequence)
every_case_with_y_per_step = cases(
    lambda case: case.make_y in (per_step, two_per_step, label_per_step)
)


def quiet(call):
    """What a call returns; every warning of ours is an error."""
    with warnings.catch_warnings():
        for text in ("y is", "Column", "The sequences of X", "X is a list", "X's ind"):
            warnings.filterwarnings("error", message=text, category=UserWarning)
        return call()


# y that X already shows.


def shown(case):
    """Rows, a y for each that is one of X's columns or a new one, and groups."""
    sequences, y = case.data(0, EQUAL)
    X, y, groups = rows_of(sequences, y)
    column = X[:, 0]
    if is_classifier(case.estimator) and column.dtype.kind == "f":
        column = np.where(column > 0, "up", "down")
        X = np.column_stack([X.astype(object), column == "up"]).astype(float)
        column = X[:, -1].astype(int)
    elif is_regressor(case.estimator) and y.ndim == 2:
        column = np.column_stack([y[:, 0], column])
    return X, column, groups


@every_case_with_y_per_step
def test_a_y_that_is_a_feature_warns(case):
    X, y, groups = shown(case)
    j = X.shape[1] - 1 if y.dtype.kind == "i" and X.shape[1] > 2 else 0
    which = "Column 1 of y" if y.ndim == 2 else "y"
    match = f"^{which} is feature 'x{j}' of X at the same row"
    with pytest.warns(UserWarning, match=match):
        clone(case.estimator).fit(X, y, groups=groups)
    # Also where some of it is missing.
    gaps = y.astype(object)
    gaps[::3] = np.nan
    if is_regressor(case.estimator):
        gaps = gaps.astype(float)
    with pytest.warns(UserWarning, match=match):
        clone(case.estimator).fit(X, gaps, groups=groups)


@every_case_with_y_per_step
def test_a_y_from_a_later_row_does_not(case):
    X, y, _ = shown(case)
    quiet(lambda: clone(case.estimator).fit(X[:-1], y[1:]))


@every_case_with_y_per_step
def test_nor_does_a_y_that_differs_once_or_never_varies(case):
    X, y, groups = shown(case)
    other = y.copy()
    other[50] = np.roll(other, 1, axis=0)[50]
    k = next(i for i in range(len(y)) if np.all(y[i] != y[50]))
    other[50] = y[k]
    quiet(lambda: clone(case.estimator).fit(X, other, groups=groups))
    if is_regressor(case.estimator):
        constant = np.column_stack([X[:, 0], np.ones(len(X))])
        y = per_step([X])[0]
        y[:] = 1.0
        quiet(lambda: clone(case.estimator).fit(constant, y, groups=groups))


def test_a_feature_is_told_by_its_name():
    frame = pd.DataFrame({"hour": np.arange(9.0) % 4, "bikers": np.arange(9.0) ** 2})
    with pytest.warns(UserWarning, match="y is feature 'bikers' of X") as caught:
        ARRegressor().fit(frame, frame["bikers"])
    assert caught[0].filename == __file__


# Lengths.


@every_density
def test_lengths_are_no_y_of_a_density(case):
    sequences, _ = case.data(0, (9, 6, 9))
    X, lengths = np.concatenate(sequences), np.array([9, 6, 9])
    model = clone(case.estimator)
    told = re.escape("pass groups=np.repeat(np.arange(len(lengths)), lengths)")
    for given in (lengths, lengths.tolist(), pd.Series(lengths, index=list("abc"))):
        for method in ("fit", "fit_transform"):
            with pytest.raises(ValueError, match=told):
                getattr(model, method)(X, given)
    # The remedy, followed: the same as a list of sequences.
    groups = np.repeat(np.arange(len(lengths)), lengths)
    model.fit(X, groups=groups)
    expected = clone(case.estimator).fit(sequences)
    assert_close(
        all_outputs(model, X, None, groups),
        all_outputs(expected, sequences, stack=True),
    )
    for method in ("score", "score_samples", "predict", "predict_proba", "transform"):
        if hasattr(model, method):
            with pytest.raises(ValueError, match=told):
                getattr(model, method)(X, lengths)
    # Others of a wrong length are no y, either.
    for wrong in (np.zeros(3), [8, 8, 7], np.zeros((len(X) + 1, 2))):
        for method in ("score", "score_samples", "fit", "fit_transform"):
            with pytest.raises(ValueError, match="y, which is ignored, has") as error:
                getattr(model, method)(X, wrong)
            assert "lengths" not in str(error.value)
            model.fit(X, groups=groups)
    with pytest.raises(ValueError, match="has 24 entries, but X has 3 sequences"):
        model.fit(sequences, np.zeros(24))
    for y in (np.zeros(24), ["a"] * 24, None):
        model.fit(X, y).score(X, y)


def test_lengths_are_no_y_of_delay_taps():
    X, taps = np.ones((9, 1)), DelayTaps(2)
    for method in (taps.fit, taps.fit_transform):
        with pytest.raises(ValueError, match="pass groups=np.repeat"):
            method(X, [5, 4])
        with pytest.raises(NotFittedError):
            taps.transform(X)


@cases(lambda case: not isinstance(case.estimator, SequenceDensity))
def test_lengths_are_neither_y_nor_groups(case):
    sequences, y = case.data(0, EQUAL)
    X, lengths = np.concatenate(sequences), np.array(EQUAL)
    told = re.escape("pass groups=np.repeat(np.arange(len(lengths)), lengths)")
    model = clone(case.estimator)
    if getattr(model, "exogenous", None) is None:
        with pytest.raises(ValueError, match=f"y holds integers that sum.*{told}"):
            model.fit(X, lengths)
    model.fit(sequences, y)
    with pytest.raises(ValueError, match=f"groups holds integers that sum.*{told}"):
        model.predict(X, lengths)
    with pytest.raises(ValueError) as error:
        model.predict(X, lengths + 1)
    assert "lengths" not in str(error.value)


def test_a_list_of_arrays_is_no_y_of_rows():
    X = RNG(0).normal(size=(30, 1))
    y = [X[:10, 0] ** 2, X[10:, 0] ** 2]
    with pytest.raises(ValueError, match=r"y is a list of 2 arrays, but X holds rows"):
        ARRegressor().fit(X, y)
    groups = np.repeat([0, 1], [10, 20])
    model = ARRegressor().fit(X, np.concatenate(y), groups=groups)
    expected = ARRegressor().fit([X[:10], X[10:]], y)
    assert_close({"coef": model.coef_}, {"coef": expected.coef_})


# An index of times and ids.

DAYS = pd.date_range("2024-01-01", periods=14)
IDS = [f"id {i}" for i in range(8)]


@every_case_of_rows
def test_an_index_of_times_and_ids_is_refused(case):
    sequences, y = case.data(0, EQUAL)
    X, y, groups = rows_of(sequences, y)
    names = [f"f{i}" for i in range(X.shape[1])]
    index = pd.MultiIndex.from_product([IDS, DAYS], names=["id", "day"])
    right = pd.DataFrame(X, index=index, columns=names)
    kind = None if y is None else pd.DataFrame if y.ndim == 2 else pd.Series
    right_y = None if y is None else kind(y, index=index)
    swapped = right.swaplevel().sort_index()
    swapped_y = None if y is None else right_y.swaplevel().sort_index()
    told = re.escape("Pass X.swaplevel().sort_index()")
    with pytest.raises(ValueError, match=told):
        clone(case.estimator).fit(swapped, swapped_y)
    # The remedy, followed: the same as rows and groups.
    remedied = swapped.swaplevel().sort_index()
    remedied_y = None if y is None else swapped_y.swaplevel().sort_index()
    model = quiet(lambda: clone(case.estimator).fit(remedied, remedied_y))
    with pytest.raises(ValueError, match=told):
        getattr(model, case.output)(swapped)
    plain = clone(case.estimator).fit(X, y, groups=groups)
    assert_close(
        all_outputs(model, remedied, y), all_outputs(plain, X, y, groups=groups)
    )


def frame_of(first, second):
    index = pd.MultiIndex.from_arrays([first, second])
    return pd.DataFrame({"a": RNG(0).normal(size=len(index))}, index=index)


@pytest.mark.parametrize(
    "times",
    [
        DAYS,
        DAYS.tz_localize("Europe/Paris"),
        DAYS.date,
        DAYS.to_period("D"),
        DAYS - DAYS[0],
        DAYS.strftime("%Y-%m-%d"),
        np.arange(1990, 2004),
    ],
    ids=["days", "zone", "dates", "periods", "durations", "text", "years"],
)
@pytest.mark.parametrize("kind", ["object", "category", "string"])
def test_times_of_every_kind_come_second(times, kind):
    ids = pd.Series(list("abc") * 14, dtype=kind)
    frame = frame_of(np.repeat(np.asarray(times, dtype=object), 3), ids)
    if not isinstance(times, np.ndarray):
        frame = frame_of(times.repeat(3), ids)
    with pytest.raises(ValueError, match="has times in its first level"):
        read_layout(frame)
    # Both remedies.
    _, layout = read_layout(frame.swaplevel().sort_index())
    assert_array_equal(np.diff(layout.sequence_offsets), [14, 14, 14])
    X, groups = frame.reset_index(drop=True), frame.index.get_level_values(0)
    _, layout = read_layout(X, groups)
    assert_array_equal(np.diff(layout.sequence_offsets), [3] * 14)
    # Groups that are given say what is meant.
    _, layout = read_layout(frame, groups)
    assert_array_equal(np.diff(layout.sequence_offsets), [3] * 14)


STAMPS = pd.date_range("2024-01-01", periods=48, freq="h")


@pytest.mark.parametrize(
    "first, second",
    [
        (STAMPS.normalize(), STAMPS),
        (STAMPS.normalize(), list(STAMPS.time)),
        (STAMPS.normalize(), STAMPS.hour),
        (STAMPS.normalize(), STAMPS - STAMPS.normalize()),
        (STAMPS.date, np.arange(48) % 24),
        (STAMPS.strftime("%Y-%m-%d"), STAMPS.hour),
        (DAYS.repeat(2), [f"only once {i}" for i in range(28)]),
        (np.arange(28) // 2, ["Mon", "Tue"] * 14),
        (["x"] * 3 + ["y"] * 3, ["09:00", "10:00", "11:00"] * 2),
        (DAYS[:1].repeat(3), list("abc")),
    ],
)
def test_days_may_tell_the_sequences(first, second):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, layout = read_layout(frame_of(first, second))
    changes = np.asarray(first)[1:] != np.asarray(first)[:-1]
    assert len(layout.sequence_offsets) == 2 + changes.sum()


@pytest.mark.parametrize(
    "first, second, names",
    [
        (range(20), ["p", "q", "r"], ["time", "id"]),
        (range(20), ["p", "q", "r"], [None, None]),
        (np.arange(20) / 4, ["p", "q", "r"], ["seconds", "sensor"]),
        (["x", "y"], ["a", "b"], [None, None]),
        (range(20), [101, 102, 103], ["Timestamp", "sensor"]),
        (range(3), [101, 102, 103, 104], ["t", "id"]),
    ],
)
def test_ids_in_the_second_level_are_refused(first, second, names):
    index = pd.MultiIndex.from_product([first, second], names=names)
    frame = pd.DataFrame({"a": RNG(0).normal(size=len(index))}, index=index)
    with pytest.raises(ValueError, match="second one ids that come again") as caught:
        ARRegressor().fit(frame)
    assert "X.swaplevel().sort_index()" in str(caught.value)
    if not isinstance(first, list):
        ARRegressor().fit(frame.swaplevel().sort_index())
    X, groups = frame.reset_index(drop=True), index.get_level_values(0)
    assert len(read_layout(X, groups)[1].sequence_offsets) == len(first) + 1


def test_names_of_steps_stay_second():
    for names in (["date", "hour"], ["time", None], ["id", "time"]):
        index = pd.MultiIndex.from_product([range(20), range(24)], names=names)
        frame = pd.DataFrame({"a": np.arange(480.0)}, index=index)
        assert len(read_layout(frame)[1].sequence_offsets) == 21


def test_fewer_numbers_than_times_warn():
    frame = frame_of(DAYS.repeat(3), [10001, 10057, 11234] * 14)
    with pytest.warns(UserWarning, match="14 times in its first level") as caught:
        ARRegressor().fit(frame)
    assert "X.swaplevel().sort_index()" in str(caught[0].message)
    quiet(lambda: ARRegressor().fit(frame.swaplevel().sort_index()))


# Axes.


def test_far_more_features_than_steps_warn():
    X, y = RNG(0).normal(size=(10, 6, 100)), np.arange(10) % 2
    for swapped, told in (
        (X, "np.swapaxes(X, 1, 2)"),
        (list(X), "[x.T for x in X]"),
    ):
        with pytest.warns(UserWarning, match=re.escape(told)):
            ARClassifier(max_iter=2).fit(swapped, y)
    quiet(lambda: ARClassifier(max_iter=2).fit(np.swapaxes(X, 1, 2), y))
    quiet(lambda: ARClassifier(max_iter=2).fit([x.T for x in X], y))
    # Few features, enough steps, or rows.
    quiet(lambda: ARRegressor().fit(X[:, :2, :19]))
    quiet(lambda: ARRegressor().fit(X[:, :4, :20]))
    quiet(lambda: ARRegressor().fit(X[0]))


def test_ragged_sequences_whose_axes_are_swapped():
    X = [RNG(0).normal(size=(3, n)) for n in (20, 26, 31)]
    with pytest.raises(ValueError, match=r"has 26 features.*\[x.T for x in X\]"):
        ARRegressor().fit(X)
    ARRegressor().fit([x.T for x in X])
    with pytest.raises(ValueError) as error:
        ARRegressor().fit([X[0], X[1][:2]])
    assert "x.T" not in str(error.value)


def test_rows_in_a_list_of_long_arrays_warn():
    X = list(RNG(0).normal(size=(5, 50)))
    with pytest.warns(UserWarning, match="read as 5 time steps of 50 features"):
        ARRegressor().fit(X)
    quiet(lambda: ARRegressor().fit([x.reshape(-1, 1) for x in X]))
    quiet(lambda: ARRegressor().fit(np.asarray(X)))
    quiet(lambda: ARRegressor().fit([x.tolist() for x in X]))
    quiet(lambda: ARRegressor().fit([x[:5] for x in X]))


# Cells that hold series, and padding.


def nested_tables():
    X = RNG(0).normal(size=(4, 9, 2))
    cells = [[pd.Series(x[:, j]) for j in range(2)] for x in X]
    frame = pd.DataFrame(cells, columns=["a", "b"])
    mixed = pd.DataFrame({"n": [1.0, 2.0], "s": [X[0, :, 0], X[1, :, 0]]})
    lists = {name: X[:, :, j].tolist() for j, name in enumerate("ab")}
    return X, {
        "pandas": frame,
        "arrays": frame.map(np.asarray),
        "objects": object_table(cells),
        "polars": pl.DataFrame(lists),
        "mixed": mixed,
    }


def object_table(cells):
    table = np.empty((len(cells), len(cells[0])), dtype=object)
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            table[i, j] = cell
    return table


@pytest.mark.parametrize("name", ["pandas", "arrays", "objects", "polars", "mixed"])
def test_cells_that_hold_sequences(name):
    expected, tables = nested_tables()
    X = tables[name]  # noqa: F841  (the remedy names it)
    for estimator in (ARRegressor(), GaussianHMM(), CategoricalHMM(), ARClassifier()):
        with pytest.raises(ValueError, match="The cells of X hold sequences: ") as told:
            estimator.fit(X)
    if name == "mixed":
        assert "column 1 is a ndarray of length 9" in str(told.value)
        return
    code = re.search(r"\[np\.column_stack.*\](?=\.$)", str(told.value))[0]
    sequences = eval(code, {"np": np, "X": X})
    for x, wanted in zip(sequences, expected, strict=True):
        assert_array_equal(x, wanted)


def takes_missing(case):
    """Whether an estimator integrates missing values out, in the columns given."""
    as_emissions = isinstance(case.estimator, HMMRegressor | HMMClassifier)
    inputs = getattr(case.estimator, "exogenous", None) is not None and not as_emissions
    if isinstance(case.estimator, LDSRegressor):
        inputs |= case.make_y in (per_step, two_per_step)
    return case.estimator._allow_nan and not inputs


def padded():
    X = RNG(0).normal(size=(5, 9, 2))
    X[1, 6:] = X[3, 4:] = np.nan
    return X, [x[:n] for x, n in zip(X, (9, 6, 9, 4, 9), strict=True)]


def test_unpad():
    X, expected = padded()
    inner = X.copy()
    inner[0, 3] = np.nan
    found = unpad(inner)
    assert isinstance(found, list) and np.isnan(found[0][3]).all()
    found[0][3] = expected[0][3]
    masked = np.ma.masked_array(np.nan_to_num(X, nan=7.0), np.isnan(X))
    symbols = np.where(np.isnan(X), None, 1)
    for given, wanted in (
        (unpad(X), expected),
        (unpad(list(X)), expected),
        (unpad(masked), expected),
        (unpad(np.nan_to_num(X, nan=-1.0), -1), expected),
        (unpad(symbols), [np.ones_like(x) for x in expected]),
    ):
        for x, other in zip(given, wanted, strict=True):
            assert_array_equal(x, other)
    half = np.ones((1, 3, 2))
    half[0, 2, 0] = np.nan  # of which only a part is missing
    assert len(unpad(half)[0]) == 3
    with pytest.raises(ValueError, match="Sequence 1 of X holds nothing but nan"):
        unpad(np.stack([half[0], np.full((3, 2), np.nan)]))
    with pytest.raises(ValueError, match="Sequence 0 of X has 1 dimension"):
        unpad(np.ones((3, 2)))


@every_case
def test_padding_is_told_from_what_is_missing(case):
    sequences, y = case.data(0, EQUAL)
    X = np.stack(sequences).astype(object)
    X[1, 9:] = X[4, 7:] = None
    if sequences[0].dtype.kind != "U":
        X = X.astype(float)
    y = y if y is None else np.stack(y)
    told = re.escape("sklearn_seq.sequences.unpad(X, padding_value=np.nan)")
    model = clone(case.estimator)
    if not takes_missing(case):
        with pytest.raises(ValueError, match="contains NaN") as error:
            model.fit(X, y)
        if "driving input" not in str(error.value):
            assert re.search(told, str(error.value))
        return
    with pytest.warns(UserWarning, match=f"2 of the 8 sequences of X.*{told}"):
        model.fit(X, y)
    for other in (X[:4], X[[0, 2, 3, 5]]):  # only one, none
        kept = y if y is None else y[:4]
        quiet_of_padding(lambda X=other, y=kept: clone(model).fit(X, y))


def quiet_of_padding(call):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*wholly missing")
        return call()


def test_rows_that_all_sequences_miss_at_their_end_are_no_padding():
    X = RNG(0).normal(size=(3, 9, 1))
    X[:, 7:] = np.nan
    quiet_of_padding(lambda: GaussianHMM().fit(X))
    X[1, 6] = np.nan
    with pytest.warns(UserWarning, match="3 of the 3 sequences"):
        GaussianHMM().fit(X)


# Times among numbers.

DATES = pd.Series(pd.date_range("2020-01-01", periods=8, freq="D"), name="t")
WITH_NAT = DATES.where(DATES.index != 3)
WAITS = WITH_NAT - DATES[0]
LEVELS = pd.Series(np.arange(8.0) ** 2, name="x")
TIMES = {
    "dates": WITH_NAT.to_frame(),
    "durations": WAITS.to_frame(),
    "dates of a zone": WITH_NAT.dt.tz_localize("UTC").to_frame(),
    "periods": DATES.dt.to_period("D").to_frame(),
    "dates as objects": DATES.dt.date.to_frame(),
    "dates beside numbers": pd.concat([LEVELS, DATES], axis=1),
    "polars": pl.DataFrame({"x": LEVELS.to_list(), "t": DATES.to_list()}),
    "array": WITH_NAT.to_numpy()[:, None],
    "array of durations": WAITS.to_numpy()[:, None],
    "array of objects": np.array([[1.0, day] for day in DATES], dtype=object),
    "panel": WITH_NAT.to_numpy().reshape(2, 4, 1),
    "list of arrays": [WITH_NAT.to_numpy()[:, None]] * 2,
    "list of unlike arrays": [LEVELS.to_numpy()[:, None], DATES.to_numpy()[:, None]],
    "list of frames": [DATES.to_frame()] * 2,
    "list of Series": [DATES, DATES[:5]],
    "list of lists": [[day, 1.0] for day in DATES],
}


@pytest.mark.parametrize("name", TIMES)
@cases(lambda case: not isinstance(case.estimator, CategoricalHMM))
def test_times_are_no_numbers(case, name):
    y = None if case.make_y is None else np.arange(8) % 2
    with pytest.raises(ValueError, match=r"X holds times \(dtype .*numbers"):
        clone(case.estimator).fit(TIMES[name], y)


def test_times_are_named_with_a_remedy_that_works():
    frame = TIMES["dates beside numbers"]
    with pytest.raises(ValueError, match="Column 't' of X") as caught:
        ARRegressor().fit(frame)
    assert "X.set_index('t')" in str(caught.value)
    ARRegressor().fit(frame.set_index("t"))


def test_times_are_no_targets_weights_or_inputs():
    X = LEVELS.to_frame()
    for y in (
        *(DATES, WITH_NAT, WAITS, WAITS.to_frame(), DATES.to_numpy(), DATES.tolist()),
        pl.Series(DATES.to_list()),
    ):
        with pytest.raises(ValueError, match="y holds times"):
            ARRegressor().fit(X, y)
    with pytest.raises(ValueError, match="y holds times"):
        ARRegressor().fit([X, X], [WITH_NAT, WAITS])
    with pytest.raises(ValueError, match="sample_weight holds times"):
        ARRegressor().fit(X).score(X, sample_weight=WAITS)
    driven = pd.DataFrame({"x": LEVELS, "u": np.sin(LEVELS)})
    model = ARRegressor(exogenous="u").fit(driven)
    for inputs in (DATES.rename("u").to_frame(), DATES.rename("u")):
        with pytest.raises(ValueError, match="future_exogenous holds times"):
            model.forecast(driven, 8, future_exogenous=inputs)


def test_times_are_labels():
    days = DATES.to_numpy()[np.arange(8) % 2]
    model = ARClassifier().fit(LEVELS.to_frame(), days)
    assert_array_equal(model.classes_, DATES.to_numpy()[:2])
    model = CategoricalHMM(2, max_iter=2).fit(pd.DataFrame({"t": days}))
    assert_array_equal(model.symbols_, [DATES.to_numpy()[:2]])


# Labels of rows in another order.


def labelled(case, index):
    """Rows of three sequences of 14 days, a y per row and groups, of one index."""
    sequences, y = case.data(0, EQUAL)
    X, y, _ = rows_of(sequences, y)
    X = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])], index=index)
    return X, (pd.Series if y.ndim == 1 else pd.DataFrame)(y, index=index)


@every_case_with_y_per_step
def test_labels_of_y_in_another_order(case):
    index = pd.Index(range(sum(EQUAL)))
    X, y = labelled(case, index)
    shuffled = y.iloc[::-1]
    told = re.escape("pass y.loc[X.index]")
    with pytest.raises(ValueError, match=told):
        clone(case.estimator).fit(X, shuffled)
    model = clone(case.estimator).fit(X, shuffled.loc[X.index])
    with pytest.raises(ValueError, match=told):
        model.score(X, shuffled)
    weights = pd.Series(np.arange(1.0, len(X) + 1), index=index)
    with pytest.raises(ValueError, match="sample_weight.loc"):
        model.score(X, y, sample_weight=weights.iloc[::-1])
    assert model.score(X, y, sample_weight=weights) == model.score(
        X, y.to_numpy(), sample_weight=weights.to_numpy()
    )
    # Other labels, or the same more than once, tell nothing.
    for other in (index + 1, index[::-1] + 1000, [0] * len(index)):
        moved = y.set_axis(other)
        assert model.score(X, moved) == model.score(X, y)
    assert model.score(X, shuffled.to_numpy()[::-1]) == model.score(X, y)


def test_labels_of_two_levels_in_another_order():
    ids, days = ["b", "a"], pd.date_range("2020-01-01", periods=12)
    index = pd.MultiIndex.from_product([ids, days])
    x = RNG(0).normal(size=24)
    X, y = pd.DataFrame({"x": x}, index=index), pd.Series(x**2, index=index)
    expected = ARRegressor(2).fit(X, y).coef_
    with pytest.raises(ValueError, match=re.escape("pass y.loc[X.index]")):
        ARRegressor(2).fit(X, y.sort_index())
    other = y.swaplevel().sort_index()
    with pytest.raises(ValueError, match=re.escape("y.swaplevel().loc[X.index]")):
        ARRegressor(2).fit(X, other)
    assert_array_equal(
        ARRegressor(2).fit(X, other.swaplevel().loc[X.index]).coef_, expected
    )
    assert_array_equal(ARRegressor(2).fit(X, y.swaplevel()).coef_, expected)


def test_labels_of_groups_in_another_order():
    X = pd.DataFrame({"x": RNG(0).normal(size=12)})
    groups = pd.Series(np.repeat([0, 1], [4, 8]))
    with pytest.raises(ValueError, match=re.escape("groups.loc[X.index]")):
        ARRegressor().fit(X, groups=groups.iloc[::-1])
    ARRegressor().fit(X, groups=groups.iloc[::-1].loc[X.index])
