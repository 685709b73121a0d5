import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneOut,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.datasets import (
    load_japanese_vowels,
    make_ar_process,
    make_mackey_glass,
    make_markov_chain,
)
from sklearn_seq.echo_state import EchoStateClassifier, EchoStateRegressor, _reservoir

LENGTHS = (40, 7, 1, 60, 13, 40)


def waves(lengths=LENGTHS, n_features=2, seed=0):
    rng = np.random.default_rng(seed)
    return [
        np.sin(np.arange(n)[:, None] * (0.7 + 0.2 * np.arange(n_features)))
        + 0.3 * rng.standard_normal((n, n_features))
        for n in lengths
    ]


def states_by_loop(model, x):
    """The reservoir, one step and one sequence at a time."""
    W, R = model.input_weights_.T, model.recurrent_weights_.toarray()
    state, states = np.zeros(len(R)), []
    for u in x:
        new = np.tanh(W @ u + R @ state + model.biases_)
        state = (1 - model.leak_rate) * state + model.leak_rate * new
        states.append(state)
    return np.array(states)


def regressors_by_loop(model, sequences):
    out = [states_by_loop(model, x) for x in sequences]
    if model.direct_connections:
        out = [np.hstack([s, x]) for s, x in zip(out, sequences, strict=True)]
    return out


def indicators(x, n_symbols):
    return np.eye(n_symbols)[x[:, 0]]


# The reservoir


@pytest.mark.parametrize("n_components", [1, 2, 30, 400])
@pytest.mark.parametrize("density", ["auto", 0.03, 1.0])
def test_spectral_radius_and_number_of_connections(n_components, density):
    model = EchoStateRegressor(
        n_components, spectral_radius=1.3, density=density, random_state=0
    ).fit(np.arange(9.0)[:, None])
    weights = model.recurrent_weights_
    radius = np.abs(np.linalg.eigvals(weights.toarray())).max()
    assert_allclose(radius, 1.3, rtol=1e-8)
    share = 10 / n_components if density == "auto" else density
    expected = min(n_components, max(1, round(share * n_components)))
    assert_array_equal((weights.toarray() != 0).sum(axis=1), expected)


def test_scales_of_the_weights():
    X = np.random.default_rng(0).standard_normal((50, 2))
    model = EchoStateRegressor(
        400, input_scaling=[0.5, 3.0], bias_scaling=0.1, random_state=0
    ).fit(X)
    largest = np.abs(model.input_weights_).max(axis=1)
    assert_allclose(largest, [0.5, 3.0], rtol=0.05)
    assert_allclose(np.abs(model.biases_).max(), 0.1, rtol=0.05)
    unbiased = EchoStateRegressor(20, bias_scaling=0.0, spectral_radius=0.0).fit(X)
    assert not unbiased.biases_.any() and not unbiased.recurrent_weights_.data.any()


@pytest.mark.parametrize("leak_rate", [1.0, 0.3])
@pytest.mark.parametrize("density", ["auto", 0.9])
def test_states_equal_a_loop_by_hand(leak_rate, density):
    sequences = waves()
    model = EchoStateRegressor(
        30, leak_rate=leak_rate, density=density, standardize=False, random_state=0
    ).fit(sequences)
    for x, states in zip(sequences, model.transform(sequences), strict=True):
        assert_allclose(states, states_by_loop(model, x), rtol=1e-12, atol=1e-14)


def test_symbols_drive_the_reservoir_as_indicators():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 3, 50), rng.integers(0, 4, 50)])
    model = EchoStateClassifier(
        30, exogenous=1, input_scaling=[0.5, 2.0], random_state=0
    ).fit(x)
    coded = np.hstack([np.eye(3)[x[:, 0]], np.eye(4)[x[:, 1]]])
    states = states_by_loop(model, coded)
    assert_allclose(model.transform(x), states, rtol=1e-12, atol=1e-14)
    assert np.abs(model.input_weights_[:3]).max() < 0.5
    assert np.abs(model.input_weights_[3:]).max() > 1.5
    scores = np.hstack([states, coded]) @ model.coef_.T + model.intercept_
    proba = np.exp(model._calibration.log_proba(scores))
    assert_allclose(model.predict_proba(x), proba, rtol=1e-9)


