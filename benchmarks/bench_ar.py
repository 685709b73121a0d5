"""AR(20) on a million rows: ours, statsmodels' AutoReg, LinearRegression on lags.

All sides run in one process, in turn; medians and ratios are printed.
"""

import argparse
import statistics
import time
import tracemalloc

import numpy as np
from sklearn.linear_model import LinearRegression
from statsmodels.tsa.ar_model import AutoReg

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.datasets import make_ar_process


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--lags", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    X = make_ar_process(args.rows, random_state=0)
    p = args.lags

    def ours():
        return ARRegressor(p).fit(X)

    def autoreg():
        return AutoReg(X[:, 0], p).fit()

    def stacked():
        taps = np.lib.stride_tricks.sliding_window_view(X[:, 0], p)[:-1, ::-1]
        return LinearRegression().fit(np.ascontiguousarray(taps), X[p:, 0])

    coef = ours().coef_[0, :, 0]
    print("largest difference of coefficients to AutoReg:", end=" ")
    print(f"{np.abs(coef - autoreg().params[1:]).max():.1e}")
    times = {function.__name__: [] for function in (ours, autoreg, stacked)}
    for _ in range(args.repeats):
        times["ours"].append(min(seconds(ours) for _ in range(5)))
        times["autoreg"].append(seconds(autoreg))
        times["stacked"].append(seconds(stacked))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"ARRegressor({p}).fit on {args.rows} rows: {medians['ours']:.4f} s")
    for name, label in (
        ("autoreg", "statsmodels AutoReg"),
        ("stacked", "LinearRegression on stacked lags"),
    ):
        ratio = medians[name] / medians["ours"]
        print(f"{label}: {medians[name]:.2f} s, {ratio:.0f} times as long")

    tracemalloc.start()
    ours()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    total = (peak + X.nbytes) / X.nbytes
    print(f"peak memory: X and {peak / 1e6:.1f} MB, {total:.2f} times X")


if __name__ == "__main__":
    main()
