"""One model a class, states that are labels, and the next symbol."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.datasets import load_japanese_vowels, make_markov_chain
from sklearn_seq.hmm import CategoricalHMM, GaussianHMM, HMMClassifier
from sklearn_seq.metrics import bits_per_symbol
from sklearn_seq.preprocessing import PerTimestep

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRUTH = GaussianHMM.from_parameters(
    startprob=[0.5, 0.5],
    transmat=[[0.95, 0.05], [0.1, 0.9]],
    means=[[-1.0], [1.0]],
    covariances=[[1.0], [0.5]],
    covariance_type="diag",
)


def labelled(n_sequences=20, n_steps=50, seed=0):
    X, states = TRUTH.sample(n_steps, n_sequences=n_sequences, random_state=seed)
    return list(X), [np.array(["low", "high"])[s] for s in states]


def test_bayes_rule_over_one_model_for_each_class():
    X, _ = TRUTH.sample(30, n_sequences=40, random_state=0)
    X[20:] *= 2
    y = np.repeat(["b", "a"], 20)
    model = HMMClassifier(2, priors=[0.3, 0.7], random_state=0).fit(X, y)
    assert_array_equal(model.classes_, ["a", "b"])
    assert len(model.models_) == 2 and isinstance(model.models_[0], GaussianHMM)
    totals = np.column_stack(
        [[m.score_samples(x).sum() for x in X] for m in model.models_]
    )
    expected = log_softmax(np.log([0.3, 0.7]) + totals, axis=1)
    assert_allclose(model.predict_log_proba(X), expected, rtol=1e-9)
    assert_allclose(model.predict_proba(X), np.exp(expected), rtol=1e-9)
    parallel = HMMClassifier(2, priors=[0.3, 0.7], random_state=0, n_jobs=2).fit(X, y)
    assert_array_equal(parallel.predict_log_proba(X), model.predict_log_proba(X))


def test_states_that_are_labels_are_counted():
    X, y = labelled()
    model = HMMClassifier(covariance_type="diag", alpha=0.5).fit(X, y)
    flat, codes = np.concatenate(X), np.concatenate(y) == "low"
    counts = np.zeros((2, 2))
    for labels in y:
        c = (labels == "low").astype(int)
        np.add.at(counts, (c[:-1], c[1:]), 1)
    counts += 0.5
    assert_allclose(
        model.model_.transmat_, counts / counts.sum(axis=1, keepdims=True), rtol=1e-9
    )
    for state, rows in enumerate([flat[~codes], flat[codes]]):
        assert_allclose(model.model_.means_[state], rows.mean(axis=0), rtol=1e-9)
        assert_allclose(model.model_.covariances_[state], rows.var(axis=0), rtol=1e-9)


def test_labels_are_filtered_or_decoded():
    X, y = labelled()
    causal = HMMClassifier(covariance_type="diag").fit(X, y)
    p = causal.model_
    # Every sequence begins with the probabilities of the first state.
    p.startprob_ = np.array([0.9, 0.1])
    for x, found in zip(X[:3], causal.predict_proba(X[:3]), strict=True):
        densities = norm(p.means_[:, 0], np.sqrt(p.covariances_[:, 0])).pdf(x)
        filtered, now = [], p.startprob_
        for density in densities:
            now = now * density
            now = now / now.sum()
            filtered.append(now)
            now = now @ p.transmat_
        assert_allclose(found, filtered, rtol=1e-9)
    offline = HMMClassifier(covariance_type="diag", decoding="viterbi").fit(X, y)
    p = offline.model_
    path = p.predict(X[0])
    assert_array_equal(offline.predict(X)[0], causal.classes_[path])
    assert_allclose(offline.predict_proba(X)[0], p.predict_proba(X[0]), atol=1e-12)
    new_X, new_y = labelled(seed=1)
    accuracy = np.mean(
        np.concatenate(list(offline.predict(new_X))) == np.concatenate(new_y)
    )
    assert offline.score(new_X, new_y) == pytest.approx(accuracy)
    assert offline.score(new_X, new_y) >= causal.score(new_X, new_y) > 0.85


def test_few_labels_and_many_rows():
    """EM fills in the labels that are missing; they help."""
    X, y = labelled(40)
    few = [np.full(len(labels), None, dtype=object) for labels in y]
    for i in range(4):
        few[i][:20] = y[i][:20]
    assert {"low", "high"} == set(np.concatenate([labels[:20] for labels in y[:4]]))
    test = labelled(seed=5)
    semi = HMMClassifier(covariance_type="diag").fit(X, few)
    full = HMMClassifier(covariance_type="diag").fit(X, y)
    assert semi.score(*test) > 0.85
    assert abs(semi.score(*test) - full.score(*test)) < 0.03
    assert (np.diff(semi.model_.loss_curve_) <= 1e-9).all()
    minus = [np.where(labels == None, -1, labels) for labels in few]  # noqa: E711
    same = HMMClassifier(covariance_type="diag", missing_label=-1).fit(X, minus)
    assert_allclose(same.model_.means_, semi.model_.means_)


def test_several_states_for_a_label():
    """One label has two modes, which one Gaussian does not tell from the other's."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(40) % 2, 10)
    centres = np.where(y == 0, 0.0, 3.0 * rng.choice([-1, 1], 400))
    X = rng.normal(centres, 0.5)[:, None]
    model = HMMClassifier(2, random_state=0).fit(X, y)
    assert model.model_.means_.shape == (4, 1)
    assert_allclose(np.sort(model.model_.means_[2:, 0]), [-3, 3], atol=0.2)
    proba = model.model_._filter(model.read_sequences(X, None))
    assert_allclose(model.predict_proba(X)[:, 0], proba[:, :2].sum(axis=1), atol=1e-9)
    assert model.score(X, y) > 0.95


