import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression, Ridge
from statsmodels.tsa.api import VAR
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.arima_process import ArmaProcess

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.datasets import load_lynx, load_sunspots, make_ar_process

FIRST_YEAR = 1700


def sunspots():
    X, _ = load_sunspots(return_X_y=True)
    return X


def two_features(n=80, seed=0):
    """A VAR(2) process with a mean."""
    coef = np.array([[[0.5, 0.2], [-0.3, 0.1]], [[-0.4, 0.3], [0.1, 0.2]]])
    noise = [[1.0, 0.4], [0.4, 0.5]]
    return make_ar_process(
        n, coef=coef, intercept=[3.0, -7.0], noise_covariance=noise, random_state=seed
    )


def taps_of(x, t, n_lags):
    return np.concatenate([x[t - lag] for lag in range(n_lags)])


def next_step_design(sequences, n_lags, burn_in=0, columns=slice(None)):
    """The taps of each row, and the next row, where all taps are there."""
    z, y = [], []
    for x in sequences:
        for t in range(n_lags - 1, len(x) - 1):
            if t + 1 >= burn_in:
                z.append(taps_of(x, t, n_lags))
                y.append(x[t + 1, columns])
    return np.array(z), np.array(y)


def step_design(sequences, targets, n_lags, burn_in=0):
    z, y = [], []
    for x, own in zip(sequences, targets, strict=True):
        for t in range(n_lags - 1, len(x)):
            if t >= burn_in:
                z.append(taps_of(x, t, n_lags))
                y.append(own[t])
    return np.array(z), np.array(y)


def lstsq(z, y, fit_intercept=True):
    """Coefficients, intercept and mean square of the residuals, taps centred."""
    z_mean, y_mean = z.mean(axis=0) * fit_intercept, y.mean(axis=0) * fit_intercept
    coef = np.linalg.lstsq(z - z_mean, y - y_mean, rcond=None)[0].T
    residual = y - y_mean - (z - z_mean) @ coef.T
    return coef, y_mean - coef @ z_mean, residual.T @ residual / len(z)


def assert_fit(model, expected, rtol=1e-8):
    coef, intercept, covariance = expected
    n_targets = len(np.atleast_1d(intercept))
    shape = (n_targets, model.n_lags, model.n_features_in_)
    assert_allclose(model.coef_, np.reshape(coef, shape), rtol=rtol, atol=rtol)
    assert_allclose(model.intercept_, np.atleast_1d(intercept), rtol=rtol, atol=rtol)
    assert_allclose(
        model.noise_covariance_,
        np.reshape(covariance, (n_targets, n_targets)),
        rtol=rtol,
    )


# The series that textbooks fit.


@pytest.mark.parametrize("n_lags, mse", [(9, 305.2), (12, 320.7), (2, 411.6)])
def test_sunspots_one_step_ahead(n_lags, mse):
    X = sunspots()
    model = ARRegressor(n_lags).fit(X[: 1921 - FIRST_YEAR])
    test = slice(1921 - FIRST_YEAR, 1988 - FIRST_YEAR)
    predicted = np.roll(model.predict(X), 1, axis=0)
    error = (X - predicted)[test]
    assert len(error) == 67
    assert np.mean(error**2) == pytest.approx(mse, abs=0.5)


@pytest.mark.parametrize("n_lags", [1, 2, 9, 12])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sunspots_against_statsmodels(n_lags, fit_intercept):
    X = sunspots()[: 1921 - FIRST_YEAR]
    trend = "c" if fit_intercept else "n"
    expected = AutoReg(X[:, 0], n_lags, trend=trend).fit()
    model = ARRegressor(n_lags, fit_intercept=fit_intercept).fit(X)
    intercept, coef = np.split(expected.params, [int(fit_intercept)])
    assert_allclose(model.coef_[0, :, 0], coef, rtol=1e-9)
    assert_allclose(model.intercept_, intercept if fit_intercept else [0.0], rtol=1e-9)
    assert model.noise_covariance_ == pytest.approx(expected.sigma2, rel=1e-9)
    log_likelihood = model.score_samples(X)[n_lags:].sum()
    assert log_likelihood == pytest.approx(expected.llf, rel=1e-9)
    assert_allclose(model.predict(X)[n_lags - 1 : -1, 0], expected.fittedvalues)
    roots = np.sort_complex(expected.roots)
    order = np.lexsort([model.roots_.imag, model.roots_.real.round(6)])
    expected_order = np.lexsort([roots.imag, roots.real.round(6)])
    assert_allclose(model.roots_[order], roots[expected_order], rtol=1e-6)
    ahead = expected.predict(start=len(X), end=len(X) + 14)
    assert_allclose(model.forecast(X, 15)[:, 0], ahead, rtol=1e-9)


