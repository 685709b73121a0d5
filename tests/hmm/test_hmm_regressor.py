"""Predictions: of the next row, of a y for each row, of one y for each sequence."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.hmm import GaussianHMM, HMMRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRUTH = GaussianHMM.from_parameters(
    startprob=[0.6, 0.4],
    transmat=[[0.9, 0.1], [0.2, 0.8]],
    means=[[-1.0, 0.0, 1.0], [1.0, 2.0, -1.0]],
    covariances=[
        [[1.0, 0.3, 0.5], [0.3, 0.8, 0.1], [0.5, 0.1, 1.0]],
        [[0.7, -0.3, 0.0], [-0.3, 0.9, 0.4], [0.0, 0.4, 0.6]],
    ],
)


def rows(n=300, seed=0):
    return TRUTH.sample(n, random_state=seed)[0]


def test_the_next_row_by_hand():
    X = rows()
    model = HMMRegressor(2, random_state=0).fit(X)
    hmm = model.model_
    weights = hmm.transform(X) @ hmm.transmat_
    mean, std = model.predict(X, return_std=True)
    assert_allclose(mean, weights @ hmm.means_, rtol=1e-9)
    variances = np.diagonal(hmm.covariances_, axis1=1, axis2=2)
    second = weights @ (variances + hmm.means_**2)
    assert_allclose(std, np.sqrt(second - mean**2), rtol=1e-9)
    assert_allclose(model.score_samples(X), hmm.score_samples(X), rtol=1e-9)
    assert_allclose(model.forecast(X, 3), hmm.forecast(X, 3), rtol=1e-9)
    # X advanced by one step is held against the forecasts made before it.
    y = np.vstack([X[1:], np.full((1, 3), np.nan)])
    assert model.score(X[:-1], y[:-1]) == pytest.approx(model.score(X), abs=0.02)
    assert_allclose(model.score_samples(X, y)[:-1], hmm.score_samples(X)[1:], rtol=1e-9)


def test_other_columns_tell_about_the_state():
    X = rows()
    with pytest.warns(UserWarning, match="models inputs as emissions") as caught:
        model = HMMRegressor(2, exogenous=[0, 1], random_state=0).fit(X)
    assert len([w for w in caught if w.category is UserWarning]) == 1
    hmm = model.model_
    assert model.predict(X).shape == (300, 1)
    weights = hmm.transform(X) @ hmm.transmat_
    assert_allclose(model.predict(X), weights @ hmm.means_[:, 2:], rtol=1e-9)
    future = rows(4, seed=1)[:, :2]
    forecast = model.forecast(X, 4, future_exogenous=future)
    now, expected = hmm.transform(X)[-1], []
    for u in future:
        p = multivariate_normal.pdf
        seen = [
            p(u, m[:2], C[:2, :2])
            for m, C in zip(hmm.means_, hmm.covariances_, strict=True)
        ]
        now = (now @ hmm.transmat_) * seen
        now /= now.sum()
        expected.append(now @ conditional_means(hmm, u, [0, 1], [2])[0])
    assert_allclose(forecast, np.array(expected), rtol=1e-9)
    with pytest.raises(ValueError, match="future_exogenous"):
        model.forecast(X, 4)


def conditional_means(hmm, values, known, unknown):
    """For each state, by the textbook formula; and the covariances."""
    means, covariances = [], []
    for m, C in zip(hmm.means_, hmm.covariances_, strict=True):
        gain = C[np.ix_(unknown, known)] @ np.linalg.inv(C[np.ix_(known, known)])
        means.append(m[unknown] + gain @ (values - m[known]))
        covariances.append(
            C[np.ix_(unknown, unknown)] - gain @ C[np.ix_(known, unknown)]
        )
    return np.array(means), np.array(covariances)


def test_a_target_for_each_row_by_hand():
    joint = rows()
    X, y = joint[:, :2], joint[:, 2]
    model = HMMRegressor(2, random_state=0).fit(X, y)
    hmm = model.model_
    blind = np.column_stack([X, np.full(300, np.nan)])
    weights = hmm.transform(blind)
    moments = [conditional_means(hmm, x, [0, 1], [2]) for x in X]
    means = np.array([w @ m for w, (m, _) in zip(weights, moments, strict=True)])
    prediction, std = model.predict(X, return_std=True)
    assert_allclose(prediction, means[:, 0], rtol=1e-9)
    second = [
        w @ (C[:, 0, 0] + m[:, 0] ** 2)
        for w, (m, C) in zip(weights, moments, strict=True)
    ]
    assert_allclose(std, np.sqrt(second - means[:, 0] ** 2), rtol=1e-7)
    log_density = [
        logsumexp(
            [
                np.log(w[k]) + multivariate_normal.logpdf(target, m[k], C[k])
                for k in range(2)
            ]
        )
        for w, (m, C), target in zip(weights, moments, y, strict=True)
    ]
    assert_allclose(model.score_samples(X, y), log_density, rtol=1e-8)
    assert model.score(X, y) > LinearRegression().fit(X, y).score(X, y) - 0.01


def test_one_state_is_linear_regression():
    joint = rows()
    X, y = joint[:, :2], joint[:, 2]
    linear = LinearRegression().fit(X, y)
    assert_allclose(HMMRegressor().fit(X, y).predict(X), linear.predict(X), rtol=1e-6)


def test_one_target_for_each_sequence():
    rng = np.random.default_rng(0)
    X = [
        TRUTH.sample(n, random_state=i)[0]
        for i, n in enumerate(rng.integers(3, 30, 60))
    ]
    y = np.array([x[-1, 0] - 2 * x[-1, 2] for x in X]) + 0.1 * rng.normal(size=60)
    model = HMMRegressor(2, random_state=0).fit(X[:40], y[:40])
    assert model.predict(X).shape == (60,)
    assert model.score(X[40:], y[40:]) > 0.9
    assert model.score_samples(X, y).shape == (60,)
    two = HMMRegressor(2, random_state=0).fit(X, np.column_stack([y, -y]))
    assert two.predict(X).shape == (60, 2)


def test_missing_rows_and_targets():
    joint = rows()
    X, y = joint[:, :2].copy(), joint[:, 2].copy()
    X[20:40], X[50, 0], y[100:200] = np.nan, np.nan, np.nan
    model = HMMRegressor(2, random_state=0).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    densities = model.score_samples(X, y)
    assert_allclose(densities[100:200], 0.0, atol=1e-12)
    assert model.score(X, y) > 0.2


def test_counts():
    rng = np.random.default_rng(0)
    X = rng.poisson(np.tile([1.0, 1.0, 9.0], 100))[:, None]
    model = HMMRegressor(3, emission="poisson", random_state=0, n_init=3).fit(X)
    assert model.score(X) > 0.5
    y = rng.poisson(np.tile([2.0, 2.0, 20.0], 100))
    with_y = HMMRegressor(3, emission="poisson", random_state=0, n_init=3).fit(X, y)
    assert with_y.score(X, y) > 0.5
    with pytest.raises(ValueError, match="Negative values in data"):
        HMMRegressor(emission="poisson").fit(X, -y)


def test_the_model_as_a_hyperparameter():
    """A series of three levels: no linear model has a chance."""
    rng = np.random.default_rng(0)
    X = np.tile([0.0, 0.0, 3.0, 1.0], 100)[:, None] + 0.2 * rng.normal(size=(400, 1))
    search = GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("model", ARRegressor())]),
        {"model": [ARRegressor(1), HMMRegressor(4, n_init=5, random_state=0)]},
        cv=3,
    ).fit(X)
    assert isinstance(search.best_params_["model"], HMMRegressor)


def test_bad_input():
    X = rows(50)
    with pytest.raises(ValueError, match="fitted without y"):
        HMMRegressor().fit(X, X[:, 0]).forecast(X)
    with pytest.raises(ValueError, match="emission"):
        HMMRegressor(emission="categorical").fit(X)
    with pytest.raises(ValueError, match="n_samples >= n_components"):
        HMMRegressor(60).fit(X)
    with pytest.raises(ValueError, match="exogenous"):
        HMMRegressor(exogenous=[0]).fit(X, X[:, 0])


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("scale", [1e-160, 5e-324])
def test_spreads_whose_squares_underflow(covariance_type, scale):
    X = np.round(np.random.default_rng(0).normal(size=(10, 3)) * 5) * scale
    model = HMMRegressor(3, covariance_type=covariance_type, init="segments")
    for targets in ((), (np.ones(10),)):
        with pytest.raises(ValueError, match="its variance is beyond floating point"):
            model.fit(np.c_[X, X[:, 0]], *targets)
