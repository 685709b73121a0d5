from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import KFold, cross_val_score

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.datasets import make_ar_process
from sklearn_seq.sequences import read_layout

pytestmark = pytest.mark.filterwarnings("ignore:The time index of X has")

N = 70
REGULAR = {
    "seconds": pd.date_range("2020-02-28 23:59:30", periods=N, freq="s"),
    "quarters of an hour": pd.date_range("2020-02-28", periods=N, freq="15min"),
    "three hours": pd.date_range("2020-02-28", periods=N, freq="3h"),
    "hours over a change of the clock": pd.date_range(
        "2020-03-28", periods=N, freq="h", tz="Europe/Berlin"
    ),
    "days": pd.date_range("2020-02-20", periods=N, freq="D"),
    "days over a change of the clock": pd.date_range(
        "2020-03-20", periods=N, freq="D", tz="Europe/Berlin"
    ),
    "every second day": pd.date_range("2020-02-20", periods=N, freq="2D"),
    "working days": pd.date_range("2020-02-20", periods=N, freq="B"),
    "working days over a change of the clock": pd.date_range(
        "2020-03-20", periods=N, freq="B", tz="Europe/Berlin"
    ),
    "weeks": pd.date_range("2020-02-20", periods=N, freq="W-MON"),
    "beginnings of months": pd.date_range("2019-02-20", periods=N, freq="MS"),
    "ends of months": pd.date_range("2019-02-20", periods=N, freq="ME"),
    "mid-months": pd.date_range("2019-02-01", periods=N, freq="MS")
    + pd.Timedelta(14, "D"),
    "ends of months, in a time zone": pd.date_range(
        "2019-02-20", periods=N, freq="ME", tz="America/New_York"
    ),
    "quarters": pd.date_range("2019-02-20", periods=N, freq="QE"),
    "years": pd.date_range("1700-01-01", periods=N, freq="YS"),
    "ends of years": pd.date_range("1700-01-01", periods=N, freq="YE"),
    "years before nanoseconds began": pd.date_range(
        "1400-01-01", periods=N, freq="YS", unit="s"
    ),
    "years before nanoseconds began, in milliseconds": pd.date_range(
        "1400-01-01", periods=N, freq="YS", unit="ms"
    ),
    "ends of months before nanoseconds began, in microseconds": pd.date_range(
        "1400-01-01", periods=N, freq="ME", unit="us"
    ),
    "hours before nanoseconds began, in a time zone": pd.date_range(
        "1400-01-01", periods=N, freq="h", unit="s", tz="UTC"
    ).tz_convert("+01:00"),
    "years beyond nanoseconds": pd.date_range(
        "2240-01-01", periods=N, freq="YS", unit="s"
    ),
    "dates": pd.Index(list(pd.date_range("2020-02-20", periods=N, freq="B").date)),
    "dates before nanoseconds began": pd.Index(
        list(pd.date_range("1400-01-01", periods=N, freq="MS", unit="s").date)
    ),
    "midnights at varying offsets from UTC": pd.Index(
        [
            pd.Timestamp(midnight.isoformat())
            for midnight in pd.date_range("2020-03-20", periods=N, tz="Europe/Berlin")
        ]
    ),
    "quarters of a second before nanoseconds began": pd.Index(
        [datetime(1400, 1, 1) + i * timedelta(seconds=0.25) for i in range(N)],
        dtype=object,
    ),
    "objects that are times": pd.Index(
        pd.date_range("2020-02-28", periods=N, freq="h", tz="Europe/Berlin"),
        dtype=object,
    ),
    "objects that are periods": pd.Index(
        pd.period_range("1400-02", periods=N, freq="M"), dtype=object
    ),
    "objects that are durations": pd.Index(
        pd.to_timedelta(np.arange(N), unit="h"), dtype=object
    ),
    "objects that are long durations": pd.Index(
        list(np.arange(N) * np.timedelta64(86400 * 10**6, "s")), dtype=object
    ),
    "days in nanoseconds": pd.date_range("2020-02-20", periods=N, unit="ns"),
    "periods of months": pd.period_range("2019-02", periods=N, freq="M"),
    "periods of days": pd.period_range("2019-02-20", periods=N, freq="D"),
    "periods of days before nanoseconds began": pd.period_range(
        "1400-02-20", periods=N, freq="D"
    ),
    "periods of years": pd.period_range("1700", periods=N, freq="Y"),
    "durations": pd.to_timedelta(np.arange(N) * 10, unit="min"),
    "numbers": pd.RangeIndex(N),
    "numbers from below zero": pd.Index(np.arange(-7, N - 7, dtype=np.int8)),
    "unsigned numbers": pd.Index(np.arange(N, dtype=np.uint8) + 180),
    "every third number": pd.RangeIndex(5, 5 + 3 * N, 3),
    "nullable numbers": pd.Index(np.arange(N), dtype="Int64"),
    "decimals": pd.Index(0.1 * np.arange(N)),
    "decimals far from zero": pd.Index(1e6 + 0.1 * np.arange(N)),
}

