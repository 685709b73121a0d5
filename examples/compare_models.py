"""Compare families of sequence models on one series.

On the yearly sunspot numbers, or on a column of your own CSV file, each family gets a
grid search over ``Pipeline(StandardScaler(), model)`` with time-ordered folds, and then
predicts a test span at the end of the series that the search has not seen, one step
ahead. The table has the scores (R², 1 is perfect) beside two naive forecasts, and a
plot shows the one-step forecasts.

    python examples/compare_models.py
    python examples/compare_models.py --data my.csv --target temperature
"""

import argparse
import csv
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARRegressor, MLPSequenceRegressor
from sklearn_seq.datasets import load_sunspots
from sklearn_seq.echo_state import EchoStateRegressor
from sklearn_seq.hmm import HMMRegressor
from sklearn_seq.lds import LDSRegressor
from sklearn_seq.model_selection import TimeSeriesSplitWithContext
from sklearn_seq.rnn import RNNRegressor

TEST_FRACTION = 0.25
N_SPLITS = 5


def candidates(lags, burn_in):
    """One grid search per family: name, model, parameter grid."""
    yield (
        "autoregressive",
        ARRegressor(burn_in=burn_in),
        {"n_lags": lags, "alpha": [0.0, 1.0, 10.0]},
    )
    yield (
        "feed-forward net",
        MLPSequenceRegressor(
            solver="lbfgs",
            direct_connections=True,
            max_iter=2000,
            burn_in=burn_in,
            random_state=0,
        ),
        {
            "n_lags": lags,
            "hidden_layer_sizes": [(2,), (4,), (8,)],
            "alpha": [1.0, 3.0, 10.0],
        },
    )
    yield (
        "linear dyn. system",
        LDSRegressor(max_iter=200, burn_in=burn_in, random_state=0),
        {"n_components": [1, 2, 3, 4, 6]},
    )
    yield (
        "hidden Markov model",
        HMMRegressor(n_init=3, burn_in=burn_in, random_state=0),
        {"n_components": [2, 4, 8, 12], "transmat_prior": [1.0, 1.1]},
    )
    for name, cell in (("recurrent net", "tanh"), ("LSTM", "lstm")):
        yield (
            name,
            RNNRegressor(
                cell=cell,
                solver="lbfgs",
                max_iter=200,
                burn_in=burn_in,
                random_state=0,
            ),
            {"hidden_layer_sizes": [(4,), (8,)], "alpha": [1.0, 3.0, 10.0]},
        )
    yield (
        "echo state network",
        EchoStateRegressor(100, burn_in=burn_in, random_state=0),
        {
            "spectral_radius": [0.3, 0.6, 0.9],
            "input_scaling": [0.1, 0.3],
            "alpha": [0.001, 0.01, 0.1],
        },
    )


def naive_forecasts(x, train_stop):
    """One-step forecasts of each row from the second on, without any model."""
    yield "last value", x[:-1]
    yield "mean", np.full(len(x) - 1, x[:train_stop].mean())


def compare(x, times, label, output, n_jobs):
    """Run the comparison, print its table and save its plot."""
    n = len(x)
    train_stop = n - int(np.ceil(TEST_FRACTION * n))
    most_lags = max(1, min(12, train_stop // 10))
    lags = sorted({lag for lag in (1, 2, 3, 6, 9, 12) if lag <= most_lags})
    burn_in = max(lags)
    X, train = x[:, None], x[:train_stop, None]
    # Test windows bring the rows before them along, as context that does not count.
    folds = TimeSeriesSplitWithContext(n_splits=N_SPLITS, burn_in=burn_in)
    print(
        f"{label}: {n} rows; {train_stop} to search and fit on, the last "
        f"{n - train_stop} to test\n"
    )
    header = f"{'family':<19}{'CV R²':>8}{'test R²':>9}{'seconds':>9}  best parameters"
    print(header, "-" * 80, sep="\n")

    forecasts = {}
    for name, forecast in naive_forecasts(x, train_stop):
        scores = [
            r2_score(x[test[burn_in:]], forecast[test[burn_in:] - 1])
            for _, test in folds.split(train)
        ]
        test_score = r2_score(x[train_stop:], forecast[train_stop - 1 :])
        print_row(name, np.mean(scores), test_score, 0.0, {})

    for name, model, grid in candidates(lags, burn_in):
        start = time.perf_counter()
        pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
        search = GridSearchCV(
            pipeline,
            {f"model__{key}": values for key, values in grid.items()},
            cv=folds,
            n_jobs=n_jobs,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            # The first folds are short for the largest models, which are tried all
            # the same.
            warnings.filterwarnings("ignore", message=".*free parameters from")
            search.fit(train)
        test_score = search.score(X[train_stop - burn_in :])
        seconds = time.perf_counter() - start
        print_row(name, search.best_score_, test_score, seconds, search.best_params_)
        scaler = search.best_estimator_["scale"]
        forecasts[name] = scaler.inverse_transform(search.predict(X))[:-1, 0]

    if output is not None:
        plot(x, times, label, train_stop, forecasts, output)


def print_row(name, cv_score, test_score, seconds, parameters):
    chosen = ", ".join(
        f"{key.removeprefix('model__')}={value}" for key, value in parameters.items()
    )
    print(f"{name:<19}{cv_score:8.3f}{test_score:9.3f}{seconds:9.1f}  {chosen}")


def plot(x, times, label, train_stop, forecasts, output):
    """Save a plot of the one-step forecasts over the test span."""
    try:
        import matplotlib
    except ImportError:
        print("\nNo plot: matplotlib is missing (pip install 'sklearn_seq[plot]').")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = slice(train_stop, len(x))
    figure, axes = plt.subplots(figsize=(10, 3.6), layout="constrained")
    axes.plot(times[shown], x[shown], color="black", lw=1.5, label="observed")
    for name, forecast in forecasts.items():
        axes.plot(times[shown], forecast[train_stop - 1 :], lw=1.2, label=name)
    axes.set(title=f"{label}: one step ahead over the test span", ylabel=label)
    figure.legend(loc="outside right upper")
    figure.savefig(output, dpi=110)
    plt.close(figure)
    print(f"\nForecasts plotted in {output}")


def read_column(path, target):
    """One column of a CSV file as an array of floats."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames is None or target not in reader.fieldnames:
            raise SystemExit(
                f"{path} has no column {target!r}; it has {reader.fieldnames}."
            )
        values = [row[target] for row in reader]
    try:
        x = np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise SystemExit(
            f"Column {target!r} of {path} must hold numbers: {error}."
        ) from None
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x))[0]) + 2
        raise SystemExit(
            f"Column {target!r} of {path} has a missing or infinite value in line "
            f"{row}: fill it in first."
        )
    if len(x) < 40:
        raise SystemExit(
            f"{path} has {len(x)} rows: at least 40 are needed to compare models."
        )
    return x


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a CSV file with a header line")
    parser.add_argument("--target", help="the column to forecast")
    parser.add_argument(
        "--output", type=Path, default="compare_models.png", help="where the plot goes"
    )
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for all")
    args = parser.parse_args()
    if (args.data is None) != (args.target is None):
        parser.error("--data and --target go together")
    if args.data is None:
        bunch = load_sunspots()
        x, times, label = bunch.data[:, 0], bunch.time, "yearly sunspot numbers"
    else:
        x = read_column(args.data, args.target)
        times, label = np.arange(len(x)), args.target
    compare(x, times, label, args.output, args.jobs)


if __name__ == "__main__":
    main()
