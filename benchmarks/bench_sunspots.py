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


def cross_validated_error(model, X):
    folds = TimeSeriesSplitWithContext(5, burn_in=BURN_IN)
    means = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for train, test in folds.split(X):
            fitted = clone(model).fit(X[train])
            rows = np.arange(BURN_IN, len(test))
            means.append(errors(fitted, X[test], rows).mean())
    return np.mean(means)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=-1)
    args = parser.parse_args()
    bunch = load_sunspots()
    X, years = bunch.data, bunch.time
    train = X[years <= 1920]
    test = np.flatnonzero((years >= 1921) & (years <= 1987))

    def model(seed, **params):
        net = MLPSequenceRegressor(
            solver="lbfgs", max_iter=2000, burn_in=BURN_IN, random_state=seed
        )
        steps = [("power", PLAIN), ("scale", StandardScaler()), ("net", net)]
        return Pipeline(steps).set_params(**params)

    choices = list(ParameterGrid(GRID))
    found = Parallel(n_jobs=args.jobs, batch_size=32)(
        delayed(cross_validated_error)(model(seed, **params), train)
        for params in choices
        for seed in range(args.seeds)
    )
    means = np.reshape(found, (len(choices), args.seeds)).mean(axis=1)
    best = choices[int(np.argmin(means))]
    shown = {
        name.removeprefix("net__"): value
        for name, value in best.items()
        if name != "power"
    }
    transform = "square root" if best["power"] is ROOT else "none"
    print(f"chosen among {len(choices)}: transform: {transform}, {shown}")
    print(f"cross-validated error, mean over {args.seeds} seeds: {means.min():.1f}")
    tested = [
        errors(model(seed, **best).fit(train), X, test).mean()
        for seed in range(args.seeds)
    ]
    print("test error by seed:", *(f"{error:.0f}" for error in tested))
    print(f"mean: {np.mean(tested):.1f}")
    plain = Pipeline([("power", PLAIN), ("ar", ARRegressor(9))]).fit(train)
    rooted = Pipeline([("power", ROOT), ("ar", ARRegressor(9))]).fit(train)
    print(f"AR(9): {errors(plain, X, test).mean():.1f}", end=", ")
    print(f"on square roots: {errors(rooted, X, test).mean():.1f}")


if __name__ == "__main__":
    main()
