"""Predictions and forecasts that leave the data by orders of magnitude warn."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_seq._core.reach import reach_of, warn_if_far
from sklearn_seq.autoregressive import ARRegressor, MLPSequenceRegressor
from sklearn_seq.echo_state import EchoStateRegressor
from sklearn_seq.hmm import HMMRegressor
from sklearn_seq.lds import LDSRegressor
from sklearn_seq.rnn import RNNRegressor
from sklearn_seq.targets import STEP, Targets

REGRESSORS = [
    ARRegressor(2),
    MLPSequenceRegressor(2, max_iter=5, random_state=0),
    LDSRegressor(2),
    HMMRegressor(2, random_state=0),
    RNNRegressor(4, max_iter=5, random_state=0),
    EchoStateRegressor(20, random_state=0),
]
every_regressor = pytest.mark.parametrize(
    "model", REGRESSORS, ids=lambda model: type(model).__name__
)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def waves():
    t = np.arange(120.0)[:, None]
    return 5.0 + np.sin(0.3 * t) + 0.1 * np.random.default_rng(0).normal(size=t.shape)


def test_reach_is_the_largest_deviation_of_known_targets():
    values = np.array([[1.0, 7.0, 0.0], [3.0, 7.0, 0.0], [100.0, 7.0, 0.0]])
    known = np.array([[True] * 3, [True] * 3, [False, True, True]])
    centre, reach = reach_of(Targets(STEP, values, known))
    assert_allclose(centre, [2.0, 7.0, 0.0])
    assert_allclose(reach, [1.0, 7e-3, np.inf])
    far_from_zero = reach_of(Targets(STEP, 1e6 + 1e-2 * values, known))[1]
    assert_allclose(far_from_zero, [1e-2, 1e3, 1e3], rtol=1e-6)
    more = Targets(STEP, np.array([[-3.0, 7.0, 1.0]]))
    centre, reach = reach_of(more, (centre, reach))
    assert_allclose(centre, [2.0, 7.0, 0.0])
    assert_allclose(reach, [5.0, 7e-3, 1.0])


@pytest.mark.parametrize(("value", "far"), [(2.0 + 999.0, False), (2.0 - 1001.0, True)])
def test_a_thousand_times_as_far_as_any_target_is_far(value, far):
    model = ARRegressor(1)
    model._reach = np.array([2.0]), np.array([1.0])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_if_far(model, np.full((2, 3, 1), value))
    assert len(caught) == far


@every_regressor
def test_far_forecasts_and_predictions_warn_once(model):
    X = waves()
    model.fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.forecast(X, 50)
    centre, reach = model._reach
    assert_allclose(centre, X.mean())
    assert_allclose(reach, np.abs(X - X.mean()).max())
    model._reach = centre, 1e-6 * reach
    with pytest.warns(UserWarning, match="The forecasts of .* orders of") as caught:
        model.forecast(X, 50)
    assert len(caught) == 1

    model.fit(X[:-1], X[1:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X)
    model._reach = model._reach[0], 1e-6 * model._reach[1]
    for call in (model.predict, lambda X: model.score(X[:-1], X[1:, 0])):
        with pytest.warns(UserWarning, match="The predictions of .* orders") as caught:
            call(X)
        assert len(caught) == 1


def test_unstable_closed_loops_warn():
    X = waves()
    model = EchoStateRegressor(50, random_state=0).fit(X)
    model.coef_ *= 30.0
    with pytest.warns(UserWarning, match="forecasts of EchoStateRegressor leave"):
        model.forecast(X, 40)
    growing = 1.3 ** np.arange(30.0)[:, None]
    with pytest.warns(UserWarning, match="forecasts of ARRegressor leave"):
        ARRegressor(1).fit(growing).forecast(growing, 40)


def test_what_partial_fit_adds_widens_the_reach():
    X = waves()
    model = EchoStateRegressor(20, random_state=0).partial_fit(X)
    model.partial_fit(5.0 + 10.0 * (X - 5.0))
    assert model._reach[1] > 5.0