every_regular_index = pytest.mark.parametrize("name", list(REGULAR))


def without_frequency(index):
    """The same times, as they come from a file."""
    if isinstance(index, pd.MultiIndex | pd.PeriodIndex):
        return index
    return index[np.arange(len(index))]


def offsets(index):
    frame = pd.DataFrame(np.zeros((len(index), 1)), index=index)
    return read_layout(frame)[1].offsets


@every_regular_index
def test_regular_times_have_no_hole(name):
    assert_array_equal(offsets(REGULAR[name]), [0, N])
    assert_array_equal(offsets(without_frequency(REGULAR[name])), [0, N])


@every_regular_index
@given(lengths=st.lists(st.tuples(st.integers(4, 9), st.integers(1, 6)), max_size=4))
def test_every_hole_begins_a_segment(name, lengths):
    """Some rows are kept, some left out, in turn."""
    kept = np.zeros(N, dtype=bool)
    row, expected = 0, [0]
    for keep, leave in [*lengths, (5, 0)]:
        kept[row : row + keep] = True
        row += keep + leave
        expected.append(expected[-1] + keep)
    assert_array_equal(offsets(REGULAR[name][kept]), expected)


@every_regular_index
def test_holes_within_sequences_of_an_index_of_two_levels(name):
    times = REGULAR[name]
    pieces = {"z": times[5:20], "a": times[:9].append(times[12:18]), "m": times[30:31]}
    index = pd.MultiIndex.from_arrays(
        [
            np.repeat(list(pieces), [len(piece) for piece in pieces.values()]),
            pieces["z"].append([pieces["a"], pieces["m"]]),
        ]
    )
    frame = pd.DataFrame(np.zeros((len(index), 1)), index=index)
    layout = read_layout(frame)[1]
    assert_array_equal(layout.sequence_offsets, [0, 15, 30, 31])
    assert_array_equal(layout.offsets, [0, 15, 24, 30, 31])


@every_regular_index
def test_a_single_row_and_two_rows(name):
    assert_array_equal(offsets(REGULAR[name][7:8]), [0, 1])
    assert_array_equal(offsets(REGULAR[name][[3, 9]]), [0, 2])


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([0.0, 1.0, 2.5, 2.6, 9.0, 9.5]),
        pd.Timestamp("2020-01-01") + pd.to_timedelta([0, 31, 72, 1441], unit="h"),
        pd.Index(list("zabc")),
    ],
    ids=["numbers", "times", "names"],
)
def test_irregular_times_show_no_holes(index):
    assert_array_equal(offsets(index), [0, len(index)])


def test_a_holiday_is_a_hole_in_working_days():
    index = pd.date_range("2020-12-14", periods=15, freq="B")
    christmas = index.get_loc(pd.Timestamp("2020-12-25"))
    assert_array_equal(offsets(index.delete(christmas)), [0, christmas, 14])


def test_most_steps_must_be_the_smallest():
    """Steps of 1, 2, 3 and 4: a step of 1 is no unit of time here."""
    assert_array_equal(offsets(pd.Index([0, 1, 3, 6, 10])), [0, 5])
    # Half of the steps are not more than half.
    assert_array_equal(offsets(pd.Index([0, 1, 3])), [0, 3])
    assert_array_equal(offsets(pd.Index([0, 1, 2, 4, 7])), [0, 5])
    assert_array_equal(offsets(pd.Index([0, 1, 2, 4])), [0, 3, 4])


def test_each_sequence_has_its_own_unit():
    index = pd.MultiIndex.from_arrays(
        [list("aaaaabbbbb"), [0, 1, 2, 5, 6, 0, 10, 20, 30, 60]]
    )
    assert_array_equal(offsets(index), [0, 3, 5, 9, 10])


