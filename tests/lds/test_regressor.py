"""Predictions with a linear dynamical system, against statsmodels and true systems."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, norm
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_versions import ScoringMonitor, needs_callbacks
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.datasets import load_lynx, load_sunspots
from sklearn_seq.lds import LDSClassifier, LDSRegressor, LinearDynamicalSystem
from sklearn_seq.lds._open_loop import regressed, unexplained
from sklearn_seq.metrics import mean_log_likelihood_scorer
from sklearn_seq.model_selection import TimeSeriesSplitWithContext

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PLANT = LinearDynamicalSystem.from_parameters(
    transition_matrix=[[0.8, 0.4], [-0.4, 0.8]],
    observation_matrix=[[1.0, 0.0], [0.5, 1.0]],
    transition_covariance=0.01 * np.eye(2),
    observation_covariance=0.04 * np.eye(2),
    initial_state_mean=[0.0, 0.0],
    initial_state_covariance=0.1 * np.eye(2),
    input_matrix=[[1.0], [0.5]],
    feedthrough_matrix=[[0.0], [0.5]],
)


def driven(n_sequences=20, n_timesteps=100, seed=0):
    """Inputs (n_sequences, n_timesteps, 1) and outputs (…, 2) of the plant."""
    rng = np.random.RandomState(seed)
    inputs = rng.normal(size=(n_sequences, n_timesteps, 1))
    rows, _ = PLANT.sample(
        n_timesteps, n_sequences=n_sequences, future_exogenous=inputs, random_state=rng
    )
    return inputs, rows[:, :, :2]


def waves(n_timesteps=120, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    t = np.arange(n_timesteps)[:, None]
    x = np.hstack([np.sin(0.3 * t), np.cos(0.3 * t)]) + [3.0, -2.0]
    x = x + 0.2 * rng.normal(size=x.shape)
    x[rng.random(x.shape) < missing] = np.nan
    return x


def one_step_by_statsmodels(model, X, U=None):
    """Mean, covariance and log density of each row given those before, and beyond."""
    system = model.system_
    n, m = system.transition_matrix_.shape[0], X.shape[1]
    beyond = np.vstack([X, np.full((1, m), np.nan)])
    kalman = KalmanFilter(k_endog=m, k_states=n, k_posdef=n, tolerance=0)
    kalman.bind(beyond - model.mean_)
    kalman["transition"] = system.transition_matrix_
    kalman["design"] = system.observation_matrix_
    kalman["state_cov"] = system.transition_covariance_
    kalman["obs_cov"] = system.observation_covariance_
    kalman["selection"] = np.eye(n)
    if U is not None:
        driving = np.vstack([U, np.zeros((1, U.shape[1]))]) - model.input_mean_
        intercept = np.array(system.input_matrix_ @ driving.T, order="C")
        kalman["state_intercept"] = intercept
    kalman.initialize_known(
        system.initial_state_mean_, system.initial_state_covariance_
    )
    result = kalman.filter()
    C, P = system.observation_matrix_, result.predicted_state_cov[..., :-1]
    covariances = np.einsum("ij,jkt,lk->til", C, P, C)
    covariances = covariances + system.observation_covariance_
    means = result.predicted_state[:, :-1].T @ C.T + model.mean_
    return means, covariances, result.llf_obs[:-1]


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("exogenous", [None, [2]])
def test_next_step_is_that_of_statsmodels(missing, exogenous):
    X, U = waves(missing=missing), None
    if exogenous:
        U = np.random.default_rng(1).normal(size=(len(X), 1))
        X[1:] += 0.5 * U[:-1]
    rows = X if U is None else np.hstack([X, U])
    model = LDSRegressor(2, exogenous=exogenous, max_iter=10).fit(rows)
    means, covariances, log_density = one_step_by_statsmodels(model, X, U)
    y_pred, y_std = model.predict(rows, return_std=True)
    assert_allclose(y_pred, means[1:], rtol=1e-9)
    variances = np.diagonal(covariances[1:], axis1=1, axis2=2)
    assert_allclose(y_std, np.sqrt(variances), rtol=1e-9)
    assert_allclose(model.score_samples(rows), log_density, rtol=1e-8, atol=1e-10)
    # R² over the values that are there.
    known = ~np.isnan(X[1:])
    scores = [
        r2_score(X[1:][there, i], y_pred[:-1][there, i])
        for i, there in enumerate(known.T)
    ]
    assert_allclose(model.score(rows), np.mean(scores))
    assert model.score(rows) > 0.75
    if exogenous:
        assert_array_equal(model.system_.feedthrough_matrix_, np.zeros((2, 1)))
        without = LDSRegressor(2, max_iter=10).fit(X)
        assert model.score(rows) > without.score(X) + 0.05


def test_the_last_prediction_is_the_systems_forecast():
    X = waves()
    model = LDSRegressor(2, max_iter=10).fit(X)
    forecast, covariance = model.system_.forecast(X - model.mean_, return_cov=True)
    y_pred, y_std = model.predict(X, return_std=True)
    assert_allclose(y_pred[-1], forecast[0] + model.mean_)
    assert_allclose(y_std[-1] ** 2, np.diag(covariance[0]))


def test_standard_deviations_are_right():
    """Of the forecasts, 95 % lie within 1.96 standard deviations."""
    X = waves(2000)
    model = LDSRegressor(2).fit(X[:1000])
    y_pred, y_std = model.predict(X, return_std=True)
    inside = np.abs(X[1001:] - y_pred[1000:-1]) < 1.96 * y_std[1000:-1]
    assert 0.93 < inside.mean() < 0.97


def test_a_y_given_to_a_model_of_the_next_step():
    X = waves()
    model = LDSRegressor(2, max_iter=5).fit(X)
    assert_allclose(model.score(X[:-1], X[1:]), model.score(X))
    shifted = model.score_samples(X[:-1], X[1:])
    assert_allclose(shifted, model.score_samples(X)[1:], rtol=1e-9)


def test_scaling_and_shifting_change_nothing():
    X = waves()
    model = LDSRegressor(2, max_iter=10).fit(X)
    moved = LDSRegressor(2, max_iter=10).fit(8 * X + [1e3, -1e3])
    assert_allclose(moved.score(8 * X + [1e3, -1e3]), model.score(X), atol=1e-3)
    plain = LDSRegressor(2, fit_intercept=False, max_iter=10)
    plain.fit(X - X.mean(axis=0))
    assert_array_equal(plain.mean_, [0.0, 0.0])
    assert_allclose(
        plain.predict(X - X.mean(axis=0)) + X.mean(axis=0), model.predict(X), rtol=1e-6
    )


def test_sunspots_against_autoregression():
    """An ARMA(2, 1) in effect: as good as an AR(2), on years that fit has not seen."""
    X = load_sunspots().data
    model = LDSRegressor(2).fit(X[:221])
    linear = ARRegressor(2).fit(X[:221])
    later, before = X[221:], slice(220, -1)
    errors = [
        np.mean((later - each.predict(X)[before]) ** 2) for each in (model, linear)
    ]
    assert errors[0] < 1.1 * errors[1]


def eigenvalues(matrix):
    return np.sort_complex(np.linalg.eigvals(matrix))


def step_response(system, n_steps):
    """Outputs to inputs of 1 from the start on, from the matrices: (n_steps, …)."""
    state = np.zeros((len(system.transition_matrix_), 1))
    outputs = []
    for _ in range(n_steps):
        outputs.append(system.observation_matrix_ @ state + system.feedthrough_matrix_)
        state = system.transition_matrix_ @ state + system.input_matrix_
    return np.array(outputs)[..., 0]


def test_a_driven_system_is_recovered():
    U, Y = driven(60)
    model = LDSRegressor(2).fit(U, Y)
    expected = eigenvalues(PLANT.transition_matrix_)
    assert_allclose(eigenvalues(model.system_.transition_matrix_), expected, atol=0.01)
    responses = [step_response(s, 30) for s in (model.system_, PLANT)]
    assert_allclose(*responses, atol=0.05)
    assert_allclose(
        model.system_.observation_covariance_, PLANT.observation_covariance_, atol=0.01
    )
    U_test, Y_test = driven(20, seed=1)
    best = best_predictions(U_test)
    best_score = r2_score(Y_test.reshape(-1, 2), best.reshape(-1, 2))
    assert best_score > 0.9
    assert best_score - 0.002 < model.score(U_test, Y_test) < best_score + 0.002


def best_predictions(U):
    """The true system's, with no output seen: by its impulse response."""
    n_timesteps = U.shape[1]
    steps = step_response(PLANT, n_timesteps)
    impulses = np.diff(steps, axis=0, prepend=0)
    outputs = np.zeros((*U.shape[:2], 2))
    for lag in range(n_timesteps):
        outputs[:, lag:] += U[:, : n_timesteps - lag] * impulses[lag]
    return outputs


