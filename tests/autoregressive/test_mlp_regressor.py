"""Feed-forward nets over taps, against scikit-learn's MLPRegressor and by property."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn_versions import ScoringMonitor, needs_callbacks

from sklearn_seq import ARRegressor, MLPSequenceRegressor
from sklearn_seq.datasets import load_sunspots, make_ar_process, make_mackey_glass
from sklearn_seq.metrics import mean_log_likelihood_scorer
from sklearn_seq.model_selection import TimeSeriesSplitWithContext

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def stacked_taps(X, n_lags):
    """Rows t ≥ n_lags - 1 with their predecessors, the latest first."""
    return np.hstack([X[n_lags - 1 - k : len(X) - k] for k in range(n_lags)])


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_equals_scikit_learn_on_stacked_taps(activation, solver):
    X = make_ar_process(300, random_state=0)
    X = (X - X.mean()) / X.std()
    params = {
        "hidden_layer_sizes": (8,),
        "activation": activation,
        "solver": solver,
        "max_iter": 20,
        "random_state": 3,
        "alpha": 0.1,
    }
    ours = MLPSequenceRegressor(4, **params).fit(X)
    taps = stacked_taps(X, 4)
    theirs = MLPRegressor(**params).fit(taps[:-1], X[4:, 0])
    assert_allclose(ours.predict(X)[3:, 0], theirs.predict(taps), rtol=1e-6, atol=1e-8)
    for mine, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert_allclose(mine, other, rtol=1e-5, atol=1e-7)
    if solver != "lbfgs":
        assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-8)


def test_linear_net_with_direct_connections_only_is_ridge():
    X = make_ar_process(400, random_state=1)
    y = np.convolve(X[:, 0], [0.5, -0.2, 0.1])[:400]
    net = MLPSequenceRegressor(
        3, (), solver="lbfgs", alpha=2.0, tol=1e-9, max_iter=5000, standardize=False
    ).fit(X, y)
    ridge = Ridge(alpha=2.0).fit(stacked_taps(X, 3), y[2:])
    assert_allclose(net.coefs_[0][:, 0], ridge.coef_, atol=1e-5)
    assert_allclose(net.predict(X)[2:], ridge.predict(stacked_taps(X, 3)), atol=1e-4)


@pytest.mark.slow
def test_sunspots_net_chosen_by_cross_validation_beats_ar9():
    # The square root is the customary transform that steadies the sunspots' variance.
    bunch = load_sunspots()
    X, years = bunch.data, bunch.time
    train = X[years <= 1920]
    test = np.flatnonzero((years >= 1921) & (years <= 1987))
    pipeline = Pipeline(
        [
            ("root", FunctionTransformer(np.sqrt, np.square, check_inverse=False)),
            ("scale", StandardScaler()),
            (
                "net",
                MLPSequenceRegressor(
                    activation="tanh",
                    solver="lbfgs",
                    direct_connections=True,
                    max_iter=2000,
                    burn_in=12,
                    random_state=0,
                ),
            ),
        ]
    )
    grid = {
        "net__n_lags": [9, 12],
        "net__hidden_layer_sizes": [(4,), (8,)],
        "net__alpha": [1.0, 3.0, 10.0],
    }
    folds = TimeSeriesSplitWithContext(5, burn_in=12)
    search = GridSearchCV(pipeline, grid, cv=folds).fit(train)
    predicted = search.best_estimator_[:-1].inverse_transform(search.predict(X))
    net_error = np.mean((predicted[test - 1] - X[test]) ** 2)
    ar_error = np.mean((ARRegressor(9).fit(train).predict(X)[test - 1] - X[test]) ** 2)
    assert abs(ar_error - 305.2) < 0.5
    assert net_error < ar_error


def test_learns_a_nonlinear_series_that_a_linear_model_cannot():
    X = make_mackey_glass(1500, random_state=0)
    X = (X - X.mean()) / X.std()
    y = np.roll(X[:, 0], -10)
    net = MLPSequenceRegressor(
        8, (32,), solver="lbfgs", activation="tanh", max_iter=300, random_state=0
    )
    linear = ARRegressor(8).fit(X[:1000], y[:1000]).score(X[1000:1480], y[1000:1480])
    score = net.fit(X[:1000], y[:1000]).score(X[1000:1480], y[1000:1480])
    assert 1 - score < 0.2 * (1 - linear)


def test_one_target_per_sequence_averages_the_outputs():
    rng = np.random.default_rng(0)
    X = [rng.standard_normal((rng.integers(2, 12), 2)) for _ in range(60)]
    y = np.array([x[:, 0].mean() for x in X])
    net = MLPSequenceRegressor(
        1, (), solver="lbfgs", alpha=0.0, tol=1e-10, max_iter=1000, random_state=0,
        standardize=False,
    ).fit(X, y)  # fmt: skip
    assert_allclose(net.predict(X), y, atol=1e-4)
    assert_allclose(net.coefs_[0][:, 0], [1.0, 0.0], atol=1e-4)
    with pytest.raises(ValueError, match="X must be a panel"):
        net.predict(X[0])


def test_missing_targets_do_not_count():
    X = make_ar_process(200, random_state=2)
    Y = np.hstack([2 * X, -X])
    params = {"solver": "lbfgs", "alpha": 0.0, "tol": 1e-9, "max_iter": 2000}
    spoilt = Y.copy()
    spoilt[::3, 0] = np.nan
    net = MLPSequenceRegressor(1, (), **params).fit(X, spoilt)
    assert_allclose(net.predict(X), Y, atol=1e-3)
    assert np.isfinite(net.score_samples(X, spoilt)).all()
    assert net.score(X, spoilt) > 0.999


def test_float32_stays_float32_and_float64_stays_float64():
    X = make_ar_process(100, random_state=0)
    for dtype in (np.float32, np.float64):
        net = MLPSequenceRegressor(2, (4,), max_iter=2).fit(X.astype(dtype))
        assert net.coefs_[0].dtype == dtype
        assert net.predict(X.astype(dtype)).dtype == dtype
        # The net decides, not the data it is asked about.
        assert net.predict(X).dtype == dtype


def test_noise_covariance_and_density():
    X = make_ar_process(500, random_state=0)
    net = MLPSequenceRegressor(2, (8,), solver="lbfgs", random_state=0).fit(X)
    residuals = X[2:] - net.predict(X)[1:-1]
    variance = np.mean(residuals**2)
    assert_allclose(net.noise_covariance_, [[variance]], rtol=1e-8)
    expected = -0.5 * (residuals[:, 0] ** 2 / variance + np.log(2 * np.pi * variance))
    assert_allclose(net.score_samples(X)[2:], expected, rtol=1e-6)
    _, std = net.predict(X, return_std=True)
    assert_allclose(std, np.full((500, 1), np.sqrt(variance)))


def test_partial_fit_is_one_epoch_a_call_and_goes_on():
    X = make_ar_process(300, random_state=0)
    params = {"hidden_layer_sizes": (5,), "random_state": 0, "n_lags": 3}
    whole = MLPSequenceRegressor(max_iter=4, n_iter_no_change=10, **params).fit(X)
    parts = MLPSequenceRegressor(**params)
    for _ in range(4):
        parts.partial_fit(X)
    # The same initial weights and optimiser; only the order of samples may differ.
    assert parts.n_iter_ == 4
    assert len(parts.loss_curve_) == 4
    assert_allclose(parts.loss_curve_[0], whole.loss_curve_[0], rtol=1e-10)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=0.05)
    half = MLPSequenceRegressor(**params).partial_fit(X[:150]).partial_fit(X[150:])
    assert np.isfinite(half.score_samples(X)).all()
    with pytest.raises(ValueError, match="first fitted without y"):
        parts.partial_fit(X, X[:, 0])
    with pytest.raises(ValueError, match="X has 2 features"):
        parts.partial_fit(np.hstack([X, X]))


def test_partial_fit_heeds_changed_settings():
    X = np.sin(np.arange(100.0))[:, None]
    net = MLPSequenceRegressor(2, (4,), solver="sgd", momentum=0.0, random_state=0)
    net.partial_fit(X)
    slow, other = copy.deepcopy(net), copy.deepcopy(net)
    slow.set_params(learning_rate_init=1e-12).partial_fit(X)
    for before, after in zip(net.coefs_, slow.coefs_, strict=True):
        assert_allclose(after, before, atol=1e-9)
    other.set_params(solver="adam", learning_rate_init=1e-12).partial_fit(X)
    for before, after in zip(net.coefs_, other.coefs_, strict=True):
        assert_allclose(after, before, atol=1e-9)


def test_partial_fit_needs_a_mini_batch_solver():
    net = MLPSequenceRegressor(solver="lbfgs")
    assert not hasattr(net, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        net.partial_fit([[1.0], [2.0]])


def test_warm_start_goes_on():
    X = make_ar_process(200, random_state=0)
    net = MLPSequenceRegressor(
        2, (6,), solver="lbfgs", max_iter=5, warm_start=True, random_state=0
    )
    losses = [net.fit(X).loss_ for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    net.set_params(hidden_layer_sizes=(7,))
    with pytest.raises(ValueError, match="warm_start"):
        net.fit(X)


def test_early_stopping_keeps_the_best_of_held_out_data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    y = rng.standard_normal(60)
    net = MLPSequenceRegressor(
        2, (50,), learning_rate_init=0.05, early_stopping=True, max_iter=200,
        standardize=False, random_state=0, alpha=0.0, n_iter_no_change=5,
    ).fit(X, y)  # fmt: skip
    best = int(np.argmax(net.validation_scores_))
    assert best < len(net.validation_scores_) - 1
    # One sequence: the last tenth of the 59 targets with complete taps is held out.
    held_out = slice(-6, None)
    error = 0.5 * np.mean((net.predict(X)[held_out] - y[held_out]) ** 2)
    assert_allclose(-max(net.validation_scores_), error, rtol=1e-10)


def test_early_stopping_holds_out_whole_sequences():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 15, 1))
    net = MLPSequenceRegressor(
        2, (4,), early_stopping=True, max_iter=3, standardize=False, random_state=0
    )
    net.fit(X)
    losses = [0.5 * np.mean((net.predict(x[None])[0, 1:-1] - x[2:]) ** 2) for x in X]
    expected = -max(net.validation_scores_)
    pairs = [(a + b) / 2 for i, a in enumerate(losses) for b in losses[:i]]
    assert np.min(np.abs(np.array(pairs) - expected)) < 1e-12


def test_divergence_is_an_error_with_a_remedy():
    X = 1e6 * make_ar_process(100, random_state=0)
    net = MLPSequenceRegressor(2, solver="sgd", learning_rate_init=10.0)
    with pytest.raises(ValueError, match="Lower learning_rate_init"):
        net.fit(X)


def test_no_convergence_is_a_warning():
    X = make_ar_process(100, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        MLPSequenceRegressor(2, max_iter=1).fit(X)


def test_forecast_and_sample_run_on_their_own_outputs():
    X = make_ar_process(200, random_state=0)
    net = MLPSequenceRegressor(3, (5,), solver="lbfgs", random_state=0).fit(X)
    series = X.copy()
    for _ in range(4):
        series = np.vstack([series, net.predict(series)[-1:]])
    assert_allclose(net.forecast(X, 4), series[-4:], rtol=1e-10)
    drawn = net.sample(50, random_state=0)
    assert drawn.shape == (50, 1)
    assert_array_equal(drawn, net.sample(50, random_state=0))
    assert net.sample(5, n_sequences=3, random_state=0).shape == (3, 5, 1)
    residuals = drawn[1:] - net.predict(drawn)[:-1]
    ratio = residuals.var() / net.noise_covariance_[0, 0]
    assert 0.4 < ratio < 2.0


def test_determinism_pickle_and_clone():
    X = make_ar_process(150, random_state=0)
    net = MLPSequenceRegressor(2, (5,), max_iter=10, random_state=0).fit(X)
    again = clone(net).fit(X)
    assert_array_equal(net.predict(X), again.predict(X))
    loaded = pickle.loads(pickle.dumps(net))
    assert_array_equal(net.predict(X), loaded.predict(X))
    # A loaded net goes on where the saved one was.
    assert_array_equal(loaded.partial_fit(X).predict(X), net.partial_fit(X).predict(X))


@pytest.mark.parametrize(
    "params, message",
    [
        ({"n_lags": 0}, "n_lags"),
        ({"hidden_layer_sizes": (3, -1)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (3.5,)}, "hidden_layer_sizes"),
        ({"solver": "newton"}, "solver"),
        ({"activation": "sine"}, "activation"),
        ({"learning_rate_init": 0.0}, "learning_rate_init"),
        ({"batch_size": 0}, "batch_size"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
    ],
)
def test_bad_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        MLPSequenceRegressor(**params).fit(np.arange(20.0).reshape(-1, 1))


def test_too_short_to_learn_from():
    with pytest.raises(ValueError, match="needs longer sequences"):
        MLPSequenceRegressor(5).fit(np.arange(5.0).reshape(-1, 1))


def test_integer_hidden_layer_sizes():
    X = make_ar_process(50, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = MLPSequenceRegressor(2, 7, max_iter=2).fit(X)
    assert [w.shape for w in net.coefs_] == [(2, 7), (7, 1)]


@needs_callbacks
def test_monitored_log_likelihood_ends_at_that_of_the_fitted_net():
    X = make_ar_process(150, random_state=0)
    net = MLPSequenceRegressor(2, (5,), max_iter=4, random_state=0)
    monitor = ScoringMonitor(scoring={"ll": mean_log_likelihood_scorer})
    net.set_callbacks(monitor).fit(X)
    logged = [
        entry["ll"]
        for entry in monitor.get_logs().data
        if entry["task_name"] == "iteration"
    ]
    assert len(logged) == 4
    assert_allclose(logged[-1], mean_log_likelihood_scorer(net, X))
    assert len(set(logged)) == 4


def test_going_on_from_data_beyond_single_precision_is_an_error_without_warning():
    X = np.random.default_rng(0).normal(size=(12, 1)).astype(np.float32)
    model = MLPSequenceRegressor(max_iter=3, random_state=0).fit(X)
    far = np.full((12, 1), 1e200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in (model.forecast, model.sample):
            with pytest.raises(ValueError, match="leaves the range of floating point"):
                method(n_steps=2, X=far)
