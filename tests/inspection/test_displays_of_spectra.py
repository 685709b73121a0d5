"""Spectra and roots of autoregressions, against SciPy, NumPy and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from scipy import linalg, signal
from statsmodels.tsa import arima_process as arma_process

from sklearn_seq import ARRegressor
from sklearn_seq.datasets import load_sunspots, make_ar_process
from sklearn_seq.inspection import ARRootsDisplay, ARSpectrumDisplay


@pytest.fixture(scope="module")
def several():
    rng = np.random.default_rng(0)
    A = np.array([[0.6, 0.3], [-0.4, 0.5]])
    x = np.zeros((400, 2))
    for t in range(1, 400):
        x[t] = A @ x[t - 1] + rng.normal(size=2)
    return x


@pytest.fixture(scope="module")
def sunspots():
    return load_sunspots(return_X_y=True)[0]


def test_spectrum_is_that_of_the_filter(sunspots):
    model = ARRegressor(9).fit(sunspots)
    display = ARSpectrumDisplay.from_estimator(model, n_frequencies=100)
    line = display.lines_[0]
    denominator = np.r_[1.0, -model.coef_[0, :, 0]]
    w, response = signal.freqz(1.0, denominator, worN=2 * np.pi * line.get_xdata())
    expected = model.noise_covariance_[0, 0] * np.abs(response) ** 2
    np.testing.assert_allclose(line.get_ydata(), expected)
    np.testing.assert_allclose(line.get_xdata(), np.linspace(0, 0.5, 100))
    assert display.periodogram_lines_ == []
    assert display.ax_.get_yscale() == "log"


def test_spectrum_integrates_to_the_variance_of_the_process(sunspots):
    model = ARRegressor(2).fit(sunspots)
    display = ARSpectrumDisplay.from_estimator(model, n_frequencies=5001)
    process = arma_process.ArmaProcess(np.r_[1.0, -model.coef_[0, :, 0]], [1.0])
    variance = process.acovf(1)[0] * model.noise_covariance_[0, 0]
    area = 2 * np.trapezoid(display.spectrum[:, 0], display.frequencies)
    assert area == pytest.approx(variance, rel=1e-5)


def test_spectrum_of_several_features(several):
    model = ARRegressor(1).fit(several)
    display = ARSpectrumDisplay.from_estimator(model, n_frequencies=5001)
    covariance = linalg.solve_discrete_lyapunov(
        model.coef_[:, 0], model.noise_covariance_
    )
    area = 2 * np.trapezoid(display.spectrum, display.frequencies, axis=0)
    np.testing.assert_allclose(area, np.diag(covariance), rtol=1e-5)
    one = ARSpectrumDisplay.from_estimator(model, features="x1", n_frequencies=5001)
    np.testing.assert_array_equal(one.spectrum, display.spectrum[:, 1:])


def test_driving_inputs_are_left_out(several):
    model = ARRegressor(2, exogenous=0).fit(several)
    display = ARSpectrumDisplay.from_estimator(model, several)
    w = 2 * np.pi * display.frequencies
    _, response = signal.freqz(1.0, np.r_[1.0, -model.coef_[0, :, 1]], worN=w)
    expected = model.noise_covariance_[0, 0] * np.abs(response) ** 2
    np.testing.assert_allclose(display.spectrum[:, 0], expected)
    assert display.feature_names == ["x1"]
    _, expected = signal.periodogram(several[:, 1], return_onesided=False)
    np.testing.assert_allclose(display.periodogram[:, 0], expected[1:201])


@pytest.mark.parametrize("n", [308, 309])
def test_periodogram(sunspots, n):
    model = ARRegressor(2).fit(sunspots)
    display = ARSpectrumDisplay.from_estimator(model, sunspots[:n])
    line = display.periodogram_lines_[0]
    f, expected = signal.periodogram(sunspots[:n, 0], return_onesided=False)
    there = slice(1, n // 2 + 1)
    np.testing.assert_allclose(line.get_xdata(), np.abs(f[there]))
    np.testing.assert_allclose(line.get_ydata(), expected[there])


def test_periodogram_of_the_longest_stretch_without_holes(sunspots):
    frame = load_sunspots(as_frame=True).data
    broken = pd.concat([frame[:100], frame[110:]])
    model = ARRegressor(2).fit(frame)
    display = ARSpectrumDisplay.from_estimator(model, broken)
    _, expected = signal.periodogram(sunspots[110:, 0], return_onesided=False)
    np.testing.assert_allclose(display.periodogram[:, 0], expected[1:100])
    with pytest.raises(ValueError, match="at least 2 rows"):
        ARSpectrumDisplay.from_estimator(model, frame[:1])


def test_no_spectrum_without_stationarity():
    growing = np.cumsum(np.ones((50, 1)), axis=0)
    model = ARRegressor(1).fit(growing)
    with pytest.raises(ValueError, match="not stationary.*ARRootsDisplay"):
        ARSpectrumDisplay.from_estimator(model)
    stationary = ARRegressor(1, method="burg").fit(growing)
    with pytest.raises(ValueError, match="n_frequencies=1"):
        ARSpectrumDisplay.from_estimator(stationary, n_frequencies=1)
    assert (ARSpectrumDisplay.from_estimator(stationary).spectrum > 0).all()


def points(display):
    x, y = display.points_.get_data()
    return np.sort_complex(np.asarray(x) + 1j * np.asarray(y))


def test_roots_of_one_feature():
    X = make_ar_process(500, random_state=0)
    model = ARRegressor(5).fit(X)
    display = ARRootsDisplay.from_estimator(model)
    expected = np.roots(np.r_[1.0, -model.coef_[0, :, 0]])
    np.testing.assert_allclose(points(display), np.sort_complex(expected))
    assert display.circle_.get_radius() == 1
    process = arma_process.ArmaProcess(np.r_[1.0, -model.coef_[0, :, 0]], [1.0])
    inverse = ARRootsDisplay.from_estimator(model, kind="roots")
    np.testing.assert_allclose(points(inverse), np.sort_complex(process.arroots))
    np.testing.assert_allclose(points(inverse), model.roots_)
    with pytest.raises(ValueError, match="kind='inverse'.*'eigenvalues', 'roots'"):
        display.plot(kind="inverse")


def test_roots_of_several_features(several):
    model = ARRegressor(2).fit(several)
    display = ARRootsDisplay.from_estimator(model)
    assert len(points(display)) == 4
    for z in points(display):
        polynomial = z**2 * np.eye(2) - z * model.coef_[:, 0] - model.coef_[:, 1]
        assert abs(np.linalg.det(polynomial)) < 1e-12


def test_eigenvalues_of_zero_have_no_inverse(several):
    model = ARRegressor(3, exogenous=1).fit(several)
    model.coef_[:, -1] = 0
    display = ARRootsDisplay.from_estimator(model)
    assert len(points(display)) == 3
    display.plot(kind="roots")
    expected = np.roots(np.r_[-model.coef_[0, 1::-1, 0], 1.0])
    np.testing.assert_allclose(points(display), np.sort_complex(expected))
