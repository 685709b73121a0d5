"""Scorers over time steps, held against scikit-learn's metrics of steps cut by hand."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_pinball_loss,
    mean_squared_error,
    median_absolute_error,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARClassifier, ARRegressor
from sklearn_seq.hmm import GaussianHMM, HMMClassifier
from sklearn_seq.metrics import (
    flatten_steps,
    mean_log_likelihood_scorer,
    neg_next_step_mae_scorer,
    neg_next_step_rmse_scorer,
    per_step_scorer,
)
from sklearn_seq.preprocessing import DelayTaps, PerTimestep
from sklearn_seq.rnn import RNNRegressor

LENGTHS = (9, 12, 8, 10, 11, 14)
GROUPS = np.repeat(np.arange(6), LENGTHS)


def labelled(lengths=LENGTHS, n_classes=3):
    """Recordings with a label for each step."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in lengths]
    edges = [-0.5, 0.5] if n_classes == 3 else [0.0]
    y = [np.digitize(x[:, 0] + rng.normal(0, 0.4, len(x)), edges) - 1 for x in X]
    return X, y


def indexed(X):
    index = pd.MultiIndex.from_arrays(
        [GROUPS, np.concatenate([np.arange(n) for n in LENGTHS])]
    )
    return pd.DataFrame(np.concatenate(X), index=index, columns=["a", "b"])


METRICS = {
    "f1_macro": lambda y, p: f1_score(y, p, average="macro"),
    "balanced_accuracy": balanced_accuracy_score,
    "accuracy": accuracy_score,
}


@pytest.mark.parametrize("name", METRICS)
def test_labels_per_step_in_every_layout(name):
    X, y = labelled()
    model = ARClassifier(2).fit(X, y)
    flat_y = np.concatenate(y)
    predicted = np.concatenate(list(model.predict(X)))
    expected = METRICS[name](flat_y, predicted)
    assert 0 < expected < 1
    scorer = per_step_scorer(name)
    assert_allclose(scorer(model, X, y), expected)
    rows = np.concatenate(X)
    assert_allclose(scorer(model, rows, flat_y, groups=GROUPS), expected)
    assert_allclose(scorer(model, rows[:9], y[0]), METRICS[name](y[0], predicted[:9]))
    names = ARClassifier(2).fit(indexed(X), flat_y)
    assert_allclose(scorer(names, indexed(X), flat_y), expected)
    X, y = labelled((10,) * 6)
    expected = METRICS[name](np.ravel(y), np.ravel(model.predict(np.stack(X))))
    assert_allclose(scorer(model, np.stack(X), np.stack(y)), expected)


def test_one_label_for_each_sequence():
    X, _ = labelled()
    y = np.array(["a", "b", "a", "b", "b", "a"])
    model = ARClassifier(1).fit(X, y)
    expected = f1_score(y, model.predict(X), average="macro")
    assert_allclose(per_step_scorer("f1_macro")(model, X, y), expected)


def test_probabilities():
    X, y = labelled()
    model = ARClassifier().fit(X, y)
    proba = np.concatenate(list(model.predict_proba(X)))
    flat_y = np.concatenate(y)
    score = per_step_scorer("neg_log_loss")(model, X, y)
    assert_allclose(score, -log_loss(flat_y, proba))
    score = per_step_scorer("roc_auc_ovr")(model, X, y)
    assert_allclose(score, roc_auc_score(flat_y, proba, multi_class="ovr"))
    X, y = labelled(n_classes=2)
    model = ARClassifier().fit(X, y)
    proba = np.concatenate(list(model.predict_proba(X)))[:, 1]
    score = per_step_scorer("roc_auc")(model, X, y)
    assert_allclose(score, roc_auc_score(np.concatenate(y), proba))