def test_lynx():
    X, _ = load_lynx(return_X_y=True)
    X = np.log10(X)
    coef = ARRegressor(2).fit(X).coef_[0, :, 0]
    assert_allclose(coef, [1.384, -0.748], atol=5e-4)
    model = ARRegressor(2).fit(X[:-14])
    error = X[-14:] - model.predict(X)[-15:-1]
    assert np.mean(error**2) == pytest.approx(0.0176, abs=5e-5)


@pytest.mark.parametrize("n_lags", [1, 3])
def test_vector_autoregression_against_statsmodels(n_lags):
    X = two_features()
    expected = VAR(X).fit(n_lags, trend="c")
    model = ARRegressor(n_lags).fit(X)
    # statsmodels has the coefficients as (lag, target, feature).
    assert_allclose(model.coef_, expected.coefs.transpose(1, 0, 2), rtol=1e-8)
    assert_allclose(model.intercept_, expected.intercept, rtol=1e-8)
    assert_allclose(model.noise_covariance_, expected.sigma_u_mle, rtol=1e-8)
    assert model.score_samples(X)[n_lags:].sum() == pytest.approx(expected.llf)
    assert_allclose(
        np.sort(np.abs(model.roots_)), np.sort(np.abs(expected.roots)), rtol=1e-6
    )
    forecast, std = model.forecast(X, 6, return_std=True)
    assert_allclose(forecast, expected.forecast(X[-n_lags:], 6), rtol=1e-8)
    # The mean squared error of the forecast, with our estimate of the noise.
    scale = expected.sigma_u_mle[0, 0] / expected.sigma_u[0, 0]
    variances = np.diagonal(expected.mse(6), axis1=1, axis2=2) * scale
    assert_allclose(std**2, variances, rtol=1e-8)


# Least squares on taps that are built by hand.


@given(
    lengths=st.lists(st.integers(1, 15), min_size=1, max_size=4),
    n_lags=st.integers(1, 4),
    burn_in=st.integers(0, 6),
    fit_intercept=st.booleans(),
    exogenous=st.sampled_from([None, 0, [2], [0, 2]]),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_next_step_of_several_sequences(
    lengths, n_lags, burn_in, fit_intercept, exogenous, dtype
):
    lengths = [*lengths, 40]
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(n, 3)).cumsum(axis=0).astype(dtype) for n in lengths]
    driven = np.atleast_1d([] if exogenous is None else exogenous).astype(int)
    columns = np.setdiff1d([0, 1, 2], driven)
    z, y = next_step_design(sequences, n_lags, burn_in, columns)
    model = ARRegressor(
        n_lags, burn_in=burn_in, fit_intercept=fit_intercept, exogenous=exogenous
    ).fit(sequences)
    expected = lstsq(z.astype(np.float64), y.astype(np.float64), fit_intercept)
    assert_fit(model, expected, rtol=1e-6)
    assert model.predict(sequences)[-1].shape == (40, len(columns))


