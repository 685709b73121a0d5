"""The density: states, likelihoods, forecasts and samples against statsmodels."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn_versions import ScoringMonitor, needs_callbacks
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

from sklearn_seq.datasets import load_nile
from sklearn_seq.lds import LinearDynamicalSystem
from sklearn_seq.metrics import mean_log_likelihood_scorer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MATRICES = {
    "transition_matrix": [[0.9, 0.3], [-0.2, 0.8]],
    "observation_matrix": [[1.0, 0.0], [0.5, -1.0], [0.2, 0.4]],
    "transition_covariance": [[0.3, 0.1], [0.1, 0.2]],
    "observation_covariance": [[0.5, 0.1, 0.0], [0.1, 0.4, 0.1], [0.0, 0.1, 0.3]],
    "initial_state_mean": [1.0, -1.0],
    "initial_state_covariance": [[1.0, 0.2], [0.2, 2.0]],
}
DRIVEN = {
    "input_matrix": [[0.5, -0.3], [1.0, 0.2]],
    "feedthrough_matrix": [[0.1, 0.0], [0.0, -0.7], [0.3, 0.3]],
}
LENGTHS = (30, 1, 12, 45)


def by_statsmodels(model, X, U=None):
    """Results of statsmodels for one sequence, no convergence of the filter assumed."""
    n, m = model.transition_matrix_.shape[0], X.shape[1]
    smoother = KalmanSmoother(k_endog=m, k_states=n, k_posdef=n, tolerance=0)
    smoother.bind(np.array(X, order="C"))
    smoother["transition"] = model.transition_matrix_
    smoother["design"] = model.observation_matrix_
    smoother["state_cov"] = model.transition_covariance_
    smoother["obs_cov"] = model.observation_covariance_
    smoother["selection"] = np.eye(n)
    if U is not None:
        smoother["state_intercept"] = np.array(model.input_matrix_ @ U.T, order="C")
        smoother["obs_intercept"] = np.array(model.feedthrough_matrix_ @ U.T, order="C")
    smoother.initialize_known(
        model.initial_state_mean_, model.initial_state_covariance_
    )
    return smoother.smooth()


def sequences_of(model, seed=0, lengths=LENGTHS, missing=0.0):
    """Sequences from a model, with values and whole rows of observations missing."""
    rng = np.random.RandomState(seed)
    m = len(model.observation_matrix_)
    n_inputs = model.n_features_in_ - m
    sequences = []
    for length in lengths:
        inputs = rng.normal(size=(length, n_inputs)) if n_inputs else None
        x, _ = model.sample(length, future_exogenous=inputs, random_state=rng)
        holes = rng.random_sample((length, m)) < missing
        holes |= rng.random_sample((length, 1)) < missing / 2
        x[:, :m][holes] = np.nan
        sequences.append(x)
    return sequences


def split(model, x):
    """Observations and inputs of a sequence."""
    m = len(model.observation_matrix_)
    return x[:, :m], (x[:, m:] if x.shape[1] > m else None)


@pytest.fixture(params=["autonomous", "driven"])
def system(request):
    matrices = MATRICES | (DRIVEN if request.param == "driven" else {})
    return LinearDynamicalSystem.from_parameters(**matrices)


def system_data(n_timesteps=200, seed=0):
    """One sequence of a slow wave in two features."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_timesteps)[:, None]
    waves = np.hstack([np.sin(0.3 * t), np.cos(0.3 * t)])
    return waves + 0.3 * rng.normal(size=(n_timesteps, 2))


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_states_and_likelihood_equal_those_of_statsmodels(system, missing):
    X = sequences_of(system, missing=missing)
    filtered, smoothed = system.filter(X), system.smooth(X)
    log_density, states = system.score_samples(X), system.transform(X)
    close = {"rtol": 1e-9, "atol": 1e-11}
    for i, x in enumerate(X):
        expected = by_statsmodels(system, *split(system, x))
        assert_allclose(filtered[0][i], expected.filtered_state.T, **close)
        assert_allclose(states[i], expected.filtered_state.T, **close)
        covariances = np.moveaxis(expected.filtered_state_cov, -1, 0)
        assert_allclose(filtered[1][i], covariances, **close)
        assert_allclose(smoothed[0][i], expected.smoothed_state.T, **close)
        covariances = np.moveaxis(expected.smoothed_state_cov, -1, 0)
        assert_allclose(smoothed[1][i], covariances, **close)
        assert_allclose(log_density[i], expected.llf_obs, **close)
    n_rows = sum(LENGTHS)
    total = sum(values.sum() for values in log_density)
    assert_allclose(system.score(X), total / n_rows)
    counted = np.concatenate([values[5:] for values in log_density])
    burnt = clone_fitted(system).set_params(burn_in=5)
    assert_allclose(burnt.score(X), counted.mean())


def clone_fitted(model):
    copy = clone(model)
    copy.__dict__.update(model.__dict__)
    return copy