def test_outputs_of_a_driven_system_are_its_response():
    """Means by convolution; covariances of unseen outputs by their recursion."""
    U, Y = driven(6)
    model = LDSRegressor(2, max_iter=5).fit(U, Y)
    s = model.system_
    y_pred, y_std = model.predict(U, return_std=True)
    A, C = s.transition_matrix_, s.observation_matrix_
    state = np.tile(s.initial_state_mean_, (6, 1))
    covariance = s.initial_state_covariance_
    for t in range(U.shape[1]):
        u = U[:, t] - model.input_mean_
        expected = state @ C.T + u @ s.feedthrough_matrix_.T + model.mean_
        assert_allclose(y_pred[:, t], expected, rtol=1e-8, atol=1e-10)
        output_covariance = C @ covariance @ C.T + s.observation_covariance_
        variances = np.tile(np.diag(output_covariance), (6, 1))
        assert_allclose(y_std[:, t] ** 2, variances, rtol=1e-9)
        density = multivariate_normal(np.zeros(2), output_covariance)
        log_density = model.score_samples(U, Y)
        assert_allclose(log_density[:, t], density.logpdf(Y[:, t] - expected))
        state = state @ A.T + u @ s.input_matrix_.T
        covariance = A @ covariance @ A.T + s.transition_covariance_