def test_blocks_and_batches_change_nothing(monkeypatch):
    sequences = waves()
    y = np.arange(len(sequences)) ** 2.0
    for target in (None, y):
        model = EchoStateRegressor(30, alpha=1e-3, burn_in=4, random_state=0)
        expected = clone(model).fit(sequences, target).predict(sequences)
        with monkeypatch.context() as patch:
            patch.setattr(_reservoir, "BLOCK_VALUES", 100)
            patch.setattr(_reservoir, "BATCH_SEQUENCES", 2)
            outputs = model.fit(sequences, target).predict(sequences)
        for a, b in zip(outputs, expected, strict=True):
            assert_allclose(a, b, rtol=1e-9, atol=1e-11)


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr(_reservoir, "BLOCK_VALUES", 1 << 16)
    X = make_ar_process(20_000, coef=[0.9], random_state=0)
    model = EchoStateRegressor(100, random_state=0)
    tracemalloc.start()
    model.fit(X).predict(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.4 * (8 * 20_000 * 100)


@pytest.mark.filterwarnings("ignore:The time index of X has 2 holes")
def test_a_hole_in_time_starts_the_state_anew():
    x = waves((30,))[0]
    time = np.r_[np.arange(20), np.arange(25, 35)]
    frame = pd.DataFrame(x, index=time, columns=["a", "b"])
    model = EchoStateRegressor(20, standardize=False, random_state=0).fit(frame)
    states = model.transform(frame)
    assert_allclose(states[20:], states_by_loop(model, x[20:]), rtol=1e-12)
    # The average over a sequence is over all of its segments.
    y = np.array([1.0, 2.0, 4.0])
    panel = [frame, frame + 1.0, frame.iloc[:20] * 2.0]
    model = EchoStateRegressor(20, alpha=1e-2, standardize=False, random_state=0).fit(
        panel, y
    )
    means = [z.mean(axis=0) for z in _whole_regressors(model, panel)]
    assert_allclose(
        model.predict(panel), Ridge(alpha=1e-2).fit(means, y).predict(means), rtol=1e-8
    )


def _whole_regressors(model, panel):
    for frame in panel:
        x = frame.to_numpy()
        segments = [x[:20], x[20:]] if len(x) > 20 else [x]
        yield np.concatenate(regressors_by_loop(model, segments))


# The readout


def assert_is_ridge(model, Z, Y):
    ridge = Ridge(alpha=model.alpha, solver="svd").fit(Z, Y)
    coef = np.atleast_2d(ridge.coef_)
    assert_allclose(model.coef_, coef, rtol=1e-8, atol=1e-8 * np.abs(coef).max())
    assert_allclose(model.intercept_, np.atleast_1d(ridge.intercept_), rtol=1e-8)
    return ridge


@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 10.0])
@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("burn_in", [0, 3])
def test_next_step_is_ridge_regression_on_the_states(alpha, direct, burn_in):
    sequences = waves()
    model = EchoStateRegressor(
        30,
        alpha=alpha,
        direct_connections=direct,
        burn_in=burn_in,
        standardize=False,
        random_state=0,
    ).fit(sequences)
    regressors = regressors_by_loop(model, sequences)
    first = max(burn_in - 1, 0)
    Z = np.concatenate([z[first:-1] for z in regressors])
    Y = np.concatenate([x[first + 1 :] for x in sequences])
    ridge = assert_is_ridge(model, Z, Y)
    for z, y_pred in zip(regressors, model.predict(sequences), strict=True):
        assert_allclose(y_pred, ridge.predict(z), rtol=1e-8, atol=1e-8)