def test_states_by_conditioning_a_joint_gaussian():
    """Three steps of a scalar system, written out: no recursion at all."""
    a, c, q, r, m0, p0 = 0.8, 2.0, 0.3, 0.5, 1.0, 2.0
    model = LinearDynamicalSystem.from_parameters(
        transition_matrix=[[a]],
        observation_matrix=[[c]],
        transition_covariance=[[q]],
        observation_covariance=[[r]],
        initial_state_mean=[m0],
        initial_state_covariance=[[p0]],
    )
    x = np.array([[1.5], [np.nan], [-0.4]])
    p1 = a * a * p0 + q
    p2 = a * a * p1 + q
    states = np.array([[p0, a * p0, a**2 * p0], [0, p1, a * p1], [0, 0, p2]])
    states = np.triu(states) + np.triu(states, 1).T
    mean = m0 * a ** np.arange(3)
    seen = [0, 2]
    covariance = c * c * states[np.ix_(seen, seen)] + r * np.eye(2)
    gain = c * states[:, seen] @ np.linalg.inv(covariance)
    innovation = x[seen, 0] - c * mean[seen]
    means, covariances = model.smooth(x)
    assert_allclose(means[:, 0], mean + gain @ innovation)
    expected = states - c * gain @ states[seen]
    assert_allclose(covariances[:, 0, 0], np.diag(expected))
    # What is filtered at the end is smoothed; at the start it knows the first row only.
    assert_allclose(model.filter(x)[0][-1], means[-1])
    first = m0 + p0 * c / (c * c * p0 + r) * (1.5 - c * m0)
    assert_allclose(model.transform(x)[:2, 0], [first, a * first])
    _, log_determinant = np.linalg.slogdet(2 * np.pi * covariance)
    quadratic = innovation @ np.linalg.solve(covariance, innovation)
    log_density = model.score_samples(x)
    assert_allclose(log_density.sum(), -0.5 * (log_determinant + quadratic))
    assert log_density[1] == 0.0


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_forecasts_equal_those_of_statsmodels(system, missing):
    n_steps, m = 6, len(system.observation_matrix_)
    X = sequences_of(system, missing=missing)
    n_inputs = system.n_features_in_ - m
    rng = np.random.default_rng(1)
    future = rng.normal(size=(len(X), n_steps, n_inputs)) if n_inputs else None
    means, covariances = system.forecast(
        X, n_steps, future_exogenous=future, return_cov=True
    )
    for i, x in enumerate(X):
        # Steps to come are missing rows with known inputs.
        later = np.full((n_steps, system.n_features_in_), np.nan)
        if n_inputs:
            later[:, m:] = future[i]
        whole = np.concatenate([x, later])
        expected = by_statsmodels(system, *split(system, whole))
        assert_allclose(means[i], expected.forecasts.T[-n_steps:], rtol=1e-9)
        covs = np.moveaxis(expected.predicted_state_cov, -1, 0)[-n_steps - 1 : -1]
        C = system.observation_matrix_
        wanted = C @ covs @ C.T + system.observation_covariance_
        assert_allclose(covariances[i], wanted, rtol=1e-9)
    if n_inputs:
        shared = system.forecast(X, n_steps, future_exogenous=future[0])
        assert_allclose(shared[0], means[0])


def test_forecasts_have_the_layout_of_the_input():
    model = LinearDynamicalSystem.from_parameters(**MATRICES)
    panel = np.stack(sequences_of(model, lengths=(9, 9)))
    means, covariances = model.forecast(panel, 4, return_cov=True)
    assert means.shape == (2, 4, 3) and covariances.shape == (2, 4, 3, 3)
    ragged, ragged_covariances = model.forecast(list(panel), 4, return_cov=True)
    assert ragged.dtype == object and ragged[1].shape == (4, 3)
    assert_array_equal(ragged_covariances[0], covariances[0])
    rows, row_covariances = model.forecast(
        panel.reshape(18, 3), 4, groups=np.repeat([7, 3], 9), return_cov=True
    )
    assert_array_equal(rows, means.reshape(8, 3))
    assert_array_equal(row_covariances, covariances.reshape(8, 3, 3))


def test_state_covariances_have_the_layout_of_the_input():
    model = LinearDynamicalSystem.from_parameters(**MATRICES)
    panel = np.stack(sequences_of(model, lengths=(9, 9)))
    rows, groups = panel.reshape(18, 3), np.repeat([7, 3], 9)
    index = pd.MultiIndex.from_product([["b", "a"], range(9)])
    for states in (model.filter, model.smooth):
        means, covariances = states(panel)
        assert means.shape == (2, 9, 2) and covariances.shape == (2, 9, 2, 2)
        ragged = states(list(panel))
        assert_array_equal(ragged[1][1], covariances[1])
        for X, g in ((rows, groups), (pd.DataFrame(rows, index=index), None)):
            flat_means, flat_covariances = states(X, groups=g)
            assert_array_equal(flat_means, means.reshape(18, 2))
            assert_array_equal(flat_covariances, covariances.reshape(18, 2, 2))


