"""One system for each class: Bayes' rule by hand, and label chains by enumeration."""

import sys
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp, softmax
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_seq.datasets import load_japanese_vowels, make_ar_process
from sklearn_seq.hmm._log_filter import log_filtered
from sklearn_seq.lds import LDSClassifier, LinearDynamicalSystem

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def two_kinds(n=24, n_timesteps=30, seed=0):
    """Sequences that differ in the sign of their autocorrelation alone."""
    slow = make_ar_process(n_timesteps, coef=[0.8], n_sequences=n, random_state=seed)
    fast = make_ar_process(
        n_timesteps, coef=[-0.8], n_sequences=n, random_state=seed + 1
    )
    X = np.stack([slow, fast], axis=1).reshape(2 * n, n_timesteps, 1)
    return X, np.tile(["slow", "fast"], n)


def alternating(n_timesteps=600, run=30, seed=0):
    """One sequence whose label changes every `run` steps."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_timesteps) // run % 2
    x = np.zeros((n_timesteps, 1))
    for t in range(1, n_timesteps):
        x[t] = [0.9, -0.9][labels[t]] * x[t - 1] + rng.normal()
    return x, labels


def log_likelihoods(model, x):
    """Of one sequence under each class, from its public system."""
    return np.array(
        [
            system.score_samples(x - mean, groups=np.zeros(len(x))).sum()
            for system, mean in zip(model.systems_, model.means_, strict=True)
        ]
    )


@pytest.mark.parametrize("priors", [None, [0.9, 0.1]])
def test_label_per_sequence_is_bayes_rule(priors):
    X, y = two_kinds()
    X, y = X[:-5], y[:-5]
    model = LDSClassifier(2, priors=priors, max_iter=20).fit(X, y)
    assert_array_equal(model.classes_, ["fast", "slow"])
    expected_priors = priors or [np.mean(y == "fast"), np.mean(y == "slow")]
    assert_allclose(model.priors_, expected_priors)
    X_test, y_test = two_kinds(seed=5)
    evidence = np.array([log_likelihoods(model, x) for x in X_test])
    joint = evidence + np.log(expected_priors)
    assert_allclose(model.predict_proba(X_test), softmax(joint, axis=1), atol=1e-12)
    expected = joint - logsumexp(joint, axis=1, keepdims=True)
    assert_allclose(model.predict_log_proba(X_test), expected, atol=1e-10)
    codes = (y_test == "slow").astype(int)
    log_density = model.score_samples(X_test, y_test)
    expected = expected[np.arange(len(codes)), codes]
    assert_allclose(log_density, expected, atol=1e-10)
    assert model.score(X_test, y_test) > 0.95


def test_systems_are_those_of_the_classes():
    X, y = two_kinds()
    model = LDSClassifier(2, max_iter=5).fit(X, y)
    for label, system, mean in zip(
        model.classes_, model.systems_, model.means_, strict=True
    ):
        own = X[y == label]
        assert_allclose(mean, own.mean(axis=(0, 1)))
        alone = LinearDynamicalSystem(2, max_iter=5).fit(own - mean)
        assert_allclose(system.score(own - mean), alone.score(own - mean), rtol=1e-6)
    assert model.n_iter_ == max(system.n_iter_ for system in model.systems_)
    plain = LDSClassifier(2, max_iter=5, fit_intercept=False).fit(X, y)
    assert_array_equal(plain.means_, np.zeros((2, 1)))


def test_means_tell_classes_apart_where_dynamics_do_not():
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    X = rng.normal(size=(40, 25, 2)) + 100 + y[:, None, None]
    assert LDSClassifier().fit(X, y).score(X, y) > 0.95


def by_enumeration(densities, log_priors, log_transitions):
    """Posterior of each row's label given the rows up to it, over all label paths."""
    n, k = densities.shape
    result = np.empty((n, k))
    for t in range(n):
        totals = [[] for _ in range(k)]
        for path in product(range(k), repeat=t + 1):
            total = log_priors[path[0]] + densities[np.arange(t + 1), path].sum()
            for a, b in zip(path[:-1], path[1:], strict=True):
                total += log_transitions[a, b]
            totals[path[-1]].append(total)
        joint = np.array([logsumexp(values) for values in totals])
        result[t] = joint - logsumexp(joint)
    return result


