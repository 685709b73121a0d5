"""Neural language models and classifiers over taps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPClassifier

from sklearn_seq import ARClassifier, MLPSequenceClassifier
from sklearn_seq.datasets import (
    load_japanese_vowels,
    load_python_topics,
    make_binary_addition,
    make_markov_chain,
)
from sklearn_seq.metrics import neg_bits_per_symbol_scorer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_equals_scikit_learn_on_real_inputs():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2))
    y = (X[:, 0] > X[:, 1]).astype(int) + (X[:, 0] > 1)
    params = {
        "hidden_layer_sizes": (6,),
        "solver": "adam",
        "max_iter": 15,
        "random_state": 1,
    }
    ours = MLPSequenceClassifier(2, standardize=False, **params).fit(X, y)
    taps = np.hstack([X[1:], X[:-1]])
    theirs = MLPClassifier(**params).fit(taps, y[1:])
    assert_allclose(
        ours.predict_proba(X)[1:], theirs.predict_proba(taps), rtol=1e-6, atol=1e-9
    )


def test_one_hot_symbols_equal_scikit_learn_on_indicators():
    X = make_markov_chain(300, n_states=3, random_state=0)
    params = {
        "hidden_layer_sizes": (5,),
        "max_iter": 5,
        "random_state": 1,
        "activation": "tanh",
    }
    ours = MLPSequenceClassifier(2, **params).fit(X)
    indicators = (X == np.arange(3)).astype(np.float32)
    before = np.vstack([np.zeros((1, 3), np.float32), indicators[:-1]])
    taps = np.hstack([indicators, before])
    theirs = MLPClassifier(**params).fit(taps[:-1], X[1:, 0])
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(taps), atol=1e-5)


@pytest.mark.slow
def test_fewer_bits_per_character_than_the_log_linear_model():
    text, _ = load_python_topics(return_X_y=True)
    text = text[:40_000]
    alphabet = np.unique(text)
    train, test = text[:32_000], text[32_000:]
    net = MLPSequenceClassifier(
        n_lags=6,
        embedding_dim=16,
        hidden_layer_sizes=(128,),
        learning_rate_init=0.003,
        max_iter=8,
        symbols=alphabet,
        random_state=0,
    ).fit(train)
    linear = ARClassifier(n_lags=6, symbols=alphabet, max_iter=50).fit(train)
    net_bits = -neg_bits_per_symbol_scorer(net, test)
    linear_bits = -neg_bits_per_symbol_scorer(linear, test)
    assert net_bits < linear_bits < np.log2(len(alphabet))
    by_hand = -net.score_samples(test)[1:].mean() / np.log(2)
    assert_allclose(net_bits, by_hand, rtol=1e-6)


def test_embeddings_are_shared_by_all_taps():
    X = make_markov_chain(200, n_states=4, random_state=0)
    net = MLPSequenceClassifier(
        3, (8,), embedding_dim=2, direct_connections=True, max_iter=3, random_state=0
    ).fit(X)
    assert net.embedding_.shape == (5, 2)
    assert net.coefs_[0].shape == (6, 8)
    assert net.direct_coef_.shape == (6, 4)
    E = net.embedding_
    for row in (0, 1, 7):
        codes = [X[row - k, 0] if row >= k else 4 for k in range(3)]
        x = np.concatenate([E[c] for c in codes])
        hidden = np.maximum(x @ net.coefs_[0] + net.intercepts_[0], 0)
        logits = hidden @ net.coefs_[1] + net.intercepts_[1] + x @ net.direct_coef_
        proba = np.exp(logits - logits.max())
        assert_allclose(
            net.predict_proba(X)[row], proba / proba.sum(), rtol=1e-4, atol=1e-6
        )


def test_string_and_integer_symbols_give_the_same_net():
    X = make_markov_chain(150, n_states=3, random_state=0)
    letters = np.array(list("abc"))[X]
    params = {"n_lags": 2, "embedding_dim": 3, "max_iter": 5, "random_state": 0}
    numbers = MLPSequenceClassifier(**params).fit(X)
    strings = MLPSequenceClassifier(**params).fit(letters)
    assert_array_equal(numbers.predict_proba(X), strings.predict_proba(letters))
    assert_array_equal(
        np.array(list("abc"))[numbers.predict(X)], strings.predict(letters)
    )


def test_labels_per_step_with_none_at_some():
    X, y = make_binary_addition(200, 6, random_state=0)
    # With delay 2 the sum's bit also needs the carry: taps see only part of it.
    net = MLPSequenceClassifier(4, (32,), max_iter=150, random_state=0).fit(X, y)
    assert_array_equal(net.classes_, [0, 1])
    assert net.predict(X).shape == y.shape
    known = ~np.isnan(y)
    expected = np.mean(net.predict(X)[known] == y[known])
    assert_allclose(net.score(X, y), expected)
    assert net.score(X, y) > 0.8


def test_one_label_per_sequence():
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    net = MLPSequenceClassifier(
        5, (32,), solver="lbfgs", alpha=0.1, max_iter=200, random_state=0
    ).fit(X, y)
    assert net.score(X_test, y_test) > 0.93
    proba = net.predict_proba(X_test)
    assert proba.shape == (370, 9)
    assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-6)


def test_partial_fit_with_classes_to_come():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2))
    y = np.repeat([0, 1, 2], 20)
    net = MLPSequenceClassifier(random_state=0)
    net.partial_fit(X[:40], y[:40], classes=[0, 1, 2])
    net.partial_fit(X[40:], y[40:])
    assert_array_equal(net.classes_, [0, 1, 2])
    with pytest.raises(ValueError, match="classes"):
        net.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="unseen labels"):
        net.partial_fit(X, np.full(60, 5))


def test_class_weight_shifts_the_decision():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(0, 1, (90, 1)), rng.normal(1, 1, (10, 1))])
    y = np.repeat(["no", "yes"], [90, 10])
    plain = MLPSequenceClassifier(solver="lbfgs", random_state=0).fit(X, y)
    balanced = MLPSequenceClassifier(
        solver="lbfgs", class_weight="balanced", random_state=0
    ).fit(X, y)
    by_hand = MLPSequenceClassifier(
        solver="lbfgs",
        class_weight={"no": 100 / 180, "yes": 100 / 20},
        random_state=0,
    ).fit(X, y)
    assert np.sum(balanced.predict(X) == "yes") > np.sum(plain.predict(X) == "yes")
    assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X))


def test_sample_and_forecast_speak_the_alphabet():
    X = np.array(list("abcd" * 40)).reshape(-1, 1)
    net = MLPSequenceClassifier(
        2, (16,), embedding_dim=3, solver="lbfgs", max_iter=200, random_state=0
    ).fit(X)
    assert "".join(net.forecast(X, 5)) == "abcda"
    assert net.sample(7, n_sequences=2, random_state=0).shape == (2, 7, 1)
    drawn = net.sample(12, X=X[:1], random_state=0)
    assert "".join(drawn[:, 0]) == "bcdabcdabcda"


@pytest.mark.parametrize(
    "X, params, message",
    [
        (np.zeros((9, 1)), {}, "symbols are integers or strings"),
        (np.zeros((9, 1), int), {}, "at least 2 classes"),
        (np.arange(8).reshape(4, 2), {}, "exogenous"),
        (np.arange(8).reshape(-1, 1), {"symbols": False}, "symbols=False"),
        (np.arange(8).reshape(-1, 1), {"symbols": [0, 1]}, "alphabet"),
        (
            np.arange(8).reshape(-1, 1),
            {"embedding_dim": 2, "symbols": False},
            "embedding_dim",
        ),
    ],
)
def test_bad_input_is_told(X, params, message):
    with pytest.raises(ValueError, match=message):
        MLPSequenceClassifier(**params).fit(X)


def test_unknown_symbol_is_told_at_predict_time():
    net = MLPSequenceClassifier(max_iter=1).fit(np.array([["a"], ["b"], ["a"]]))
    with pytest.raises(ValueError, match="not in the training sequences.*'z'"):
        net.predict(np.array([["a"], ["z"]]))


def test_embedding_dim_refuses_real_numbers():
    with pytest.raises(ValueError, match="embeds symbols, but X has dtype float64"):
        MLPSequenceClassifier(embedding_dim=2).fit(
            np.random.default_rng(0).standard_normal((9, 1)), np.arange(9) % 2
        )