def test_a_hole_in_the_index_starts_anew_and_a_missing_row_does_not():
    model = LinearDynamicalSystem.from_parameters(**MATRICES)
    (x,) = sequences_of(model, lengths=(20,))
    frame = pd.DataFrame(x, index=pd.date_range("2024", periods=20, freq="D"))
    holed = frame.drop(frame.index[[9]])
    states = model.transform(holed)
    parts = [model.transform(x[:9]), model.transform(x[10:])]
    assert_allclose(states, np.concatenate(parts), rtol=1e-12)
    gap = x.copy()
    gap[9] = np.nan
    expected = by_statsmodels(model, gap)
    assert_allclose(model.transform(gap), expected.filtered_state.T, rtol=1e-9)


def test_samples_factorise_covariances_once(monkeypatch):
    """And are the draws that a factor made anew at each step would give."""
    model = LinearDynamicalSystem.from_parameters(**MATRICES)
    n_factors, eigh = 0, np.linalg.eigh

    def counted(matrix):
        nonlocal n_factors
        n_factors += 1
        return eigh(matrix)

    with monkeypatch.context() as patch:
        patch.setattr(np.linalg, "eigh", counted)
        X, states = model.sample(20, n_sequences=4, random_state=0)
    assert n_factors == 3  # of the first state, of outputs and of transitions
    rng = np.random.RandomState(0)

    def draw(covariance):
        values, vectors = eigh(covariance)
        return rng.standard_normal((4, len(values))) @ (vectors * np.sqrt(values)).T

    state = model.initial_state_mean_ + draw(model.initial_state_covariance_)
    for t in range(20):
        x = state @ model.observation_matrix_.T + draw(model.observation_covariance_)
        assert_allclose(states[:, t], state, rtol=1e-10, atol=1e-12)
        assert_allclose(X[:, t], x, rtol=1e-10, atol=1e-12)
        state = state @ model.transition_matrix_.T
        state = state + draw(model.transition_covariance_)


@pytest.mark.parametrize("driven", [False, True])
def test_samples_have_the_moments_of_the_model(driven):
    matrices = MATRICES | (DRIVEN if driven else {})
    model = LinearDynamicalSystem.from_parameters(**matrices)
    n, n_steps = 20_000, 3
    inputs = np.array([[1.0, 2.0], [0.5, -1.0], [0.0, 3.0]])
    future = inputs if driven else None
    X, states = model.sample(
        n_steps, n_sequences=n, future_exogenous=future, random_state=0
    )
    assert X.shape == (n, n_steps, 5 if driven else 3) and states.shape == (n, 3, 2)
    if driven:
        assert_array_equal(X[:, :, 3:], np.broadcast_to(inputs, (n, 3, 2)))
    A, C = model.transition_matrix_, model.observation_matrix_
    mean, covariance = model.initial_state_mean_, model.initial_state_covariance_
    for t in range(n_steps):
        expected = C @ mean
        if driven:
            expected = expected + model.feedthrough_matrix_ @ inputs[t]
        output_covariance = C @ covariance @ C.T + model.observation_covariance_
        error = 5 * np.sqrt(np.diag(output_covariance) / n)
        assert (np.abs(X[:, t, :3].mean(axis=0) - expected) < error).all()
        assert_allclose(np.cov(X[:, t, :3].T), output_covariance, atol=0.1)
        assert_allclose(np.cov(states[:, t].T), covariance, atol=0.1)
        mean = A @ mean
        if driven:
            mean = mean + model.input_matrix_ @ inputs[t]
        covariance = A @ covariance @ A.T + model.transition_covariance_
    again, _ = model.sample(
        n_steps, n_sequences=n, future_exogenous=future, random_state=0
    )
    assert_array_equal(X, again)
    rows, row_states = model.sample(n_steps, future_exogenous=future)
    assert rows.shape == X.shape[1:] and row_states.shape == states.shape[1:]


def test_criteria_count_the_free_parameters():
    X = system_data()
    free = {  # of 2 states, 2 features and no inputs, but for the state's basis
        "full": 4 + 4 + 3 + 3 + 2 + 3 - 4,
        "diag": 4 + 4 + 3 + 2 + 2 + 3 - 4,
        "spherical": 4 + 4 + 3 + 1 + 2 + 3 - 4,
    }
    for covariance_type, n_parameters in free.items():
        model = LinearDynamicalSystem(
            2, covariance_type=covariance_type, max_iter=3
        ).fit(X)
        total = model.score_samples(X).sum()
        assert_allclose(model.aic(X), 2 * n_parameters - 2 * total)
        assert_allclose(model.bic(X), n_parameters * np.log(len(X)) - 2 * total)
    driven = LinearDynamicalSystem(2, exogenous=[1], max_iter=3).fit(X)
    n_parameters = 4 + 2 + 2 + 1 + 3 + 1 + 2 + 3 - 4
    total = driven.score_samples(X).sum()
    assert_allclose(driven.aic(X), 2 * n_parameters - 2 * total)