@given(
    lengths=st.lists(st.integers(1, 15), min_size=1, max_size=4),
    n_lags=st.integers(1, 4),
    burn_in=st.integers(0, 6),
    fit_intercept=st.booleans(),
    n_outputs=st.sampled_from([None, 1, 3]),
    missing=st.sampled_from(["none", "rows", "anywhere"]),
)
def test_a_target_for_each_row(
    lengths, n_lags, burn_in, fit_intercept, n_outputs, missing
):
    lengths = [*lengths, 60]
    rng = np.random.default_rng(0)
    shape = () if n_outputs is None else (n_outputs,)
    sequences = [rng.normal(size=(n, 2)) + 5.0 for n in lengths]
    targets = [
        x.reshape(-1, 2) @ rng.normal(size=(2, *shape))
        + rng.normal(size=(len(x), *shape))
        for x in sequences
    ]
    for y in targets:
        if missing == "rows":
            y[rng.random(len(y)) < 0.3] = np.nan
        elif missing == "anywhere":
            y[rng.random(y.shape) < 0.3] = np.nan
    model = ARRegressor(n_lags, burn_in=burn_in, fit_intercept=fit_intercept)
    model.fit(sequences, targets)
    z, y = step_design(sequences, targets, n_lags, burn_in)
    y = y.reshape(len(y), -1)
    residuals = np.full_like(y, np.nan)
    for i in range(y.shape[1]):
        there = ~np.isnan(y[:, i])
        coef, intercept, _ = lstsq(z[there], y[there, i], fit_intercept)
        assert_allclose(model.coef_[i].ravel(), coef, rtol=1e-8, atol=1e-8)
        assert_allclose(model.intercept_[i], intercept, rtol=1e-8, atol=1e-8)
        residuals[:, i] = y[:, i] - z @ coef - intercept
    for i in range(y.shape[1]):
        for j in range(y.shape[1]):
            product = np.nanmean(residuals[:, i] * residuals[:, j])
            assert_allclose(
                model.noise_covariance_[i, j], product, rtol=1e-7, atol=1e-9
            )
    assert model.predict(sequences)[-1].shape == (60, *shape)


@given(
    n_lags=st.integers(1, 4),
    burn_in=st.integers(0, 6),
    n_outputs=st.sampled_from([None, 1, 2]),
    some_missing=st.booleans(),
)
def test_a_target_for_each_sequence(n_lags, burn_in, n_outputs, some_missing):
    """Linear in the average taps, the first row being thought repeated before."""
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(n, 2)) for n in rng.integers(1, 12, 40)]
    shape = (40,) if n_outputs is None else (40, n_outputs)
    y = rng.normal(size=shape)
    if some_missing:
        y[rng.random(shape) < 0.2] = np.nan
    z = []
    for x in sequences:
        padded = np.concatenate([np.repeat(x[:1], n_lags - 1, axis=0), x])
        taps = [taps_of(padded, t, n_lags) for t in range(n_lags - 1, len(padded))]
        z.append(np.mean(taps[min(burn_in, len(x) - 1) :], axis=0))
    model = ARRegressor(n_lags, burn_in=burn_in).fit(sequences, y)
    columns = y.reshape(40, -1)
    for i in range(columns.shape[1]):
        there = ~np.isnan(columns[:, i])
        coef, intercept, _ = lstsq(np.array(z)[there], columns[there, i])
        assert_allclose(model.coef_[i].ravel(), coef, rtol=1e-8)
        assert_allclose(model.intercept_[i], intercept, rtol=1e-8)
    expected = z @ model.coef_.reshape(columns.shape[1], -1).T + model.intercept_
    assert_allclose(model.predict(sequences), expected.reshape(shape), rtol=1e-8)


@pytest.mark.parametrize("alpha", [1e-3, 10.0, 1e6])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge(alpha, fit_intercept):
    X = two_features()
    model = ARRegressor(3, alpha=alpha, fit_intercept=fit_intercept).fit(X)
    z, y = next_step_design([X], 3)
    ridge = Ridge(alpha, fit_intercept=fit_intercept).fit(z, y)
    assert_allclose(model.coef_.reshape(2, -1), ridge.coef_, rtol=1e-8)
    assert_allclose(model.intercept_, ridge.intercept_ * np.ones(2), rtol=1e-8)
    residual = y - ridge.predict(z)
    assert_allclose(model.noise_covariance_, residual.T @ residual / len(z), rtol=1e-8)
    y = X[:, 0] * X[:, 1]
    model = ARRegressor(3, alpha=alpha, fit_intercept=fit_intercept).fit(X, y)
    z, y = step_design([X], [y], 3)
    ridge = Ridge(alpha, fit_intercept=fit_intercept).fit(z, y)
    assert_allclose(model.coef_.ravel(), ridge.coef_, rtol=1e-8)
    panel = X.reshape(10, 8, 2)
    y = panel.std(axis=(1, 2))
    model = ARRegressor(1, alpha=alpha, fit_intercept=fit_intercept).fit(panel, y)
    ridge = Ridge(alpha, fit_intercept=fit_intercept).fit(panel.mean(axis=1), y)
    assert_allclose(model.coef_.ravel(), ridge.coef_, rtol=1e-8)