@pytest.mark.parametrize("distance", [3, 3000])
def test_filtered_labels_by_enumeration(distance):
    """Also of labels whose probabilities are too small for floating point."""
    rng = np.random.default_rng(0)
    offsets = np.array([0, 4, 5, 10, 12])
    densities = distance * rng.normal(size=(12, 3)) - 100
    priors, transmat = rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(3), size=3)
    log_proba = log_filtered(priors, transmat, densities, offsets)
    chain = np.log(priors), np.log(transmat)
    for a, b in zip(offsets[:-1], offsets[1:], strict=True):
        expected = by_enumeration(densities[a:b], *chain)
        assert_allclose(log_proba[a:b], expected, rtol=1e-10, atol=1e-12)


def test_a_row_costs_no_call_of_python():
    """One recursion labels 2000 rows, by far fewer calls than rows."""
    x, labels = alternating(2000)
    model = LDSClassifier(max_iter=2).fit(x, labels)
    calls = 0

    def count(frame, event, arg):
        nonlocal calls
        calls += event == "call" and frame.f_globals["__name__"].startswith("scipy.")

    sys.setprofile(count)
    try:
        model.predict(x)
    finally:
        sys.setprofile(None)
    assert calls < 200


def test_labels_per_step():
    x, y = alternating()
    model = LDSClassifier(1, max_iter=20).fit(x, y)
    counts = np.ones((2, 2))
    for t in range(len(y) - 1):
        counts[y[t], y[t + 1]] += 1
    assert_allclose(model.transmat_, counts / counts.sum(axis=1, keepdims=True))
    assert_allclose(model.priors_, [0.5, 0.5])
    densities = np.column_stack(
        [
            system.score_samples(x[:9] - mean, groups=np.zeros(9))
            for system, mean in zip(model.systems_, model.means_, strict=True)
        ]
    )
    expected = by_enumeration(densities, np.log(model.priors_), np.log(model.transmat_))
    assert_allclose(model.predict_log_proba(x[:9]), expected, rtol=1e-8, atol=1e-10)
    x_test, y_test = alternating(seed=1)
    assert model.score(x_test, y_test) > 0.85
    # The rows of a class are stretches of their own: no transition from one to another.
    starts = np.arange(0, 600, 60)
    own = [x[a : a + 30] - model.means_[0] for a in starts]
    alone = LinearDynamicalSystem(1, max_iter=20).fit(own)
    assert_allclose(model.systems_[0].score(own), alone.score(own), rtol=1e-6)


def test_labels_per_step_across_sequences():
    """No transition is counted from one sequence to the next."""
    x, y = alternating(120, run=40)
    groups = np.repeat([1, 0, 2], 40)
    model = LDSClassifier(max_iter=5).fit(x, y, groups=groups)
    assert_allclose(model.transmat_, [[79 / 80, 1 / 80], [1 / 41, 40 / 41]])
    panel = LDSClassifier(max_iter=5).fit(x.reshape(3, 40, 1), y.reshape(3, 40))
    assert_allclose(
        panel.predict_proba(x.reshape(3, 40, 1)).reshape(120, 2),
        model.predict_proba(x, groups=groups),
        rtol=1e-9,
    )


def test_unlabelled_rows():
    x, y = alternating()
    some = np.where(np.arange(600) % 30 < 20, y + 3, -1)
    model = LDSClassifier(1, max_iter=20, missing_label=-1).fit(x, some)
    assert_array_equal(model.classes_, [3, 4])
    # Each stretch has 20 rows, hence 19 transitions, none to another label.
    assert_allclose(model.transmat_, np.array([[191, 1], [1, 191]]) / 192)
    assert model.score(x, y + 3) > 0.7
    log_density = model.score_samples(x, some)
    assert (log_density[some == -1] == 0).all()
    assert -1 < log_density[some != -1].mean() < 0


def test_unlabelled_sequences():
    X, y = two_kinds()
    codes = np.where(y == "slow", 2, 1)
    codes[:6] = -1
    model = LDSClassifier(max_iter=10, missing_label=-1).fit(X, codes)
    known = LDSClassifier(max_iter=10).fit(X[6:], codes[6:])
    assert_array_equal(model.classes_, [1, 2])
    assert_allclose(model.predict_proba(X), known.predict_proba(X), rtol=1e-6)
    assert model.score(X, codes) == known.score(X[6:], codes[6:])


