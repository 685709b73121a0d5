"""Which holes in a frame's time index begin anew, and what is said of them."""

import inspect
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pandas.tseries.holiday import USFederalHolidayCalendar
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score
from test_common import (
    CHECKED,
    all_outputs,
    assert_same,
    every_case,
    every_case_of_rows,
)

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.hmm import GaussianHMM
from sklearn_seq.lds import LDSRegressor
from sklearn_seq.preprocessing import DelayTaps
from sklearn_seq.sequences import read_layout

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

# Working days of which public holidays are left out.
DAYS = pd.date_range("2019-01-02", "2023-12-29", freq="B")
HOLIDAYS = USFederalHolidayCalendar().holidays("2019-01-01", "2023-12-31")
OPEN = DAYS[~DAYS.isin(HOLIDAYS)]
N_OPEN = len(OPEN)
N_HOLES = len(DAYS) - N_OPEN  # no two of these holidays follow one another

every_class = pytest.mark.parametrize(
    "cls",
    [*dict.fromkeys(type(estimator) for estimator in CHECKED), DelayTaps],
    ids=lambda cls: cls.__name__,
)


def series(n=N_OPEN):
    """A trend, and a pattern of the days of the week."""
    rng = np.random.default_rng(0)
    pattern = np.array([0.0, 1.0, 3.0, 1.0, -2.0])[OPEN[:n].day_of_week]
    values = 0.01 * np.arange(n) + pattern + 0.3 * rng.normal(size=n)
    return pd.DataFrame({"x": values}, index=OPEN[:n])


def segments(index, gaps="auto", time_step=None):
    frame = pd.DataFrame(np.zeros((len(index), 1)), index=index)
    return read_layout(frame, time_step=time_step, gaps=gaps)[1].offsets


def as_frame(x):
    names = [f"f{i}" for i in range(x.shape[1])]
    return pd.DataFrame(x, index=OPEN[: len(x)], columns=names)


@every_case
def test_numbers_are_those_of_an_array_where_holes_are_ignored(case):
    lengths = (90, 70, 80, 60, 50) if case.gives_one_output_per_sequence else (90,)
    sequences, y = case.data(0, lengths)
    frames = [as_frame(x) for x in sequences]
    model = clone(case.estimator)
    with pytest.warns(UserWarning, match=r"The time index of X has \d+ holes") as seen:
        cut = clone(model).fit(frames, y)
    assert len([w for w in seen if "time index" in str(w.message)]) == 1
    # The remedy that the warning names, followed.
    remedy = re.search(r"set (\w+)='(\w+)'", str(seen[0].message)).groups()
    model.set_params(**dict([remedy]))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The time index")
        ignoring = clone(model).fit(frames, y)
        outputs = all_outputs(ignoring, frames, y, stack=True)
    arrays = [frame.to_numpy() for frame in frames]
    plain = clone(case.estimator).fit(arrays, y)
    expected = all_outputs(plain, arrays, y, stack=True)
    assert_same(outputs, expected)
    with pytest.warns(UserWarning, match="The time index of X has"):
        holed = all_outputs(cut, frames, y, stack=True)
    assert any((holed[name] != expected[name]).any() for name in holed)


@every_case_of_rows
def test_indexed_rows_and_rows_ignore_holes_alike(case):
    sequences, y = case.data(0, (60, 40))
    frame = pd.concat(
        {key: as_frame(x) for key, x in zip("ba", sequences, strict=True)}
    )
    model = clone(case.estimator).set_params(gaps="ignore")
    targets = None if y is None else np.concatenate(y)
    outputs = all_outputs(model.fit(frame, targets), frame, targets)
    groups = np.repeat([0, 1], (60, 40))
    plain = clone(case.estimator).fit(frame.to_numpy(), targets, groups=groups)
    expected = all_outputs(plain, frame.to_numpy(), targets, groups)
    assert_same(outputs, expected)


@every_class
def test_every_estimator_has_the_parameter(cls):
    estimator = cls(gaps=3.0)
    assert clone(estimator).get_params()["gaps"] == 3.0
    assert list(inspect.signature(cls).parameters)[-1] == "gaps"
    text = inspect.getdoc(cls).split('gaps : {"auto", "ignore"} or float')[1]
    assert (
        text.split("\n\n")[0]
        == inspect.getdoc(DelayTaps)
        .split('gaps : {"auto", "ignore"} or float')[1]
        .split("\n\n")[0]
    )
    for bad in ("no", 0.5, None, True):
        with pytest.raises(ValueError, match="The 'gaps' parameter"):
            cls(gaps=bad).fit(np.arange(20)[:, None] % 3, np.arange(20) % 2)