@pytest.mark.parametrize(
    ("fixed", "n_parameters"),
    [
        ({"observation_covariance": np.eye(2)}, 4 + 4 + 3 + 2 + 3 - 4),
        ({"initial_state_mean": np.zeros(2)}, 4 + 4 + 3 + 3 + 3 - 4),
        # Rotations keep the unit matrix: one free change of basis is left.
        ({"transition_covariance": np.eye(2)}, 4 + 4 + 3 + 2 + 3 - 1),
        ({"observation_matrix": np.eye(2)}, 4 + 3 + 3 + 2 + 3),
        # Matrices that commute with one of two eigenvalues: two dimensions.
        ({"transition_matrix": np.diag([0.9, 0.5])}, 4 + 3 + 3 + 2 + 3 - 2),
        (
            {"transition_matrix": np.eye(2), "observation_matrix": np.eye(2)},
            3 + 3 + 2 + 3,
        ),
    ],
)
def test_what_is_fixed_is_no_free_parameter(fixed, n_parameters):
    X = system_data()
    model = LinearDynamicalSystem(2, fixed=fixed, max_iter=2).fit(X)
    for name, value in fixed.items():
        assert_array_equal(getattr(model, f"{name}_"), value)
    total = model.score_samples(X).sum()
    assert_allclose(model.aic(X), 2 * n_parameters - 2 * total)


def test_nile_local_level():
    """The maximum that Durbin and Koopman (2012, section 2.10.2) report."""
    X, _ = load_nile(return_X_y=True)
    model = LinearDynamicalSystem(
        fixed={"transition_matrix": 1.0, "observation_matrix": 1.0},
        max_iter=1000,
        tol=1e-7,
    ).fit(X)
    assert model.converged_
    assert_allclose(model.observation_covariance_, 15_099, rtol=0.02)
    assert_allclose(model.transition_covariance_, 1_469, rtol=0.02)
    expected = by_statsmodels(model, X)
    assert_allclose(model.score_samples(X).sum(), expected.llf, rtol=0, atol=1e-6)
    assert_allclose(model.lower_bound_ * len(X), expected.llf, rtol=0, atol=1e-6)
    # The fall of the level when the dam was begun in 1898, and no wide band.
    level, variance = model.smooth(X)
    assert level[:27].mean() - level[28:].mean() > 200
    assert (variance > 0).all() and (variance < 15_099 / 2).all()


def test_learning_from_gaps_in_the_nile():
    """Gaps as in Durbin and Koopman (2012, section 2.7): the band grows into them."""
    X = load_nile().data.copy()
    X[20:40] = X[60:80] = np.nan
    model = LinearDynamicalSystem(
        fixed={"transition_matrix": 1.0, "observation_matrix": 1.0},
        max_iter=300,
        tol=1e-6,
    ).fit(X)
    expected = by_statsmodels(model, X)
    assert_allclose(model.score_samples(X).sum(), expected.llf, rtol=0, atol=1e-6)
    _, variance = model.filter(X)
    assert (np.diff(variance[20:40, 0, 0]) > 0).all()
    means, _ = model.smooth(X)
    assert_allclose(np.diff(means[19:41, 0], 2), 0, atol=1e-6)  # a straight line


def test_learning_raises_the_likelihood_and_keeps_a_record():
    X = system_data()
    model = LinearDynamicalSystem(2, tol=1e-6).fit(X)
    assert len(model.loss_curve_) == model.n_iter_ + 1
    assert (np.diff(model.loss_curve_) < 1e-8).all()
    assert_allclose(model.lower_bound_, -model.loss_curve_[-1])
    assert_allclose(model.lower_bound_, model.score(X))
    # A wave of frequency 0.3, as an eigenvalue.
    angles = np.abs(np.angle(np.linalg.eigvals(model.transition_matrix_)))
    assert_allclose(angles, 0.3, atol=0.01)
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        assert not LinearDynamicalSystem(2, max_iter=1, tol=0).fit(X).converged_
    guess = LinearDynamicalSystem(2, max_iter=0).fit(X)
    assert_allclose(guess.loss_curve_[0], model.loss_curve_[0])


@pytest.mark.parametrize("init", ["subspace", "factor_analysis", "random"])
def test_every_start_learns(init):
    X = system_data()
    model = LinearDynamicalSystem(
        2, init=init, n_init=2, max_iter=200, random_state=0
    ).fit(X)
    reference = LinearDynamicalSystem(2).fit(X)
    assert model.score(X) > reference.score(X) - 0.02


def test_warm_start_goes_on():
    X = system_data()
    whole = LinearDynamicalSystem(2, max_iter=12, tol=0).fit(X)
    model = LinearDynamicalSystem(2, max_iter=6, tol=0, warm_start=True).fit(X)
    first = model.lower_bound_
    model.fit(X)
    assert_allclose(-model.loss_curve_[0], first, atol=1e-3)
    assert first < model.lower_bound_
    assert_allclose(model.lower_bound_, whole.lower_bound_, atol=1e-3)
    cold = LinearDynamicalSystem(2, max_iter=6, tol=0).fit(X).fit(X)
    assert_allclose(cold.lower_bound_, first)


@pytest.mark.parametrize(
    "change", [{"n_components": 3}, {"exogenous": 0}, {"X": system_data()[:, :1]}]
)
def test_warm_start_with_another_shape_is_an_error(change):
    X = system_data()
    model = LinearDynamicalSystem(2, max_iter=2, warm_start=True).fit(X)
    new = change.get("X", X)
    model.set_params(**{k: v for k, v in change.items() if k != "X"})
    with pytest.raises(ValueError, match=r"warm_start=True, but the numbers of"):
        model.fit(new)


