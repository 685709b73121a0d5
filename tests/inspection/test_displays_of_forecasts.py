"""Forecasts and their bands, against recursions and other programs' distributions."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sklearn_seq import (
    ARRegressor,
    EchoStateRegressor,
    GaussianHMM,
    HMMRegressor,
    LDSRegressor,
    LinearDynamicalSystem,
    MLPSequenceRegressor,
    PoissonHMM,
)
from sklearn_seq.inspection import ForecastDisplay


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(3)
    return np.cumsum(rng.normal(size=(80, 3)), axis=0) * 0.3


def band_at(band, x):
    """Lower and upper edge of a band at one of its x."""
    vertices = np.concatenate([path.vertices for path in band.get_paths()])
    y = vertices[np.isclose(vertices[:, 0], x), 1]
    return y.min(), y.max()


def test_forecast_and_band_of_a_first_order_autoregression(rows):
    x = rows[:, :1]
    model = ARRegressor(1).fit(x)
    a, c = model.coef_[0, 0, 0], model.intercept_[0]
    sigma = np.sqrt(model.noise_covariance_[0, 0])
    display = ForecastDisplay.from_estimator(model, x, n_steps=5, coverage=0.8)
    level, variance = x[-1, 0], 0.0
    for h in range(5):
        level, variance = c + a * level, sigma**2 + a**2 * variance
        assert display.forecast_lines_[0].get_ydata()[h] == pytest.approx(level)
        assert display.std[h, 0] == pytest.approx(np.sqrt(variance))
        np.testing.assert_allclose(
            band_at(display.bands_[0], 80 + h),
            norm.interval(0.8, level, np.sqrt(variance)),
        )
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["History", "Forecast", "80 % band"]


def test_one_step_predictions_lie_over_the_rows_they_predict(rows):
    model = ARRegressor(2).fit(rows)
    display = ForecastDisplay.from_estimator(model, rows, one_step=True, n_history=10)
    for j in range(3):
        line = display.prediction_lines_[j]
        np.testing.assert_array_equal(line.get_xdata(), np.arange(70, 80))
        np.testing.assert_allclose(line.get_ydata(), model.predict(rows)[69:-1, j])
        history = display.history_lines_[j]
        np.testing.assert_array_equal(history.get_xdata(), np.arange(70, 80))
        assert line.get_color() == history.get_color()
    display.plot(n_history=None)
    np.testing.assert_array_equal(
        display.prediction_lines_[0].get_xdata(), np.arange(1, 80)
    )
    assert len(display.plot(n_history=1000).history_lines_[0].get_xdata()) == 80


@pytest.mark.parametrize("gap", [False, True])
def test_bands_of_linear_dynamical_systems(rows, gap):
    X = rows.copy()
    if gap:
        X[-3:, 0] = np.nan
    system = LinearDynamicalSystem(2).fit(X)
    display = ForecastDisplay.from_estimator(system, X, n_steps=6)
    # By hand, from the last filtered state.
    means, covariances = system.filter(X)
    s, P = means[-1], covariances[-1]
    A, C = system.transition_matrix_, system.observation_matrix_
    for h in range(6):
        s, P = A @ s, A @ P @ A.T + system.transition_covariance_
        std = np.sqrt(np.diag(C @ P @ C.T + system.observation_covariance_))
        np.testing.assert_allclose(display.forecast[h], C @ s)
        np.testing.assert_allclose(display.std[h], std)
    assert np.isnan(display.history_lines_[0].get_ydata()[-3:]).all() == gap


def test_band_of_an_lds_regressor_is_that_of_its_system(rows):
    model = LDSRegressor(2).fit(rows)
    display = ForecastDisplay.from_estimator(model, rows, n_steps=6)
    mean, cov = model.system_.forecast(rows - model.mean_, 6, return_cov=True)
    np.testing.assert_allclose(display.forecast, mean + model.mean_)
    np.testing.assert_allclose(
        display.std, np.sqrt(np.diagonal(cov, axis1=1, axis2=2)), rtol=1e-6
    )


def test_band_of_an_lds_regressor_with_driving_inputs(rows):
    future = np.linspace(0, 1, 4)[:, None]
    model = LDSRegressor(2, exogenous=1).fit(rows)
    display = ForecastDisplay.from_estimator(
        model, rows, n_steps=4, future_exogenous=future
    )
    inner = np.hstack([rows[:, [0, 2]] - model.mean_, rows[:, [1]] - model.input_mean_])
    mean, cov = model.system_.forecast(
        inner, 4, future_exogenous=future - model.input_mean_, return_cov=True
    )
    np.testing.assert_allclose(display.forecast, mean + model.mean_)
    np.testing.assert_allclose(
        display.std, np.sqrt(np.diagonal(cov, axis1=1, axis2=2)), rtol=1e-6
    )
    assert display.feature_names == ["x0", "x2"]
    np.testing.assert_array_equal(display.history, rows[:, [0, 2]])


def test_a_hole_in_time_breaks_the_history_for_the_band_too(rows):
    index = np.r_[np.arange(60), np.arange(70, 90)]
    frame = pd.DataFrame(rows, index=index, columns=list("abc"))
    model = LDSRegressor(2).fit(frame)
    display = ForecastDisplay.from_estimator(model, frame, n_steps=3)
    alone = ForecastDisplay.from_estimator(model, frame[60:], n_steps=3)
    np.testing.assert_allclose(display.std, alone.std)
    np.testing.assert_allclose(display.forecast, alone.forecast)
    np.testing.assert_array_equal(display.future_times, [90, 91, 92])


def mixture_of_states(model, proba):
    """Mean and standard deviation of the rows to come, by the law of total variance."""
    means = model.means_ if hasattr(model, "means_") else model.rates_
    within = (
        np.diagonal(model.covariances_, axis1=1, axis2=2)
        if hasattr(model, "covariances_")
        else means
    )
    mean = proba @ means
    return mean, np.sqrt(proba @ (within + means**2) - mean**2)


@pytest.mark.parametrize("cls", [GaussianHMM, PoissonHMM])
def test_bands_of_hidden_markov_models(rows, cls):
    X = np.abs(np.round(5 * rows)) if cls is PoissonHMM else rows
    model = cls(3, random_state=0).fit(X)
    display = ForecastDisplay.from_estimator(model, X, n_steps=5)
    proba = model.transform(X)[-1]
    for h in range(5):
        proba = proba @ model.transmat_
        mean, std = mixture_of_states(model, proba)
        np.testing.assert_allclose(display.forecast[h], mean)
        np.testing.assert_allclose(display.std[h], std)


def test_band_of_an_hmm_regressor(rows):
    model = HMMRegressor(3, random_state=0).fit(rows)
    display = ForecastDisplay.from_estimator(model, [rows[:50], rows[50:]], n_steps=5)
    proba = model.model_.transform(rows[:50])[-1]
    for h in range(5):
        proba = proba @ model.model_.transmat_
        mean, std = mixture_of_states(model.model_, proba)
        np.testing.assert_allclose(display.forecast[h], mean)
        np.testing.assert_allclose(display.std[h], std)
    driven = HMMRegressor(3, exogenous=2, random_state=0).fit(rows)
    display = ForecastDisplay.from_estimator(
        driven, rows, n_steps=2, future_exogenous=[[0.0], [0.0]]
    )
    assert display.std is None and display.bands_ == []


@pytest.mark.parametrize(
    "model",
    [EchoStateRegressor(20, random_state=0), MLPSequenceRegressor(2, max_iter=3)],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_nets_have_no_band(rows, model):
    model.fit(rows)
    display = ForecastDisplay.from_estimator(model, rows, n_steps=3)
    assert display.bands_ == []
    np.testing.assert_allclose(display.forecast, model.forecast(rows, 3))


def test_features_are_chosen_by_position_or_name(rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    model = ARRegressor(exogenous="b").fit(frame)
    future = pd.Series(np.zeros(2), name="b")
    options = {"n_steps": 2, "future_exogenous": future}
    display = ForecastDisplay.from_estimator(model, frame, features=["c", 0], **options)
    assert display.feature_names == ["c", "a"]
    np.testing.assert_array_equal(display.history, rows[:, [2, 0]])
    everything = ForecastDisplay.from_estimator(model, frame, **options)
    np.testing.assert_array_equal(display.std, everything.std[:, ::-1])
    with pytest.raises(ValueError, match=r"\['b'\] are driving inputs.*\['a', 'c'\]"):
        ForecastDisplay.from_estimator(model, frame, features="b", **options)
    with pytest.raises(ValueError, match="no column 'd'.*names among"):
        ForecastDisplay.from_estimator(model, frame, features="d", **options)
    with pytest.raises(ValueError, match="future_exogenous"):
        ForecastDisplay.from_estimator(model, frame)


def test_from_predictions_draws_what_it_is_given():
    display = ForecastDisplay.from_predictions(
        [1.0, 2.0, 4.0],
        [5.0, 6.0],
        [0.5, 1.0],
        predictions=[2.5, 3.5],
        times=[10, 20, 30],
        feature_names=["level"],
        coverage=0.5,
    )
    np.testing.assert_array_equal(display.forecast_lines_[0].get_xdata(), [40, 50])
    np.testing.assert_array_equal(display.prediction_lines_[0].get_xdata(), [20, 30])
    np.testing.assert_array_equal(display.prediction_lines_[0].get_ydata(), [2.5, 3.5])
    np.testing.assert_allclose(band_at(display.bands_[0], 50), norm.interval(0.5, 6, 1))
    assert display.ax_.get_ylabel() == "level"
    without = ForecastDisplay.from_predictions([1.0, 2.0], [3.0], future_times=[7])
    assert without.bands_ == [] and without.prediction_lines_ == []
    np.testing.assert_array_equal(without.forecast_lines_[0].get_xdata(), [7])


@pytest.mark.parametrize(
    "given, match",
    [
        ({"forecast": [[1.0, 2.0]]}, r"forecast has shape \(1, 2\).*expected \(1, 1\)"),
        ({"std": [1.0, 2.0]}, r"std has shape \(2,\).*expected \(1, 1\)"),
        ({"std": [-1.0]}, "negative entry.*square roots of variances"),
        ({"predictions": [1.0, 2.0]}, r"predictions .*expected \(1, 1\)"),
        ({"history": np.zeros((2, 3, 1))}, "of one sequence"),
        ({"coverage": 1.0}, "coverage=1.0: expected a probability"),
        ({"n_history": 0}, "n_history=0"),
    ],
)
def test_from_predictions_refuses_what_does_not_fit(given, match):
    with pytest.raises(ValueError, match=match):
        ForecastDisplay.from_predictions(
            **{"history": [1.0, 2.0], "forecast": [3.0], **given}
        )