def test_missing_labels_burn_in_and_weights():
    X, y = labelled()
    known = [np.random.default_rng(i).random(len(v)) < 0.7 for i, v in enumerate(y)]
    marked = [np.where(k, v, 9) for k, v in zip(known, y, strict=True)]
    model = ARClassifier(2, burn_in=3, missing_label=9).fit(X, marked)
    assert_array_equal(model.classes_, [-1, 0, 1])
    counted = np.concatenate([np.arange(len(v)) >= 3 for v in y])
    counted &= np.concatenate(known)
    weights = np.array([1.0, 2.0, 0.5, 1.0, 3.0, 0.0])
    steps = np.repeat(weights, LENGTHS)[counted]
    predicted = np.concatenate(list(model.predict(X)))[counted]
    true = np.concatenate(y)[counted]
    scorer = per_step_scorer("f1_macro")
    assert_allclose(
        scorer(model, X, marked), f1_score(true, predicted, average="macro")
    )
    expected = f1_score(true, predicted, average="macro", sample_weight=steps)
    assert_allclose(scorer(model, X, marked, sample_weight=weights), expected)
    with_none = [
        np.where(k, v.astype(object), None) for k, v in zip(known, y, strict=True)
    ]
    assert_allclose(
        scorer(model, X, with_none), f1_score(true, predicted, average="macro")
    )
    # The model's own score is the accuracy of the same steps.
    score = per_step_scorer("accuracy")(model, X, marked)
    assert_allclose(score, model.score(X, marked))


def test_labels_unseen_in_fit_count_as_wrong():
    X, y = labelled()
    model = ARClassifier().fit(X, y)
    other = [np.where(v == 0, 7, v) for v in y]
    predicted = np.concatenate(list(model.predict(X)))
    expected = accuracy_score(np.concatenate(other), predicted)
    assert_allclose(per_step_scorer("accuracy")(model, X, other), expected)


def test_next_symbols():
    rng = np.random.default_rng(0)
    X = [rng.choice(list("aab"), size=(n, 1)) for n in LENGTHS]
    model = ARClassifier(2).fit(X)
    predicted = model.predict(X)
    true = np.concatenate([x[1:, 0] for x in X])
    steps = np.concatenate([p[:-1] for p in predicted])
    expected = f1_score(true, steps, average="macro")
    assert_allclose(per_step_scorer("f1_macro")(model, X), expected)
    rows = np.concatenate(X)
    score = per_step_scorer("f1_macro")(model, rows, groups=GROUPS)
    assert_allclose(score, expected)