def sunspots(n_rows):
    return load_sunspots()["data"].reshape(-1, 1)[:n_rows].astype(float)


def log_lynx():
    return np.log(load_lynx()["data"].reshape(-1, 1).astype(float))


def sine():
    return np.sin(0.3 * np.arange(300.0))[:, None]


def daily():
    noise = np.random.default_rng(0).standard_normal(300)
    return (np.sin(2 * np.pi * np.arange(300) / 24) + 0.3 * noise)[:, None]


@pytest.mark.parametrize(
    ("X", "n_components"),
    [
        (sunspots(309), 1),
        (sunspots(309), 2),
        (sunspots(296), 2),
        (log_lynx(), 2),
        (sine(), 4),
        (daily(), 2),
    ],
)
def test_outputs_that_are_not_seen_are_predicted_better_than_by_the_mean(
    X, n_components
):
    # The inputs are the outputs of the row before: the filter, which sees these, does
    # as well with an unstable system, and predictions without them explode.
    inputs, y = X[:-1], X[1:]
    n_train = int(0.75 * len(y))
    for train in (slice(None), slice(n_train)):
        model = LDSRegressor(n_components).fit(inputs[train], y[train])
        A = model.system_.transition_matrix_
        assert np.abs(np.linalg.eigvals(A)).max() <= 1.0 + 1e-12
        assert model.score(inputs[train], y[train]) > 0.5
    # In context, for a tail of less variance.
    assert r2_score(y[n_train:], model.predict(inputs)[n_train:]) > 0.25


def test_a_fixed_unstable_transition_matrix_warns_where_outputs_are_not_seen():
    fixed = {"transition_matrix": [[1.05]]}
    X = sine()[:60]
    with pytest.warns(UserWarning, match="eigenvalue of modulus 1.05") as caught:
        LDSRegressor(fixed=fixed, max_iter=5).fit(X[:-1], X[1:])
    assert len([w for w in caught if w.category is UserWarning]) == 1


def test_unexplained_shares_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    U, y = rng.normal(size=(50, 2)), rng.normal(size=(50, 3)) * [1.0, 1e3, 1e-3]
    y += U @ rng.normal(size=(2, 3))
    y -= y.mean(axis=0)
    linear = LinearRegression(fit_intercept=False).fit(U, y)
    assert_allclose(regressed(y, U), linear.predict(U))
    assert_allclose(unexplained(y, regressed(y, U)), 1 - linear.score(U, y))
    y[:5, 1] = np.nan
    known = LinearRegression(fit_intercept=False).fit(U[5:], y[5:, 1])
    assert_allclose(regressed(y, U)[:, 1], known.predict(U))
    assert_allclose(unexplained(y, 0.5 * np.nan_to_num(y)), 0.25)
    assert unexplained(np.zeros((5, 1)), np.ones((5, 1))) == 0.0


