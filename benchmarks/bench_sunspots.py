"""Sunspots: a net chosen by cross-validation inside 1700-1920, tested on 1921-1987.

Everything about the net is chosen by time-ordered folds of 1700-1920 alone: the
transform of the data, activation, direct connections, taps, hidden units and penalty.
Nets of this size scatter with their initial weights, so a choice is judged by the mean
error over several seeds, in the units of the data. Errors are mean squared errors one
step ahead. Takes about three minutes.
"""

import argparse
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.parallel import Parallel, delayed

from sklearn_seq.autoregressive import ARRegressor, MLPSequenceRegressor
from sklearn_seq.datasets import load_sunspots
from sklearn_seq.model_selection import TimeSeriesSplitWithContext

BURN_IN = 12
LAST_KNOWN, LAST_TESTED = 1920, 1987
PLAIN = FunctionTransformer()
ROOT = FunctionTransformer(np.sqrt, np.square, check_inverse=False)
GRID = {
    "power": [PLAIN, ROOT],
    "net__activation": ["tanh", "relu"],
    "net__direct_connections": [False, True],
    "net__n_lags": [9, 12],
    "net__hidden_layer_sizes": [(2,), (4,), (8,), (16,)],
    "net__alpha": [0.3, 1.0, 3.0, 10.0],
}


def errors(model, X, rows):
    """Squared errors of the forecasts of some rows, in the units of X."""
    predicted = model[:-1].inverse_transform(model.predict(X))
    return (predicted[rows - 1] - X[rows]) ** 2


def fit(model, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X)


def cross_validated_error(model, X):
    folds = TimeSeriesSplitWithContext(5, burn_in=BURN_IN)
    means = []
    for train, test in folds.split(X):
        fitted = fit(clone(model), X[train])
        rows = np.arange(BURN_IN, len(test))
        means.append(errors(fitted, X[test], rows).mean())
    return np.mean(means)


def search(model, choices, X, seeds, jobs):
    """Cross-validated error of each choice, the mean over seeds."""
    found = Parallel(n_jobs=jobs, batch_size=32)(
        delayed(cross_validated_error)(model(seed, **choice), X)
        for choice in choices
        for seed in range(seeds)
    )
    return np.reshape(found, (len(choices), seeds)).mean(axis=1)


def show_test_errors(model, best, X, years, seeds):
    """Fit the choice to 1700-1920; its errors on 1921-1987, and those of AR(9)."""
    train = X[years <= LAST_KNOWN]
    test = np.flatnonzero((years > LAST_KNOWN) & (years <= LAST_TESTED))
    tested = [
        errors(fit(model(seed, **best), train), X, test).mean() for seed in range(seeds)
    ]
    print("test error by seed:", *(f"{error:.0f}" for error in tested))
    print(f"mean: {np.mean(tested):.1f}")
    plain = Pipeline([("power", PLAIN), ("ar", ARRegressor(9))]).fit(train)
    rooted = Pipeline([("power", ROOT), ("ar", ARRegressor(9))]).fit(train)
    print(f"AR(9): {errors(plain, X, test).mean():.1f}", end=", ")
    print(f"on square roots: {errors(rooted, X, test).mean():.1f}")


def read_arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=-1)
    return parser.parse_args()


def feed_forward(seed, **params):
    net = MLPSequenceRegressor(
        solver="lbfgs", max_iter=2000, burn_in=BURN_IN, random_state=seed
    )
    steps = [("power", PLAIN), ("scale", StandardScaler()), ("net", net)]
    return Pipeline(steps).set_params(**params)


def main():
    args = read_arguments(__doc__)
    bunch = load_sunspots()
    X, years = bunch.data, bunch.time
    choices = list(ParameterGrid(GRID))
    known = X[years <= LAST_KNOWN]
    means = search(feed_forward, choices, known, args.seeds, args.jobs)
    best = choices[int(np.argmin(means))]
    shown = {
        name.removeprefix("net__"): value
        for name, value in best.items()
        if name != "power"
    }
    transform = "square root" if best["power"] is ROOT else "none"
    print(f"chosen among {len(choices)}: transform: {transform}, {shown}")
    print(f"cross-validated error, mean over {args.seeds} seeds: {means.min():.1f}")
    show_test_errors(feed_forward, best, X, years, args.seeds)


if __name__ == "__main__":
    main()
