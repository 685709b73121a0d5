"""Mackey-Glass series by an echo state network: ours, and reservoirpy's if it is there.

Both sides get the same series (delay 17, standardised), the same number of units and
the same random trials of spectral radius, leak rate, input scaling and penalty; all
else is at their defaults. Ours include biases, inputs to all units and direct
connections; reservoirpy's have none of the three, so that it is run once more with the
first two set as ours are. The trial of the smallest validation error, averaged over
some reservoirs, is judged on later rows with other reservoirs.
The error at 84 steps ahead is that of closed loops from many starting points, the
normalised root mean squared error (NRMSE); the one-step error is normalised alike.
Times are those of the fit and of the run over the series, medians over reservoirs.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402

from sklearn_seq.datasets import make_mackey_glass  # noqa: E402
from sklearn_seq.echo_state import EchoStateRegressor  # noqa: E402

try:
    from reservoirpy.nodes import Reservoir, Ridge
except ImportError:
    Reservoir = None

TRAINING, VALIDATION, TEST = slice(0, 3000), slice(3000, 6000), slice(6000, 12_000)
WASHOUT, HISTORY, AHEAD = 100, 300, 84
RESERVOIRS = 3  # for the choice of a trial


class Ours:
    name = "sklearn_seq"

    def __init__(self, n_units, trial, seed):
        self.model = EchoStateRegressor(
            n_units,
            spectral_radius=trial["spectral_radius"],
            leak_rate=trial["leak_rate"],
            input_scaling=trial["input_scaling"],
            alpha=trial["alpha"],
            burn_in=WASHOUT,
            random_state=seed,
        )

    def fit(self, X):
        self.model.fit(X)

    def predict(self, X):
        return self.model.predict(X)

    def forecast(self, histories):
        return self.model.forecast(histories, AHEAD)


class Reservoirpy:
    name = "reservoirpy"

    def __init__(self, n_units, trial, seed):
        self.model = Reservoir(
            n_units,
            sr=trial["spectral_radius"],
            lr=trial["leak_rate"],
            input_scaling=trial["input_scaling"],
            seed=seed,
            **self.options(n_units, seed),
        ) >> Ridge(ridge=trial["alpha"])

    def options(self, n_units, seed):
        return {}

    def fit(self, X):
        self.model.fit(X[:-1], X[1:], warmup=WASHOUT)

    def predict(self, X):
        self.model.reset()
        return self.model.run(X)

    def forecast(self, histories):
        forecasts = np.empty((len(histories), AHEAD, 1))
        for history, forecast in zip(histories, forecasts, strict=True):
            row = self.predict(history)[-1]
            for step in range(AHEAD):
                forecast[step] = row
                row = self.model.step(row)
        return forecasts


class ReservoirpyLikeOurs(Reservoirpy):
    name = "reservoirpy with biases and inputs to all units"

    def options(self, n_units, seed):
        biases = np.random.default_rng(seed).uniform(-0.2, 0.2, n_units)
        return {"bias": biases, "input_connectivity": 1.0}


def errors(side, X, n_starts):
    """NRMSE one step and 84 steps ahead."""
    scale = X.std()
    residuals = side.predict(X)[HISTORY:-1] - X[1 + HISTORY :]
    starts = np.linspace(HISTORY, len(X) - AHEAD, n_starts).astype(int)
    histories = np.stack([X[start - HISTORY : start] for start in starts])
    try:
        ahead = side.forecast(histories)[:, -1] - X[starts + AHEAD - 1]
    except ValueError:  # the loop has diverged
        ahead = np.array([np.inf])
    # A far error says no more than that the forecast is lost.
    ahead = np.minimum(np.abs(ahead), 10 * scale)
    return [np.sqrt(np.mean(e**2)) / scale for e in (residuals, ahead)]


def draw_trials(n_trials, rng):
    return [
        {
            "spectral_radius": rng.uniform(0.5, 1.3),
            "leak_rate": rng.uniform(0.2, 1.0),
            "input_scaling": 10 ** rng.uniform(-1.0, 0.3),
            "alpha": 10 ** rng.uniform(-12.0, -4.0),
        }
        for _ in range(n_trials)
    ]


def seconds(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def validation_error(make, X, trial, n_units, n_starts):
    """Geometric mean over reservoirs of the error 84 steps ahead."""
    found = []
    for seed in range(1000, 1000 + RESERVOIRS):
        side = make(n_units, trial, seed)
        side.fit(X[TRAINING])
        found.append(errors(side, X[VALIDATION], n_starts)[1])
    return np.log(found).mean()


def study(make, X, trials, n_units, n_seeds, n_starts):
    """Choose a trial on validation rows, and judge it with fresh reservoirs."""
    best = min(
        trials, key=lambda trial: validation_error(make, X, trial, n_units, n_starts)
    )
    results, fits, runs = [], [], []
    for seed in range(n_seeds):
        side = make(n_units, best, seed)
        fits.append(seconds(side.fit, X[TRAINING]))
        runs.append(seconds(side.predict, X[TEST]))
        results.append(errors(side, X[TEST], n_starts))
    one, ahead = np.array(results).T
    print(f"{make.name}: " + ", ".join(f"{k} {v:.2g}" for k, v in best.items()))
    print(
        f"  NRMSE one step ahead: median {np.median(one):.1e}, largest {one.max():.1e}"
    )
    print(
        f"  NRMSE {AHEAD} steps ahead: median {np.median(ahead):.1e}, "
        f"from {ahead.min():.1e} to {ahead.max():.1e}"
    )
    print(
        f"  fit {statistics.median(fits):.2f} s, "
        f"run {1e6 * statistics.median(runs) / len(X[TEST]):.0f} µs a row",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=500)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=9)
    parser.add_argument("--starts", type=int, default=60)
    parser.add_argument("--random-state", type=int, default=0)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="reservoirpy")  # ill-conditioned trials
    X = make_mackey_glass(TEST.stop, random_state=0)
    X = (X - X[TRAINING].mean()) / X[TRAINING].std()
    trials = draw_trials(args.trials, np.random.default_rng(args.random_state))
    peers = () if Reservoir is None else (Reservoirpy, ReservoirpyLikeOurs)
    for make in (Ours, *peers):
        study(make, X, trials, args.units, args.seeds, args.starts)


if __name__ == "__main__":
    main()