@every_regular_index
def test_time_must_not_run_backwards(name):
    with pytest.raises(ValueError, match=r"does not increase in time: row 1 \("):
        offsets(REGULAR[name][::-1])
    order = np.arange(N)
    order[[40, 41]] = 41, 40
    with pytest.raises(ValueError, match=r"does not increase in time: row 41 \("):
        offsets(REGULAR[name][order])


@every_regular_index
def test_rows_drawn_with_replacement_are_refused(name):
    """What bagging does: an index that is sorted, but holds a time twice."""
    rows = np.sort(np.random.default_rng(0).integers(0, N, N))
    with pytest.raises(ValueError, match="drawn with replacement"):
        offsets(REGULAR[name][rows])


@pytest.mark.parametrize(
    "index, row",
    [
        (pd.to_datetime(["2020-01-01", None, "2020-01-03"]), 1),
        (pd.PeriodIndex(["2020-01", "2020-02", None], freq="M"), 2),
        (pd.to_timedelta([None, "1h"]), 0),
        (pd.Index([date(2020, 1, 1), None, date(2020, 1, 3)]), 1),
        (pd.Index([pd.Timedelta(1, "h"), pd.NaT], dtype=object), 1),
        (pd.Index([0.0, np.nan]), 1),
        (pd.Index([0.0, np.inf]), 1),
        (pd.Index([0, None, 2], dtype="Int64"), 1),
        (pd.Index([0.5, None, 2], dtype="Float64"), 1),
    ],
    ids=[
        "NaT",
        "period",
        "duration",
        "date",
        "object",
        "NaN",
        "infinity",
        "Int64",
        "Float64",
    ],
)
def test_missing_times_are_refused(index, row):
    with pytest.raises(ValueError, match=f"X's index has no .*time.* at row {row}"):
        offsets(index)


def test_times_with_a_zone_beside_times_without_are_refused():
    stamps = pd.date_range("2020-01-01", periods=4)
    index = pd.Index([*stamps[:3], stamps[3].tz_localize("UTC")], dtype=object)
    with pytest.raises(ValueError, match=r"time zone and times without: row 3 \("):
        offsets(index)


def test_a_missing_sequence_is_refused():
    index = pd.MultiIndex.from_arrays([["a", "a", None], [0, 1, 2]])
    with pytest.raises(ValueError, match="first index level is missing at row 2"):
        offsets(index)


def test_an_index_of_three_levels_is_refused():
    index = pd.MultiIndex.from_product([[0], [1], [2, 3]], names=["city", "id", "t"])
    with pytest.raises(ValueError, match=r"3 levels \['city', 'id', 't'\]"):
        offsets(index)


def test_sequences_of_the_index_must_be_contiguous():
    index = pd.MultiIndex.from_arrays([list("aabba"), [0, 1, 0, 1, 2]])
    match = "index level must be contiguous, but sequence 'a', which began at row 0, b"
    with pytest.raises(ValueError, match=match):
        offsets(index)


def wave(n):
    rng = np.random.default_rng(0)
    return np.sin(np.arange(n))[:, None] + rng.normal(size=(n, 1))


def test_no_tap_crosses_a_hole():
    index = pd.date_range("2020-01-01", periods=80)
    frame = pd.DataFrame(wave(80), index=index, columns=["x"])
    left, right = frame[:30], frame[37:]
    holed = pd.concat([left, right])
    model = ARRegressor(n_lags=4).fit(holed)
    expected = ARRegressor(n_lags=4).fit([left.to_numpy(), right.to_numpy()])
    assert_array_equal(model.coef_, expected.coef_)
    assert_array_equal(
        model.predict(holed),
        np.concatenate([model.predict(left), model.predict(right)]),
    )
    assert_array_equal(
        model.score_samples(holed),
        np.concatenate([model.score_samples(left), model.score_samples(right)]),
    )
    # The forecast starts from the end of the sequence, not of each segment.
    assert_array_equal(model.forecast(holed, 3), model.forecast(right, 3))


