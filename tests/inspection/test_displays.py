"""What all displays share: layouts, pipelines, axes, errors, lazy imports."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq import (
    ARRegressor,
    GaussianHMM,
    HMMClassifier,
    LinearDynamicalSystem,
    RNNRegressor,
)
from sklearn_seq.inspection import (
    ARRootsDisplay,
    ARSpectrumDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SegmentationDisplay,
    TransitionMatrixDisplay,
)
from sklearn_seq.inspection.displays._plotting import time_edges, times_ahead


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(0)
    steps = np.cumsum(rng.normal(size=(3, 40, 2)), axis=1)
    return steps + 10 * np.arange(3)[:, None, None]


@pytest.fixture(scope="module")
def layouts(panel):
    """The same three sequences in every layout: X and groups."""
    rows, ids = panel.reshape(120, 2), np.repeat(["a", "b", "c"], 40)
    index = pd.MultiIndex.from_product([["a", "b", "c"], range(40)])
    return {
        "groups": (rows, ids),
        "polars": (pl.DataFrame(rows, schema=["u", "v"]), ids),
        "index": (pd.DataFrame(rows, index=index, columns=["u", "v"]), None),
        "panel": (panel, None),
        "list": (list(panel), None),
    }


LAYOUTS = ["groups", "polars", "index", "panel", "list"]


@pytest.mark.filterwarnings("error")  # such as "X has no groups"
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sequence", [1, -1])
def test_one_sequence_is_drawn_in_every_layout(layouts, panel, layout, sequence):
    X, groups = layouts[layout]
    alone = panel[sequence]
    ar = ARRegressor(2).fit(X, groups=groups)
    display = ForecastDisplay.from_estimator(
        ar, X, n_steps=4, groups=groups, sequence=sequence
    )
    plain = ARRegressor(2).fit(panel)
    for j in range(2):
        np.testing.assert_array_equal(
            display.history_lines_[j].get_ydata(), alone[:, j]
        )
        np.testing.assert_allclose(
            display.forecast_lines_[j].get_ydata(), plain.forecast(alone, 4)[:, j]
        )
    np.testing.assert_array_equal(display.times, np.arange(40))
    np.testing.assert_array_equal(display.future_times, np.arange(40, 44))

    hmm = GaussianHMM(3, random_state=0).fit(X, groups=groups)
    states = HiddenStateDisplay.from_estimator(hmm, X, groups=groups, sequence=sequence)
    plain = GaussianHMM(3, random_state=0).fit(panel)
    np.testing.assert_allclose(states.states, plain.transform(alone), atol=1e-9)
    segments = SegmentationDisplay.from_estimator(
        hmm, X, groups=groups, sequence=sequence
    )
    np.testing.assert_array_equal(segments.states, plain.predict(alone))
    np.testing.assert_array_equal(segments.lines_[1].get_ydata(), alone[:, 1])
    again = SegmentationDisplay.from_predictions(
        X, hmm.predict(X, groups=groups), groups=groups, sequence=sequence
    )
    np.testing.assert_array_equal(again.states, segments.states)
    spectrum = ARSpectrumDisplay.from_estimator(ar, X, groups=groups, sequence=sequence)
    # Parseval: twice the sum over frequencies up to 1/2, of which the last has no twin.
    total = 2 * spectrum.periodogram.sum(axis=0) - spectrum.periodogram[-1]
    np.testing.assert_allclose(total, 40 * alone.var(axis=0))


@pytest.mark.parametrize("sequence", [3, -4, 1.0, True, "a"])
def test_a_sequence_that_is_not_there_is_refused(panel, sequence):
    model = ARRegressor().fit(panel)
    with pytest.raises(ValueError, match=r"sequence=.*3 sequence\(s\).*from 0 to 2"):
        ForecastDisplay.from_estimator(model, panel, sequence=sequence)


def test_pipelines_and_searches_show_what_the_model_sees(panel):
    rows = panel[0]
    scaled = StandardScaler().fit_transform(rows)
    pipe = make_pipeline(StandardScaler(), LinearDynamicalSystem(2)).fit(rows)
    states = HiddenStateDisplay.from_estimator(pipe, rows)
    np.testing.assert_allclose(
        states.states, LinearDynamicalSystem(2).fit(scaled).transform(scaled)
    )
    forecast = ForecastDisplay.from_estimator(pipe, rows, n_steps=3)
    np.testing.assert_allclose(forecast.history, scaled)
    ids = np.repeat([0, 1], 20)
    pipe = make_pipeline(StandardScaler(), GaussianHMM(2, random_state=0))
    pipe.fit(rows)
    segments = SegmentationDisplay.from_estimator(pipe, rows, groups=ids, sequence=1)
    np.testing.assert_array_equal(segments.signal, rows[20:])  # as it was given
    np.testing.assert_array_equal(
        segments.states, pipe[-1].predict(pipe[0].transform(rows[20:]))
    )
    matrix = TransitionMatrixDisplay.from_estimator(pipe)
    np.testing.assert_array_equal(matrix.transmat, pipe[-1].transmat_)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), ARRegressor()),
        {"arregressor__n_lags": [1, 2]},
        cv=2,
    ).fit(rows)
    roots = ARRootsDisplay.from_estimator(search)
    n_lags = search.best_params_["arregressor__n_lags"]
    assert len(roots.eigenvalues) == 2 * n_lags
    spectrum = ARSpectrumDisplay.from_estimator(search, rows)
    assert spectrum.periodogram.shape == (20, 2)


def test_the_index_of_a_frame_is_the_axis_of_time():
    index = pd.date_range("2020-01-31", periods=30, freq="ME", name="month")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sales": rng.normal(size=30)}, index=index)
    display = ForecastDisplay.from_estimator(ARRegressor().fit(frame), frame, n_steps=3)
    expected = np.array(["2022-07-31", "2022-08-31", "2022-09-30"], "datetime64[D]")
    np.testing.assert_array_equal(display.future_times, expected)
    assert display.ax_.get_xlabel() == "month"
    assert display.ax_.get_ylabel() == "sales"
    periods = frame.set_axis(index.to_period("M"))
    again = ForecastDisplay.from_estimator(
        ARRegressor().fit(periods), periods, n_steps=2
    )
    assert again.times[1] == np.datetime64("2020-02-01")
    assert again.future_times[1] == np.datetime64("2022-08-01")
    with_zone = frame.set_axis(index.tz_localize("Europe/Paris"))
    image = HiddenStateDisplay.from_estimator(
        GaussianHMM(2, random_state=0).fit(with_zone), with_zone, kind="image"
    )
    np.testing.assert_array_equal(image.times, index.to_numpy())
    names = frame.set_axis([f"row {i}" for i in range(30)])
    numbered = ForecastDisplay.from_estimator(ARRegressor().fit(names), names)
    np.testing.assert_array_equal(numbered.times, np.arange(30))


def test_times_go_on_and_have_edges():
    np.testing.assert_allclose(times_ahead(np.array([0.0, 0.5, 1.0]), 2), [1.5, 2.0])
    np.testing.assert_array_equal(times_ahead(np.array([7]), 2), [8, 9])
    days = np.array(["2024-01-01", "2024-01-04"], "datetime64[ns]")
    assert times_ahead(days, 1)[0] == np.datetime64("2024-01-07")
    assert times_ahead(days[:1], 1)[0] == np.datetime64("2024-01-02")
    np.testing.assert_allclose(time_edges(np.array([0, 1, 3])), [-0.5, 0.5, 2, 4])
    np.testing.assert_allclose(time_edges(np.array([5])), [4.5, 5.5])
    edges = time_edges(days)
    assert edges[1] == np.datetime64("2024-01-02T12")
    assert edges[0] == np.datetime64("2023-12-30T12")


@pytest.mark.parametrize(
    "start, freq",
    [
        *(("2023-01-01 06:00", freq) for freq in ["h", "D", "7D", "36h"]),
        *(("2023-01-01", freq) for freq in ["MS", "ME", "BME", "QS", "YS", "B", "2MS"]),
        ("2023-01-15", "QE"),
    ],
)
def test_dates_go_on_as_pandas_counts_them(start, freq):
    index = pd.date_range(start, periods=30, freq=freq)
    ahead = times_ahead(index.to_numpy()[:-12], 12)
    if freq == "BME":  # no steady pace: never backwards, at least
        assert (np.diff(ahead) > np.timedelta64(0)).all()
    else:
        np.testing.assert_array_equal(ahead, index.to_numpy()[-12:])


UNFITTED = [
    (ForecastDisplay, ARRegressor()),
    (HiddenStateDisplay, RNNRegressor()),
    (SegmentationDisplay, GaussianHMM()),
    (TransitionMatrixDisplay, HMMClassifier()),
    (LossCurveDisplay, RNNRegressor()),
    (ARSpectrumDisplay, ARRegressor()),
    (ARRootsDisplay, ARRegressor()),
    (GradientFlowDisplay, RNNRegressor()),
]


@pytest.mark.parametrize("display, model", UNFITTED, ids=lambda x: str(x)[:30])
@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: make_pipeline(m)])
def test_models_must_be_fitted(display, model, wrap):
    alone = (TransitionMatrixDisplay, LossCurveDisplay, ARRootsDisplay)
    data = () if display in alone else (np.zeros((20, 1)),)
    with pytest.raises(NotFittedError, match="not fitted yet.*Call 'fit'"):
        display.from_estimator(wrap(model), *data)


def test_unsuitable_models_are_told_what_would_be_suitable(panel):
    rows = panel[0]
    ar = ARRegressor().fit(rows)
    with_y = ARRegressor().fit(rows, rows[:, 0])
    labels = np.repeat([0, 1], 20)
    classifier = HMMClassifier().fit(rows, labels)
    of_sequences = HMMClassifier().fit(panel, [0, 1, 0])
    linear = LinearRegression().fit(rows, rows)
    hmm = GaussianHMM().fit(rows)

    def refused(match, draw, *args, **kwargs):
        with pytest.raises(ValueError, match=match):
            draw.from_estimator(*args, **kwargs)

    refused("fitted without y", ForecastDisplay, with_y, rows)
    refused("SegmentationDisplay", ForecastDisplay, classifier, rows)
    refused("LinearRegression.*from_predictions", ForecastDisplay, linear, rows)
    refused("regressor of the same family", ForecastDisplay, hmm, rows, one_step=True)
    refused("no method transform.*from_states", HiddenStateDisplay, ar, rows)
    refused("models_", HiddenStateDisplay, of_sequences, panel)
    refused("no states or labels.*classifier", SegmentationDisplay, ar, rows)
    refused("one label for each sequence", SegmentationDisplay, of_sequences, panel)
    refused("from_transmat", TransitionMatrixDisplay, ar)
    refused(r"estimator.models_\[0\]", TransitionMatrixDisplay, of_sequences)
    refused("no loss_curve_.*from_curves", LossCurveDisplay, ar)
    refused("Fit an ARRegressor, without y", ARSpectrumDisplay, hmm)
    refused("Fit it without y", ARSpectrumDisplay, with_y)
    refused("Fit an ARRegressor, without y", ARRootsDisplay, linear)
    refused("Fit it without y", ARRootsDisplay, with_y)
    symbols = np.array(list("abab" * 10))[:, None]
    of_symbols = HMMClassifier().fit(symbols)
    refused("next symbols, no labels", SegmentationDisplay, of_symbols, symbols)
    with pytest.raises(TypeError, match="RNNRegressor"):
        GradientFlowDisplay.from_estimator(ar, rows)


def displays(rows):
    """One of each, drawn by itself."""
    hmm = GaussianHMM(2, random_state=0).fit(rows)
    ar = ARRegressor(2, method="yule_walker").fit(rows)
    yield ForecastDisplay.from_estimator(ar, rows)
    yield HiddenStateDisplay.from_estimator(hmm, rows)
    yield SegmentationDisplay.from_estimator(hmm, rows)
    yield TransitionMatrixDisplay.from_estimator(hmm, colorbar=False)
    yield LossCurveDisplay.from_estimator(hmm)
    yield ARSpectrumDisplay.from_estimator(ar, rows)
    yield ARRootsDisplay.from_estimator(ar)
    yield GradientFlowDisplay.from_norms([1.0, 0.5])


def test_each_display_can_be_drawn_again_on_given_axes(panel, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *args: pytest.fail("plt.show was called"))
    for display in displays(panel[0, :, :1]):
        first = display.ax_
        assert display.figure_ is first.figure
        figure, ax = plt.subplots()
        n_figures = len(plt.get_fignums())
        options = {"colorbar": False} if hasattr(display, "colorbar_") else {}
        assert display.plot(ax=ax, **options) is display
        assert display.ax_ is ax and display.figure_ is figure
        assert len(plt.get_fignums()) == n_figures
        assert figure.axes == [ax]
        assert len(ax.lines) == len(first.lines)
        assert len(ax.images) == len(first.images)
        assert ax.get_xlabel()


def test_users_styles_win_whatever_their_alias(panel):
    ar = ARRegressor(2).fit(panel[0])
    display = ForecastDisplay.from_estimator(
        ar, panel[0], features=0, forecast_kwargs={"c": "red", "ls": "-."}
    )
    assert display.forecast_lines_[0].get_color() == "red"
    assert display.forecast_lines_[0].get_linestyle() == "-."
    with pytest.raises(TypeError, match="aliases"):
        display.plot(forecast_kwargs={"c": "red", "color": "blue"})


def in_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_matplotlib_is_imported_only_to_draw():
    done = in_python(
        "import sys\n"
        "import sklearn_seq.inspection as inspection\n"
        "inspection.ForecastDisplay([[0.0]], [[0.0]])\n"
        "assert 'matplotlib' not in sys.modules\n"
        "inspection.GradientFlowDisplay.from_norms([1.0])\n"
        "assert 'matplotlib' in sys.modules\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_matplotlib_is_named():
    done = in_python(
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "from sklearn_seq.inspection import GradientFlowDisplay\n"
        "GradientFlowDisplay.from_norms([1.0])\n"
    )
    assert "GradientFlowDisplay.plot requires matplotlib" in done.stderr
    assert "pip install matplotlib" in done.stderr