def test_workers_find_the_same():
    X = np.array_split(system_data(), 5)
    alone = LinearDynamicalSystem(2, max_iter=5).fit(X)
    together = clone(alone).set_params(n_jobs=2).fit(X)
    assert_allclose(together.lower_bound_, alone.lower_bound_, rtol=1e-9)
    assert_allclose(together.transition_matrix_, alone.transition_matrix_, rtol=1e-6)


def test_driving_inputs_by_index_and_by_name():
    model = LinearDynamicalSystem.from_parameters(**MATRICES, **DRIVEN)
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(150, 2))
    X, _ = model.sample(150, future_exogenous=inputs, random_state=3)
    shuffled = X[:, [3, 0, 1, 4, 2]]  # u0, x0, x1, u1, x2
    frame = pd.DataFrame(shuffled, columns=["u0", "x0", "x1", "u1", "x2"])
    by_index = LinearDynamicalSystem(2, exogenous=[3, 0], max_iter=3).fit(shuffled)
    by_name = LinearDynamicalSystem(2, exogenous=["u0", "u1"], max_iter=3).fit(frame)
    in_order = LinearDynamicalSystem(2, exogenous=[-2, -1], max_iter=3).fit(X)
    assert_array_equal(by_name.transform(frame), by_index.transform(shuffled))
    assert_array_equal(in_order.transform(X), by_index.transform(shuffled))
    assert by_index.input_matrix_.shape == (2, 2)
    assert by_index.feedthrough_matrix_.shape == (3, 2)
    future = rng.normal(size=(4, 2))
    named = pd.DataFrame(future, columns=["u0", "u1"])
    assert_allclose(
        by_name.forecast(frame, 4, future_exogenous=named),
        in_order.forecast(X, 4, future_exogenous=future),
    )
    sample, _ = by_name.sample(4, future_exogenous=named, random_state=0)
    assert_array_equal(sample[:, [0, 3]], future)
    with pytest.raises(ValueError, match="needs future_exogenous"):
        in_order.forecast(X, 4)
    with pytest.raises(ValueError, match="future_exogenous has shape"):
        in_order.sample(4, future_exogenous=future[:3])
    with pytest.raises(ValueError, match="has no driving inputs"):
        LinearDynamicalSystem(max_iter=1).fit(X).forecast(X, 4, future_exogenous=future)


def test_a_constant_input_is_a_constant_term():
    X = system_data() + [5.0, -3.0]
    centred = LinearDynamicalSystem(2, max_iter=50).fit(X - X.mean(axis=0))
    rows = np.column_stack([X, np.ones(len(X))])
    model = LinearDynamicalSystem(2, exogenous=2, max_iter=50).fit(rows)
    assert model.score(rows) > centred.score(X - X.mean(axis=0)) - 0.01


class Recorder:
    """A callback that writes down what it is told."""

    def __init__(self):
        self.events, self.models = [], []

    def setup(self, estimator, context):
        self.max_subtasks = context.max_subtasks

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        self.models.append(fitted_estimator)


@needs_callbacks
def test_a_callback_sees_every_iteration():
    X = system_data()
    recorder = Recorder()
    model = LinearDynamicalSystem(2, max_iter=5, tol=0)
    plain = clone(model).fit(X)
    model.set_callbacks(recorder).fit(X)
    iterations = ["begin iteration", "end iteration"] * 5
    assert recorder.events == ["begin fit", *iterations, "end fit"]
    scores = [fitted.score(X) for fitted in recorder.models]
    assert_allclose(scores[:-1], -np.array(model.loss_curve_[1:]))
    assert scores[-1] == model.score(X) == plain.score(X)


@needs_callbacks
def test_scoring_monitor_follows_the_likelihood():
    X = system_data()
    monitor = ScoringMonitor(scoring=mean_log_likelihood_scorer)
    model = LinearDynamicalSystem(2, max_iter=4, tol=0).set_callbacks(monitor).fit(X)
    logs = [entry["score"] for entry in monitor.get_logs().data]
    assert len(logs) == 5  # four iterations and the fit
    assert_allclose(max(logs), model.score_samples(X)[1:].mean())
    assert len(np.unique(logs)) == 4


def test_states_feed_a_classifier_in_a_pipeline():
    """Which of two frequencies? Nothing that a single row shows."""
    rng = np.random.default_rng(0)
    rows, labels, ids = [], [], []
    for i in range(20):
        t = np.arange(40) + rng.uniform(0, 20)
        wave = np.sin([0.3, 0.9][i % 2] * t)[:, None] + 0.1 * rng.normal(size=(40, 1))
        rows.append(wave)
        labels.append(np.full(40, i % 2))
        ids.append(np.full(40, i))
    rows, y, groups = map(np.concatenate, (rows, labels, ids))
    index = pd.MultiIndex.from_arrays([groups, np.tile(np.arange(40), 20)])
    frame = pd.DataFrame(rows, index=index, columns=["x"])
    pipeline = make_pipeline(
        StandardScaler(),
        LinearDynamicalSystem(4, max_iter=20),
        PolynomialFeatures(2),
        LogisticRegression(max_iter=2000),
    ).set_output(transform="pandas")
    folds = GroupKFold(4)
    predicted = cross_val_predict(pipeline, frame, y, groups=groups, cv=folds)
    late = frame.index.get_level_values(1) >= 10
    assert (predicted == y)[late].mean() > 0.8
    states = pipeline.fit(frame, y)[:2].transform(frame)
    assert states.index.equals(index)
    assert list(states.columns) == [f"lineardynamicalsystem{i}" for i in range(4)]
    # The boundaries reached the model by the index.
    alone = pipeline[:2].transform(frame.loc[[3]])
    assert_allclose(states.loc[[3]], alone, rtol=1e-9, atol=1e-12)