def test_targets_per_step_with_some_missing():
    sequences = waves()
    rng = np.random.default_rng(1)
    y = [np.cumsum(x, axis=0) + rng.standard_normal(x.shape) for x in sequences]
    for values in y:
        values[rng.random(values.shape) < 0.3] = np.nan
    model = EchoStateRegressor(10, alpha=1e-2, standardize=False, random_state=0).fit(
        sequences, y
    )
    Z = np.concatenate(regressors_by_loop(model, sequences))
    Y = np.concatenate(y)
    residuals, inflation = np.empty_like(Y), np.empty(2)
    for i in range(2):
        there = ~np.isnan(Y[:, i])
        ridge = Ridge(alpha=1e-2, solver="svd").fit(Z[there], Y[there, i])
        assert_allclose(model.coef_[i], ridge.coef_, rtol=1e-7, atol=1e-8)
        assert_allclose(model.intercept_[i], ridge.intercept_, rtol=1e-8)
        residuals[:, i] = Y[:, i] - ridge.predict(Z)
        inflation[i] = there.sum() / (there.sum() - freedom(Z[there], 1e-2))
    products = residuals[:, :, None] * residuals[:, None]
    covariance = np.nanmean(products, axis=0) * np.outer(inflation, inflation)
    assert_allclose(model.noise_covariance_, covariance, rtol=1e-7)


def freedom(Z, alpha):
    """Degrees of freedom of a ridge regression with an intercept."""
    d = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False) ** 2
    return 1 + (d / (d + alpha)).sum()


@pytest.mark.parametrize("burn_in", [0, 5])
def test_a_target_per_sequence_is_regressed_on_the_mean_state(burn_in):
    sequences = waves((9, 30, 2, 14, 20, 7, 11))
    y = np.array([[x.mean(), len(x)] for x in sequences])
    model = EchoStateRegressor(
        20, alpha=1e-3, burn_in=burn_in, standardize=False, random_state=0
    )
    model.fit(sequences, y)
    regressors = regressors_by_loop(model, sequences)
    Z = np.array([z[min(burn_in, len(z) - 1) :].mean(axis=0) for z in regressors])
    ridge = assert_is_ridge(model, Z, y)
    assert_allclose(model.predict(sequences), ridge.predict(Z), rtol=1e-8)


def test_noise_covariance_is_that_of_new_rows():
    """Also where the readout has nearly as many coefficients as there are rows."""
    X = make_ar_process(4000, coef=[0.8], random_state=0)
    train, test = X[:400], X[400:]
    for n_components in (10, 100, 300):
        model = EchoStateRegressor(n_components, alpha=1e-2, random_state=0).fit(train)
        errors = test[1:] - model.predict(test)[:-1]
        ratio = np.mean(errors**2) / model.noise_covariance_[0, 0]
        assert 0.7 < ratio < 1.6
        _, std = model.predict(test, return_std=True)
        assert_allclose(std, np.sqrt(model.noise_covariance_[0, 0]))


def test_log_density_is_gaussian():
    X = waves((80,))[0]
    model = EchoStateRegressor(20, random_state=0).fit(X)
    residuals = X[1:] - model.predict(X)[:-1]
    expected = multivariate_normal(cov=model.noise_covariance_).logpdf(residuals)
    assert_allclose(model.score_samples(X)[1:], expected, rtol=1e-9)
    first = multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
    assert_allclose(model.score_samples(X)[0], first.logpdf(X[0]), rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 1e-300])
@pytest.mark.parametrize("scale", [1.0, 0.0, 1e12])
def test_ill_posed_fits_give_finite_outputs(alpha, scale):
    X = scale * waves((15,))[0]
    model = EchoStateRegressor(50, alpha=alpha, random_state=0).fit(X)
    for values in (model.predict(X), model.score_samples(X), model.coef_):
        assert np.isfinite(values).all()
    if alpha == 0.0 and scale <= 1.0:  # enough coefficients to get all targets right
        assert_allclose(model.predict(X)[:-1], X[1:], rtol=1e-8, atol=1e-8)


