"""Driving inputs of the steps to come: names, sequences and times decide."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone, is_classifier

from sklearn_seq.autoregressive import (
    ARClassifier,
    ARRegressor,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
)
from sklearn_seq.echo_state import EchoStateClassifier, EchoStateRegressor
from sklearn_seq.hmm import HMMClassifier, HMMRegressor
from sklearn_seq.inspection import ForecastDisplay
from sklearn_seq.lds import LDSClassifier, LDSRegressor, LinearDynamicalSystem
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("error:.*feature names:UserWarning"),
]

N, N_STEPS = 60, 4
TIMES = pd.date_range("2020-01-01", periods=N + N_STEPS, unit="s")
TWO = ["wind", "rain"]  # in the order of X: rain, then wind
MODELS = {
    "AR": ARRegressor(2),
    "MLP": MLPSequenceRegressor(2, (5,), max_iter=5, random_state=0),
    "RNN": RNNRegressor(5, max_iter=5, random_state=0),
    "echo state": EchoStateRegressor(20, random_state=0),
    "LDS": LDSRegressor(2, max_iter=3, random_state=0),
    "linear dynamical system": LinearDynamicalSystem(2, max_iter=3, random_state=0),
    "HMM": HMMRegressor(2, max_iter=5, random_state=0),
    "AR, symbols": ARClassifier(2),
    "MLP, symbols": MLPSequenceClassifier(2, (5,), max_iter=5, random_state=0),
    "RNN, symbols": RNNClassifier(5, max_iter=5, random_state=0),
    "echo state, symbols": EchoStateClassifier(20, random_state=0),
}
every_model = pytest.mark.parametrize("name", MODELS)


def data(name, seed=0, strings=False):
    """Rows of X and those to come: rain, a target, and wind."""
    rng = np.random.default_rng(seed)
    if not is_classifier(MODELS[name]):
        values = rng.normal(size=(N + N_STEPS, 3))
        values[1:, 1] += 2 * values[:-1, 0] - values[:-1, 2]
    else:
        values = rng.integers(0, 3, size=(N + N_STEPS, 3))
        values[1:, 1] = (values[:-1, 0] + 2 * values[:-1, 2]) % 3
        values[:, [0, 2]] += [[3, 7]]  # symbols of rain are none of wind
    frame = pd.DataFrame(values, columns=["rain", "level", "wind"])
    if strings:
        frame = frame.astype(str)
    return frame.iloc[:N], frame.iloc[N:].reset_index(drop=True)


def fitted(name, exogenous=TWO, **options):
    X, future = data(name, **options)
    return clone(MODELS[name]).set_params(exogenous=exogenous).fit(X), X, future


def answers(model, X, future, n_sequences=None, **groups):
    """Forecast and sample with these inputs."""
    found = {"forecast": model.forecast(X, N_STEPS, future_exogenous=future, **groups)}
    if hasattr(model, "sample"):
        found["sample"] = model.sample(
            N_STEPS, n_sequences=n_sequences, future_exogenous=future, random_state=0
        )
    return found


def by_position(model, X, future, **options):
    """The same with an array, whose columns are in the order of X."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*feature names")
        return answers(model, X, np.asarray(future), **options)


def assert_same(found, expected):
    for name, values in found.items():
        wanted = expected[name]
        if isinstance(values, tuple):  # a sample and its states
            values, wanted = values[0], wanted[0]
        assert len(values) == len(wanted)
        for value, of_it in zip(values, wanted, strict=True):
            assert_array_equal(value, of_it, err_msg=name)


def to_polars(frame):
    return pl.DataFrame({name: frame[name].tolist() for name in frame})


def refuse(model, X, future, match):
    with pytest.raises(ValueError, match=match):
        model.forecast(X, N_STEPS, future_exogenous=future)


