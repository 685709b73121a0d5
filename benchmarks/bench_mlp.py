"""Training a net over delay taps: ours and scikit-learn's MLPRegressor.

The same taps, batch size, number of epochs and dtype on both sides, in one process and
in turn; medians and ratios are printed, with one BLAS thread and with all.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from sklearn_seq.autoregressive import MLPSequenceRegressor
from sklearn_seq.preprocessing import DelayTaps


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(rows, lags, epochs, dtype, repeats):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, 1)).astype(dtype)
    target = np.tanh(np.convolve(X[:, 0], rng.standard_normal(lags))[:rows])
    y = target.astype(dtype)
    taps = DelayTaps(lags).fit_transform(X)[lags - 1 :]
    common = {
        "hidden_layer_sizes": (100,),
        "batch_size": 200,
        "max_iter": epochs,
        "tol": 0.0,
        "n_iter_no_change": epochs,
        "random_state": 0,
    }

    def ours():
        MLPSequenceRegressor(lags, **common).fit(X, y)

    def theirs():
        MLPRegressor(**common).fit(taps, y[lags - 1 :])

    times = {"ours": [], "theirs": []}
    for _ in range(repeats):
        times["ours"].append(seconds(ours))
        times["theirs"].append(seconds(theirs))
    return {name: statistics.median(values) for name, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--lags", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    for threads in (1, None):
        for dtype in (np.float32, np.float64):
            with threadpool_limits(threads):
                result = compare(args.rows, args.lags, args.epochs, dtype, args.repeats)
            print(
                f"{np.dtype(dtype).name}, {threads or 'all'} BLAS thread(s): "
                f"{result['ours']:.2f} s, MLPRegressor {result['theirs']:.2f} s, ratio "
                f"{result['ours'] / result['theirs']:.2f}"
            )


if __name__ == "__main__":
    main()
