"""An interrupt in the middle of a fit leaves no model that is fitted by half."""

import sys
from pathlib import Path

import numpy as np
import pytest
from fuzzed_calls import (
    answers,
    assert_same_answers,
    fit,
    of_sequences,
    plain_data,
)
from fuzzed_estimators import KINDS
from sampling import each_value_once
from sklearn.base import clone
from sklearn_versions import needs_callbacks

import sklearn_seq

PACKAGE = str(Path(sklearn_seq.__file__).parent)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


class Calls:
    """Counts calls from within the package, and interrupts one of them.

    Parameters
    ----------
    last : int, default=None
        The number of the call that is interrupted.
    """

    def __init__(self, last=None):
        self.n, self.last = 0, last

    def __call__(self, frame, event, arg):
        ours = frame.f_code.co_filename.startswith(PACKAGE)
        if ours and event in ("call", "c_call"):
            self.n += 1
            if self.n == self.last:
                sys.setprofile(None)
                raise KeyboardInterrupt

    def __enter__(self):
        sys.setprofile(self)
        return self

    def __exit__(self, *args):
        sys.setprofile(None)


def interrupted(estimator, data, last):
    """Interrupt a fit; whether it raised."""
    try:
        with Calls(last):
            fit(estimator, data)
    except KeyboardInterrupt:
        return True
    return False


def points(n_calls):
    """Where to interrupt so many calls: all over, and often where a fit ends."""
    spread = np.linspace(1, n_calls, 9).astype(int)
    return sorted({*spread.tolist(), *range(max(1, n_calls - 25), n_calls, 3)})


@each_value_once("name, per_sequence", list(KINDS), [False, True])
def test_an_interrupt_leaves_no_half_fitted_model(name, per_sequence):
    kind = KINDS[name]
    estimator = kind.make(**kind.settings)
    data = plain_data(kind, 0, per_sequence)
    with Calls() as calls:
        fit(clone(estimator), data)
    for last in points(calls.n):
        model = clone(estimator)
        interrupted(model, data, last)
        answers(model, data)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if "LDS" in name else name
        for name in KINDS
    ],
)
def test_an_interrupted_refit_leaves_the_old_model_or_none(name):
    """Or the new one, if it was learnt far enough."""
    kind = KINDS[name]
    estimator = kind.make(**kind.settings)
    old_data = plain_data(kind, 1, per_sequence=True)
    data = plain_data(kind, 0, per_sequence=False)
    model = fit(clone(estimator), old_data)
    old = answers(model, old_data)
    with Calls() as calls:
        fit(model, data)
    for last in points(calls.n):
        model = fit(clone(estimator), old_data)
        interrupted(model, data, last)
        found = answers(model, data)
        if found is not None and of_sequences(model):
            assert_same_answers(answers(model, old_data), old)


@pytest.mark.parametrize(
    "name", [name for name, kind in KINDS.items() if hasattr(kind.make, "partial_fit")]
)
def test_an_interrupted_partial_fit_leaves_a_model_that_can_go_on(name):
    kind = KINDS[name]
    estimator = kind.make(**kind.settings)
    first, more = (plain_data(kind, seed, per_sequence=False) for seed in range(2))
    model = fit(clone(estimator), first)
    with Calls() as calls:
        model.partial_fit(more.X, more.y)
    for last in points(calls.n):
        model = fit(clone(estimator), first)
        try:
            with Calls(last):
                model.partial_fit(more.X, more.y)
        except KeyboardInterrupt:
            pass
        assert answers(model, more) is not None
        assert answers(model.partial_fit(more.X, more.y), more) is not None


class Interrupt:
    """A callback that interrupts after some iterations, with 0 before the first."""

    def __init__(self, n_iter):
        self.left = n_iter

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        if context.parent is not None:
            self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        pass


NETS = [name for name, kind in KINDS.items() if "solver" in kind.parameters]


@needs_callbacks
@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_interrupted_net_keeps_what_it_has_learnt(name, solver):
    """It is the net of fewer iterations."""
    kind = KINDS[name]
    estimator = kind.make(**kind.settings).set_params(solver=solver, max_iter=9)
    data = plain_data(kind, 0, per_sequence=False)
    model = clone(estimator).set_callbacks(Interrupt(3))
    with pytest.warns(UserWarning, match=r"interrupted by user after 3 iteration\(s\)"):
        fit(model, data)
    shorter = fit(clone(estimator).set_params(max_iter=3), data)
    assert model.n_iter_ == 3
    assert model.loss_curve_ == shorter.loss_curve_
    assert_same_answers(answers(model, data), answers(shorter, data))
    with pytest.raises(KeyboardInterrupt):
        fit(model.set_callbacks(Interrupt(0)), data)
    assert answers(model, data) is None


@needs_callbacks
@pytest.mark.parametrize("name", ["GaussianHMM", "LinearDynamicalSystem"])
def test_an_interrupted_em_leaves_no_model(name):
    kind = KINDS[name]
    data = plain_data(kind, 0, per_sequence=False)
    model = kind.make(2, **kind.settings).set_callbacks(Interrupt(2))
    with pytest.raises(KeyboardInterrupt):
        fit(model, data)
    assert answers(model, data) is None