def test_states_feed_a_regression_in_a_pipeline():
    """Filtered states tell velocity, which no single row shows."""
    rng = np.random.default_rng(0)
    velocity = np.convolve(rng.normal(size=330), np.ones(30) / 30, mode="valid")
    x = np.cumsum(velocity)[:, None] + 0.05 * rng.normal(size=(301, 1))
    pipeline = make_pipeline(
        StandardScaler(), LinearDynamicalSystem(2), LinearRegression()
    )
    assert pipeline.fit(x, velocity).score(x, velocity) > 0.7
    assert LinearRegression().fit(x, velocity).score(x, velocity) < 0.4


def test_groups_reach_the_states_by_routing():
    X = np.cumsum(system_data(120), axis=0)
    y, groups = X @ [2.0, 1.0], np.repeat([2, 0, 1], 40)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler(), LinearDynamicalSystem(2, max_iter=5), LinearRegression()
        ).fit(X, y, groups=groups)
        y_pred = pipeline.predict(X, groups=groups)
    scaled = StandardScaler().fit_transform(X)
    model = LinearDynamicalSystem(2, max_iter=5)
    states = model.fit_transform(scaled, groups=groups)
    assert_allclose(y_pred, LinearRegression().fit(states, y).predict(states))
    assert not np.allclose(states, model.fit_transform(scaled))


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_gaps_do_not_let_the_future_in(missing):
    """Filtered states are bit-equal, whether later rows change or are not seen."""
    rng = np.random.default_rng(0)
    X = system_data(60)
    X[rng.random(X.shape) < missing] = np.nan
    model = LinearDynamicalSystem(3, max_iter=5).fit(X)
    states, log_density = model.transform(X), model.score_samples(X)
    for t in range(0, 59, 7):
        for later in (np.nan, rng.normal(size=(59 - t, 2))):
            changed = X.copy()
            changed[t + 1 :] = later
            assert_array_equal(model.transform(changed)[: t + 1], states[: t + 1])
            now = model.score_samples(changed)[: t + 1]
            assert_array_equal(now, log_density[: t + 1])


def test_output_frames_and_names():
    X = system_data(30)
    model = LinearDynamicalSystem(2, max_iter=2).set_output(transform="pandas")
    frame = model.fit_transform(X)
    names = ["lineardynamicalsystem0", "lineardynamicalsystem1"]
    assert list(frame.columns) == names == list(model.get_feature_names_out())
    assert_array_equal(frame, clone(model).fit(X).transform(X))
    with pytest.raises(ValueError, match="cannot hold a panel"):
        model.transform(X[None])
    model.set_output(transform="default")
    assert model.fit_transform([X, X[:9]])[1].shape == (9, 2)
    with pytest.raises(NotFittedError):
        LinearDynamicalSystem().get_feature_names_out()


def test_from_parameters_is_a_fitted_model():
    model = LinearDynamicalSystem.from_parameters(**MATRICES, **DRIVEN)
    assert model.n_components == 2 and model.n_features_in_ == 5
    assert model.exogenous == [3, 4]
    for name, value in (MATRICES | DRIVEN).items():
        assert_array_equal(getattr(model, f"{name}_"), value)
    without = LinearDynamicalSystem.from_parameters(**MATRICES)
    assert without.input_matrix_ is None and without.feedthrough_matrix_ is None
    # One of the two input matrices stands for the other's zeros.
    half = {"input_matrix": DRIVEN["input_matrix"]}
    half = LinearDynamicalSystem.from_parameters(**MATRICES, **half)
    assert_array_equal(half.feedthrough_matrix_, np.zeros((3, 2)))
    half = {"feedthrough_matrix": DRIVEN["feedthrough_matrix"]}
    half = LinearDynamicalSystem.from_parameters(**MATRICES, **half)
    assert_array_equal(half.input_matrix_, np.zeros((2, 2)))
    # A fit starts from data, not from the matrices.
    X = system_data(30)
    refit = LinearDynamicalSystem.from_parameters(**MATRICES).set_params(max_iter=2)
    fresh = LinearDynamicalSystem(2, max_iter=2).fit(X)
    assert_array_equal(refit.fit(X).transition_matrix_, fresh.transition_matrix_)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("transition_matrix", np.ones((2, 3)), r"must have shape \(2, 2\)"),
        ("transition_matrix", 0.5, "must be a 2-D array"),
        ("transition_matrix", np.empty((0, 0)), "not empty"),
        ("transition_matrix", [["a", "b"], ["c", "d"]], "could not convert"),
        ("transition_matrix", [[np.nan, 0], [0, 1]], "must be finite"),
        ("observation_matrix", np.ones(2), "must be a 2-D array"),
        ("observation_matrix", np.ones((3, 5)), r"must have shape \(3, 2\)"),
        ("transition_covariance", [[1, 2], [2, 1]], "positive semi-definite"),
        ("transition_covariance", [[1, 0.5], [0.1, 1]], "must be symmetric"),
        ("observation_covariance", np.zeros((3, 3)), "positive definite"),
        ("observation_covariance", np.eye(2), r"must have shape \(3, 3\)"),
        ("initial_state_mean", [1.0, np.inf], "must be finite"),
        ("initial_state_mean", [[1.0, 2.0]], "must be a 1-D array"),
        ("initial_state_mean", [1.0], r"must have shape \(2,\)"),
        ("initial_state_covariance", -np.eye(2), "positive semi-definite"),
        ("input_matrix", 2.0, "must be a 2-D array"),
        ("input_matrix", np.ones((3, 1)), r"must have shape \(2, 1\)"),
        ("feedthrough_matrix", np.ones((2, 1)), r"must have shape \(3, 1\)"),
    ],
)
def test_matrices_that_make_no_system(name, value, message):
    with pytest.raises(ValueError, match=f"(?s)^{name}.*{message}|^{message}"):
        LinearDynamicalSystem.from_parameters(**{**MATRICES, name: value})


