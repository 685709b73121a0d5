"""Hidden Markov models: ours, hmmlearn's and, if it can be imported, pomegranate's.

All sides run in one process, in turn, with one BLAS thread, by their public methods:
with validation and with the densities of Gaussian emissions. Ratios of medians of the
times are printed, ours over the peer's. Hmmlearn runs in its faster setting,
``implementation="scaling"``. EM makes ten steps from the same parameters.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402
import logging  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from hmmlearn.hmm import GaussianHMM as HmmlearnHMM  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from sklearn_seq.hmm import GaussianHMM  # noqa: E402

try:
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.hmm import DenseHMM
except ImportError:
    DenseHMM = None

N_FEATURES = 2
N_EM_STEPS = 10


def make_cases():
    """States, lengths, and how probable it is to stay in a state."""
    rng = np.random.default_rng(0)
    return {
        "1 x 100,000, 4 states": (4, [100_000], 0.9),
        "1 x 100,000, 8 states": (8, [100_000], 0.9),
        "1 x 100,000, 32 states": (32, [100_000], 0.9),
        "1 x 100,000, 8 states, self-transition 0.9999": (8, [100_000], 0.9999),
        "1,000 x 100, 8 states": (8, [100] * 1_000, 0.9),
        "2,000 ragged 20 to 200, 8 states": (8, rng.integers(20, 201, 2_000), 0.9),
        "1 x 500, 3 states": (3, [500], 0.9),
    }


def make_parameters(rng, n_states, stay):
    transmat = stay * np.eye(n_states)
    transmat += (1 - stay) * rng.dirichlet(np.ones(n_states), n_states)
    return {
        "startprob": rng.dirichlet(np.ones(n_states)),
        "transmat": transmat / transmat.sum(axis=1, keepdims=True),
        "means": 2 * rng.standard_normal((n_states, N_FEATURES)),
        "covariances": rng.uniform(0.5, 2, (n_states, N_FEATURES)),
    }


def our_tasks(parameters, X, lengths):
    """From rows and the sequence of each, as a user has them."""
    groups = None
    if len(lengths) > 1:
        groups = np.repeat(np.arange(len(lengths)), lengths)
    model = GaussianHMM.from_parameters(covariance_type="diag", **parameters)
    learner = GaussianHMM.from_parameters(covariance_type="diag", **parameters)
    learner.set_params(warm_start=True, max_iter=N_EM_STEPS, tol=0.0)
    start = dict(vars(learner))

    def learn():
        vars(learner).update(start)
        learner.fit(X, groups=groups)

    return {
        "score": lambda: model.score(X, groups=groups),
        "posteriors": lambda: model.predict_proba(X, groups=groups),
        "Viterbi": lambda: model.predict(X, groups=groups),
        "EM": learn,
    }


def hmmlearn_tasks(parameters, X, lengths):
    n_states = len(parameters["startprob"])

    def make():
        model = HmmlearnHMM(
            n_states,
            "diag",
            implementation="scaling",
            init_params="",
            n_iter=N_EM_STEPS,
            tol=-np.inf,
        )
        model.n_features = N_FEATURES
        model.startprob_ = parameters["startprob"]
        model.transmat_ = parameters["transmat"]
        model.means_ = parameters["means"]
        model.covars_ = parameters["covariances"]
        return model

    model = make()
    return {
        "score": lambda: model.score(X, lengths),
        "posteriors": lambda: model.predict_proba(X, lengths),
        "Viterbi": lambda: model.predict(X, lengths),
        "EM": lambda: make().fit(X, lengths),
    }


def pomegranate_tasks(parameters, X, lengths):
    """It takes tensors of sequences of equal length."""
    if DenseHMM is None or len(set(np.asarray(lengths).tolist())) > 1:
        return {}
    torch.set_num_threads(1)
    pairs = zip(parameters["means"], parameters["covariances"], strict=True)
    model = DenseHMM(
        [Normal(m.tolist(), v.tolist(), covariance_type="diag") for m, v in pairs],
        edges=parameters["transmat"].tolist(),
        starts=parameters["startprob"].tolist(),
    )
    data = torch.tensor(X, dtype=torch.float32).reshape(len(lengths), -1, X.shape[1])
    return {
        "score": lambda: model.log_probability(data),
        "posteriors": lambda: model.predict_proba(data),
    }


def medians(functions, repeats, number):
    """Median time of each function, taken in turn."""
    times = [[] for _ in functions]
    for _ in range(repeats + 1):
        for function, values in zip(functions, times, strict=True):
            start = time.perf_counter()
            for _ in range(number):
                function()
            values.append((time.perf_counter() - start) / number)
    return [statistics.median(values[1:]) for values in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    logging.disable(logging.WARNING)
    print("case | task | ours, ms | ours / hmmlearn | ours / pomegranate")
    for name, (n_states, lengths, stay) in make_cases().items():
        rng = np.random.default_rng(0)
        parameters = make_parameters(rng, n_states, stay)
        X, _ = GaussianHMM.from_parameters(covariance_type="diag", **parameters).sample(
            int(np.sum(lengths)), random_state=0
        )
        sides = [
            make(parameters, X, lengths)
            for make in (our_tasks, hmmlearn_tasks, pomegranate_tasks)
        ]
        for task in sides[0]:
            functions = [side[task] for side in sides if task in side]
            number = 20 if len(X) < 1_000 else 1
            ours, *peers = medians(functions, args.repeats, number)
            ratios = " | ".join(f"{ours / peer:.2f}" for peer in peers)
            print(f"{name} | {task} | {1e3 * ours:.2f} | {ratios}", flush=True)


if __name__ == "__main__":
    main()