def test_missing_y():
    U, Y = driven(20)
    holed = Y.copy()
    rng = np.random.default_rng(0)
    holed[rng.random(Y.shape) < 0.2] = np.nan
    holed[3] = np.nan
    model = LDSRegressor(2).fit(U, holed)
    expected = eigenvalues(PLANT.transition_matrix_)
    assert_allclose(eigenvalues(model.system_.transition_matrix_), expected, atol=0.03)
    log_density = model.score_samples(U, holed)
    assert_array_equal(log_density[3], np.zeros(100))
    y_pred, y_std = model.predict(U, return_std=True)
    one = ~np.isnan(holed[:, :, 0]) & np.isnan(holed[:, :, 1])
    expected = norm(y_pred[one][:, 0], y_std[one][:, 0]).logpdf(Y[one][:, 0])
    assert_allclose(log_density[one], expected)
    assert model.score(U, holed) > 0.9
    with pytest.raises(ValueError, match="y contains NaN only"):
        LDSRegressor(2).fit(U, np.full_like(Y, np.nan))


def test_one_output_and_its_layouts():
    U, Y = driven(8)
    panel = LDSRegressor(2, max_iter=5).fit(U, Y[:, :, 0])
    assert panel.predict(U).shape == (8, 100)
    index = pd.MultiIndex.from_product([range(8), range(100)])
    frame = pd.DataFrame(U.reshape(800, 1), index=index, columns=["voltage"])
    rows = LDSRegressor(2, max_iter=5).fit(frame, Y[:, :, 0].ravel())
    assert_allclose(rows.predict(frame), panel.predict(U).ravel(), rtol=1e-9)
    ragged = LDSRegressor(2, max_iter=5).fit(list(U), list(Y[:, :, 0]))
    assert_allclose(ragged.predict(list(U))[2], panel.predict(U)[2], rtol=1e-9)


def test_one_y_for_each_sequence_is_linear_in_the_final_state():
    rng = np.random.default_rng(0)
    sequences = [waves(n, seed) for seed, n in enumerate(rng.integers(20, 60, 60))]
    y = np.array([x[-1, 0] - x[-2, 0] for x in sequences])
    model = LDSRegressor(2).fit(sequences, y)
    system = model.system_
    states = np.array([system.transform(x - model.mean_)[-1] for x in sequences])
    linear = LinearRegression().fit(states, y)
    assert_allclose(model.coef_[0], linear.coef_)
    assert_allclose(model.intercept_[0], linear.intercept_)
    y_pred, y_std = model.predict(sequences, return_std=True)
    assert_allclose(y_pred, linear.predict(states))
    residuals = y - y_pred
    assert_allclose(y_std, np.full(60, np.sqrt(np.mean(residuals**2))))
    expected = norm(y_pred, y_std).logpdf(y)
    assert_allclose(model.score_samples(sequences, y), expected)
    two = LDSRegressor(2).fit(sequences, np.column_stack([y, -2 * y]))
    assert_allclose(two.predict(sequences), np.column_stack([y_pred, -2 * y_pred]))
    with pytest.raises(ValueError, match="X must be a panel"):
        model.predict(sequences[0])
    y[::3] = np.nan
    some = LDSRegressor(2).fit(sequences, y)
    linear.fit(states[np.arange(60) % 3 > 0], y[np.arange(60) % 3 > 0])
    assert_allclose(some.coef_[0], linear.coef_, rtol=1e-6)
    assert_array_equal(some.score_samples(sequences, y)[::3], np.zeros(20))


def test_missing_values_of_observed_sequences():
    sequences = [waves(40, seed, missing=0.1) for seed in range(20)]
    y = np.arange(20) % 3
    model = LDSRegressor(2, max_iter=5).fit(sequences, y)
    assert np.isfinite(model.predict(sequences)).all()