@every_model
def test_columns_are_found_by_name(name):
    model, X, future = fitted(name)
    expected = by_position(model, X, future[["rain", "wind"]])
    for frame in (
        future[["rain", "wind"]],
        future[["wind", "rain"]],
        future,
        future.assign(note="text", humidity=np.nan)[
            ["note", "wind", "humidity", "rain"]
        ],
    ):
        assert_same(answers(model, X, frame), expected)
        assert_same(answers(model, X, to_polars(frame)), expected)


@every_model
def test_another_order_matters_by_position(name):
    """What names guard against."""
    model, X, future = fitted(name)
    if is_classifier(model):
        with pytest.raises(ValueError, match="unknown symbols"):
            by_position(model, X, future[["wind", "rain"]])
        return
    right = by_position(model, X, future[["rain", "wind"]])["forecast"]
    wrong = by_position(model, X, future[["wind", "rain"]])["forecast"]
    assert not np.allclose(right, wrong)


@every_model
def test_missing_names_are_refused(name):
    model, X, future = fitted(name)
    renamed = future.rename(columns={"rain": "rains"})
    match = (
        r"lacks 'rain', a driving input \(did you mean 'rains'\?\)\. It has the "
        r"columns \['rains', 'level', 'wind'\], but expected \['rain', 'wind'\]"
    )
    refuse(model, X, renamed, match)
    refuse(model, X, to_polars(renamed), match)
    refuse(model, X, future[["wind"]], "lacks 'rain', a driving input. It has")
    twice = pd.concat([future, future[["wind"]]], axis=1)
    refuse(model, X, twice, "holds twice 'wind', a driving input")


@every_model
def test_a_series_is_a_single_input(name):
    X, future = data(name)
    X = X[["level", "wind"]]
    model = clone(MODELS[name]).set_params(exogenous="wind").fit(X)
    expected = by_position(model, X, future[["wind"]])
    wind = future["wind"]
    for series in (wind, wind.rename(None), pl.Series("wind", wind), pl.Series(wind)):
        assert_same(answers(model, X, series), expected)
    refuse(model, X, future["rain"], "lacks 'wind', a driving input. It has the col")
    refuse(model, X, pl.Series("win", wind), r"did you mean 'win'\?")
    model, X, future = fitted(name)
    refuse(model, X, wind, r"is a Series, but there are 2 driving inputs \['rain', '")


@every_model
def test_each_sequence_finds_its_own_rows(name):
    X, future = data(name)
    other, later = data(name, seed=1)
    panel = pd.concat({"sea": X, "bay": other})
    model = clone(MODELS[name]).set_params(exogenous=TWO).fit(panel)
    frames = {"bay": later[["wind", "rain"]], "sea": future[["wind", "rain"]]}
    indexed = pd.concat(frames)
    stacked = np.stack([future[["rain", "wind"]], later[["rain", "wind"]]])
    expected = by_position(model, panel, stacked, n_sequences=2)
    forecast = model.forecast(panel, N_STEPS, future_exogenous=indexed)
    assert_same({"forecast": forecast}, expected)
    # Rows of one sequence need not stand together.
    mixed = indexed.swaplevel().sort_index().swaplevel()
    forecast = model.forecast(panel, N_STEPS, future_exogenous=mixed)
    assert_same({"forecast": forecast}, expected)
    # By the ids of groups, too, and in order where there are none.
    groups = np.repeat(["sea", "bay"], N)
    rows = panel.reset_index(drop=True)
    forecast = model.forecast(rows, N_STEPS, future_exogenous=indexed, groups=groups)
    assert_same({"forecast": forecast}, expected)
    in_order = pd.concat({"first": future, "second": later})
    found = answers(model, [X, other], in_order, n_sequences=2)
    of_list = by_position(model, [X, other], stacked, n_sequences=2)
    assert_same(found, of_list)
    frames = [future, later[["wind", "rain"]]]
    assert_same(answers(model, [X, other], frames, n_sequences=2), of_list)
    polars = [to_polars(frame) for frame in frames]
    assert_same(answers(model, [X, other], polars, n_sequences=2), of_list)