def test_the_order_of_the_coefficients():
    """Three steps ago feature 0 was what target 0 is now."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = np.zeros((200, 2))
    y[2:, 0] = X[:-2, 0]
    y[1:, 1] = 5.0 * X[:-1, 1] + 1.0
    coef = ARRegressor(3, burn_in=3).fit(X, y).coef_
    expected = np.zeros((2, 3, 2))
    expected[0, 2, 0] = 1.0
    expected[1, 1, 1] = 5.0
    assert_allclose(coef, expected, atol=1e-10)


# Where the normal equations lose their digits.


def spoilt(which):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)).cumsum(axis=0) * 0.3 + rng.normal(size=(200, 2))
    if which == "huge offset":
        return X + 1e8
    if which == "offset of one column":
        return X + [0.0, 1e8]
    if which == "collinear":
        return np.column_stack([X, X @ [1.0, -2.0]])
    if which == "constant column":
        return np.column_stack([X, np.full(200, 0.1)])
    if which == "different scales":
        return X * [1e-6, 1e6]
    if which == "unit root":
        return np.cumsum(X, axis=0)
    if which == "two unit roots":
        return np.cumsum(np.cumsum(X, axis=0), axis=0)
    if which == "nearly a sine":
        return np.sin(0.1 * np.arange(200))[:, None] + 1e-7 * X[:, :1]
    raise KeyError(which)


@pytest.mark.parametrize(
    "which",
    [
        "huge offset",
        "offset of one column",
        "collinear",
        "constant column",
        "different scales",
        "unit root",
        "two unit roots",
        "nearly a sine",
    ],
)
@pytest.mark.parametrize("n_lags", [1, 3])
@pytest.mark.parametrize("with_y", [False, True])
def test_ill_conditioned_data(which, n_lags, with_y):
    X = spoilt(which)
    if with_y:
        y = np.sin(np.arange(200.0))
        z, target = step_design([X], [y[:, None]], n_lags)
    else:
        y = None
        z, target = next_step_design([X], n_lags)
    model = ARRegressor(n_lags).fit(X, y)
    scale = z.std(axis=0)
    if which == "different scales":  # of which lstsq knows nothing
        coef, _, covariance = lstsq(z / scale, target)
        coef /= scale
    else:
        coef, _, covariance = lstsq(z, target)
    assert_allclose(
        model.coef_.reshape(coef.shape) * scale, coef * scale, rtol=1e-5, atol=1e-6
    )
    predicted = target.mean(axis=0) + (z - z.mean(axis=0)) @ coef.T
    rows = slice(n_lags - 1, None if with_y else -1)
    size = np.abs(target - target.mean(axis=0)).max()
    assert_allclose(
        model.predict(X)[rows].reshape(predicted.shape), predicted, atol=1e-6 * size
    )
    assert_allclose(
        np.diagonal(model.noise_covariance_),
        np.diagonal(covariance),
        rtol=1e-4,
        atol=1e-25,
    )


def test_fewer_rows_than_coefficients():
    """The solution of smallest norm, as of lstsq."""
    X = two_features(9)
    model = ARRegressor(5).fit(X)
    z, y = next_step_design([X], 5)
    assert_allclose(model.coef_.reshape(2, -1), lstsq(z, y)[0], rtol=1e-8)
    assert_allclose(model.predict(X)[4:-1], y, rtol=1e-8)


def test_an_exact_recursion_is_found():
    """Fibonacci's numbers."""
    x = [1.0, 1.0]
    while len(x) < 30:
        x.append(x[-1] + x[-2])
    X = np.array(x)[:, None]
    model = ARRegressor(2, fit_intercept=False).fit(X[:20])
    assert_allclose(model.coef_[0, :, 0], [1.0, 1.0], rtol=1e-9)
    assert_allclose(model.forecast(X[:20], 10), X[20:], rtol=1e-6)
    golden = (1 + 5**0.5) / 2
    assert_allclose(model.roots_, np.sort_complex([-golden, 1 / golden]), rtol=1e-8)


def test_float32_is_fitted_in_double_precision():
    X = (sunspots()).astype(np.float32)
    model = ARRegressor(9).fit(X)
    assert_array_equal(model.coef_, ARRegressor(9).fit(X.astype(np.float64)).coef_)
    assert model.score(X) == pytest.approx(model.score(X.astype(np.float64)))