def test_float32_stays_float32():
    X = waves((60,))[0].astype(np.float32)
    model = EchoStateRegressor(20, random_state=0).fit(X)
    assert model.transform(X).dtype == model.predict(X).dtype == np.float32
    assert model.forecast(X, 3).dtype == np.float32
    double = EchoStateRegressor(20, random_state=0).fit(X.astype(float))
    assert_allclose(model.predict(X), double.predict(X.astype(float)), atol=1e-2)


# Data that come piece by piece


@pytest.mark.parametrize("kind", ["next", "step", "sequence"])
def test_pieces_give_what_all_at_once_gives(kind):
    sequences = waves((30, 20, 50, 9, 24, 13))
    rng = np.random.default_rng(0)
    if kind == "next":
        y = [None] * 6
    elif kind == "step":
        y = [np.where(rng.random(x.shape) < 0.2, np.nan, x**2) for x in sequences]
    else:
        y = np.array([len(x) for x in sequences])
    everything = None if kind == "next" else y
    whole = EchoStateRegressor(30, standardize=False, random_state=0).fit(
        sequences, everything
    )
    parts = EchoStateRegressor(30, standardize=False, random_state=0)
    for piece in (slice(0, 2), slice(2, 3), slice(3, 6)):
        target = None if kind == "next" else y[piece]
        assert parts.partial_fit(sequences[piece], target) is parts
    scale = np.abs(whole.coef_).max()
    assert_allclose(parts.coef_, whole.coef_, rtol=1e-8, atol=1e-8 * scale)
    assert_allclose(parts.noise_covariance_, whole.noise_covariance_, rtol=1e-8)
    log_density = [
        model.score_samples(sequences, everything) for model in (parts, whole)
    ]
    for a, b in zip(*log_density, strict=True):
        assert_allclose(a, b, rtol=1e-7, atol=1e-9)