def test_an_autoregression_over_public_holidays():
    X = series()
    assert len(segments(OPEN)) - 2 == N_HOLES == 52
    assert_array_equal(segments(OPEN, "ignore"), [0, len(OPEN)])
    plain = np.abs(ARRegressor(60).fit(X.to_numpy()).coef_).sum()
    ignoring = np.abs(ARRegressor(60, gaps="ignore").fit(X).coef_).sum()
    assert ignoring == plain
    with pytest.warns(UserWarning) as seen:
        cut = ARRegressor(60).fit(X)
    assert np.abs(cut.coef_).sum() > 2 * plain
    message = str(seen[0].message)
    assert "52 holes: ARRegressor reads 1 sequence(s) as 53 segments" in message
    # Martin Luther King's day was the first holiday of 2019 behind New Year's.
    row = OPEN.get_loc(pd.Timestamp("2019-01-22"))
    where = f"before row {row}, from 2019-01-18 00:00:00 to 2019-01-22 00:00:00"
    assert where in message


def test_states_over_public_holidays():
    X = series(300)
    options = {"n_components": 3, "max_iter": 20, "random_state": 0}
    model = GaussianHMM(**options, gaps="ignore").fit(X)
    plain = GaussianHMM(**options).fit(X.to_numpy())
    assert_array_equal(model.transmat_, plain.transmat_)
    lds = {"n_components": 2, "max_iter": 5, "random_state": 0}
    model = LDSRegressor(**lds, gaps="ignore").fit(X)
    assert_array_equal(
        model.system_.transition_matrix_,
        LDSRegressor(**lds).fit(X.to_numpy()).system_.transition_matrix_,
    )
    assert model.system_.gaps == "ignore"


