"""What verbose prints, for every estimator that learns by iterations."""

import re
from inspect import signature

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn_versions import HAS_CALLBACKS
from test_common import CASES, all_outputs, assert_same, each_class_once, layouts

import sklearn_seq
from sklearn_seq import (
    ARClassifier,
    GaussianHMM,
    HMMClassifier,
    LDSClassifier,
    LinearDynamicalSystem,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sklearn_seq.datasets import make_ar_process

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ITERATIVE = [case for case in CASES if hasattr(case.estimator, "max_iter")]
LINE = re.compile(
    r"\[(?P<name>\w+)(, class (?P<label>[^\]]+))?\] (run (?P<run>\d+) of \d+, )?"
    r"iteration (?P<n_iter>\d+): (?P<quantity>[a-z -]+?) (?P<value>\S+?)"
    r"( (?P<unit>nats))?(, change (?P<change>\S+?))?"
    r"(, validation score (?P<score>\S+))?"
)


def read(output):
    """What each line says."""
    matches = [LINE.fullmatch(line) for line in output.splitlines()]
    assert all(matches), output
    return [match.groupdict() for match in matches]


def values(lines, what="value"):
    return [float(line[what]) for line in lines]


X = make_ar_process(60, random_state=0)
LABELS = np.arange(60) // 5 % 2


def test_every_estimator_with_max_iter_is_there():
    names = [name for name in sklearn_seq.__all__ if name[0].isupper()]
    classes = [getattr(sklearn_seq, name) for name in names]
    iterative = {c for c in classes if "max_iter" in signature(c).parameters}
    assert iterative == {type(case.estimator) for case in ITERATIVE}
    assert iterative == {c for c in classes if "verbose" in signature(c).parameters}
    assert {c().verbose for c in iterative} == {0}


@pytest.mark.parametrize("case", each_class_once(ITERATIVE))
def test_a_line_for_each_iteration_in_every_layout(case, capsys):
    training = layouts(*case.data(0, (12,) * 4), case.gives_one_output_per_sequence)
    estimator = clone(case.estimator).set_params(max_iter=3)
    first = None
    for layout, (X, y, groups) in training.items():
        stacked = {"groups": groups, "stack": layout not in ("rows", "indexed frame")}
        groups = {} if groups is None else {"groups": groups}
        silent = clone(estimator).fit(X, y, **groups)
        assert capsys.readouterr().out == ""
        model = clone(estimator).set_params(verbose=1).fit(X, y, **groups)
        lines = read(capsys.readouterr().out)
        numbers = [int(line["n_iter"]) for line in lines]
        assert max(numbers) == model.n_iter_
        if HAS_CALLBACKS or not isinstance(model, ARClassifier):
            assert set(numbers) == set(range(1, model.n_iter_ + 1))
        assert {line["name"] for line in lines} == {type(model).__name__}
        first = first or lines
        assert [line["label"] for line in lines] == [line["label"] for line in first]
        assert_allclose(values(lines), values(first), rtol=1e-3)
        # It changes nothing.
        assert_same(
            all_outputs(model, X, y, **stacked), all_outputs(silent, X, y, **stacked)
        )


@pytest.mark.parametrize("verbose", [-1, 0.5, "yes", None])
def test_verbose_is_checked(verbose):
    with pytest.raises(ValueError, match="The 'verbose' parameter"):
        GaussianHMM(verbose=verbose).fit(X)


@pytest.mark.parametrize(
    "model",
    [
        GaussianHMM(2, n_init=3, max_iter=4, tol=0, random_state=0),
        LinearDynamicalSystem(2, n_init=3, max_iter=4, tol=0, random_state=0),
    ],
    ids=["HMM", "LDS"],
)
def test_runs_of_expectation_maximisation(model, capsys):
    model.set_params(verbose=1).fit(100 * X)
    lines = read(capsys.readouterr().out)
    runs = [[line for line in lines if line["run"] == run] for run in "123"]
    assert [int(line["n_iter"]) for line in lines] == [1, 2, 3, 4] * 3
    assert {line["quantity"] for line in lines} == {"log-likelihood per time step"}
    assert {line["unit"] for line in lines} == {"nats"}
    best = max(runs, key=lambda run: values(run)[-1])
    curve = -np.array(model.loss_curve_)
    assert_allclose(values(best), curve[1:], rtol=1e-5)
    assert_allclose(values(best, "change"), np.diff(curve), rtol=1e-2, atol=1e-9)
    # The last one is what the model says of its data.
    assert_allclose(values(best)[-1], model.score_samples(X * 100).mean(), rtol=1e-5)


def test_a_prior_makes_it_a_posterior(capsys):
    GaussianHMM(2, transmat_prior=2.0, max_iter=2, verbose=1, random_state=0).fit(X)
    lines = read(capsys.readouterr().out)
    assert {line["quantity"] for line in lines} == {"log-posterior per time step"}


@pytest.mark.parametrize("make", [HMMClassifier, LDSClassifier])
def test_a_model_for_each_class(make, capsys):
    panel, y = X.reshape(6, 10, 1), np.array(["a", "b"])[np.arange(6) % 2]
    model = make(2, max_iter=3, tol=0, random_state=0, verbose=1).fit(panel, y)
    lines = read(capsys.readouterr().out)
    assert [line["label"] for line in lines] == ["'a'"] * 3 + ["'b'"] * 3
    assert {line["name"] for line in lines} == {make.__name__}
    assert model.n_iter_ == 3


NETS = [
    MLPSequenceRegressor(2, (4,), random_state=0),
    MLPSequenceClassifier(2, (4,), random_state=0),
    RNNRegressor((4,), random_state=0),
    RNNClassifier((4,), random_state=0),
]
every_net = pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)