@every_model
def test_ids_that_count_are_positions_in_a_list(name):
    X, future = data(name)
    other, later = data(name, seed=1)
    model = clone(MODELS[name]).set_params(exogenous=TWO).fit([X, other])
    stacked = np.stack([future[["rain", "wind"]], later[["rain", "wind"]]])
    expected = by_position(model, [X, other], stacked, n_sequences=2)
    for frames in ({0: future, 1: later}, {1: later, 0: future}):
        found = answers(model, [X, other], pd.concat(frames), n_sequences=2)
        assert_same(found, expected)
    # Others stand for nothing, and are in the order of X.
    for ids in ((2, 1), (1.0, 0.0), ("1", "0"), (True, False)):
        of_ids = pd.concat([future, later], keys=ids)
        found = answers(model, [X, other], of_ids, n_sequences=2)
        assert_same(found, expected)


def test_sequences_that_do_not_fit_are_refused():
    X, future = data("AR")
    panel = pd.concat({"sea": X, "bay": X})
    model = ARRegressor(exogenous=TWO).fit(panel)
    both = pd.concat({"sea": future, "bay": future})
    refuse(model, panel, both.loc[["sea"]], r"lacks the sequence\(s\) \['bay'\] of X")
    renamed = both.rename(index={"bay": "bays"}, level=0)
    refuse(model, panel, renamed, r"did you mean 'bays'\?\)\. It holds \['sea', 'b")
    more = pd.concat([both, pd.concat({"gulf": future})])
    refuse(model, panel, more, r"holds the sequence\(s\) \['gulf'\], which X does not")
    refuse(model, panel, both[:-1], "holds 3 steps for sequence 'bay', but expected n")
    longer = pd.concat({"sea": future, "bay": pd.concat([future, future])})
    refuse(model, panel, longer, "holds 8 steps for sequence 'bay'")
    refuse(model, [X, X, X], both, "holds 2 sequences, but expected 3, in the order")
    refuse(model, [X, X], [future], "is a list of 1 frames, but expected 2")
    refuse(model, [X, X], [future, future[1:]], "holds 3 steps for sequence 1")
    refuse(model, panel, both.iloc[:3], r"lacks the sequence\(s\) \['bay'\]")
    refuse(model, panel, pd.concat({0: both}), "an index of 3 levels")
    nameless = both.set_axis(
        pd.MultiIndex.from_arrays([["sea"] * 7 + [None], range(8)])
    )
    refuse(model, panel, nameless, "first index level is missing at row 7")


@every_model
@pytest.mark.parametrize("more", [-1, 1])
def test_the_number_of_steps_must_fit(name, more):
    model, X, future = fitted(name)
    n = N_STEPS + more
    frame = pd.concat([future, future]).reset_index(drop=True)[:n]
    match = rf"has shape \({n}, 2\), but expected \(4, 2\)"
    refuse(model, X, frame, match)
    refuse(model, X, to_polars(frame), match)


