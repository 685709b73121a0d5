"""Recurrent networks for real-valued targets, by property."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn_versions import ScoringMonitor, needs_callbacks

from sklearn_seq.datasets import make_ar_process
from sklearn_seq.metrics import mean_log_likelihood_scorer
from sklearn_seq.rnn import RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CELLS = ["tanh", "relu", "lstm", "gru"]


def signs(n_sequences, n_steps, seed=0):
    rng = np.random.default_rng(seed)
    return rng.choice([-1.0, 1.0], size=(n_sequences, n_steps, 1))


def ragged(seed=0, lengths=(9, 3, 14, 6, 1, 11), n_features=2):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, n_features)) for n in lengths]


def short(**params):
    return RNNRegressor((5,), random_state=0, **{"max_iter": 5, **params})


@pytest.mark.parametrize("cell", CELLS)
def test_learns_what_needs_a_memory(cell):
    X = signs(150, 15)
    y = np.cumsum(X[:, :, 0], axis=1) / 4
    model = RNNRegressor((8,), cell=cell, random_state=0).fit(X[:100], y[:100])
    assert model.score(X[100:], y[100:]) > 0.9
    assert model.loss_ < 0.1 * model.loss_curve_[0]


@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop", "lbfgs", "hessian-free"])
def test_solvers(solver):
    X = signs(100, 10)
    y = np.cumsum(X[:, :, 0], axis=1) / 4
    params = {"learning_rate_init": 0.1} if solver == "sgd" else {}
    model = RNNRegressor(
        (6,), solver=solver, max_iter=60, random_state=0, **params
    ).fit(X[:80], y[:80])
    assert model.score(X[80:], y[80:]) > 0.8
    assert model.n_iter_ == len(model.loss_curve_) <= 60


def test_output_is_that_of_the_formula():
    X = np.random.default_rng(0).standard_normal((6, 2))
    model = short(max_iter=2, standardize=False).fit(X)
    h = model.initial_state_
    for t, x in enumerate(X):
        h = np.tanh(
            x @ model.input_weights_[0]
            + h @ model.recurrent_weights_[0]
            + model.biases_[0]
        )
        assert_allclose(model.transform(X)[t], h, rtol=1e-10)
        y = model.coef_ @ h + model.intercept_
        assert_allclose(model.predict(X)[t], y, rtol=1e-10)


def test_one_target_per_sequence_is_read_from_the_final_activities():
    X = ragged(lengths=(4, 7, 5, 9) * 10)
    y = np.array([x[0, 0] for x in X])
    model = RNNRegressor((8,), max_iter=150, standardize=False, random_state=0).fit(
        X, y
    )
    assert model.predict(X).shape == (40,)
    assert model.score(X, y) > 0.9
    last = np.array([h[-1] for h in model.transform(X)])
    assert_allclose(model.predict(X), last @ model.coef_[0] + model.intercept_[0])
    with pytest.raises(ValueError, match="X must be a panel"):
        model.predict(X[0])


def test_last_step_only_is_one_target_per_sequence():
    X = np.random.default_rng(0).standard_normal((20, 6, 2))
    y = np.random.default_rng(1).standard_normal((20, 6))
    params = {"target_steps": "last", "alpha": 0.0}
    per_step = short(**params).fit(X, y)
    per_sequence = short(alpha=0.0).fit(X, y[:, -1])
    assert_allclose(per_step.predict(X)[:, -1], per_sequence.predict(X), rtol=1e-5)
    assert_allclose(per_step.score(X, y), per_sequence.score(X, y[:, -1]), rtol=1e-5)
    masked = np.full_like(y, np.nan)
    masked[:, -1] = y[:, -1]
    same = short(alpha=0.0).fit(X, masked)
    assert_allclose(same.predict(X), per_step.predict(X), rtol=1e-5)


def test_last_steps_count_in_loss_and_score():
    X = np.random.default_rng(0).standard_normal((20, 6, 1))
    y = np.random.default_rng(1).standard_normal((20, 6))
    model = short(target_steps=2).fit(X, y)
    changed = y.copy()
    changed[:, :4] += 100.0
    again = short(target_steps=2).fit(X, changed)
    assert_array_equal(model.predict(X), again.predict(X))
    assert model.score(X, y) == model.score(X, changed)
    # Without y, the last steps that have a target.
    free = short(target_steps=2).fit(X)
    changed = X.copy()
    changed[:, 0] = 0.5
    assert np.isfinite(free.score(changed))
    with pytest.raises(ValueError, match="target_steps=7 is more than"):
        short(target_steps=7).fit(X, y)
    with pytest.raises(ValueError, match="target_steps=6 is more than"):
        short(target_steps=6).fit(X)


def test_one_target_is_that_of_all_of_the_last_steps():
    rng = np.random.default_rng(0)
    y = np.array([[0.7, -0.7], [-0.7, 0.7], [0.7, 0.7]])[rng.integers(0, 3, 60)]
    starts = np.full((60, 8), np.nan)
    starts[:, :2] = y + 0.2 * rng.standard_normal((60, 2))
    X = np.zeros((60, 12, 1))
    model = RNNRegressor(
        (8,), readout="units", target_steps=5, initial_state=0.0, random_state=0
    ).fit(X, y, initial_states=starts)
    assert model.score(X, y, initial_states=starts) > 0.9
    for n_steps in range(8, 13):
        outputs = model.predict(X[:, :n_steps], initial_states=starts)
        assert np.mean((outputs - y) ** 2) < 0.15 * y.var()
    assert model.coef_ is None and model.intercept_ is None


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [(5,), (4, 3)])
def test_a_stream_can_be_continued(cell, layers):
    X = ragged(lengths=(9, 6, 12))
    model = RNNRegressor(layers, cell=cell, max_iter=3, random_state=0).fit(X)
    first, rest = [x[:4] for x in X], [x[4:] for x in X]
    _, states = model.predict(first, return_state=True)
    width = sum(layers) * (2 if cell == "lstm" else 1)
    assert states.shape == (3, width)
    whole = model.predict(X)
    continued, std, end = model.predict(
        rest, return_std=True, return_state=True, initial_states=states
    )
    for a, b, s in zip(whole, continued, std, strict=True):
        assert_allclose(b, a[4:], rtol=1e-12, atol=1e-14)
        assert s.shape == b.shape
    assert_allclose(end, model.predict(X, return_state=True)[1], rtol=1e-12)
    for method in ("transform", "score_samples"):
        whole = getattr(model, method)(X)
        continued = getattr(model, method)(rest, initial_states=states)
        for a, b in zip(whole, continued, strict=True):
            assert_allclose(b, a[4:], rtol=1e-10, atol=1e-12)
    for a, b in zip(
        model.forecast(X, 3),
        model.forecast(rest, 3, initial_states=states),
        strict=True,
    ):
        assert_allclose(b, a, rtol=1e-10)


def test_initial_states_of_some_units():
    X = np.concatenate(ragged(lengths=(4, 6)))
    groups = np.repeat([7, 3], [4, 6])
    model = short().fit(X, groups=groups)
    own = model.initial_state_
    states = np.tile(own, (2, 1))
    states[1, 2] = 0.9
    unset = np.full((2, 5), np.nan)
    unset[1, 2] = 0.9
    expected = model.predict(X, groups, initial_states=states)
    assert_allclose(model.predict(X, groups, initial_states=unset), expected)
    plain = model.predict(X, groups)
    assert_allclose(expected[:4], plain[:4])
    assert np.abs(expected[4] - plain[4]).max() > 1e-3
    for wrong in (np.zeros((2, 4)), np.zeros((3, 5)), np.zeros(5)):
        with pytest.raises(ValueError, match=r"initial_states|1D array"):
            model.predict(X, groups, initial_states=wrong)
    with pytest.raises(ValueError, match="expected \\(2, 5\\): one row for each"):
        short().fit(X, groups=groups, initial_states=np.zeros((3, 5)))


def test_given_initial_states_are_not_learned():
    X = np.random.default_rng(0).standard_normal((10, 5, 1))
    given = np.full((10, 5), 0.3)
    start = short(max_iter=1, solver="sgd", learning_rate_init=1e-12).fit(X)
    model = short().fit(X, initial_states=given)
    assert_allclose(model.initial_state_, start.initial_state_, atol=1e-9)
    given[:, 0] = np.nan
    model = short().fit(X, initial_states=given)
    moved = np.abs(model.initial_state_ - start.initial_state_) > 1e-6
    assert_array_equal(moved, [True, False, False, False, False])
    assert_array_equal(short(initial_state=0.5).fit(X).initial_state_, np.full(5, 0.5))


def test_initial_states_are_routed_when_requested():
    X = np.random.default_rng(0).standard_normal((12, 5, 1))
    states = np.random.default_rng(1).standard_normal((12, 5))
    with config_context(enable_metadata_routing=True):
        model = short()
        with pytest.raises(ValueError, match="initial_states"):
            cross_val_score(model, X, X[:, :, 0], params={"initial_states": states})
        model.set_fit_request(initial_states=True)
        model.set_score_request(initial_states=True)
        scores = cross_val_score(
            model, X, X[:, :, 0], params={"initial_states": states}
        )
        assert np.isfinite(scores).all()


def test_a_hole_in_time_starts_anew_in_the_models_own_state():
    X = np.random.default_rng(0).standard_normal((10, 1))
    frame = pd.DataFrame(X, index=[0, 1, 2, 3, 9, 10, 11, 12, 13, 14], columns=["a"])
    model = short().fit(frame)
    states = np.full((1, 5), 0.7)
    whole, final = model.predict(frame, initial_states=states, return_state=True)
    assert_allclose(whole[:4], model.predict(frame[:4], initial_states=states))
    rest, rest_final = model.predict(frame[4:], return_state=True)
    assert_allclose(whole[4:], rest)
    assert_allclose(final, rest_final)


def test_chunks_take_one_step_each_and_carry_the_state():
    X = make_ar_process(95, random_state=0)
    model = short(truncate=10, max_iter=3).fit(X)
    assert model._optimizer.n_updates == 30
    whole = short(truncate=None, max_iter=3).fit(X)
    assert whole._optimizer.n_updates == 3
    automatic = short(max_iter=3).fit(make_ar_process(201, random_state=0))
    assert automatic._optimizer.n_updates == 9
    assert short(max_iter=3).fit(X)._optimizer.n_updates == 3


def test_next_step_predictions_come_near_the_best_there_are():
    X = make_ar_process(1000, random_state=0)
    model = RNNRegressor((8,), random_state=0).fit(X[:800])
    spectrum = model.score(X[800:])
    lagged = np.corrcoef(X[800:-1, 0], X[801:, 0])[0, 1] ** 2
    assert spectrum > lagged - 0.05


@pytest.mark.parametrize("kind", ["symmetric", "antisymmetric", "diagonal"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "hessian-free"])
def test_constraints_hold_after_training(kind, solver):
    X = make_ar_process(60, random_state=0)
    model = short(recurrent_constraint=kind, solver=solver).fit(X)
    weights = model.recurrent_weights_[0]
    expected = {
        "symmetric": weights.T,
        "antisymmetric": -weights.T,
        "diagonal": np.diag(np.diag(weights)),
    }[kind]
    assert_allclose(weights, expected, atol=1e-12)


def test_shared_weights():
    X = make_ar_process(60, random_state=0)
    circulant = (np.arange(5) - np.arange(5)[:, None]) % 5
    weights = short(recurrent_constraint=circulant).fit(X).recurrent_weights_[0]
    assert_allclose(weights, weights[0][circulant])
    for wrong in (circulant[:4], circulant[:4, :4], circulant * 0.5, [1, 2]):
        with pytest.raises(ValueError, match="recurrent_constraint"):
            short(recurrent_constraint=wrong).fit(X)
    unequal = RNNRegressor((5, 4), recurrent_constraint=circulant)
    with pytest.raises(ValueError, match="all layers"):
        unequal.fit(X)


def test_missing_targets_do_not_count():
    X = np.random.default_rng(0).standard_normal((10, 8, 1))
    y = np.random.default_rng(1).standard_normal((10, 8, 2))
    y[:, ::3, 0] = np.nan
    y[4] = np.nan
    model = short().fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.score(X, y))
    assert_array_equal(model.score_samples(X, y)[4], 0)
    with pytest.raises(ValueError, match="NaN only"):
        short().fit(X, np.full((10, 8), np.nan))


def test_sample_weight_zero_is_leaving_out_and_two_is_twice():
    X = np.random.default_rng(0).standard_normal((6, 5, 1))
    params = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 8}
    kept = short(**params).fit(X, sample_weight=[1, 0, 1, 1, 0, 1])
    alone = short(**params).fit(X[[0, 2, 3, 5]])
    assert_allclose(kept.predict(X), alone.predict(X), rtol=1e-6, atol=1e-8)
    # Weights do not count in the standard units, so that these are left out.
    params["standardize"] = False
    weights = [1, 0, 2, 1, 0, 1]
    weighted = short(**params).fit(X, sample_weight=weights)
    repeated = short(**params).fit(X[[0, 2, 2, 3, 5]])
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6, atol=1e-8)
    assert_allclose(weighted.noise_covariance_, repeated.noise_covariance_, rtol=1e-6)
    with pytest.raises(ValueError, match="at least one non-zero number|zero wherever"):
        short().fit(X, sample_weight=np.zeros(6))
    with pytest.raises(ValueError, match="sample_weight is zero"):
        short().fit(X[0], sample_weight=[1, 0, 0, 0, 0])


def test_burn_in_does_not_count():
    X = np.random.default_rng(0).standard_normal((8, 7, 1))
    y = X[:, :, 0] ** 2
    changed = y.copy()
    changed[:, :3] = 50.0
    model = short(burn_in=3).fit(X, y)
    again = short(burn_in=3).fit(X, changed)
    assert_array_equal(model.predict(X), again.predict(X))
    assert model.score(X, y) == model.score(X, changed)


def test_noise_covariance_density_and_std():
    X = make_ar_process(300, random_state=0)
    model = short(max_iter=20).fit(X)
    residuals = X[1:] - model.predict(X)[:-1]
    variance = np.mean(residuals**2)
    assert_allclose(model.noise_covariance_, [[variance]], rtol=1e-8)
    expected = -0.5 * (residuals[:, 0] ** 2 / variance + np.log(2 * np.pi * variance))
    assert_allclose(model.score_samples(X)[1:], expected, rtol=1e-6)
    _, std = model.predict(X, return_std=True)
    assert_allclose(std, np.full((300, 1), np.sqrt(variance)))


@pytest.mark.parametrize("cell", CELLS)
def test_forecast_and_sample_run_on_their_own_outputs(cell):
    X = make_ar_process(80, random_state=0)
    model = short(cell=cell).fit(X)
    series = X
    for _ in range(4):
        series = np.vstack([series, model.predict(series)[-1:]])
    assert_allclose(model.forecast(X, 4), series[-4:], rtol=1e-8)
    drawn = model.sample(200, random_state=0)
    assert_array_equal(drawn, model.sample(200, random_state=0))
    residuals = drawn[1:] - model.predict(drawn)[:-1]
    assert 0.7 < residuals.var() / model.noise_covariance_[0, 0] < 1.4
    assert model.sample(5, n_sequences=3, random_state=0).shape == (3, 5, 1)
    assert model.sample(1, random_state=0).shape == (1, 1)
    assert model.sample(6, X=X[None], random_state=0).shape == (1, 6, 1)
    with pytest.raises(ValueError, match="fitted without y"):
        short().fit(X, X[:, 0]).forecast(X)


def test_forecast_with_driving_inputs():
    X = np.random.default_rng(0).standard_normal((50, 2))
    model = short(exogenous=[1]).fit(X)
    future = np.ones((3, 1))
    series = X
    for t in range(3):
        row = np.hstack([model.predict(series)[-1], future[t]])
        series = np.vstack([series, row])
    forecast = model.forecast(X, 3, future_exogenous=future)
    assert_allclose(forecast, series[-3:, :1], rtol=1e-8)


def test_partial_fit_is_one_epoch_a_call_and_goes_on():
    X = np.random.default_rng(0).standard_normal((40, 9, 1))
    whole = short(max_iter=4).fit(X)
    parts = short()
    for _ in range(4):
        parts.partial_fit(X)
    assert parts.n_iter_ == len(parts.loss_curve_) == 4
    assert_allclose(parts.loss_curve_[0], whole.loss_curve_[0], rtol=1e-10)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=0.05)
    slower = short().partial_fit(X).set_params(learning_rate_init=1e-9)
    before = slower.predict(X)
    assert_allclose(slower.partial_fit(X).predict(X), before, atol=1e-6)
    with pytest.raises(ValueError, match="first fitted without y"):
        parts.partial_fit(X, X[:, :, 0])
    assert not hasattr(short(solver="lbfgs"), "partial_fit")


def test_partial_fit_learns_a_stream_with_its_states():
    X = make_ar_process(300, random_state=0)
    model, states = short(), None
    for start in range(0, 300, 50):
        piece = X[start : start + 50]
        model.partial_fit(piece, initial_states=states)
        _, states = model.predict(piece, initial_states=states, return_state=True)
    assert model.n_iter_ == 6
    assert states.shape == (1, 5)


def test_warm_start_goes_on():
    X = make_ar_process(100, random_state=0)
    model = short(solver="lbfgs", warm_start=True)
    losses = [model.fit(X).loss_ for _ in range(4)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    for change in ({"hidden_layer_sizes": (6,)}, {"cell": "relu"}):
        with pytest.raises(ValueError, match="warm_start"):
            clone(model).fit(X).set_params(**change).fit(X)


def test_early_stopping_keeps_the_best_of_held_out_sequences():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 8, 3)), rng.standard_normal((30, 8))
    model = RNNRegressor(
        (40,),
        early_stopping=True,
        n_iter_no_change=5,
        standardize=False,
        random_state=0,
    ).fit(X, y)
    best = int(np.argmax(model.validation_scores_))
    assert best < len(model.validation_scores_) - 1
    losses = [0.5 * np.mean((model.predict(X[[i]]) - y[i]) ** 2) for i in range(30)]
    triples = [
        (a + b + c) / 3
        for i, a in enumerate(losses)
        for j, b in enumerate(losses[:i])
        for c in losses[:j]
    ]
    assert np.min(np.abs(np.array(triples) + max(model.validation_scores_))) < 1e-12


def test_early_stopping_holds_out_the_last_part_of_a_single_sequence():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), rng.standard_normal(60)
    model = RNNRegressor(
        (40,), early_stopping=True, n_iter_no_change=5, random_state=0
    ).fit(X, y)
    error = 0.5 * np.mean((model.predict(X)[-6:] - y[-6:]) ** 2)
    error /= np.var(y[:-6])  # in standard units, of what is learned from
    assert_allclose(-max(model.validation_scores_), error, rtol=1e-10)
    # What is held out is not learned from.
    changed = y.copy()
    changed[-6:] += 1e-3
    again = clone(model).set_params(max_iter=3).fit(X, changed)
    first = clone(model).set_params(max_iter=3).fit(X, y)
    assert_allclose(again.loss_curve_, first.loss_curve_, rtol=1e-12)
    with pytest.raises(ValueError, match="cannot be split"):
        short(early_stopping=True, target_steps="last").fit(X, y)
    with pytest.raises(ValueError, match="cannot be split"):
        short(early_stopping=True).fit(X[None], y[:1])


def test_divergence_keeps_the_best_weights_and_warns():
    X = signs(20, 40)
    y = np.cumsum(X[:, :, 0], axis=1)
    model = RNNRegressor(
        (8,), cell="relu", solver="sgd", learning_rate_init=0.003, momentum=0.99,
        max_grad_norm=None, batch_size=5, tol=0.0, standardize=False, random_state=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning, match="Training diverged in epoch"):
        model.fit(X, y)
    assert np.isfinite(model._parameters.flat).all()
    assert model.score(X, y) > 0.2
    with pytest.raises(ValueError, match="Lower learning_rate_init"):
        model.set_params(learning_rate_init=1e6).fit(1e3 * X, 1e3 * y)


def test_no_convergence_is_a_warning():
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        short(max_iter=1).fit(make_ar_process(50, random_state=0))


def test_float32_stays_float32_and_float64_stays_float64():
    X = make_ar_process(60, random_state=0)
    for dtype in (np.float32, np.float64):
        model = short().fit(X.astype(dtype))
        assert model.recurrent_weights_[0].dtype == dtype
        assert model.predict(X.astype(dtype)).dtype == dtype
        assert model.predict(X).dtype == dtype
        assert model.transform(X).dtype == dtype


@pytest.mark.parametrize("cell", CELLS)
def test_determinism_pickle_and_clone(cell):
    X = make_ar_process(80, random_state=0)
    model = short(cell=cell, truncate=20).fit(X)
    again = clone(model).fit(X)
    assert_array_equal(model._parameters.flat, again._parameters.flat)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(model.predict(X), loaded.predict(X))
    # A loaded net goes on where the saved one was.
    assert_array_equal(
        loaded.partial_fit(X).predict(X), model.partial_fit(X).predict(X)
    )


@pytest.mark.parametrize(
    "params, message",
    [
        ({"hidden_layer_sizes": (3, -1)}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": ()}, "hidden_layer_sizes"),
        ({"hidden_layer_sizes": (2.5,)}, "hidden_layer_sizes"),
        ({"cell": "elman"}, "cell"),
        ({"readout": "none"}, "readout"),
        ({"readout": "units", "hidden_layer_sizes": (1,)}, "readout='units' takes"),
        ({"recurrent_constraint": "skew"}, "recurrent_constraint"),
        ({"initial_state": "zero"}, "initial_state"),
        ({"init": "sparse"}, "init"),
        ({"solver": "newton"}, "solver"),
        ({"truncate": 0}, "truncate"),
        ({"truncate": 21}, "longer than the longest sequence"),
        ({"truncate": 5, "solver": "lbfgs"}, "takes all data at once"),
        ({"truncate": 5, "target_steps": 2}, "at the end of sequences"),
        ({"target_steps": 0}, "target_steps"),
        ({"target_steps": "first"}, "target_steps"),
        ({"max_grad_norm": 0.0}, "max_grad_norm"),
        ({"batch_size": 0}, "batch_size"),
        ({"burn_in": 20}, "needs longer sequences"),
    ],
)
def test_bad_parameters_are_named(params, message):
    X = np.random.default_rng(0).standard_normal((20, 2))
    with pytest.raises(ValueError, match=message):
        RNNRegressor(**params).fit(X)


def test_missing_values_in_X_are_refused():
    X = np.zeros((10, 1))
    X[3] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN: row 3"):
        RNNRegressor().fit(X)


def test_integer_hidden_layer_sizes():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = RNNRegressor(7, max_iter=2).fit(make_ar_process(50, random_state=0))
    assert [w.shape for w in model.recurrent_weights_] == [(7, 7)]
    assert model.get_feature_names_out().shape == (7,)


@needs_callbacks
def test_monitored_log_likelihood_ends_at_that_of_the_fitted_net():
    X = make_ar_process(80, random_state=0)
    model = short(max_iter=4)
    monitor = ScoringMonitor(scoring={"ll": mean_log_likelihood_scorer})
    model.set_callbacks(monitor).fit(X)
    logged = [
        entry["ll"]
        for entry in monitor.get_logs().data
        if entry["task_name"] == "iteration"
    ]
    assert len(logged) == 4
    assert_allclose(logged[-1], mean_log_likelihood_scorer(model, X))
    assert len(set(logged)) == 4
