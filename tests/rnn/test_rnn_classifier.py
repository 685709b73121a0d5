"""Recurrent networks for symbols and labels, by property."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from sklearn.base import clone

from sklearn_seq.rnn import RNNClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CELLS = ["tanh", "relu", "lstm", "gru"]
TEXT = np.array(list("to be or not to be, that is the question. " * 12))


def short(**params):
    return RNNClassifier((6,), random_state=0, **{"max_iter": 5, **params})


def flips(n_sequences=200, n_steps=12, seed=0):
    """Whether a switch is on, after pulses that turn it on and off."""
    rng = np.random.default_rng(seed)
    X = rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.6, 0.2], size=(n_sequences, n_steps, 1))
    state = np.zeros(n_sequences, dtype=int)
    y = np.empty((n_sequences, n_steps), dtype=int)
    for t in range(n_steps):
        pulse = X[:, t, 0]
        state = np.where(pulse > 0, 1, np.where(pulse < 0, 0, state))
        y[:, t] = state
    return X, np.array(["off", "on"])[y]


@pytest.mark.parametrize("cell", CELLS)
def test_learns_a_switch(cell):
    X, y = flips()
    model = RNNClassifier((6,), cell=cell, max_iter=60, random_state=0)
    assert model.fit(X[:150], y[:150]).score(X[150:], y[150:]) > 0.98
    last = RNNClassifier((6,), cell=cell, max_iter=200, random_state=0)
    assert last.fit(X[:150], y[:150, -1]).score(X[150:], y[150:, -1]) > 0.9


@pytest.mark.parametrize("embedding_dim", [None, 4])
def test_spells_a_sentence_that_it_has_read_often(embedding_dim):
    X = TEXT.reshape(12, -1, 1)
    model = RNNClassifier((32,), embedding_dim=embedding_dim, random_state=0).fit(X)
    assert model.score(X) > 0.95
    assert "".join(model.forecast(X[:1, :12], n_steps=10)[0]) == " to be, th"
    n_symbols = len(model.symbols_[0])
    if embedding_dim is None:
        assert model.embedding_ is None
        assert model.input_weights_[0].shape == (n_symbols, 32)
    else:
        assert model.embedding_.shape == (n_symbols, 4)
    drawn = model.sample(30, random_state=0)
    assert_array_equal(drawn, model.sample(30, random_state=0))
    assert drawn.shape == (30, 1) and np.isin(drawn, TEXT).all()
    # Draws are as probable as the model thinks.
    assert model.score_samples(drawn)[1:].mean() > -1.5
    assert model.sample(5, X=X[:2], random_state=0).shape == (2, 5, 1)
    assert model.sample(1, n_sequences=3).shape == (3, 1, 1)


def test_indicator_vectors_are_an_identity_embedding():
    X = np.random.default_rng(0).integers(0, 4, (10, 7, 1))
    model = short(max_iter=2).fit(X)
    log_proba = model.predict_log_proba(X)
    codes = X[:, :, 0]
    h = np.tile(model.initial_state_, (10, 1))
    for t in range(7):
        drive = model.input_weights_[0][codes[:, t]]
        h = np.tanh(drive + h @ model.recurrent_weights_[0] + model.biases_[0])
        expected = log_softmax(h @ model.coef_.T + model.intercept_, axis=1)
        assert_allclose(log_proba[:, t], expected, rtol=1e-4, atol=1e-5)


def test_several_columns_of_symbols():
    rng = np.random.default_rng(0)
    drive = rng.integers(0, 2, (40, 10))
    X = np.stack([np.cumsum(drive, axis=1) % 3, drive], axis=-1)
    X[:, 1:, 0] = (np.cumsum(drive, axis=1) % 3)[:, :-1]
    model = RNNClassifier((16,), exogenous=1, random_state=0).fit(X)
    # The next state follows from the present one and the present drive.
    assert model.score(X) > 0.95
    future = np.ones((3, 1), dtype=int)
    forecast = model.forecast(X, 3, future_exogenous=future)
    expected = (X[:, -1, 0] + X[:, -1, 1])[:, None] + np.arange(3)
    assert np.mean(forecast == expected % 3) > 0.95
    with pytest.raises(ValueError, match="unknown symbols"):
        model.forecast(X, 3, future_exogenous=5 * future)
    with pytest.raises(ValueError, match="2 predicted columns"):
        short().fit(X)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("embedding_dim", [None, 3])
def test_a_stream_can_be_continued(cell, embedding_dim):
    X = TEXT[:240].reshape(4, 60, 1)
    model = short(cell=cell, embedding_dim=embedding_dim).fit(X)
    first, rest = X[:, :25], X[:, 25:]
    _, states = model.predict(first, return_state=True)
    assert states.shape == (4, 12 if cell == "lstm" else 6)
    for method in ("predict_proba", "predict_log_proba", "transform", "score_samples"):
        whole = getattr(model, method)(X)
        continued = getattr(model, method)(rest, initial_states=states)
        assert_allclose(continued, whole[:, 25:], rtol=1e-4, atol=1e-5, err_msg=method)
    expected = model.forecast(X, 6)
    assert_array_equal(model.forecast(rest, 6, initial_states=states), expected)
    y_pred, end = model.predict(rest, initial_states=states, return_state=True)
    assert_array_equal(y_pred, model.predict(X)[:, 25:])
    assert_allclose(end, model.predict(X, return_state=True)[1], rtol=1e-4, atol=1e-6)
    score = model.score(rest, initial_states=states)
    assert_allclose(score, np.mean(model.predict(X)[:, 25:-1] == X[:, 26:, 0]))


def test_first_symbol_is_drawn_by_frequency():
    X = TEXT.reshape(12, -1, 1)
    model = short().fit(X)
    counts = 1 + np.bincount(np.searchsorted(model.classes_, TEXT))
    code = np.searchsorted(model.classes_, "t")
    expected = np.log(counts[code] / counts.sum())
    assert_allclose(model.score_samples(X)[:, 0], expected)


def test_missing_labels_do_not_count():
    X, y = flips(40)
    y = (y == "on") + 3
    masked = y.copy()
    masked[:, :6] = -1
    model = short(missing_label=-1).fit(X, masked)
    assert_array_equal(model.classes_, [3, 4])
    changed = X.copy()
    changed[3] = 9.0
    masked[3] = -1
    one = short(shuffle=False, missing_label=-1).fit(X, masked)
    assert_array_equal(one.score_samples(X, masked)[3], 0)
    assert_array_equal(one.predict(X), clone(one).fit(changed, masked).predict(X))


@pytest.mark.parametrize("cell", ["tanh", "lstm"])
def test_a_class_of_weight_zero_is_never_predicted(cell):
    r = np.random.default_rng(0)
    X, later = r.uniform(size=(2, 10, 10))
    y = np.arange(10) % 2
    for seed in range(5):
        model = RNNClassifier(cell=cell, random_state=seed).fit(X, y, sample_weight=y)
        assert_array_equal(model.predict(later), 1)
        streamed = RNNClassifier(cell=cell, random_state=seed)
        streamed.partial_fit(X, np.ones(10), classes=[0, 1])
        assert streamed.predict_proba(later).min() > 1e-4, "it may come yet"


def test_class_weights():
    X = np.random.default_rng(0).standard_normal((30, 8, 2))
    y = (np.random.default_rng(1).random((30, 8)) < 0.2).astype(int)
    plain = short(max_iter=30).fit(X, y).predict(X)
    balanced = short(max_iter=30, class_weight="balanced").fit(X, y).predict(X)
    heavy = short(max_iter=60, class_weight={1: 1e4}).fit(X, y).predict(X)
    assert plain.mean() < balanced.mean() < heavy.mean()
    # Weights of sequences multiply those of classes.
    model = short(class_weight={0: 2.0}).fit(X, y, sample_weight=np.arange(30))
    assert np.isfinite(model.loss_)


def test_partial_fit_with_all_classes_and_an_alphabet():
    X = TEXT.reshape(12, -1, 1)
    alphabet = sorted(set("".join(TEXT)) | {"z"})
    model = short(symbols=alphabet)
    for x in X:
        model.partial_fit(x)
    assert model.n_iter_ == 12
    assert "z" in model.classes_
    assert np.isfinite(model.score_samples(np.array([["z"], ["t"]]))).all()
    real = np.random.default_rng(0).standard_normal((20, 2))
    labels = np.repeat(["a", "b"], 10)
    model = short().partial_fit(real, labels, classes=["a", "b", "c"])
    assert_array_equal(model.classes_, ["a", "b", "c"])
    model.partial_fit(real, np.full(20, "c"))
    with pytest.raises(ValueError, match="not the same as on the last call"):
        model.partial_fit(real, labels, classes=["a", "b"])
    with pytest.raises(ValueError, match="previously unseen labels"):
        model.partial_fit(real, np.full(20, "d"))


def test_warm_start_needs_the_same_classes():
    X, y = flips(20)
    model = short(warm_start=True).fit(X, y)
    losses = [model.fit(X, y).loss_ for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    with pytest.raises(ValueError, match="warm_start=True goes on with the classes"):
        model.fit(X, np.where(y == "on", "x", "y"))


@pytest.mark.parametrize("solver", ["sgd", "rmsprop", "lbfgs", "hessian-free"])
def test_solvers(solver):
    X, y = flips(100)
    model = short(solver=solver, max_iter=40)
    if solver == "sgd":
        model.set_params(learning_rate_init=0.2)
    assert model.fit(X[:80], y[:80]).score(X[80:], y[80:]) > 0.9


def test_early_stopping_and_target_steps():
    X, y = flips(60)
    model = short(early_stopping=True, max_iter=20, target_steps=3).fit(X, y)
    assert len(model.validation_scores_) == model.n_iter_
    last = np.mean(model.predict(X)[:, -3:] == y[:, -3:])
    assert_allclose(model.score(X, y), last)


def test_symbols_compute_in_float32():
    model = short().fit(TEXT[:100].reshape(-1, 1))
    assert model.recurrent_weights_[0].dtype == np.float32
    X, y = flips(20)
    assert short().fit(X, y).recurrent_weights_[0].dtype == np.float64
    assert short().fit(X.astype(np.float32), y).biases_[0].dtype == np.float32


@pytest.mark.parametrize("embedding_dim", [None, 3])
def test_determinism_pickle_and_clone(embedding_dim):
    X = TEXT.reshape(12, -1, 1)
    model = short(embedding_dim=embedding_dim, cell="gru").fit(X)
    again = clone(model).fit(X)
    assert_array_equal(model._parameters.flat, again._parameters.flat)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(model.predict_proba(X), loaded.predict_proba(X))
    assert_array_equal(
        loaded.partial_fit(X).predict_proba(X), model.partial_fit(X).predict_proba(X)
    )


@pytest.mark.parametrize(
    "params, message",
    [
        ({"embedding_dim": 0}, "embedding_dim"),
        ({"embedding_dim": 2, "symbols": False}, "embedding_dim=2 embeds symbols"),
        ({"embedding_dim": 2}, "embedding_dim=2 embeds symbols, but X has dtype"),
        ({"class_weight": "even"}, "class_weight"),
        ({"readout": "units", "hidden_layer_sizes": (1,)}, "readout='units' takes"),
        ({"target_steps": 13}, "target_steps=13 is more than"),
        ({"truncate": 13}, "longer than the longest sequence"),
    ],
)
def test_bad_parameters_are_named(params, message):
    X, y = flips(20)
    with pytest.raises(ValueError, match=message):
        RNNClassifier(**params).fit(X, y)


def test_bad_input():
    X, y = flips(20)
    model = short().fit(TEXT[:100].reshape(-1, 1))
    with pytest.raises(ValueError, match="symbols that were not in the training"):
        model.predict(np.array([["§"]]))
    with pytest.raises(ValueError, match="y holds no label"):
        short().fit(X, np.full(y.shape, np.nan))
    with pytest.raises(ValueError, match="expected \\(20, 6\\) or \\(20, 12\\)"):
        short(cell="lstm").fit(X, y).predict(X, initial_states=np.zeros((20, 5)))
    with pytest.raises(ValueError, match="initial_states contains infinity"):
        short().fit(X, y, initial_states=np.full((20, 6), np.inf))
