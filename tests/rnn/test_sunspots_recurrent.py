"""A recurrent net for the yearly sunspots, chosen on the years to 1920 alone."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.datasets import load_sunspots
from sklearn_seq.model_selection import TimeSeriesSplitWithContext
from sklearn_seq.preprocessing import DelayTaps
from sklearn_seq.rnn import RNNRegressor

N_LAGS, BURN_IN = 9, 12

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def mean_squared_error(model, X, rows):
    """Of the forecasts of some rows, in the units of X."""
    predicted = model[:2].inverse_transform(model.predict(X))
    return np.mean((predicted[rows - 1] - X[rows]) ** 2)


def score(model, X, y=None):
    return -mean_squared_error(model, X, np.arange(BURN_IN, len(X)))


@pytest.mark.slow
def test_recurrent_net_chosen_by_cross_validation_beats_ar9():
    bunch = load_sunspots()
    X, years = bunch.data, bunch.time
    train = X[years <= 1920]
    test = np.flatnonzero((years > 1920) & (years <= 1987))
    net = RNNRegressor(
        solver="lbfgs",
        tol=1e-5,
        max_iter=300,
        burn_in=BURN_IN,
        exogenous=np.arange(1, N_LAGS),  # the first tap alone is forecast
        standardize=False,  # the scale is chosen outside
        random_state=0,
    )
    steps = [
        ("root", FunctionTransformer(np.sqrt, np.square, check_inverse=False)),
        ("scale", StandardScaler()),
        ("taps", DelayTaps(N_LAGS)),
        ("net", net),
    ]
    nets = {"net__cell": ["tanh", "relu"], "net__hidden_layer_sizes": [(4,), (8,)]}
    grid = [
        {"scale": [StandardScaler()], "net__alpha": [3.0], **nets},
        {"scale": [MinMaxScaler()], "net__alpha": [0.06, 0.2], **nets},
    ]
    folds = TimeSeriesSplitWithContext(5, burn_in=BURN_IN)
    search = GridSearchCV(Pipeline(steps), grid, scoring=score, cv=folds).fit(train)
    ar_error = np.mean((ARRegressor(9).fit(train).predict(X)[test - 1] - X[test]) ** 2)
    assert round(ar_error, 1) == 305.2
    assert mean_squared_error(search.best_estimator_, X, test) <= ar_error