def test_fixed_parameters_and_covariance_types():
    X = waves()
    model = LDSRegressor(
        2, fixed={"observation_matrix": np.eye(2)}, covariance_type="diag", max_iter=5
    ).fit(X)
    assert_array_equal(model.system_.observation_matrix_, np.eye(2))
    R = model.system_.observation_covariance_
    assert R[0, 1] == R[1, 0] == 0.0 and R[0, 0] != R[1, 1]
    fixed = {"feedthrough_matrix": [[1.0]]}
    with pytest.raises(ValueError, match="inputs act through the state only"):
        LDSRegressor(exogenous=1, fixed=fixed).fit(X)
    with pytest.raises(ValueError, match="must be positive definite"):
        LDSRegressor(fixed={"observation_covariance": -np.eye(2)}).fit(X)


def test_search_over_the_number_of_states():
    X = waves(300)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LDSRegressor(max_iter=20, burn_in=10)),
        {"ldsregressor__n_components": [1, 2]},
        cv=TimeSeriesSplitWithContext(n_splits=3, burn_in=10),
    ).fit(X)
    assert search.best_params_ == {"ldsregressor__n_components": 2}


def test_workers_and_restarts():
    X = [waves(40, seed) for seed in range(4)]
    alone = LDSRegressor(2, max_iter=5, n_init=2, random_state=0).fit(X)
    together = clone(alone).set_params(n_jobs=2).fit(X)
    assert_allclose(together.score(X), alone.score(X), rtol=1e-6)
    single = LDSRegressor(2, max_iter=5).fit(X)
    assert alone.system_.score([x - alone.mean_ for x in X]) >= single.system_.score(
        [x - single.mean_ for x in X]
    )


@needs_callbacks
@pytest.mark.parametrize("kind", ["next", "step", "sequence"])
def test_scoring_monitor(kind):
    X, Y = driven(12, 30)
    y = {"next": None, "step": Y, "sequence": Y[:, -1]}[kind]
    monitor = ScoringMonitor(scoring=mean_log_likelihood_scorer)
    model = LDSRegressor(2, max_iter=4, tol=0).set_callbacks(monitor).fit(X, y)
    logs = [entry["score"] for entry in monitor.get_logs().data]
    assert len(logs) == model.n_iter_ + 1
    assert np.isfinite(logs).all()
    final = mean_log_likelihood_scorer(model, X, y)
    assert np.min(np.abs(np.array(logs) - final)) < 1e-9


def test_bad_input():
    X = waves(40)
    holed = X.copy()
    holed[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN in a driving input: row 3, feature 'x1'"):
        LDSRegressor().fit(holed, X[:, 0])
    model = LDSRegressor(max_iter=2).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="NaN in a driving input: row 3"):
        model.predict(holed)
    with pytest.raises(ValueError, match="leave exogenous=None"):
        LDSRegressor(exogenous=0).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="names every column"):
        LDSRegressor(exogenous=[0, 1]).fit(X)
    for nothing in (X[:1], X[:, None], np.full((20, 2), np.nan)):
        with pytest.raises(ValueError, match="no row of X has a target to learn by"):
            LDSRegressor().fit(nothing)
    with pytest.raises(ValueError, match="X has 1 features, but .* is expecting 2"):
        model.predict(X[:, :1])
    with pytest.raises(ValueError, match="groups must be contiguous"):
        LDSRegressor().fit(X, groups=np.arange(40) % 2)
    with pytest.raises(ValueError, match="was fitted with a y"):
        model.score(X)


@pytest.mark.parametrize("scale", [1e150, 1e-150])
@pytest.mark.parametrize("with_y", [True, False])
def test_very_large_and_very_small_values(scale, with_y):
    X = waves(60)
    y = X[:, 0] ** 2 if with_y else None
    X, y = scale * X, y if y is None else scale * y
    model = LDSRegressor(2, max_iter=10).fit(X, y)
    y_pred, y_std = model.predict(X, return_std=True)
    assert np.isfinite(y_pred).all() and np.isfinite(y_std).all() and (y_std > 0).all()
    assert np.isfinite(model.score_samples(X, y)).all()
    assert 0 < model.score(X, y) <= 1