def test_pieces_with_labels_and_symbols():
    X, labels = make_steps(300, 0)
    whole = EchoStateClassifier(30, standardize=False, random_state=0)
    whole.fit(X, labels, groups=np.arange(300) // 100)
    parts = EchoStateClassifier(30, standardize=False, random_state=0)
    for i in range(3):
        piece = slice(100 * i, 100 * i + 100)
        parts.partial_fit(X[piece], labels[piece], classes=["a", "b", "c"])
    one = np.zeros(300)  # all rows as one sequence
    assert_allclose(
        parts.predict_proba(X), whole.predict_proba(X, groups=one), rtol=1e-9
    )
    text = [np.array(list(s))[:, None] for s in ("abcabc", "bcabca", "acbacb" * 3)]
    whole = EchoStateClassifier(30, standardize=False, random_state=0).fit(text)
    parts = EchoStateClassifier(30, standardize=False, random_state=0).partial_fit(
        text[:2]
    )
    parts.partial_fit(text[2:])
    for a, b in zip(parts.score_samples(text), whole.score_samples(text), strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_failed_partial_fit_changes_nothing():
    X = waves((50,))[0]
    model = EchoStateRegressor(10, random_state=0).fit(X)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="first fitted without y"):
        model.partial_fit(X, X)
    with pytest.raises(ValueError, match="no row of X has a target"):
        model.partial_fit(X[:1])
    with pytest.raises(ValueError, match="Call fit to begin anew"):
        model.set_params(n_components=11).partial_fit(X)
    model.set_params(n_components=10)
    with pytest.raises(ValueError, match="direct_connections=False"):
        model.set_params(direct_connections=False).partial_fit(X)
    model.set_params(direct_connections=True)
    assert pickle.dumps(model) == before


def test_partial_fit_of_a_classifier_checks_classes():
    X, labels = make_steps(60, 0)
    model = EchoStateClassifier(10).partial_fit(X, labels, classes=list("abcd"))
    proba = model.predict_proba(X)
    assert proba.shape == (60, 4)
    assert (proba[:, 3] > 0).all() and (proba[:, 3] < 0.1).all()
    with pytest.raises(ValueError, match="not the same as on the last call"):
        model.partial_fit(X, labels, classes=list("abc"))
    with pytest.raises(ValueError, match="unseen labels"):
        model.partial_fit(X, np.full(60, "z"))


# Closed loops


@pytest.mark.parametrize("direct", [True, False])
def test_forecast_equals_a_loop_by_hand(direct):
    sequences = waves()
    model = EchoStateRegressor(
        30,
        alpha=1e-2,
        direct_connections=direct,
        leak_rate=0.7,
        standardize=False,
        random_state=0,
    ).fit(sequences)
    for x, forecast in zip(sequences, model.forecast(sequences, 6), strict=True):
        rows = list(x)
        for _ in range(6):
            z = regressors_by_loop(model, [np.array(rows)])[0][-1]
            rows.append(model.coef_ @ z + model.intercept_)
        assert_allclose(forecast, rows[-6:], rtol=1e-9, atol=1e-11)


def test_forecast_with_driving_inputs():
    x = waves((60,))[0]
    model = EchoStateRegressor(
        30, alpha=1e-2, exogenous=0, standardize=False, random_state=0
    ).fit(x)
    future = np.array([[0.5], [-0.5], [1.0], [0.0]])
    rows = list(x)
    for u in future:
        z = regressors_by_loop(model, [np.array(rows)])[0][-1]
        rows.append(np.r_[u, model.coef_ @ z + model.intercept_])
    forecast = model.forecast(x, 4, future_exogenous=future)
    assert_allclose(forecast, np.array(rows)[-4:, 1:], rtol=1e-9)
    with pytest.raises(ValueError, match="needs future_exogenous"):
        model.forecast(x, 4)
    assert model.sample(4, future_exogenous=future).shape == (4, 2)


def test_samples_scatter_as_the_model_says():
    X = make_ar_process(2000, coef=[0.9], random_state=0)
    model = EchoStateRegressor(20, alpha=1.0, random_state=0).fit(X)
    draws = model.sample(1, X=[X[:500]] * 2000, random_state=0)
    draws = np.concatenate(list(draws))
    assert_allclose(draws.mean(), model.predict(X[:500])[-1], atol=0.1)
    assert_allclose(draws.std(), np.sqrt(model.noise_covariance_[0, 0]), rtol=0.05)
    first = model.sample(2, n_sequences=3000, random_state=0)
    assert_allclose(first[:, 0].std(), X.std(), rtol=0.05)
    assert_allclose(first[:, 1].std(), X.std(), rtol=0.15)
    assert_array_equal(model.sample(5, random_state=1), model.sample(5, random_state=1))
    with pytest.raises(ValueError, match="both given"):
        model.sample(2, X=X, n_sequences=2)


def test_an_unstable_closed_loop_is_an_error():
    X = 1.1 ** np.arange(60.0)[:, None]
    model = EchoStateRegressor(5, alpha=0.0, random_state=0).fit(X)
    with pytest.raises(ValueError, match="closed loop is unstable.*n_steps=20000"):
        model.forecast(X, 20_000)


def test_closed_loops_need_a_model_of_the_next_step():
    x = waves((30,))[0]
    model = EchoStateRegressor(5).fit(x, x[:, 0])
    for method in (lambda: model.forecast(x), model.sample):
        with pytest.raises(ValueError, match="fitted without y"):
            method()
    with pytest.raises(NotFittedError):
        EchoStateRegressor().forecast(x)


def test_mackey_glass():
    X = make_mackey_glass(4500, random_state=0)
    X = (X - X.mean()) / X.std()
    model = EchoStateRegressor(
        500,
        spectral_radius=1.0,
        leak_rate=0.5,
        input_scaling=0.2,
        alpha=1e-10,
        burn_in=100,
        random_state=0,
    ).fit(X[:3000])
    assert np.sqrt(1 - model.score(X[3000:])) < 1e-3
    starts = np.arange(3300, 4400, 20)
    histories = np.stack([X[start - 300 : start] for start in starts])
    errors = model.forecast(histories, 84)[:, -1] - X[starts + 83]
    assert np.sqrt(np.mean(errors**2)) < 2e-3


# Classes


def make_steps(n, seed):
    """A noisy wave whose frequency tells the label."""
    rng = np.random.default_rng(seed)
    label = np.cumsum(rng.random(n) < 0.05) % 3
    x = np.sin(np.arange(n) * (0.3 + 0.2 * label)) + 0.3 * rng.standard_normal(n)
    return x[:, None], np.array(["a", "b", "c"])[label]


def chance(y_train, y_test):
    """Log-loss of the classes' frequencies."""
    classes, counts = np.unique(y_train, return_counts=True)
    proba = np.tile(counts / counts.sum(), (len(y_test), 1))
    return log_loss(y_test, proba, labels=classes)


@pytest.mark.parametrize("alpha", [1e-6, 0.1, 10.0])
def test_probabilities_of_labels_beat_chance(alpha):
    X, y = make_steps(3000, 0)
    model = EchoStateClassifier(200, input_scaling=0.5, alpha=alpha, random_state=0)
    model.fit(X[:2000], y[:2000])
    proba = model.predict_proba(X[2000:])
    assert_allclose(proba.sum(axis=1), 1.0)
    loss = log_loss(y[2000:], proba)
    assert loss < 0.8 * chance(y[:2000], y[2000:])
    assert model.score(X[2000:], y[2000:]) > 0.6
    assert_allclose(-model.score_samples(X[2000:], y[2000:]).mean(), loss)


@pytest.mark.parametrize("n", [100, 300, 1000])
def test_labels_that_nothing_tells_get_their_frequencies(n):
    """No less so where the readout can learn all labels by heart."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n + 2000, 1))
    y = rng.choice(3, size=n + 2000, p=[0.6, 0.3, 0.1])
    model = EchoStateClassifier(200, alpha=1e-2, random_state=0).fit(X[:n], y[:n])
    loss = log_loss(y[n:], model.predict_proba(X[n:]))
    assert loss < 1.1 * chance(y[:n], y[n:])


def test_next_symbols_of_a_markov_chain():
    chain = make_markov_chain(6000, random_state=0)
    train, test = chain[:5000], chain[5000:]
    model = EchoStateClassifier(100, alpha=1.0, random_state=0).fit(train)
    counts = 1e-9 + np.zeros((len(model.classes_),) * 2)
    np.add.at(counts, (train[:-1, 0], train[1:, 0]), 1)
    bigram = np.log(counts / counts.sum(axis=1, keepdims=True))
    best = bigram[test[:-1, 0], test[1:, 0]].mean()
    found = model.score_samples(test)[1:].mean()
    base = -chance(train[:, 0], test[1:, 0])
    assert found > best - 0.25 * (best - base)


def test_a_sure_succession_is_nearly_sure():
    X = np.array(list("abcd" * 50))[:, None]
    model = EchoStateClassifier(50, random_state=0).fit(X)
    assert model.score(X) == 1.0
    assert model.score_samples(X)[1:].min() > -0.02
    assert "".join(model.forecast(X[:7], 6)) == "dabcda"
    assert "".join(model.sample(6, X=X[:6], random_state=0)[:, 0]) == "cdabcd"
    # A wrong turn costs no more than one count among as many as there were rows.
    wrong = model.score_samples(np.array(list("abb"))[:, None])[-1]
    assert -np.log(4 * 202) < wrong < -4


def test_labels_of_whole_sequences():
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    mean, scale = np.concatenate(X).mean(axis=0), np.concatenate(X).std(axis=0)
    X, X_test = ([(x - mean) / scale for x in Z] for Z in (X, X_test))
    model = EchoStateClassifier(
        200, input_scaling=0.2, leak_rate=0.3, random_state=0
    ).fit(X, y)
    assert model.score(X_test, y_test) > 0.95
    assert log_loss(y_test, model.predict_proba(X_test)) < 0.25


def test_calibration_follows_left_out_scores():
    """Slope and correlation are nearly those of the scores of rows left out."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 1))
    y = (X[:, 0] + 0.7 * rng.standard_normal(150) > 0).astype(int)
    model = EchoStateClassifier(60, alpha=0.1, random_state=0).fit(X, y)
    Z = regressors_by_loop(model, [X])[0]
    left_out = cross_val_predict(Ridge(alpha=0.1), Z, y, cv=LeaveOneOut())
    covariance = np.cov(left_out, y)
    slope = covariance[0, 1] / covariance[0, 0]
    assert_allclose(model._calibration.slope, slope, rtol=0.15)
    explained = covariance[0, 1] ** 2 / covariance[0, 0] / covariance[1, 1]
    assert_allclose(model._calibration.explained, explained, rtol=0.15)


# As a step of a pipeline


def test_states_are_features_for_other_models():
    X, y = make_steps(3000, 0)
    pipeline = make_pipeline(
        StandardScaler(),
        EchoStateClassifier(200, input_scaling=0.5, random_state=0),
        RidgeClassifier(0.1),
    )
    assert pipeline.fit(X[:2000], y[:2000]).score(X[2000:], y[2000:]) > 0.6
    model = EchoStateClassifier(3).set_output(transform="pandas").fit(X, y)
    assert model.transform(X).columns.tolist() == [
        f"echostateclassifier{i}" for i in range(3)
    ]
    with pytest.raises(ValueError, match="cannot hold a panel"):
        model.transform([X])


def test_hyperparameters_are_searched_over():
    X = make_mackey_glass(600, random_state=0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), EchoStateRegressor(30, random_state=0)),
        {"echostateregressor__leak_rate": [0.1, 0.5, 1.0]},
        cv=TimeSeriesSplit(3),
    ).fit(X)
    assert search.best_score_ > 0.99