@pytest.mark.parametrize("tz", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_no_tap_crosses_a_hole_in_any_resolution(unit, tz):
    """Before 1677 in all units that reach so far, as index and as objects.

    One by one, pandas 2.2 takes such times of a place's zone with a crash of its own.
    """
    year = 1700 if unit == "ns" else 1400
    index = pd.date_range(f"{year}-03-01", periods=80, unit=unit, tz="UTC")
    index = index.tz_convert(tz) if tz else index.tz_localize(None)
    of_place = tz == "Europe/Berlin"
    for times in [index] if of_place else [index, index.astype(object)]:
        frame = pd.DataFrame(wave(80), index=times, columns=["x"])
        left, right = frame[:30], frame[37:]
        model = ARRegressor(n_lags=4).fit(pd.concat([left, right]))
        expected = ARRegressor(n_lags=4).fit([left.to_numpy(), right.to_numpy()])
        assert_array_equal(model.coef_, expected.coef_)
        two = pd.concat({"a": frame, "b": pd.concat([left, right])})
        assert_array_equal(read_layout(two)[1].offsets, [0, 80, 110, 153])


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_from_polars(unit):
    times = pl.datetime_range(
        pl.datetime(1700 if unit == "ns" else 1400, 3, 1),
        pl.datetime(1700 if unit == "ns" else 1400, 5, 1),
        interval="6h",
        time_unit=unit,
        eager=True,
    )
    index = pd.Index(times.to_numpy())[np.r_[:30, 37:80]]
    assert index.unit == unit
    assert_array_equal(offsets(index), [0, 30, 73])
    assert_array_equal(offsets(pd.Index(times.to_list())[np.r_[:9, 12:50]]), [0, 9, 47])


def test_the_step_does_not_depend_on_the_resolution():
    """Times of training and test may come from unlike sources."""
    index = pd.date_range("2020-01-01", periods=40, freq="15min", unit="s")
    durations = index - index[0]
    for times in (index, durations):
        steps = {}
        for unit in ("s", "ms", "us", "ns"):
            frame = pd.DataFrame(np.zeros((40, 1)), index=times.as_unit(unit))
            steps[unit] = read_layout(frame)[1].time_step
        assert len(set(steps.values())) == 1 and steps["s"].step == 900
        few = pd.DataFrame(np.zeros((4, 1)), index=times.as_unit("us")[[3, 9, 10, 20]])
        layout = read_layout(few, time_step=steps["ns"])[1]
        assert_array_equal(layout.offsets, [0, 1, 3, 4])


@pytest.mark.parametrize("first, last", [("1678-01-01", "2262-01-01")])
def test_a_hole_of_centuries_in_nanoseconds(first, last):
    """Its length in nanoseconds is beyond the integers of 64 bits."""
    pieces = [pd.date_range(day, periods=20, unit="ns") for day in (first, last)]
    assert_array_equal(offsets(pieces[0].append(pieces[1])), [0, 20, 40])


def test_the_training_rows_of_an_unshuffled_k_fold_have_a_hole():
    X = wave(90)
    frame = pd.DataFrame(X, index=pd.period_range("2000-01", periods=90, freq="M"))
    frame.columns = ["x"]
    scores = cross_val_score(ARRegressor(n_lags=3), frame, cv=KFold(3))
    pieces = [X[:30], X[30:60], X[60:]]
    training = [[X[30:]], [pieces[0], pieces[2]], [X[:60]]]
    expected = [
        ARRegressor(n_lags=3).fit(train).score([test])
        for train, test in zip(training, pieces, strict=True)
    ]
    np.testing.assert_allclose(scores, expected, rtol=1e-9)
    # Nothing of the sort is seen in a plain array, as documented.
    plain = cross_val_score(ARRegressor(n_lags=3), X, cv=KFold(3))
    assert plain[1] != pytest.approx(scores[1], abs=1e-6)


def test_shuffled_rows_of_a_frame_are_refused():
    frame = pd.DataFrame(wave(90), columns=["x"])
    cv = KFold(3, shuffle=True, random_state=0)
    train, _ = next(cv.split(frame))
    with pytest.raises(ValueError, match="drawn with replacement"):
        ARRegressor().fit(frame.sample(frac=1.0, random_state=0))
    with pytest.raises(ValueError, match="drawn with replacement"):
        ARRegressor().fit(frame.sample(frac=1.0, replace=True, random_state=0))
    # scikit-learn's splitters sort their rows: what is left out shows as holes.
    assert len(read_layout(frame.iloc[train])[1].offsets) > 10


def test_the_step_learnt_in_fit_shows_holes_where_few_rows_are_left():
    X = make_ar_process(400, random_state=0)
    frame = pd.DataFrame(X, columns=["x"])
    train, test = next(KFold(5, shuffle=True, random_state=0).split(frame))
    # A fifth of the rows, in order: their own gaps are too irregular to tell.
    model = ARRegressor(3).fit(frame.iloc[train])
    runs = np.split(test, np.flatnonzero(np.diff(test) > 1) + 1)
    expected = [model.predict(frame.iloc[run]) for run in runs]
    assert_allclose(model.predict(frame.iloc[test]), np.concatenate(expected))
    model = ARRegressor(3).fit(X)  # an array teaches no step
    assert not np.allclose(model.predict(X[test]), np.concatenate(expected))


@every_regular_index
def test_the_step_of_other_rows(name):
    times = REGULAR[name]
    frame = pd.DataFrame(np.zeros((N, 1)), index=times)
    step = read_layout(frame)[1].time_step
    few = frame.iloc[[3, 9, 10, 20]]
    assert_array_equal(read_layout(few, time_step=step)[1].offsets, [0, 1, 3, 4])
    # Rows that the step does not fit are read for themselves.
    fine = pd.DataFrame(np.zeros((9, 1)), index=np.arange(9) / 7)
    assert_array_equal(read_layout(fine, time_step=step)[1].offsets, [0, 9])


def test_sequences_of_few_rows_are_read_by_the_step_of_the_others():
    """By themselves the second looks irregular, the third as if its step were two."""
    times = [*range(9), 0, 1, 3, 7, 9, 4, 6]
    index = pd.MultiIndex.from_arrays([[0] * 9 + [1] * 5 + [2] * 2, times])
    _, layout = read_layout(pd.DataFrame(np.zeros((16, 1)), index))
    assert_array_equal(layout.offsets, [0, 9, 11, 12, 13, 14, 15, 16])
    assert layout.time_step == ("number", 1, False)
    # A longer one of step two is no record with holes: that is its rate.
    times = [*range(9), 0, 2, 4, 6, 8]
    index = pd.MultiIndex.from_arrays([[0] * 9 + [1] * 5, times])
    _, layout = read_layout(pd.DataFrame(np.zeros((14, 1)), index))
    assert_array_equal(layout.offsets, [0, 9, 14])


def test_a_step_that_holds_for_half_of_the_rows_is_not_that_of_all():
    def layout_of(n_regular):
        index = pd.MultiIndex.from_arrays(
            [[0] * n_regular + [1] * 5, [*range(n_regular), 0, 1, 3, 6, 10]]
        )
        return read_layout(pd.DataFrame(np.zeros((len(index), 1)), index))[1]

    assert layout_of(5).time_step is None
    assert_array_equal(layout_of(5).offsets, [0, 5, 10])
    assert layout_of(6).time_step == ("number", 1, False)
    assert_array_equal(layout_of(6).offsets, [0, 6, 8, 9, 10, 11])


def test_of_readings_that_show_the_same_holes_the_plainest_is_taken():
    time_step = read_layout(
        pd.DataFrame(np.zeros((N, 1)), index=REGULAR["every second day"])
    )[1].time_step
    assert time_step.reading == "instant" and time_step.step > 2


def test_irregular_and_unlike_sequences_teach_no_step():
    irregular = pd.DataFrame(np.zeros((4, 1)), index=[0.0, 1.0, 2.5, 2.6])
    assert read_layout(irregular)[1].time_step is None
    index = pd.MultiIndex.from_arrays([list("aabb"), [0, 1, 0, 10]])
    unlike = pd.DataFrame(np.zeros((4, 1)), index=index)
    assert read_layout(unlike)[1].time_step is None
    assert read_layout(np.zeros((4, 1)))[1].time_step is None
    single = pd.DataFrame(np.zeros((2, 1)), index=unlike.index[[0, 2]])
    for frame in (single, single.loc["a"]):
        assert read_layout(frame)[1].time_step is None


@pytest.mark.parametrize("freq", ["h", "15min"])
def test_an_hour_that_a_clock_shows_twice(freq):
    times = pd.date_range("2024-10-26", periods=300, freq=freq, tz="Europe/Berlin")
    X = pd.DataFrame({"x": np.arange(300.0)}, index=times.tz_localize(None))
    told = r"X.tz_localize\('Europe/Berlin', ambiguous='infer'\)"
    with pytest.raises(ValueError, match=told):
        read_layout(X)
    remedied = X.tz_localize("Europe/Berlin", ambiguous="infer")
    assert_array_equal(read_layout(remedied)[1].offsets, [0, 300])
    days = pd.DataFrame({"x": range(4)}, index=REGULAR["days"][[0, 1, 1, 2]])
    for other in (days, X.iloc[[5, 6, 0]], remedied.iloc[::-1]):
        with pytest.raises(ValueError, match="does not increase") as caught:
            read_layout(other)
        assert "tz_localize" not in str(caught.value)
