import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_versions import ProgressBar, ScoringMonitor, needs_callbacks

from sklearn_seq.autoregressive import (
    ARClassifier,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
)
from sklearn_seq.datasets import make_markov_chain
from sklearn_seq.metrics import mean_log_likelihood_scorer, neg_bits_per_symbol_scorer

pytestmark = [
    needs_callbacks,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

N = 120
GROUPS = np.repeat([2, 0, 1], 40)
SYMBOLS = make_markov_chain(N, n_states=3, random_state=0)
LABELS = np.arange(N) // 5 % 2
NUMBERS = np.random.default_rng(0).normal(size=(N, 2)) + LABELS[:, None]

ITERATIVE = [
    ARClassifier(2),
    MLPSequenceClassifier(2, (4,), max_iter=7, random_state=0),
    MLPSequenceClassifier(2, (4,), solver="lbfgs", max_iter=7, random_state=0),
]
every_estimator = pytest.mark.parametrize(
    "estimator", ITERATIVE, ids=["AR", "MLP, adam", "MLP, lbfgs"]
)


class Recorder:
    """A callback that writes down what it is told."""

    def __init__(self):
        self.events, self.begun, self.ended = [], [], []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(f"begin {context.task_name}")
        self.begun.append((context, X, y, metadata))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        self.ended.append(fitted_estimator)


class Interrupt(Recorder):
    """As if Ctrl-C were pressed in the third iteration."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if len(self.events) > 4 and "interrupt" not in self.events:
            self.events.append("interrupt")
            raise KeyboardInterrupt


@every_estimator
def test_a_callback_sees_every_iteration(estimator):
    recorder = Recorder()
    model = clone(estimator).set_callbacks(recorder).fit(NUMBERS, LABELS)
    iterations = ["begin iteration", "end iteration"] * model.n_iter_
    expected = ["setup", "begin fit", *iterations, "end fit", "teardown"]
    assert recorder.events == expected
    contexts = [context for context, *_ in recorder.begun]
    assert contexts[0].max_subtasks == model.max_iter
    assert [c.task_id for c in contexts[1:]] == list(range(model.n_iter_))
    # Each time there is a model that can predict; it gets better, and is the last one
    # in the end.
    scores = [m.score_samples(NUMBERS, LABELS).mean() for m in recorder.ended]
    assert scores[0] < scores[-1]
    assert_allclose(scores[-1], model.score_samples(NUMBERS, LABELS).mean())
    assert_array_equal(recorder.ended[-1].predict(NUMBERS), model.predict(NUMBERS))
    # A callback changes nothing.
    plain = clone(estimator).fit(NUMBERS, LABELS)
    assert_array_equal(plain.predict_proba(NUMBERS), model.predict_proba(NUMBERS))
    assert plain.n_iter_ == model.n_iter_


@every_estimator
def test_a_callback_gets_the_data(estimator):
    recorder = Recorder()
    clone(estimator).set_callbacks(recorder).fit(NUMBERS, LABELS, groups=GROUPS)
    for _, X, y, metadata in recorder.begun:
        assert X is NUMBERS and y is LABELS
        assert list(metadata) == ["groups"] and metadata["groups"] is GROUPS


@every_estimator
def test_without_a_y_the_target_is_x_advanced_by_one_step(estimator):
    recorder = Recorder()
    clone(estimator).set_callbacks(recorder).fit(SYMBOLS, groups=GROUPS)
    for _, X, y, _ in recorder.begun:
        assert X is SYMBOLS
        for group in range(3):
            own = GROUPS == group
            assert y[own][-1] is None
            assert_array_equal(y[own][:-1].astype(int), SYMBOLS[own][1:, 0])


def test_targets_of_a_regressor_without_a_y():
    recorder = Recorder()
    model = MLPSequenceRegressor(2, (4,), max_iter=3, exogenous=1, random_state=0)
    panel = NUMBERS.reshape(3, 40, 2)
    model.set_callbacks(recorder).fit(panel)
    _, X, y, metadata = recorder.begun[-1]
    assert X is panel and metadata is None
    assert y.shape == (3, 40, 1)
    assert_array_equal(y[:, :-1, 0], panel[:, 1:, 0])
    assert np.isnan(y[:, -1]).all()
    # Held against it, the score is that of the forecasts.
    assert model.score(panel, y) == pytest.approx(model.score(panel), rel=1e-12)


@every_estimator
def test_an_interrupted_fit_leaves_no_half_fitted_model(estimator):
    model = clone(estimator).fit(NUMBERS, LABELS)
    interrupt = Interrupt()
    model.set_callbacks(interrupt)
    if isinstance(model, MLPSequenceClassifier):  # whose epochs are not lost
        with pytest.warns(UserWarning, match="interrupted by user"):
            model.fit(NUMBERS[:, :1], LABELS)
        assert interrupt.events[-1] == "teardown"
        assert model.n_features_in_ == 1 and 0 < model.n_iter_ < model.max_iter
        assert np.isfinite(model.score_samples(NUMBERS[:, :1], LABELS)).all()
        return
    with pytest.raises(KeyboardInterrupt):
        model.fit(NUMBERS[:, :1], LABELS)
    assert interrupt.events[-1] == "teardown"
    with pytest.raises(NotFittedError):
        model.predict(NUMBERS)


def monitored(estimator, scoring):
    monitor = ScoringMonitor(scoring=scoring)
    return clone(estimator).set_callbacks(monitor), monitor


def scores_of_fits(monitor):
    """The scores after whole fits: of the entries that others have as their parent."""
    entries = monitor.get_logs().data
    parents = {entry["parent_task_id_path"] for entry in entries}
    fits = [entry for entry in entries if entry["task_id_path"] in parents]
    return [entry.get("accuracy", entry.get("score")) for entry in fits]


@every_estimator
def test_scoring_monitor_with_a_y(estimator):
    model, monitor = monitored(estimator, "accuracy")
    model.fit(NUMBERS, LABELS)
    logs = [entry["accuracy"] for entry in monitor.get_logs().data]
    assert len(logs) == model.n_iter_ + 1  # and one for the whole fit
    assert logs[0] == logs[-1] == model.score(NUMBERS, LABELS)


@every_estimator
@pytest.mark.parametrize("layout", ["rows", "groups", "3-D", "list"])
def test_scoring_monitor_of_the_next_symbol(estimator, layout):
    model, monitor = monitored(estimator, neg_bits_per_symbol_scorer)
    groups = {"groups": GROUPS} if layout == "groups" else {}
    X = {"3-D": SYMBOLS.reshape(3, 40, 1), "list": [SYMBOLS[:50], SYMBOLS[50:]]}
    X = X.get(layout, SYMBOLS)
    model.fit(X, **groups)
    logs = [entry["score"] for entry in monitor.get_logs().data]
    assert len(logs) == model.n_iter_ + 1
    assert logs[1] < logs[-1]
    expected = neg_bits_per_symbol_scorer(model, X, **groups)
    assert logs[0] == pytest.approx(expected, rel=1e-9)


@every_estimator
@pytest.mark.parametrize("routing", [False, True])
def test_scoring_monitor_with_groups(estimator, routing):
    model, monitor = monitored(estimator, mean_log_likelihood_scorer)
    with sklearn.config_context(enable_metadata_routing=routing):
        model.fit(NUMBERS, LABELS, groups=GROUPS)
    logs = [entry["score"] for entry in monitor.get_logs().data]
    expected = model.score_samples(NUMBERS, LABELS, groups=GROUPS).mean()
    assert logs[0] == pytest.approx(expected, rel=1e-9)


@every_estimator
def test_scoring_monitor_with_one_label_for_each_sequence(estimator):
    model, monitor = monitored(estimator, "accuracy")
    X, y = NUMBERS.reshape(12, 10, 2), np.arange(12) % 2
    model.fit(X, y)
    logs = [entry["accuracy"] for entry in monitor.get_logs().data]
    assert logs[0] == model.score(X, y)


@every_estimator
@pytest.mark.parametrize("with_y", [True, False])
def test_scoring_monitor_in_a_pipeline_and_a_search(estimator, with_y):
    scoring = "accuracy" if with_y else neg_bits_per_symbol_scorer
    model, monitor = monitored(estimator, scoring)
    X, y = (NUMBERS, LABELS) if with_y else (SYMBOLS, None)
    scaler = StandardScaler() if with_y else "passthrough"
    pipeline = make_pipeline(scaler, model).fit(X, y)
    entries = monitor.get_logs().data
    assert {entry["estimator_name"] for entry in entries} == {type(model).__name__}
    assert len(entries) == model.n_iter_ + 1
    name = pipeline.steps[-1][0]
    search = GridSearchCV(pipeline, {f"{name}__n_lags": [1, 2]}, cv=KFold(3))
    search.fit(X, y)
    scores = scores_of_fits(monitor)
    assert len(scores) == 2 * 3 + 1  # candidates, folds, and the refit
    refitted = search.best_estimator_
    expected = refitted.score(X, y) if with_y else scoring(refitted, X)
    assert np.min(np.abs(np.array(scores) - expected)) < 1e-9


def test_scoring_monitor_in_a_search_with_groups():
    model, monitor = monitored(ARClassifier(), neg_bits_per_symbol_scorer)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(model, {"n_lags": [1, 2]}, cv=GroupKFold(3))
        search.fit(SYMBOLS, groups=GROUPS)
    refitted = search.best_estimator_
    expected = neg_bits_per_symbol_scorer(refitted, SYMBOLS, groups=GROUPS)
    scores = scores_of_fits(monitor)
    assert len(scores) == 7
    assert np.min(np.abs(np.array(scores) - expected)) < 1e-9


@every_estimator
def test_progress_bar(estimator, capsys):
    pipeline = make_pipeline(StandardScaler(), clone(estimator))
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None))
    pipeline.fit(NUMBERS, LABELS)
    assert type(estimator).__name__ in capsys.readouterr().out
    name = pipeline.steps[-1][0]
    search = GridSearchCV(
        make_pipeline(StandardScaler(), clone(estimator)),
        {f"{name}__n_lags": [1, 2]},
        cv=KFold(2),
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None))
    search.fit(NUMBERS, LABELS)
    output = capsys.readouterr().out
    assert "GridSearchCV" in output and type(estimator).__name__ in output