def test_input_matrices_that_disagree():
    matrices = {**MATRICES, **DRIVEN, "feedthrough_matrix": np.ones((3, 1))}
    with pytest.raises(ValueError, match=r"feedthrough_matrix must have shape \(3, 2"):
        LinearDynamicalSystem.from_parameters(**matrices)


def test_an_unstable_system():
    """Exact where numbers are finite, and an error where they are not."""
    matrices = {**MATRICES, "transition_matrix": np.diag([1.2, 0.5])}
    model = LinearDynamicalSystem.from_parameters(**matrices)
    (x,) = sequences_of(model, lengths=(40,))
    expected = by_statsmodels(model, x)
    assert_allclose(model.score_samples(x).sum(), expected.llf, rtol=1e-9)
    assert_allclose(model.smooth(x)[0], expected.smoothed_state.T, rtol=1e-7)
    assert np.isfinite(model.forecast(x, 100)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="unstable: within n_steps=9000 steps"):
            model.forecast(x, 9000)
        with pytest.raises(ValueError, match="unstable: within n_steps=9000 steps"):
            model.sample(9000, random_state=0)


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"transition_matrix": np.eye(3)}, r"must have shape \(2, 2\), got \(3, 3\)"),
        ({"observation_covariance": -np.eye(2)}, "must be positive definite"),
        ({"transition_covariance": [[1, 2], [2, 1]]}, "positive semi-definite"),
        ({"transition_covariance": [[1, 2], [0, 1]]}, "must be symmetric"),
        ({"transition_matrix": [[np.inf, 0], [0, 1]]}, "must be finite"),
        ({"transition": np.eye(2)}, "no such parameter. Did you mean 'transition_"),
        ({1: np.eye(2)}, "fixed={1: ...}: there is no such parameter"),
        ({"input_matrix": np.ones((2, 1))}, "needs inputs, and there are none"),
    ],
)
def test_what_cannot_be_fixed(fixed, message):
    with pytest.raises(ValueError, match=message):
        LinearDynamicalSystem(2, fixed=fixed).fit(system_data(30))


def assert_sound(model, X):
    """All that the model says is finite, and its covariances are positive."""
    assert np.isfinite(model.score(X))
    for states in (model.filter, model.smooth):
        means, covariances = states(X)
        for mean, covariance in zip(means, covariances, strict=True):
            assert np.isfinite(mean).all() and np.isfinite(covariance).all()
            values = np.linalg.eigvalsh(covariance)
            assert (values >= -1e-12 * np.abs(values).max()).all()
    means, covariances = model.forecast(X, 3, return_cov=True)
    assert all(np.isfinite(x).all() for x in [*means, *covariances])


def test_a_sequence_that_is_all_missing_says_nothing():
    X = system_data(60)
    nothing = np.full((10, 2), np.nan)
    model = LinearDynamicalSystem(2, max_iter=20, init="factor_analysis").fit([X])
    assert_sound(model, [X, nothing])
    assert_array_equal(model.score_samples([X, nothing])[1], np.zeros(10))
    means, covariances = model.filter([nothing])
    A, mean = model.transition_matrix_, model.initial_state_mean_
    assert_allclose(means[0][0], mean)
    assert_allclose(means[0][3], np.linalg.matrix_power(A, 3) @ mean)
    assert_allclose(covariances[0][0], model.initial_state_covariance_)
    learnt = LinearDynamicalSystem(2, max_iter=20).fit([X, nothing])
    assert_sound(learnt, [X, nothing])