NEXT_STEP = {
    "mae": (neg_next_step_mae_scorer, mean_absolute_error),
    "rmse": (
        neg_next_step_rmse_scorer,
        lambda y, p, **kwargs: np.mean(
            np.sqrt(mean_squared_error(y, p, multioutput="raw_values", **kwargs))
        ),
    ),
    "median": (
        per_step_scorer("neg_median_absolute_error"),
        lambda y, p, **kwargs: median_absolute_error(y, p, **kwargs),
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", NEXT_STEP)
@pytest.mark.parametrize("model", [ARRegressor(2), RNNRegressor(3, max_iter=2)])
def test_next_steps(name, model):
    X, _ = labelled()
    scorer, metric = NEXT_STEP[name]
    model = clone(model).set_params(burn_in=3).fit(X)
    predicted = model.predict(X)
    true = np.concatenate([x[3:] for x in X])
    steps = np.concatenate([p[2:-1] for p in predicted])
    expected = -metric(true, steps)
    assert_allclose(scorer(model, X), expected)
    rows = np.concatenate(X)
    assert_allclose(scorer(model, rows, groups=GROUPS), expected)
    assert_allclose(scorer(model, [*X, X[0][:2]]), expected)
    weights = np.arange(1.0, 7.0)
    of_steps = np.repeat(weights, np.array(LENGTHS) - 3)
    expected = -metric(true, steps, sample_weight=of_steps)
    assert_allclose(scorer(model, X, sample_weight=weights), expected)


@pytest.mark.parametrize("name", NEXT_STEP)
def test_missing_targets(name):
    X, _ = labelled()
    scorer, metric = NEXT_STEP[name]
    rng = np.random.default_rng(3)
    y = [np.column_stack([x.sum(axis=1), x[:, 0] ** 2]) for x in X]
    for values in y:
        values[rng.random(values.shape) < 0.3] = np.nan
    model = ARRegressor(1).fit(X, y)
    true, predicted = np.concatenate(y), np.concatenate(list(model.predict(X)))
    known = ~np.isnan(true)
    by_output = [metric(true[k, i], predicted[k, i]) for i, k in enumerate(known.T)]
    assert_allclose(scorer(model, X, y), -np.mean(by_output))
    single = [values[:, 0] for values in y]
    model = ARRegressor(1).fit(X, single)
    predicted = np.concatenate(list(model.predict(X)))
    k = known[:, 0]
    expected = -metric(true[k, 0], predicted[k])
    assert_allclose(scorer(model, X, single), expected)


def test_cross_validation_of_a_list():
    X, y = labelled()
    scoring = {
        "f1": per_step_scorer("f1_macro"),
        "balanced": per_step_scorer("balanced_accuracy"),
        "likelihood": mean_log_likelihood_scorer,
    }
    found = cross_validate(ARClassifier(), X, y, cv=KFold(3), scoring=scoring)
    for i, (train, test) in enumerate(KFold(3).split(X)):
        model = ARClassifier().fit([X[k] for k in train], [y[k] for k in train])
        true = np.concatenate([y[k] for k in test])
        steps = np.concatenate(list(model.predict([X[k] for k in test])))
        expected = f1_score(true, steps, average="macro")
        assert_allclose(found["test_f1"][i], expected)
        expected = balanced_accuracy_score(true, steps)
        assert_allclose(found["test_balanced"][i], expected)
    assert np.isfinite(found["test_likelihood"]).all()


def test_search_in_a_pipeline():
    X, y = labelled()
    pipeline = make_pipeline(PerTimestep(StandardScaler()), ARClassifier())
    scoring = per_step_scorer("f1_macro")
    grid = {"arclassifier__n_lags": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2), scoring=scoring, n_jobs=2)
    search.fit(X, y)
    steps = search.predict(X)
    expected = f1_score(np.concatenate(y), np.concatenate(list(steps)), average="macro")
    assert_allclose(search.score(X, y), expected)
    assert_allclose(scoring(search, X, y), expected)
    several = GridSearchCV(
        pipeline, grid, cv=KFold(2), scoring={"f1": scoring}, refit="f1"
    ).fit(X, y)
    assert_array_equal(
        several.cv_results_["mean_test_f1"], search.cv_results_["mean_test_score"]
    )


def test_metadata_routing():
    X, _ = labelled()
    rows = np.concatenate(X)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            make_pipeline(StandardScaler(), ARRegressor(2)),
            rows,
            cv=GroupKFold(2),
            scoring=per_step_scorer("neg_mean_absolute_error"),
            params={"groups": GROUPS},
        )
    for score, (train, test) in zip(
        scores, GroupKFold(2).split(rows, groups=GROUPS), strict=True
    ):
        scaler = StandardScaler().fit(rows[train])
        groups = GROUPS[train]
        model = ARRegressor(2).fit(scaler.transform(rows[train]), groups=groups)
        parts = [scaler.transform(X[k]) for k in np.unique(GROUPS[test])]
        forecasts = model.predict(parts)
        errors = [np.abs(x[1:] - p[:-1]) for x, p in zip(parts, forecasts, strict=True)]
        assert_allclose(score, -np.concatenate(errors).mean())


def test_other_models():
    """An ensemble of sequence models, and a regressor of rows in a pipeline."""
    X, y = labelled((10,) * 6)
    rows, flat_y = np.concatenate(X), np.concatenate(y)
    voting = VotingClassifier([("a", ARClassifier(1)), ("b", ARClassifier(2))])
    voting.fit(rows, flat_y)
    some = flat_y.astype(object)
    some[::3] = None
    there = np.arange(60) % 3 > 0
    predicted = voting.predict(rows)
    expected = f1_score(flat_y[there], predicted[there], average="macro")
    assert_allclose(per_step_scorer("f1_macro")(voting, rows, some), expected)
    chain = make_pipeline(DelayTaps(2), LinearRegression()).fit(rows, rows[:, 0] ** 2)
    target = rows[:, 0] ** 2
    expected = -mean_absolute_error(target, chain.predict(rows))
    assert_allclose(neg_next_step_mae_scorer(chain, rows, target), expected)
    with pytest.raises(ValueError, match="needs y for LinearRegression"):
        neg_next_step_mae_scorer(chain, rows)