# Other series, other layouts, predictive standard deviations.


def test_it_applies_to_other_series():
    X = sunspots()
    model = ARRegressor(3).fit(X[:150])
    other = X[150:]
    c, (a, b, d) = model.intercept_[0], model.coef_[0, :, 0]
    for t in range(2, len(other)):
        expected = c + a * other[t, 0] + b * other[t - 1, 0] + d * other[t - 2, 0]
        assert model.predict(other)[t, 0] == pytest.approx(expected)
    # Before the first row, it is thought repeated.
    assert model.predict(other)[0, 0] == pytest.approx(c + (a + b + d) * other[0, 0])


def test_predictive_standard_deviation():
    X = two_features()
    model = ARRegressor(2).fit(X)
    mean, std = model.predict(X, return_std=True)
    assert_array_equal(mean, model.predict(X))
    expected = np.sqrt(np.diagonal(model.noise_covariance_))
    assert_allclose(std, np.broadcast_to(expected, X.shape))
    model = ARRegressor(2).fit(X, X[:, 0] ** 2)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == (80,)
    assert_allclose(std, model.noise_covariance_[0, 0] ** 0.5)
    panel = X.reshape(10, 8, 2)
    model = ARRegressor(2).fit(panel, np.arange(10.0))
    mean, std = model.predict(panel, return_std=True)
    assert mean.shape == std.shape == (10,)


def test_roots_of_a_model_with_driving_inputs():
    """Only the feedback counts, whatever the inputs do."""
    X = two_features()
    model = ARRegressor(2, exogenous=1).fit(X)
    a, b = model.coef_[0, :, 0]
    expected = np.sort_complex(np.roots([-b, -a, 1.0]))
    assert_allclose(np.sort_complex(model.roots_), expected, rtol=1e-9)


def test_roots_are_of_models_of_the_next_step():
    X = two_features()
    for model in (ARRegressor(), ARRegressor().fit(X, X[:, 0])):
        assert not hasattr(model, "roots_")
        with pytest.raises(AttributeError, match="needs a fit without y"):
            _ = model.roots_
    # A coefficient of zero has its root at infinity: it is left out.
    model = ARRegressor(3).fit(X[:, :1])
    model.coef_[0, 2, 0] = 0.0
    assert len(model.roots_) == 2


# Closed loops.


@pytest.mark.parametrize("exogenous", [None, 0, [1]])
def test_forecast_against_a_loop(exogenous):
    rng = np.random.default_rng(0)
    sequences = [two_features(n, seed) for seed, n in enumerate((30, 1, 2, 20))]
    model = ARRegressor(3, exogenous=exogenous).fit(sequences)
    driven = [] if exogenous is None else np.atleast_1d(exogenous)
    free = np.setdiff1d([0, 1], driven)
    n_steps = 7
    future = rng.normal(size=(4, n_steps, len(driven)))
    given_future = None if exogenous is None else future
    forecasts = model.forecast(sequences, n_steps, future_exogenous=given_future)
    for i, x in enumerate(sequences):
        history = [x[0]] * 2 + list(x)
        for step in range(n_steps):
            row = np.empty(2)
            row[free] = model.intercept_ + sum(
                model.coef_[:, lag] @ history[-1 - lag] for lag in range(3)
            )
            row[driven] = future[i, step]
            history.append(row)
        assert_allclose(forecasts[i], np.array(history[-n_steps:])[:, free])


def test_layouts_of_forecasts():
    X = two_features(80)
    groups = np.repeat([5, 3], 40)
    model = ARRegressor(2).fit(X)
    rows = model.forecast(X, 4, groups=groups)
    panel = model.forecast(X.reshape(2, 40, 2), 4)
    ragged = model.forecast([X[:40], X[40:]], 4)
    assert rows.shape == (8, 2) and panel.shape == (2, 4, 2)
    assert ragged.shape == (2,) and ragged[0].shape == (4, 2)
    assert_array_equal(rows, panel.reshape(8, 2))
    assert_array_equal(np.concatenate(ragged), rows)
    for X_, kwargs in ((X, {"groups": groups}), (list(X.reshape(2, 40, 2)), {})):
        forecast, std = model.forecast(X_, 4, return_std=True, **kwargs)
        assert len(forecast) == len(std)
        assert forecast[0].shape == std[0].shape


