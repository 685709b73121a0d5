import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.regression import linear_model
from statsmodels.tsa.stattools import acovf

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.autoregressive._autocorrelation import burg, yule_walker
from sklearn_seq.datasets import load_lynx, load_sunspots

METHODS = pytest.mark.parametrize("method", ["yule_walker", "burg"])


def sunspots():
    X, _ = load_sunspots(return_X_y=True)
    return X


def log_lynx():
    X, _ = load_lynx(return_X_y=True)
    return np.log10(X)


SERIES = pytest.mark.parametrize("load", [sunspots, log_lynx])


@pytest.mark.filterwarnings("ignore:yule_walker currently returns:FutureWarning")
@SERIES
@pytest.mark.parametrize("n_lags", [1, 2, 9, 30])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_one_series_against_statsmodels(load, n_lags, fit_intercept):
    X = load()
    options = {"n_lags": n_lags, "fit_intercept": fit_intercept}
    x = X[:, 0] - X.mean() * fit_intercept
    offsets = np.array([0, len(x)])
    coef, sigma = linear_model.yule_walker(x, n_lags, method="mle", demean=False)
    ours, variance = yule_walker(x, offsets, n_lags)
    assert_allclose(ours, coef, rtol=1e-7, atol=1e-9)
    assert variance == pytest.approx(sigma**2, rel=1e-7)
    model = ARRegressor(method="yule_walker", **options).fit(X)
    assert_allclose(model.coef_[0, :, 0], coef, rtol=1e-7, atol=1e-9)
    assert model.noise_covariance_ == pytest.approx(sigma**2, rel=1e-7)
    coef, _ = linear_model.burg(x, n_lags, demean=False)
    ours, _ = burg(x, offsets, n_lags)
    assert_allclose(ours, coef, rtol=1e-7, atol=1e-9)
    model = ARRegressor(method="burg", **options).fit(X)
    assert_allclose(model.coef_[0, :, 0], coef, rtol=1e-7, atol=1e-9)
    # The model reverts to the mean of the series.
    mean = X.mean() * fit_intercept
    if fit_intercept:
        expected = model.intercept_ / (1 - model.coef_.sum())
        assert expected == pytest.approx(mean, rel=1e-6)
    else:
        assert_array_equal(model.intercept_, 0.0)


@st.composite
def several_series(draw):
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    n_lags = draw(st.integers(1, 4))
    lengths.append(draw(st.integers(n_lags + 1, 15)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    series = [np.cumsum(rng.normal(size=n)) for n in lengths]
    return series, n_lags


def centred(series):
    mean = np.concatenate(series).mean()
    return [x - mean for x in series]


@given(several_series())
def test_autocovariances_of_several_series_add_up(problem):
    series, n_lags = problem
    n = sum(map(len, series))
    covariance = np.zeros(n_lags + 1)
    for x in centred(series):
        own = acovf(x, demean=False, fft=False) * len(x) / n
        covariance[: len(own)] += own[: n_lags + 1]
    toeplitz = covariance[np.abs(np.subtract.outer(range(n_lags), range(n_lags)))]
    expected = np.linalg.solve(toeplitz, covariance[1:])
    sequences = [x[:, None] for x in series]
    model = ARRegressor(n_lags, method="yule_walker").fit(sequences)
    assert_allclose(model.coef_[0, :, 0], expected, rtol=1e-6, atol=1e-8)
    noise = covariance[0] - expected @ covariance[1:]
    assert_allclose(model.noise_covariance_, noise, rtol=1e-6, atol=1e-8)


def burg_by_hand(series, n_lags):
    """Burg's recursion, with the errors of each series apart."""
    forward = [x.copy() for x in series]
    backward = [x.copy() for x in series]
    coef = []
    variance = sum(x @ x for x in series) / sum(map(len, series))
    for k in range(n_lags):
        pairs = [
            (f[t], b[t - 1])
            for f, b in zip(forward, backward, strict=True)
            for t in range(k + 1, len(f))
        ]
        numerator = sum(2 * f * b for f, b in pairs)
        denominator = sum(f * f + b * b for f, b in pairs)
        reflection = numerator / denominator
        for f, b in zip(forward, backward, strict=True):
            old_f, old_b = f.copy(), b.copy()
            for t in range(k + 1, len(f)):
                f[t] = old_f[t] - reflection * old_b[t - 1]
                b[t] = old_b[t - 1] - reflection * old_f[t]
        coef = [c - reflection * d for c, d in zip(coef, coef[::-1], strict=True)]
        coef.append(reflection)
        variance *= 1 - reflection**2
    return coef, variance


@given(several_series())
def test_burg_for_several_series(problem):
    series, n_lags = problem
    coef, variance = burg_by_hand(centred(series), n_lags)
    model = ARRegressor(n_lags, method="burg").fit([x[:, None] for x in series])
    assert_allclose(model.coef_[0, :, 0], coef, rtol=1e-7, atol=1e-9)
    assert_allclose(model.noise_covariance_, variance, rtol=1e-7, atol=1e-9)


@METHODS
def test_burn_in_leaves_out_the_first_steps(method):
    x = sunspots()
    sequences = [x[:50], x[50:52], x[52:170], x[170:]]
    model = ARRegressor(3, method=method, burn_in=5).fit(sequences)
    left = ARRegressor(3, method=method).fit([x[5:50], x[57:170], x[175:]])
    assert_allclose(model.coef_, left.coef_, rtol=1e-9)
    assert_allclose(model.intercept_, left.intercept_, rtol=1e-9)


@METHODS
@given(
    x=arrays(
        np.float64,
        st.integers(2, 30),
        elements=st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6),
    ),
    n_lags=st.integers(1, 5),
)
def test_the_model_is_stationary_whatever_the_data(method, x, n_lags):
    if len(x) <= n_lags:
        return
    model = ARRegressor(n_lags, method=method).fit(x[:, None])
    assert np.isfinite(model.coef_).all()
    assert (model.noise_covariance_ >= 0).all()
    # Burg's may come to the circle itself, for instance on 1, -1, 1, -1, …
    tolerance = 1e-6 if method == "burg" else 0.0
    assert (np.abs(model.roots_) > 1.0 - tolerance).all()


@METHODS
def test_they_are_for_the_next_step_of_one_feature(method):
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = ARRegressor(2, method=method)
    match = f"method='{method}' predicts the next step of a single feature, but X has 2"
    with pytest.raises(ValueError, match=match):
        model.fit(X)
    match = f"method='{method}' predicts the next step of X itself, and takes no y"
    with pytest.raises(ValueError, match=match):
        model.fit(X[:, :1], X[:, 1])
    with pytest.raises(ValueError, match="alpha=0.5 has no meaning for method="):
        ARRegressor(2, method=method, alpha=0.5).fit(X[:, :1])
    with pytest.raises(ValueError, match="with n_lags=5 rows before them"):
        ARRegressor(5, method=method).fit([X[:5, :1]] * 4)