def test_the_next_symbol():
    chain, transmat = make_markov_chain(
        3000, n_states=3, return_transmat=True, random_state=0
    )
    model = HMMClassifier(3, n_init=5, random_state=0, max_iter=500).fit(chain[:2500])
    density = model.model_
    assert isinstance(density, CategoricalHMM)
    log_density = model.score_samples(chain[2500:])
    assert_allclose(log_density, density.score_samples(chain[2500:]), rtol=1e-9)
    proba = model.predict_proba(chain[2500:])
    assert_allclose(proba.sum(axis=1), 1.0)
    assert_allclose(
        proba[:-1][np.arange(499), chain[2501:, 0]], np.exp(log_density[1:]), rtol=1e-9
    )
    shares = np.bincount(chain[:, 0]) / len(chain)
    entropy = -shares @ np.sum(transmat * np.log2(transmat), axis=1)
    assert bits_per_symbol(log_density) < entropy + 0.05
    words = np.array(["x", "y", "z"])[chain]
    assert HMMClassifier(2, random_state=0).fit(words).predict(words).dtype.kind == "U"


def test_exogenous_symbols_help():
    rng = np.random.default_rng(0)
    hidden = np.repeat(rng.integers(0, 2, 100), 10)
    shown = (hidden + (rng.random(1000) < 0.3)) % 2
    X = np.column_stack([shown, hidden])
    both = HMMClassifier(2, exogenous=1, random_state=0).fit(X)
    alone = HMMClassifier(2, random_state=0).fit(X[:, :1])
    assert_array_equal(both.classes_, [0, 1])
    assert both.score_samples(X).sum() > alone.score_samples(X[:, :1]).sum()


def test_symbols_with_labels():
    """A label per step of a string, and one per string."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(40) % 2, 10)
    words = np.array(["a", "b", "c"])[(y + (rng.random(400) < 0.2)) % 3][:, None]
    model = HMMClassifier().fit(words, y)
    assert_array_equal(model.symbols_[0], ["a", "b", "c"])
    assert model.score(words, y) > 0.85
    panel = words.reshape(40, 10, 1)
    by_sequence = HMMClassifier().fit(panel, y[::10])
    assert by_sequence.score(panel, y[::10]) == 1.0
    only_a = np.full((1, 30, 1), "a")
    assert np.isfinite(by_sequence.predict_log_proba(only_a)).all()
    numbers = HMMClassifier(emission="categorical").fit((y[:, None] + 1) % 3, y)
    assert isinstance(numbers.model_, CategoricalHMM)


def test_counts_with_labels():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(40) % 2, 10)
    X = rng.poisson(1 + 6 * y)[:, None].astype(float)
    X[3] = np.nan
    model = HMMClassifier(emission="poisson").fit(X, y)
    assert_allclose(np.sort(model.model_.rates_.ravel()), [1, 7], atol=0.5)
    assert model.score(X, y) > 0.9
    with pytest.raises(ValueError, match="Fractions in data"):
        model.predict([[0.5]])


@pytest.mark.slow
def test_japanese_vowels():
    """Chosen on the training recordings alone."""
    X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    search = GridSearchCV(
        HMMClassifier(init="segments", random_state=0),
        {"n_components": [3, 5], "reg_covar": [0.1]},
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(X_train, y_train)

    def summaries(X):
        return np.array([np.r_[x.mean(axis=0), x.std(axis=0)] for x in X])

    static = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    static.fit(summaries(X_train), y_train)
    assert static.score(summaries(X_test), y_test) == pytest.approx(0.962, abs=0.001)
    assert search.score(X_test, y_test) >= 0.978


def test_in_a_pipeline():
    X, y = labelled()
    panel, labels = np.stack(X), np.arange(20) % 2
    model = make_pipeline(PerTimestep(StandardScaler()), HMMClassifier(2, max_iter=5))
    assert len(cross_val_score(model, panel, labels, cv=2)) == 2
    proba = HMMClassifier().fit(X, y).predict_proba(X)
    assert log_loss(np.concatenate(y), np.concatenate(list(proba))) < 0.4


@pytest.mark.parametrize(
    ("parameters", "X", "y", "message"),
    [
        ({"emission": "gaussian"}, [["a"], ["b"]], [0, 1], "for numbers, but X holds"),
        ({"emission": "poisson"}, [[0], [1]], None, "for numbers, but X holds symbols"),
        ({"emission": "categorical"}, [[0.5], [1]], [0, 1], "X has dtype float64"),
        ({}, [[0.5], [1]], None, "Without a y the target is the next symbol"),
        ({"priors": [0.5, 0.6]}, np.zeros((2, 3, 1)), [0, 1], "priors="),
        ({"emission": "poisson"}, [[0.5], [1]], [0, 1], "Fractions in data"),
        ({"n_components": 3}, [[0.5], [1]], [0, 1], "n_samples >= n_components"),
        ({"alpha": -1}, [[0.5], [1]], [0, 1], "alpha"),
        ({}, [[0], [1]], [None, None], "y holds no label"),
    ],
)
def test_bad_input(parameters, X, y, message):
    with pytest.raises(ValueError, match=message):
        HMMClassifier(**parameters).fit(np.array(X), y)