def test_forecast_errors_of_a_known_process():
    """From the impulse response, as statsmodels computes it."""
    coef, noise = (1.384, -0.748), 2.5
    X = make_ar_process(60, coef=coef, noise_covariance=noise, random_state=0)
    model = ARRegressor(2).fit(X)
    process = ArmaProcess(np.r_[1.0, -model.coef_[0, :, 0]], [1.0])
    psi = process.impulse_response(leads=12)
    expected = np.sqrt(model.noise_covariance_[0, 0] * np.cumsum(psi**2))
    _, std = model.forecast(X, 12, return_std=True)
    assert_allclose(std[:, 0], expected, rtol=1e-9)
    # Far ahead, it is the standard deviation of the process.
    _, std = model.forecast(X, 500, return_std=True)
    stationary = process.acovf(1)[0] * model.noise_covariance_[0, 0]
    assert std[-1, 0] ** 2 == pytest.approx(stationary, rel=1e-3)


def test_forecast_errors_do_not_count_driving_inputs():
    X = two_features()
    model = ARRegressor(2, exogenous=1).fit(X)
    _, std = model.forecast(X, 3, future_exogenous=np.zeros((3, 1)), return_std=True)
    a, b = model.coef_[0, :, 0]
    noise = model.noise_covariance_[0, 0]
    expected = noise * np.array([1, 1 + a**2, 1 + a**2 + (a**2 + b) ** 2])
    assert_allclose(std[:, 0] ** 2, expected)


@pytest.mark.parametrize(
    "future, message",
    [
        (None, "needs future_exogenous: this ARRegressor has 1 driving input"),
        (np.zeros((3, 1)), "future_exogenous has shape"),
        (np.zeros((2, 2)), "future_exogenous has shape"),
        (np.zeros((3, 2, 1)), "future_exogenous has shape"),
        (np.zeros(2), "Expected 2D array"),
        (np.full((2, 1), np.nan), "Input future_exogenous contains NaN"),
        (np.array([["a"], ["b"]]), "could not convert string to float"),
    ],
)
def test_bad_future_inputs(future, message):
    X = two_features()
    model = ARRegressor(exogenous=0).fit(X)
    with pytest.raises(ValueError, match=message):
        model.forecast(X, 2, future_exogenous=future)
    with pytest.raises(ValueError, match=message):
        model.sample(2, X=X, future_exogenous=future)
    if future is not None:
        with pytest.raises(ValueError, match="has no driving inputs"):
            ARRegressor().fit(X).forecast(X, 2, future_exogenous=future)


@pytest.mark.parametrize("n", [0, -1, 1.5, None, "2"])
def test_bad_numbers_of_steps_and_sequences(n):
    X = two_features()
    model = ARRegressor().fit(X)
    for call in (model.sample, lambda n: model.forecast(X, n)):
        with pytest.raises(
            ValueError, match="n_steps=.*: expected an integer of at lea"
        ):
            call(n)
    if n is not None:
        with pytest.raises(ValueError, match="n_sequences=.*: expected an integer of"):
            model.sample(3, n_sequences=n)
    with pytest.raises(ValueError, match="n_sequences=2 and X were both given"):
        model.sample(3, n_sequences=2, X=X)


# Samples.


def test_statistics_of_samples():
    """Means, variances and autocovariances of the fitted process."""
    X = make_ar_process(300, coef=(0.5, -0.6), intercept=4.0, random_state=0)
    model = ARRegressor(2).fit(X)
    sample = model.sample(30_000, random_state=0)
    assert sample.shape == (30_000, 1)
    a, b = model.coef_[0, :, 0]
    mean = model.intercept_[0] / (1 - a - b)
    assert sample.mean() == pytest.approx(mean, abs=0.02)
    process = ArmaProcess([1.0, -a, -b], [1.0])
    expected = process.acovf(4) * model.noise_covariance_[0, 0]
    x = sample[:, 0] - mean
    covariances = [np.mean(x[: len(x) - k] * x[k:]) for k in range(4)]
    assert_allclose(covariances, expected, atol=0.05 * expected[0])
    # A model fitted to its own sample finds itself.
    assert_allclose(ARRegressor(2).fit(sample).coef_, model.coef_, atol=0.02)