@every_model
def test_names_on_one_side_only_warn(name):
    model, X, future = fitted(name)
    values = future[["rain", "wind"]].to_numpy()
    kind = type(model).__name__
    match = f"future_exogenous does not have valid feature names, but {kind} was fitte"
    with pytest.warns(UserWarning, match=match):
        found = model.forecast(X, N_STEPS, future_exogenous=values)
    numbered = pd.DataFrame(values)
    with pytest.warns(UserWarning, match=match):
        model.forecast(X, N_STEPS, future_exogenous=numbered)
    plain = clone(model).set_params(exogenous=[0, 2]).fit(X.to_numpy())
    X = X.to_numpy()
    match = f"future_exogenous has feature names, but {kind} was fitted without feature"
    with pytest.warns(UserWarning, match=match):
        named = plain.forecast(X, N_STEPS, future_exogenous=future[["rain", "wind"]])
    assert_array_equal(named, found)
    assert_array_equal(plain.forecast(X, N_STEPS, future_exogenous=values), found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refuse(plain, X, future, r"has shape \(4, 3\), but expected \(4, 2\)")


@every_model
def test_times_continue_those_of_x(name):
    X, future = data(name)
    X, future = X.set_axis(TIMES[:N]), future.set_axis(TIMES[N:])
    model = clone(MODELS[name]).set_params(exogenous=TWO).fit(X)
    expected = by_position(model, X, future[["rain", "wind"]])
    for times in (
        future.index,
        future.index.as_unit("ns"),
        pd.RangeIndex(N_STEPS),
        pd.Index(future.index.date),
    ):
        assert_same(answers(model, X, future.set_axis(times)), expected)
    late = future.set_axis(TIMES[N - 1 : -1])
    match = "begins at 2020-02-29 00:00:00, but the last row of X is at 2020-02-29"
    refuse(model, X, late, match)
    refuse(model, X, late.set_axis(pd.Index(late.index.date)), "begins at 2020-02-29")
    refuse(model, X, future[::-1], r"does not increase in time: row 1 \(2020-03-03")


def test_times_of_several_sequences():
    X, future = data("AR")
    X, future = X.set_axis(TIMES[:N]), future.set_axis(TIMES[N:])
    panel = pd.concat({"sea": X, "bay": X[:-10]})
    model = ARRegressor(exogenous=TWO).fit(panel)
    early = future.set_axis(TIMES[N - 10 : N - 6])
    right = pd.concat({"bay": early, "sea": future})
    model.forecast(panel, N_STEPS, future_exogenous=right)
    wrong = pd.concat({"bay": future, "sea": early})
    refuse(
        model, panel, wrong, "begins at 2020-02-20 .* X, sequence 0, is at 2020-02-2"
    )
    refuse(model, panel, early, "sequence 0, is at 2020-02-29")
    with pytest.warns(UserWarning, match="last row of X, at 2020-02-19"):
        model.forecast(panel, N_STEPS, future_exogenous=future)
    refuse(model, [X, X], [future, early], "X, sequence 1, is at 2020-02-29")
    backwards = pd.concat({"bay": early[::-1], "sea": future})
    refuse(model, panel, backwards, "does not increase in time: row 5")
    missing = future.set_axis([*TIMES[N:-1], pd.NaT])
    refuse(model, panel, missing, "has no time at row 3")


def test_periods_continue_those_of_x():
    X, future = data("AR")
    months = pd.period_range("2000-01", periods=N + N_STEPS, freq="M")
    X = X.set_axis(months[:N])
    model = ARRegressor(exogenous=TWO).fit(X)
    model.forecast(X, N_STEPS, future_exogenous=future.set_axis(months[N:]))
    again = future.set_axis(months[:N_STEPS])
    refuse(model, X, again, "begins at 2000-01, but the last row of X is at 2004-12")


def both_layouts(X, future):
    """A frame and its future, then two of each under an index of two levels."""
    yield X, future
    yield pd.concat({"sea": X, "bay": X}), pd.concat({"sea": future, "bay": future})


def numbers(n, start=0):
    return pd.Index(range(start, start + n), dtype="int64")


CLOCKS = {
    "days": TIMES,
    "days of UTC": TIMES.tz_localize("UTC"),
    "days over a change of clocks": TIMES.tz_localize("Europe/Berlin"),
    "days of periods": TIMES.to_period("D"),
    "month ends": pd.date_range("2000-01-31", periods=N + N_STEPS, freq="ME"),
    "working days": pd.bdate_range("2000-01-03", periods=N + N_STEPS),
    "integers": numbers(N + N_STEPS, 100),
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_times_of_every_kind_continue_those_of_x(clock):
    times = CLOCKS[clock]
    X, future = data("AR")
    X = X.set_axis(times[:N])
    for of_x, later in both_layouts(X, future.set_axis(times[N:])):
        model = ARRegressor(2, exogenous=TWO).fit(of_x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.forecast(of_x, N_STEPS, future_exogenous=later)
    for start in (0, 10, N - N_STEPS):
        early = future.set_axis(times[start : start + N_STEPS])
        for of_x, again in both_layouts(X, early):
            model = ARRegressor(2, exogenous=TWO).fit(of_x)
            refuse(model, of_x, again, "begins at .*, but the last row of X")


def test_time_zones_on_one_side_only_are_refused():
    X, future = data("AR")
    aware = TIMES.tz_localize("UTC")
    for times, others in ((TIMES, aware), (aware, TIMES)):
        pair = X.set_axis(times[:N]), future.set_axis(others[N:])
        for of_x, later in both_layouts(*pair):
            model = ARRegressor(2, exogenous=TWO).fit(of_x)
            refuse(model, of_x, later, "has a time zone, the other has none")


def test_an_index_that_only_counts_is_not_compared():
    X, future = data("AR")
    for times in (TIMES[:N], pd.RangeIndex(N), numbers(N, 100)):
        pair = X.set_axis(times), future.set_axis(pd.RangeIndex(N_STEPS))
        for of_x, later in both_layouts(*pair):
            model = ARRegressor(2, exogenous=TWO).fit(of_x)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                model.forecast(of_x, N_STEPS, future_exogenous=later)


DAY = pd.Timedelta(1, "D")


@pytest.mark.parametrize(
    "times, later, first",
    [
        (
            TIMES,
            TIMES[N:] + DAY,
            "0, at 2020-03-02 .* the last row of X, at 2020-02-29",
        ),
        (TIMES, TIMES[N:] + DAY / 2, "0, at 2020-03-01 12:00:00"),
        (
            TIMES,
            TIMES[N] + 2 * DAY * np.arange(4),
            "1, at 2020-03-03 .* row 0, at 2020",
        ),
        (TIMES, TIMES[N] + DAY / 2 * np.arange(4), "1, at 2020-03-01 12"),
        (CLOCKS["month ends"], CLOCKS["month ends"][N:] - DAY, "0, at 2005-01-30"),
        (
            CLOCKS["days of periods"],
            CLOCKS["days of periods"][N:] + 2,
            "0, at 2020-03-",
        ),
        (numbers(N + 4), numbers(4, N + 1), "0, at 61, .* the last row of X, at 59"),
        (numbers(N + 4), numbers(4, N - 2), "0, at 58, .* the last row of X, at 59"),
    ],
)
def test_times_in_another_step_than_those_of_x_warn(times, later, first):
    X, future = data("AR")
    for of_x, inputs in both_layouts(X.set_axis(times[:N]), future.set_axis(later)):
        model = ARRegressor(2, exogenous=TWO).fit(of_x)
        step = f"in the step of X, as from {times[0]} to {times[1]}"
        with pytest.warns(UserWarning, match=f"row {first}.*{step}"):
            found = model.forecast(of_x, N_STEPS, future_exogenous=inputs)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*feature names")
            plain = future[["rain", "wind"]].to_numpy()
            expected = model.forecast(of_x, N_STEPS, future_exogenous=plain)
        assert_array_equal(found, expected)


def test_strings_are_found_by_name():
    model, X, future = fitted("AR, symbols", strings=True)
    expected = by_position(model, X, future[["rain", "wind"]])
    for frame in (future[["wind", "rain"]], to_polars(future)):
        assert_same(answers(model, X, frame), expected)


@every_model
def test_masked_entries_are_missing(name):
    model, X, future = fitted(name)
    model = clone(model).set_params(exogenous=[0, 2]).fit(X.to_numpy())
    values = future[["rain", "wind"]].to_numpy()
    expected = by_position(model, X.to_numpy(), values)
    nothing = np.ma.masked_array(values, mask=False)
    assert_same(answers(model, X.to_numpy(), nothing), expected)
    masked = nothing.copy()
    masked[1, 0] = np.ma.masked
    match = "Input future_exogenous contains NaN"
    for given in (masked, np.ma.stack([masked]), [masked], [nothing[0], *masked[1:]]):
        with pytest.raises(ValueError, match=match):
            answers(model, X.to_numpy(), given)
        if hasattr(model, "sample"):
            with pytest.raises(ValueError, match=match):
                model.sample(N_STEPS, future_exogenous=given)


def test_what_a_display_draws():
    X, future = data("AR")
    panel = pd.concat({"sea": X, "bay": 2 * X})
    both = pd.concat({"bay": 3 * future, "sea": future})
    for name in ("AR", "LDS", "linear dynamical system"):
        model = clone(MODELS[name]).set_params(exogenous=TWO).fit(panel)
        display = ForecastDisplay.from_estimator(
            model, panel, n_steps=N_STEPS, sequence=1, future_exogenous=both
        )
        expected = model.forecast(panel, N_STEPS, future_exogenous=both)[N_STEPS:]
        np.testing.assert_allclose(display.forecast, expected, rtol=1e-12)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@every_model
def test_columns_of_x_in_another_order_are_refused(name, library):
    model, X, _ = fitted(name)
    swapped = X[["wind", "level", "rain"]]
    if library == "polars":
        X, swapped = to_polars(X), to_polars(swapped)
    method = getattr(model, "predict", model.score_samples)
    for given in (swapped, [swapped, swapped]):
        with pytest.raises(ValueError, match="feature names should match"):
            method(given)
    with pytest.raises(ValueError, match="Sequence 1 of X has the columns"):
        method([X, swapped])
    of_list = clone(model).fit([X, X])
    assert_array_equal(of_list.feature_names_in_, ["rain", "level", "wind"])
    with pytest.raises(ValueError, match="feature names should match"):
        getattr(of_list, method.__name__)(swapped)


def numbered(name):
    """A model of columns labelled by numbers: rain 5, level 7, wind 6."""
    X, future = data(name)
    labels = {"rain": 5, "level": 7, "wind": 6}
    X, future = X.rename(columns=labels), future.rename(columns=labels)
    return clone(MODELS[name]).set_params(exogenous=[0, 2]).fit(X), X, future


@every_model
def test_columns_of_x_labelled_by_numbers(name):
    model, X, _ = numbered(name)
    method = getattr(model, "predict", model.score_samples)
    expected = method(X)
    assert_array_equal(method(X.to_numpy()), expected)
    match = (
        rf"X has the columns \[6, 7, 5\], but {type(model).__name__} was fitted with "
        r"\[5, 7, 6\]\. Reorder them with X\[\[5, 7, 6\]\]"
    )
    swapped = X[[6, 7, 5]]
    for given in (swapped, [swapped, swapped]):
        for call in (method, model.score, lambda X: model.forecast(X, 1)):
            with pytest.raises(ValueError, match=match):
                call(given)
    with pytest.raises(ValueError, match=r"X has the columns \[0, 1, 2\], but"):
        method(X.set_axis(range(3), axis=1))
    with pytest.raises(ValueError, match="2 features, but"):
        method(X[[5, 7]])
    array = clone(model).fit(X.to_numpy())
    getattr(array, method.__name__)(X)  # nothing to compare with


@every_model
def test_inputs_labelled_by_numbers_are_found_by_label(name):
    model, X, future = numbered(name)
    expected = by_position(model, X, future[[5, 6]])
    for frame in (future[[5, 6]], future[[6, 5]], future):
        assert_same(answers(model, X, frame), expected)
    fresh = pd.DataFrame(future[[5, 6]].to_numpy())
    match = (
        r"lacks 5, a driving input\. It has the columns \[0, 1\], but expected \[5, 6"
    )
    refuse(model, X, fresh, match)
    assert_same(answers(model, X, fresh.to_numpy()), expected)
    wind = clone(model).set_params(exogenous=[1]).fit(X[[7, 6]])
    of_wind = by_position(wind, X[[7, 6]], future[[6]])
    for series in (future[6], future[6].rename(None)):
        assert_same(answers(wind, X[[7, 6]], series), of_wind)
    refuse(wind, X[[7, 6]], future[5], "lacks 6, a driving input")


def test_priors_are_found_by_class():
    X = [np.random.default_rng(i).normal(size=(9, 1)) for i in range(6)]
    y = ["up", "down", "up", "down", "up", "flat"]
    right = [0.2, 0.1, 0.7]  # in the order of classes_: down, flat, up
    named = pd.Series({"up": 0.7, "down": 0.2, "flat": 0.1})
    for cls in (HMMClassifier, LDSClassifier):
        for priors in (right, named, pd.Series(right), named.iloc[[1, 2, 0]]):
            assert_array_equal(cls(priors=priors).fit(X, y).priors_, right)
        wrong = named.rename({"up": "upp"})
        match = r"priors lacks 'up', one of the classes \(did you mean 'upp'\?\)"
        with pytest.raises(ValueError, match=match):
            cls(priors=wrong).fit(X, y)


def test_priors_of_numbered_classes():
    """An index that holds the classes is no count of positions."""
    X = [np.random.default_rng(i).normal(size=(9, 1)) for i in range(4)]
    priors = pd.Series([0.9, 0.1], index=[1, 0])
    model = LDSClassifier(priors=priors).fit(X, [0, 1, 0, 1])
    assert_array_equal(model.priors_, [0.1, 0.9])


@pytest.mark.parametrize("cls", [EchoStateRegressor, EchoStateClassifier])
def test_scalings_of_inputs_are_found_by_feature(cls):
    X, _ = data("AR, symbols" if cls is EchoStateClassifier else "AR")
    exogenous = {"exogenous": TWO}
    scaling = pd.Series({"wind": 0.1, "rain": 2.0, "level": 0.5})
    expected = cls(20, input_scaling=[2.0, 0.5, 0.1], random_state=0, **exogenous)
    model = cls(20, input_scaling=scaling, random_state=0, **exogenous)
    assert_array_equal(model.fit(X).coef_, expected.fit(X).coef_)
    with pytest.raises(ValueError, match="input_scaling lacks 'rain', one of the feat"):
        clone(model).set_params(input_scaling=scaling.drop("rain")).fit(X)


def test_initial_states_are_found_by_sequence():
    X, _ = data("RNN")
    panel = pd.concat({"sea": X, "bay": X})
    model = RNNRegressor(3, max_iter=3, random_state=0).fit(panel)
    states = pd.DataFrame([[0.1, 0.2, 0.3], [0.5, 0.6, 0.7]], index=["bay", "sea"])
    expected = model.predict(panel, initial_states=states.to_numpy()[::-1])
    assert_array_equal(model.predict(panel, initial_states=states), expected)
    counted = states[::-1].reset_index(drop=True)
    assert_array_equal(model.predict(panel, initial_states=counted), expected)
    # An index that holds the ids is no count of positions.
    numbered = states.set_axis([0, 1])
    panel_of_numbers = pd.concat({1: X, 0: X})
    by_number = model.predict(panel_of_numbers, initial_states=numbered)
    assert_array_equal(by_number, expected)
    groups = np.repeat(["sea", "bay"], N)
    rows = panel.reset_index(drop=True)
    by_group = model.predict(rows, groups=groups, initial_states=states)
    assert_array_equal(by_group, expected)
    with pytest.raises(ValueError, match="initial_states lacks 'sea', one of the seq"):
        model.predict(panel, initial_states=states.rename({"sea": "see"}))


def test_a_named_frame_of_several_sequences_for_unnamed_inputs():
    X = np.random.default_rng(0).normal(size=(12, 2))
    model = LinearDynamicalSystem(exogenous=0, max_iter=2).fit(X)
    index = pd.MultiIndex.from_product([[0], range(3)])
    future = pd.DataFrame(np.ones((3, 2)), index=index, columns=["a", "b"])
    message = r"has shape \(1, 3, 2\), but expected \(3, 1\)"
    with (
        pytest.warns(UserWarning),
        pytest.raises(ValueError, match=message),
    ):
        model.forecast(X, 3, groups=np.zeros(12), future_exogenous=future)
