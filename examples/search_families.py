"""The model as a hyperparameter: one search over all families for each kind of data.

Three searches, each a single ``GridSearchCV`` in which the model is a parameter of the
pipeline like any other:

- sunspots, one series of numbers: next-step R² and mean log-likelihood, time-ordered
  folds;
- Japanese vowels, recordings of unequal length with one label each: accuracy,
  stratified folds of whole recordings;
- text, a series of symbols: bits per symbol, time-ordered folds.

With ``--dask`` the same searches run a second time on a Dask cluster of worker
processes on this machine, and the scores of both runs are compared.

    python examples/search_families.py
    python examples/search_families.py --dask
"""

import argparse
import time
import warnings
from contextlib import contextmanager

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq import (
    ARClassifier,
    ARRegressor,
    EchoStateClassifier,
    EchoStateRegressor,
    HMMClassifier,
    HMMRegressor,
    LDSClassifier,
    LDSRegressor,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sklearn_seq.datasets import (
    load_japanese_vowels,
    load_python_topics,
    load_sunspots,
)
from sklearn_seq.metrics import (
    mean_log_likelihood_scorer,
    neg_bits_per_symbol_scorer,
    next_step_r2_scorer,
)
from sklearn_seq.model_selection import TimeSeriesSplitWithContext
from sklearn_seq.preprocessing import PerTimestep

N_CHARACTERS = 20_000


def series_search():
    """Which family says best what comes next, on average and as a density?"""
    X, _ = load_sunspots(return_X_y=True)
    net = {"solver": "lbfgs", "max_iter": 300, "random_state": 0, "burn_in": 9}
    families = [
        {"model": [ARRegressor(burn_in=9)], "model__n_lags": [2, 9]},
        {
            "model": [MLPSequenceRegressor(9, (2,), direct_connections=True, **net)],
            "model__alpha": [1.0, 10.0],
        },
        {
            "model": [LDSRegressor(max_iter=100, burn_in=9)],
            "model__n_components": [2, 4],
        },
        {
            "model": [HMMRegressor(burn_in=9, random_state=0)],
            "model__n_components": [4, 8],
        },
        {"model": [RNNRegressor((8,), **net)], "model__alpha": [1.0, 10.0]},
        {
            "model": [EchoStateRegressor(100, alpha=0.01, burn_in=9, random_state=0)],
            "model__spectral_radius": [0.3, 0.9],
        },
    ]
    pipeline = Pipeline([("scale", StandardScaler()), ("model", ARRegressor())])
    search = GridSearchCV(
        pipeline,
        families,
        scoring={"R²": next_step_r2_scorer, "nats": mean_log_likelihood_scorer},
        refit="R²",
        cv=TimeSeriesSplitWithContext(n_splits=5, burn_in=9),
    )
    return search, X, None


def recordings_search():
    """Who speaks? One label for each recording, recordings of unequal length."""
    X, y = load_japanese_vowels(return_X_y=True)
    net = {"max_iter": 30, "learning_rate_init": 0.01, "random_state": 0}
    families = [
        {"model": [ARClassifier(max_iter=300)], "model__n_lags": [1, 2]},
        {
            "model": [MLPSequenceClassifier(2, (32,), **net)],
            "model__alpha": [1e-4, 1e-1],
        },
        {"model": [LDSClassifier(max_iter=20)], "model__n_components": [2, 4]},
        {
            "model": [
                HMMClassifier(emission="gaussian", reg_covar=0.1, random_state=0)
            ],
            "model__n_components": [2, 4],
        },
        {
            "model": [RNNClassifier((32,), **net)],
            "model__cell": ["tanh", "lstm"],
        },
        {
            "model": [EchoStateClassifier(200, random_state=0)],
            "model__leak_rate": [0.3, 1.0],
        },
    ]
    scale = PerTimestep(StandardScaler())
    pipeline = Pipeline([("scale", scale), ("model", ARClassifier())])
    search = GridSearchCV(pipeline, families, cv=StratifiedKFold(5))
    return search, X, y


def text_search():
    """How many bits does the next character cost, given those before it?"""
    text = load_python_topics(return_X_y=True)[0][:N_CHARACTERS]
    alphabet = np.unique(text)
    known = {"symbols": alphabet}
    seeded = {"random_state": 0, **known}
    families = [
        {"model": [ARClassifier(max_iter=100, **known)], "model__n_lags": [2, 4]},
        {
            "model": [MLPSequenceClassifier(6, (64,), max_iter=10, **seeded)],
            "model__embedding_dim": [8, 16],
        },
        {
            "model": [HMMClassifier(max_iter=30, **seeded)],
            "model__n_components": [8, 16],
        },
        {
            "model": [
                RNNClassifier((64,), max_iter=10, learning_rate_init=0.01, **seeded)
            ],
            "model__cell": ["tanh", "gru"],
        },
        {
            "model": [EchoStateClassifier(300, **seeded)],
            "model__spectral_radius": [0.3, 0.9],
        },
    ]
    search = GridSearchCV(
        Pipeline([("model", ARClassifier())]),
        families,
        scoring=neg_bits_per_symbol_scorer,
        cv=TimeSeriesSplitWithContext(n_splits=2, burn_in=6),
    )
    return search, text, None


SEARCHES = {
    "yearly sunspot numbers": series_search,
    "Japanese vowels": recordings_search,
    "text": text_search,
}


def run(make_search, **parallel):
    """The fitted search, and its seconds."""
    search, X, y = make_search()
    search.set_params(**parallel)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message=".*free parameters from")
        search.fit(X, y)
    return search, time.perf_counter() - start