# What is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"input_scaling": [1.0, 2.0, 3.0]}, "one for each of the 2 features"),
        ({"input_scaling": [1.0, -2.0]}, "at least 0"),
        ({"input_scaling": [1.0, np.nan]}, "at least 0"),
        ({"n_components": 0}, "'n_components' parameter"),
        ({"spectral_radius": -0.1}, "'spectral_radius' parameter"),
        ({"density": 0.0}, "'density' parameter"),
        ({"leak_rate": 0.0}, "'leak_rate' parameter"),
        ({"leak_rate": 1.1}, "'leak_rate' parameter"),
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"burn_in": 30}, "burn_in=30"),
    ],
)
@pytest.mark.parametrize("cls", [EchoStateRegressor, EchoStateClassifier])
def test_bad_parameters(cls, parameters, message):
    x = waves((30,))[0]
    with pytest.raises(ValueError, match=message):
        cls(**{"n_components": 5, **parameters}).fit(x, np.arange(30) % 2)


def test_unknown_symbols_to_come():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.choice(list("ab"), 30), rng.choice(list("xy"), 30)])
    model = EchoStateClassifier(5, exogenous=1, random_state=0).fit(X)
    future = np.array([["x"], ["y"]])
    assert model.forecast(X, 2, future_exogenous=future).shape == (2,)
    with pytest.raises(ValueError, match="unknown symbols"):
        model.forecast(X, 2, future_exogenous=np.array([["x"], ["z"]]))


def test_sequences_whose_sum_is_beyond_floating_point_get_a_clear_error():
    X = np.full((6, 6, 1), 1.7e308)
    with pytest.raises(ValueError, match="Scale them"):
        EchoStateRegressor(10, standardize=False, random_state=0).fit(X, np.arange(6.0))