def test_metrics_and_scorers():
    X, _ = labelled()
    model = ARRegressor().fit(X)
    expected = neg_next_step_mae_scorer(model, X)
    for scoring in (
        mean_absolute_error,
        make_scorer(mean_absolute_error, greater_is_better=False),
        "neg_mean_absolute_error",
        neg_next_step_mae_scorer,
    ):
        assert per_step_scorer(scoring)(model, X) == expected
    scorer = per_step_scorer(mean_absolute_error)
    assert repr(scorer) == "per_step_scorer(mean_absolute_error)"
    assert pickle.loads(pickle.dumps(scorer))(model, X) == expected
    lower = make_scorer(mean_pinball_loss, alpha=0.1, greater_is_better=False)
    true = np.concatenate([x[1:] for x in X])
    predicted = np.concatenate([p[:-1] for p in model.predict(X)])
    expected = -mean_pinball_loss(true, predicted, alpha=0.1)
    assert_allclose(per_step_scorer(lower)(model, X), expected)


def distance(y_true, y_pred):
    return 0.0


def test_errors():
    X, y = labelled()
    for scoring in (distance, 3, None):
        with pytest.raises(
            TypeError, match=r"expected the name of a scorer.*make_scor"
        ):
            per_step_scorer(scoring)
    with pytest.raises(TypeError, match="needs a classifier or a regressor, but got G"):
        per_step_scorer("accuracy")(GaussianHMM().fit(X), X)
    classifier = HMMClassifier().fit(X, y)
    with pytest.raises(TypeError, match="neg_next_step_rmse_scorer needs a regressor"):
        neg_next_step_rmse_scorer(classifier, X, y)
    with pytest.raises(ValueError, match="y holds no label"):
        per_step_scorer("accuracy")(classifier, X, [None] * 6)


def test_flatten_steps():
    X, y = labelled()
    model = ARClassifier(missing_label=0).fit(X, y)
    flat_y, predicted = np.concatenate(y), np.concatenate(list(model.predict(X)))
    true, steps = flatten_steps(y, model.predict(X))
    assert_array_equal(true, flat_y)
    assert_array_equal(steps, predicted)
    true, steps = flatten_steps(y, model.predict(X), missing_label=0)
    assert_array_equal(true, flat_y[flat_y != 0])
    assert_array_equal(steps, predicted[flat_y != 0])
    true, proba = flatten_steps([None, *y[1:]], model.predict_proba(X))
    assert_array_equal(true, flat_y[9:])
    expected = np.concatenate(list(model.predict_proba(X)))[9:]
    assert_array_equal(proba, expected)
    rows = np.concatenate(X)
    some = np.where(flat_y == 1, np.nan, flat_y)
    true, steps = flatten_steps(some, model.predict(rows))
    assert_array_equal(true, flat_y[flat_y != 1])
    assert_array_equal(steps, model.predict(rows)[flat_y != 1])
    X, y = labelled((10,) * 6)
    true, proba = flatten_steps(np.stack(y), model.predict_proba(np.stack(X)))
    assert_array_equal(true, np.ravel(y))
    assert_array_equal(proba, model.predict_proba(np.stack(X)).reshape(60, 2))


@pytest.mark.parametrize(
    "y_true, y_pred, message",
    [
        ([[0, 1], [1]], [[0, 1]], "y_true has 2 sequences, but y_pred has 1"),
        (
            [[0, 1], [1]],
            [[0, 1], [1, 0]],
            "Sequence 1 of y_true has 1 entries, but that",
        ),
        (
            [0, 1, 0],
            [0, 1],
            "Sequence 0 of y_true has 3 entries, but that of y_pred has",
        ),
    ],
)
def test_what_does_not_fit(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        flatten_steps(y_true, y_pred)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of old matplotlib's
def test_confusion_matrix_display():
    X, y = labelled()
    model = ARClassifier().fit(X, y)
    display = ConfusionMatrixDisplay.from_predictions(
        *flatten_steps(y, model.predict(X))
    )
    expected = confusion_matrix(
        np.concatenate(y), np.concatenate(list(model.predict(X)))
    )
    assert_array_equal(display.confusion_matrix, expected)