def test_missing_values():
    X, y = two_kinds(n_timesteps=60)
    rng = np.random.default_rng(0)
    X[rng.random(X.shape) < 0.2] = np.nan
    model = LDSClassifier(max_iter=20).fit(X, y)
    assert model.score(X, y) > 0.9
    nothing = np.full((1, 5, 1), np.nan)
    assert_allclose(model.predict_proba(nothing), [model.priors_])


def test_a_class_that_is_all_missing():
    X, y = two_kinds(4)
    X[y == "slow"] = np.nan
    with pytest.raises(ValueError, match="Every value of X is missing"):
        LDSClassifier(max_iter=5).fit(X, y)


def test_workers_fit_the_same():
    X, y = two_kinds(8)
    alone = LDSClassifier(2, init="random", max_iter=5, random_state=0).fit(X, y)
    together = clone(alone).set_params(n_jobs=2).fit(X, y)
    assert_allclose(together.predict_proba(X), alone.predict_proba(X), rtol=1e-6)


def test_grid_search_and_frames():
    X, y = two_kinds(12)
    search = GridSearchCV(LDSClassifier(max_iter=5), {"n_components": [1, 2]}, cv=3)
    assert search.fit(X, y).best_score_ > 0.9
    x, labels = alternating(200)
    index = pd.MultiIndex.from_product([["b", "a"], range(100)])
    frame = pd.DataFrame(x, index=index, columns=["x"])
    model = LDSClassifier(max_iter=5).fit(frame, labels)
    rows = LDSClassifier(max_iter=5).fit(x, labels, groups=np.repeat([0, 1], 100))
    expected = rows.predict_proba(x, groups=np.repeat([0, 1], 100))
    assert_allclose(model.predict_proba(frame), expected)


def test_japanese_vowels():
    """Nine speakers; Kudo et al. (1999), who published the data, reach 94.1 %."""
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    model = LDSClassifier(2, max_iter=20).fit(X, y)
    assert model.score(X_test, y_test) > 0.96


def test_japanese_vowels_frame_by_frame():
    X, y = load_japanese_vowels(return_X_y=True)
    y = [np.full(len(x), label) for x, label in zip(X, y, strict=True)]
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    model = LDSClassifier(1, max_iter=5).fit(X, y)
    proba = model.predict_proba(X_test)
    first, last = (
        np.mean([p[i].argmax() == k for p, k in zip(proba, codes(y_test), strict=True)])
        for i in (0, -1)
    )
    assert last > 0.9 > first  # the more is heard, the surer


def codes(labels):
    return np.unique(labels, return_inverse=True)[1]


def test_bad_input():
    X, y = two_kinds(4)
    with pytest.raises(ValueError, match="requires y to be passed"):
        LDSClassifier().fit(X, None)
    with pytest.raises(ValueError, match="at least 2 classes"):
        LDSClassifier().fit(X, np.zeros(8))
    for priors in ([0.5, 0.6], [1.5, -0.5], [1.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="expected 2 probabilities"):
            LDSClassifier(priors=priors).fit(X, y)
    with pytest.raises(ValueError, match=r"must have shape \(1, 1\)"):
        LDSClassifier(fixed={"transition_matrix": np.eye(2)}).fit(X, y)
    X[1, 2] = np.inf
    with pytest.raises(ValueError, match=r"infinity.*row 32"):
        LDSClassifier().fit(X, y)
    X[1, 2] = 0.0
    model = LDSClassifier(max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="X has 2 features, but .* is expecting 1"):
        model.predict(np.zeros((1, 5, 2)))
    with pytest.raises(ValueError, match="X must be a panel"):
        model.predict(X[0])
    with pytest.raises(ValueError, match="groups must be contiguous"):
        LDSClassifier().fit(X[0], np.arange(30) % 2, groups=np.arange(30) % 2)


def test_degenerate_data():
    X, y = two_kinds(4)
    one_step = LDSClassifier(2, max_iter=5).fit(X[:, :1], y)
    assert np.isfinite(one_step.predict_proba(X[:, :1])).all()
    constant = LDSClassifier(2, max_iter=5).fit(np.zeros_like(X), y)
    assert np.isfinite(constant.predict_proba(X)).all()
    for scale in (1e150, 1e-150):
        model = LDSClassifier(2, max_iter=5).fit(scale * X, y)
        assert np.isfinite(model.predict_proba(scale * X)).all()
        assert model.score(scale * X, y) > 0.7
    certain = LDSClassifier(priors=[0, 1], max_iter=5).fit(X, y)
    assert_array_equal(certain.predict_proba(X), np.tile([0.0, 1.0], (8, 1)))