def scores_of(search):
    """Mean scores over the folds by name, one for each candidate."""
    return {
        key.removeprefix("mean_test_"): values
        for key, values in search.cv_results_.items()
        if key.startswith("mean_test_")
    }


def show(search):
    """Print the best candidate of each family."""
    scores = scores_of(search)
    refit = search.refit if isinstance(search.refit, str) else "score"
    print(f"{'family':<24}" + "".join(f"{name:>9}" for name in scores) + "  parameters")
    families = [type(p["model"]).__name__ for p in search.cv_results_["params"]]
    for family in dict.fromkeys(families):
        members = [i for i, name in enumerate(families) if name == family]
        best = max(members, key=lambda i: scores[refit][i])
        parameters = search.cv_results_["params"][best]
        print(
            f"{family:<24}"
            + "".join(f"{values[best]:9.3f}" for values in scores.values())
            + "  "
            + ", ".join(
                f"{key.removeprefix('model__')}={value}"
                for key, value in parameters.items()
                if key != "model"
            )
        )
    print(f"chosen: {type(search.best_params_['model']).__name__}")


@contextmanager
def cluster(n_workers):
    """A scheduler and worker processes on this machine, for joblib."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers, threads_per_worker=1, dashboard_address=None) as local,
        Client(local),
        joblib.parallel_config("dask"),
    ):
        yield


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dask", action="store_true", help="run on Dask, too")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for all")
    args = parser.parse_args()
    here = {}
    for name, make_search in SEARCHES.items():
        here[name], seconds = run(make_search, n_jobs=args.jobs)
        print(f"\n{name}, {seconds:.0f} s")
        show(here[name])
    if not args.dask:
        return
    print("\nThe same on a Dask cluster")
    with cluster(n_workers=joblib.cpu_count()):
        for name, make_search in SEARCHES.items():
            there, seconds = run(make_search, n_jobs=-1)
            pairs = zip(
                scores_of(here[name]).values(), scores_of(there).values(), strict=True
            )
            largest = max(np.abs(a - b).max() for a, b in pairs)
            print(f"{name}, {seconds:.0f} s: largest difference {largest:.1e}")


if __name__ == "__main__":
    main()