def test_a_feature_that_is_all_missing():
    X = system_data(60)
    X[:, 1] = np.nan
    model = LinearDynamicalSystem(2, max_iter=20).fit(X)
    assert_sound(model, X[None])
    alone = LinearDynamicalSystem(2, max_iter=20).fit(X[:, :1])
    assert_allclose(model.score(X), alone.score(X[:, :1]), atol=0.1)


def test_data_that_are_all_missing():
    X = np.full((20, 2), np.nan)
    with pytest.raises(ValueError, match="Every value of X is missing"):
        LinearDynamicalSystem(2).fit(X)
    model = LinearDynamicalSystem(2, max_iter=5).fit(system_data(20))
    assert model.score(np.full((20, model.n_features_in_), np.nan)) == 0.0


def test_sequences_of_one_step():
    """A Gaussian of the rows, as there are no dynamics to see."""
    X = system_data(100)
    panel = X[:, None]
    model = LinearDynamicalSystem(1, max_iter=200).fit(panel)
    assert_sound(model, panel)
    centred = X - X.mean(axis=0)
    covariance = centred.T @ centred / len(X)
    best = -0.5 * (np.linalg.slogdet(2 * np.pi * covariance)[1] + 2)
    assert best - 0.1 < model.score(panel) < best + 0.01
    assert_sound(LinearDynamicalSystem(1).fit(X[:1]), X[None, :1])


def test_more_components_than_the_data_support():
    X = system_data(60)
    assert_sound(LinearDynamicalSystem(12, max_iter=2).fit(X), X[None])
    assert_sound(LinearDynamicalSystem(12, max_iter=2).fit(X[:3]), X[None, :3])


@pytest.mark.parametrize(
    "columns",
    {
        "constant": lambda x: np.column_stack([x, np.full(len(x), 5.0)]),
        "all constant": lambda x: np.ones_like(x),
        "all zero": lambda x: np.zeros_like(x),
        "collinear": lambda x: np.column_stack([x, x @ [1.0, 2.0]]),
        "equal": lambda x: np.column_stack([x, x]),
    }.items(),
    ids=lambda item: item[0],
)
def test_constant_and_collinear_features(columns):
    X = columns[1](system_data(60))
    assert_sound(LinearDynamicalSystem(2, max_iter=20).fit(X), X[None])


@pytest.mark.parametrize("scale", [2.0**498, 2.0**-498])  # about 1e±150
def test_very_large_and_very_small_values(scale):
    X = system_data(60)
    plain = LinearDynamicalSystem(2, max_iter=10).fit(X)
    model = LinearDynamicalSystem(2, max_iter=10).fit(scale * X)
    assert_allclose(model.score(scale * X), plain.score(X) - 2 * np.log(scale))
    assert_allclose(model.forecast(scale * X, 3), scale * plain.forecast(X, 3))
    mixed = X * [1e150, 1e-150]
    model = LinearDynamicalSystem(2, max_iter=10).fit(mixed)
    assert np.isfinite(model.score(mixed))
    assert np.isfinite(model.forecast(mixed, 3)).all()


def test_missing_driving_inputs_are_refused():
    X = system_data(40)
    holed = X.copy()
    holed[3, 1] = np.nan
    model = LinearDynamicalSystem(exogenous=1, max_iter=2)
    message = r"NaN in a driving input: row 3, feature 'x1'.*SimpleImputer"
    with pytest.raises(ValueError, match=message):
        model.fit(holed)
    model.fit(X)
    for method in (model.transform, model.score, model.smooth, model.forecast):
        arguments = {"future_exogenous": [[1.0]]} if method == model.forecast else {}
        with pytest.raises(ValueError, match=message):
            method(holed, **arguments)
    holed[3] = np.nan, 1.0
    model.fit(holed)


def test_rows_that_are_no_data():
    X = system_data(40)
    model = LinearDynamicalSystem(max_iter=2).fit(X)
    infinite = X.copy()
    infinite[3, 1] = np.inf
    for call in (model.transform, model.smooth, model.score, clone(model).fit):
        with pytest.raises(ValueError, match="infinity.*row 3.*feature 'x1'"):
            call(infinite)
    with pytest.raises(ValueError, match="X has 1 features, but .* is expecting 2"):
        model.transform(X[:, :1])
    with pytest.raises(ValueError, match="groups must be contiguous"):
        model.fit(X, groups=np.arange(40) % 2)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        LinearDynamicalSystem().fit(X, groups=np.zeros(3))
    with pytest.raises(ValueError, match="0 sample"):
        LinearDynamicalSystem().fit(X[:0])
    with pytest.raises(ValueError, match="no row of X has a target to score by"):
        LinearDynamicalSystem(max_iter=2, burn_in=40).fit(X).score(X)


@pytest.mark.parametrize("n", [0, -1, 1.5, "a"])
def test_numbers_of_steps_and_sequences(n):
    model = LinearDynamicalSystem.from_parameters(**MATRICES)
    x = np.zeros((5, 3))
    with pytest.raises(ValueError, match="n_steps=.*integer of at least 1"):
        model.forecast(x, n)
    with pytest.raises(ValueError, match="n_steps=.*integer of at least 1"):
        model.sample(n)
    with pytest.raises(ValueError, match="n_sequences=.*integer of at least 1"):
        model.sample(2, n_sequences=n)