def test_samples_of_several_features():
    X = two_features(500)
    model = ARRegressor(2).fit(X)
    panel = model.sample(40, n_sequences=500, random_state=0)
    assert panel.shape == (500, 40, 2)
    # The first row is as the training rows are.
    assert_allclose(panel[:, 0].mean(axis=0), X.mean(axis=0), atol=0.2)
    assert_allclose(np.cov(panel[:, 0].T), np.cov(X.T), atol=0.3)
    residual = panel[:, 1:] - model.predict(panel)[:, :-1]
    residual = residual.reshape(-1, 2)
    assert_allclose(np.cov(residual.T), model.noise_covariance_, atol=0.03)
    assert_array_equal(panel, model.sample(40, n_sequences=500, random_state=0))
    assert (panel != model.sample(40, n_sequences=500, random_state=1)).any()


def test_samples_factorise_the_noise_once(monkeypatch):
    """And are the draws that a factor made anew at each step would give."""
    X = two_features(200)
    model = ARRegressor(1).fit(X)
    n_factors, eigh = 0, np.linalg.eigh

    def counted(matrix):
        nonlocal n_factors
        n_factors += 1
        return eigh(matrix)

    with monkeypatch.context() as patch:
        patch.setattr(np.linalg, "eigh", counted)
        drawn = model.sample(30, X=X, random_state=0)
    assert n_factors == 1
    rng, x = np.random.RandomState(0), X[-1]
    values, vectors = eigh(model.noise_covariance_)
    for row in drawn:
        x = model.intercept_ + model.coef_.reshape(2, 2) @ x
        x = x + (rng.standard_normal((1, 2)) @ (vectors * np.sqrt(values)).T)[0]
        assert_allclose(row, x, rtol=1e-10, atol=1e-12)


def test_samples_continue_sequences():
    X = two_features(90)
    model = ARRegressor(2, exogenous=1).fit(X)
    future = np.arange(5.0)[:, None]
    drawn = model.sample(5, X=[X[:40]] * 2000, future_exogenous=future, random_state=0)
    assert drawn.shape == (2000,)
    drawn = np.stack(drawn)
    assert_array_equal(drawn[:, :, 1], np.broadcast_to(future[:, 0], (2000, 5)))
    mean, std = model.forecast(X[:40], 5, future_exogenous=future, return_std=True)
    error = 4 * std[:, 0] / 2000**0.5
    assert (np.abs(drawn[:, :, 0].mean(axis=0) - mean[:, 0]) < error).all()
    assert_allclose(drawn[:, :, 0].std(axis=0), std[:, 0], rtol=0.08)
    rows = model.sample(5, X=X, groups=np.repeat([0, 1], 45), future_exogenous=future)
    assert rows.shape == (10, 2)
    begun = model.sample(5, future_exogenous=future, random_state=0)
    assert_array_equal(begun[:, 1], future[:, 0])


def test_a_frame_is_described_by_its_names():
    frame = pd.DataFrame(two_features(), columns=["wind", "sun"])
    model = ARRegressor(2, exogenous="sun").fit(frame)
    assert_array_equal(model.feature_names_in_, ["wind", "sun"])
    assert_array_equal(model.coef_, ARRegressor(2, exogenous=1).fit(frame).coef_)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["sun", "wind"]])


def test_one_lag_without_memory_is_a_linear_regression():
    X = two_features()
    y = X[:, 0] ** 2
    model = ARRegressor(1).fit(X, y)
    expected = LinearRegression().fit(X, y)
    assert_allclose(model.predict(X), expected.predict(X))
    order = np.random.default_rng(0).permutation(80)
    assert_allclose(model.predict(X[order]), model.predict(X)[order], rtol=1e-12)


@pytest.mark.parametrize("value", [0.1, 1 / 3])
def test_a_column_that_only_rounding_varies_has_no_coefficient(value):
    # its mean, a sum of many, is not exactly the value
    y = np.random.default_rng(0).normal(size=999)
    model = ARRegressor(1).fit(np.full((999, 1), value), y)
    assert_array_equal(model.coef_, 0.0)
    assert_allclose(model.intercept_, y.mean(), rtol=1e-12)