def target_of(net):
    return LABELS if hasattr(net, "predict_proba") else None


@pytest.mark.parametrize(
    "net, solver",
    [
        pytest.param(net, solver, id=f"{solver}-{type(net).__name__}")
        for net in NETS
        for solver in ("adam", "sgd", "lbfgs", "hessian-free")
        if solver != "hessian-free" or isinstance(net, RNNRegressor | RNNClassifier)
    ],
)
def test_losses_of_nets(net, solver, capsys):
    model = clone(net).set_params(solver=solver, max_iter=4, verbose=True)
    model.fit(X, target_of(net))
    lines = read(capsys.readouterr().out)
    assert [int(line["n_iter"]) for line in lines] == [1, 2, 3, 4]
    assert {line["quantity"] for line in lines} == {"loss"}
    assert_allclose(values(lines), model.loss_curve_, rtol=1e-5)
    assert lines[0]["change"] is None
    changes = np.diff(model.loss_curve_)
    assert_allclose(values(lines[1:], "change"), changes, rtol=1e-2)
    unit = "nats" if hasattr(net, "predict_proba") else None
    assert {line["unit"] for line in lines} == {unit}


@every_net
def test_validation_scores_of_nets(net, capsys):
    panel = X.reshape(6, 10, 1)
    y = LABELS.reshape(6, 10) if target_of(net) is not None else None
    model = clone(net).set_params(max_iter=4, early_stopping=True, verbose=1)
    model.fit(panel, y)
    lines = read(capsys.readouterr().out)
    assert_allclose(values(lines, "score"), model.validation_scores_, rtol=1e-5)


@every_net
def test_partial_fits_and_warm_starts_go_on(net, capsys):
    model = clone(net).set_params(max_iter=2, warm_start=True, verbose=1)
    y = target_of(net)
    for fit in (model.fit, model.fit, model.partial_fit):
        fit(X, y)
    lines = read(capsys.readouterr().out)
    assert [int(line["n_iter"]) for line in lines] == [1, 2, 3, 4, 5]
    assert_allclose(values(lines), model.loss_curve_, rtol=1e-5)
    changes = np.diff(model.loss_curve_)
    assert_allclose(values(lines[1:], "change"), changes, rtol=1e-2, atol=1e-9)


def test_cross_entropy_of_a_log_linear_model(capsys):
    model = ARClassifier(2, verbose=1).fit(X, LABELS)
    lines = read(capsys.readouterr().out)
    expected = -model.score_samples(X, LABELS)[1:].mean()  # rows with two taps
    assert_allclose(values(lines)[-1], expected, rtol=1e-5)
    if HAS_CALLBACKS:
        assert_allclose(
            sum(values(lines[1:], "change")),
            values(lines)[-1] - values(lines)[0],
            atol=1e-4,
        )