def test_rows_that_were_dropped():
    """dropna() on an index of numbers."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": np.sin(np.arange(300.0))})
    X[rng.random(300) < 0.11] = np.nan
    X = X.dropna()
    n_holes = (np.diff(X.index) > 1).sum()
    with pytest.warns(UserWarning, match=f"{n_holes} holes: DelayTaps reads 1 seq"):
        DelayTaps(2).fit(X)
    taps = DelayTaps(2, gaps="ignore").fit_transform(X)
    assert_array_equal(taps, DelayTaps(2).fit_transform(X.to_numpy()))


def test_a_single_hole_does_not_warn():
    X = series(200).set_axis(pd.RangeIndex(200))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cross_val_score(ARRegressor(3), X, cv=KFold(5))
        ARRegressor(3).fit(X.drop(index=range(50, 60)))
    with pytest.warns(UserWarning, match="has 2 holes"):
        ARRegressor(3).fit(X.drop(index=[50, 70]))


def test_every_read_warns_once():
    holed = series(100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ARRegressor(3).fit(holed)
    calls = {
        "predict": lambda: model.predict(holed),
        "score": lambda: model.score(holed),
        "score_samples": lambda: model.score_samples(holed),
        "forecast": lambda: model.forecast(holed, 2, return_std=True),
        "fit": lambda: clone(model).fit(holed),
        "fit_transform": lambda: DelayTaps().fit_transform(holed),
    }
    for name, call in calls.items():
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            call()
        assert len(seen) == 1, name


@pytest.mark.parametrize("gaps", ["auto", "ignore", 2, 1e9])
def test_time_that_runs_backwards_is_refused_all_the_same(gaps):
    with pytest.raises(ValueError, match="does not increase in time"):
        ARRegressor(gaps=gaps).fit(series(50)[::-1])


def jittered(n=200, scale=1.0, hole=None):
    """Seconds: about ten apart."""
    times = np.cumsum(10 + scale * np.random.default_rng(0).uniform(-1, 1, n))
    if hole is not None:
        times[hole:] += 40
    return pd.to_datetime(times, unit="s")


def test_a_hole_in_nearly_regular_times():
    assert_array_equal(segments(jittered()), [0, 200])
    assert_array_equal(segments(jittered(hole=120)), [0, 120, 200])
    # A single row that is missing is twice the step.
    assert_array_equal(segments(jittered().delete(50)), [0, 50, 199])
    # Last working days of months lie 28 to 33 days apart.
    months = pd.date_range("2020-01-01", periods=40, freq="BME")
    assert_array_equal(segments(months.delete([7, 8])), [0, 7, 38])
    assert_array_equal(segments(months.delete(0).delete(-1)), [0, 38])


def test_what_counts_as_nearly_regular():
    """Nine of ten steps must be within a quarter of the median."""
    steps = np.full(40, 10.0)
    steps[[3, 11, 19, 27]] = 7.2, 12.8, 7.2, 40.0
    steps[1::2] += 0.1
    steps[20:] -= 0.05
    times = np.cumsum([0, *steps])
    assert_array_equal(segments(pd.Index(times)), [0, 28, 41])
    assert_array_equal(segments(pd.Index(times[:-1])), [0, 40])  # four of 39
    steps[35] = 12.9  # the fifth of forty
    assert_array_equal(segments(pd.Index(np.cumsum([0, *steps]))), [0, 41])
    # 1.75 medians are no hole yet, more are.
    steps = np.array([10.0, 10.1] * 20)
    for step, offsets in ((17.4, [0, 41]), (17.8, [0, 31, 41])):
        steps[30] = step
        assert_array_equal(segments(pd.Index(np.cumsum([0, *steps]))), offsets)


def test_events_have_no_holes():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        times = np.cumsum(rng.exponential(10.0, 300))
        assert_array_equal(segments(pd.Index(times)), [0, 300])


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_a_number_of_median_steps(unit):
    steps = np.array([10.0, 11, 9, 10, 25, 10, 9, 35, 10, 10])
    times = pd.to_datetime(np.cumsum([0, *steps]), unit="s").as_unit(unit)
    assert np.median(steps) == 10
    assert_array_equal(segments(times, 2.0), [0, 5, 8, 11])
    assert_array_equal(segments(times, 2.5), [0, 8, 11])  # not longer: 25 = 2.5 · 10
    assert_array_equal(segments(times, 3.5), [0, 11])
    # Events, too, and each sequence by its own median.
    index = pd.MultiIndex.from_arrays(
        [[0] * 6 + [1] * 6, [0, 1, 5, 6, 8, 30, 0, 100, 500, 600, 800, 3000]]
    )  # medians of 2 and of 200
    assert_array_equal(segments(index, 2.0), [0, 5, 6, 11, 12])
    unlike = read_layout(pd.DataFrame(np.zeros((12, 1)), index), gaps=2.0)[1]
    assert unlike.time_step is None  # which of them would it be?


def test_a_number_counts_the_working_days_of_a_calendar():
    week = OPEN.delete(np.arange(100, 104))
    assert_array_equal(segments(week, 3), [0, 100, len(week)])
    assert_array_equal(segments(OPEN, 2), [0, len(OPEN)])  # a holiday: two steps
    assert_array_equal(segments(OPEN, 1.5), segments(OPEN))
    months = pd.date_range("2020-01-31", periods=30, freq="ME").delete([5, 11, 12])
    assert_array_equal(segments(months, 2), [0, 10, 27])
    # An index whose frequency is known has no holes, whatever its steps.
    lectures = pd.offsets.CustomBusinessDay(weekmask="Mon Wed Thu")
    known = pd.date_range("2020-01-01", periods=40, freq=lectures)
    assert_array_equal(segments(known, 1), [0, 40])
    assert len(segments(known[np.arange(40)], 1)) > 2


def test_the_step_of_fit_is_remembered():
    """Few rows do not tell a step."""
    frame = pd.DataFrame({"x": np.sin(np.arange(200.0))}, index=jittered())
    few = frame.iloc[[3, 4, 50, 51, 90]]
    for gaps in ("auto", 5.0):
        model = ARRegressor(2, gaps=gaps).fit(frame)
        with pytest.warns(UserWarning, match="2 holes"):
            outputs = model.predict(few)
        parts = [few.iloc[[0, 1]], few.iloc[[2, 3]], few.iloc[[4]]]
        assert_allclose(outputs, np.concatenate([model.predict(x) for x in parts]))
    # Finer stamps than those of fit are of another clock, and read by themselves.
    model = ARRegressor(2).fit(frame)
    seconds = np.arange(200.0) + 0.01 * np.sin(np.arange(200.0))
    seconds[100:] += 8
    fine = frame.set_axis(pd.to_datetime(seconds, unit="s"))
    assert_array_equal(model.read_sequences(fine, None).offsets, [0, 100, 200])
    # A number counts steps of fit, whatever the clock.
    model = ARRegressor(2, gaps=5.0).fit(frame)
    assert_array_equal(model.read_sequences(fine, None).offsets, [0, 200])
