"""EM on many sequences: one thread against two, with equal results.

Ten iterations on 20,000 sequences of 100 rows, in turn, with one BLAS thread each.
Models of classes are learned by threads, too: two classes of half as many sequences.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from sklearn_seq.hmm import GaussianHMM, HMMClassifier  # noqa: E402
from sklearn_seq.lds import LDSClassifier, LinearDynamicalSystem  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=20_000)
    parser.add_argument("--timesteps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    rng = np.random.default_rng(0)
    X = rng.normal(size=(args.sequences, args.timesteps, 3))
    X[:, 1:] += 0.8 * X[:, :-1]
    y = np.arange(len(X)) % 2
    X[y == 1] *= 1.5
    common = {"max_iter": 10, "tol": 0, "random_state": 0}
    hmm = {"covariance_type": "diag", "init": "random"} | common
    lds = {"init": "factor_analysis"} | common
    models = {
        "GaussianHMM, 8 states": (GaussianHMM(8, **hmm), None),
        "LinearDynamicalSystem, 4 states": (LinearDynamicalSystem(4, **lds), None),
        "HMMClassifier, 2 × 8 states": (
            HMMClassifier(8, emission="gaussian", **hmm),
            y,
        ),
        "LDSClassifier, 2 × 4 states": (LDSClassifier(4, **lds), y),
    }
    print(f"{'model':34s}{'one thread':>12s}{'two threads':>12s}{'gain':>7s}  results")
    for name, (model, labels) in models.items():
        times, scores = {1: [], 2: []}, {}
        for _ in range(args.repeats):
            for n_jobs in times:
                fitted = clone(model).set_params(n_jobs=n_jobs)
                start = time.perf_counter()
                fitted.fit(X, labels)
                times[n_jobs].append(time.perf_counter() - start)
                scores[n_jobs] = fitted.score_samples(X[:100], *given(labels))
        one, two = (statistics.median(values) for values in times.values())
        equal = "equal" if np.array_equal(scores[1], scores[2]) else "DIFFERENT"
        print(f"{name:34s}{one:10.2f} s{two:10.2f} s{one / two:7.2f}  {equal}")


def given(labels):
    return () if labels is None else (labels[:100],)


if __name__ == "__main__":
    main()