def test_constant_and_collinear_features():
    X = waves(60)
    X = np.column_stack([X, np.full(60, 5.0), X @ [1.0, 1.0]])
    model = LDSRegressor(2, max_iter=10).fit(X)
    y_pred, y_std = model.predict(X, return_std=True)
    assert_allclose(y_pred[:, 2], 5.0, atol=0.1)
    assert np.isfinite(y_pred).all() and np.isfinite(y_std).all()
    driven_by = LDSRegressor(2, max_iter=10).fit(X, X[:, 0])
    assert driven_by.score(X, X[:, 0]) > 0.99


def test_forecasts_are_those_of_the_system():
    """Without inputs, and with inputs whose means were taken off."""
    rng = np.random.default_rng(0)
    U = 3 + rng.normal(size=(200, 1))
    x = np.zeros(200)
    for t in range(1, 200):
        x[t] = 0.8 * x[t - 1] + U[t - 1, 0] + 0.1 * rng.normal()
    X = np.column_stack([x, U])
    model = LDSRegressor(1, exogenous=[1], max_iter=300, tol=1e-7).fit(X)
    future = 3 + rng.normal(size=(5, 1))
    forecast = model.forecast(X, 5, future_exogenous=future)
    expected, inputs = [x[-1]], np.vstack([U[-1:], future])
    for u in inputs[:-1, 0]:
        expected.append(0.8 * expected[-1] + u)
    assert_allclose(forecast[:, 0], expected[1:], atol=0.5)
    assert_allclose(forecast[0], model.predict(X)[-1])
    plain = LDSRegressor(2).fit(X)
    assert_allclose(plain.forecast(X, 1)[0], plain.predict(X)[-1], rtol=1e-9)
    assert plain.forecast(X[None], 4).shape == (1, 4, 2)
    with pytest.raises(ValueError, match="fitted without y"):
        LDSRegressor().fit(U, x).forecast(U)


def test_inputs_of_the_smallest_and_of_the_largest_size():
    # Where NumPy warned of zeros under a logarithm, and of sums that overflow.
    X = np.array([[0.0], [5e-324], [5e-324], [5e-324]])
    model = LDSRegressor(max_iter=0).fit(X, np.full(4, 1e-150))
    assert_allclose(model.predict(X), np.full(4, 1e-150))
    X = np.random.default_rng(0).normal(size=(9, 2)) * 1e300
    y = np.sign(X) * 1.5e154
    with pytest.raises(ValueError, match="beyond floating point"):
        LDSRegressor(fit_intercept=False, max_iter=0).fit(X, y * 1e10)
    with np.errstate(all="raise"):
        assert np.isfinite(unexplained(y, regressed(y, X / 1e300)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("error::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize(
    "n_components, n, period",
    [(2, 290, 11), (2, 287, 11), (2, 302, 11), (3, 290, 11), (4, 300, 11),
     (2, 302, 30), (4, 300, 30), (2, 287, 12)],
)  # fmt: skip
def test_waves_without_noise(n_components, n, period):
    """Two rows tell the next one of a sine, up to rounding."""
    z = np.sin(np.arange(n + 1) * 2 * np.pi / period)[:, None]
    model = LDSRegressor(n_components).fit(z[:-1], z[1:])
    assert model.score(z[:-1], z[1:]) > 0.99


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_logarithm_of_the_lynx():
    x = np.log10(load_lynx(return_X_y=True)[0])
    model = LDSRegressor(2).fit(x[:101], x[1:102])
    assert model.score(x[:101], x[1:102]) > 0.7


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_beyond_floating_point_there_is_an_error_alone():
    Z = np.random.default_rng(0).normal(size=(80, 2)) * 1e307
    with pytest.raises(ValueError, match="beyond floating point"):
        LDSRegressor(1).fit(Z, Z[:, 0])


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_inputs_beyond_floating_point_are_refused():
    X = np.tile([1, 1, -1, -1, 1], 4)[:, None] * np.finfo(np.float64).max
    with pytest.raises(ValueError, match="beyond floating point. Scale them"):
        LDSRegressor(max_iter=2).fit(X, np.arange(20.0))
    with pytest.raises(ValueError, match="beyond floating point. Scale them"):
        LDSClassifier(max_iter=2).fit(X, np.arange(20) // 10)
