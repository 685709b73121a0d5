"""Inference in hidden Markov models: ours and hmmlearn's.

Both sides run in one process, in turn, with one BLAS thread; ratios of medians of the
times are printed, ours over hmmlearn's. Hmmlearn runs in its faster setting,
``implementation="scaling"``, by its public methods, which include the densities of
Gaussian emissions; so do ours, by two matrix products. Its posteriors come without
expected transitions, ours with them. The last column leaves the densities out on both
sides, and calls hmmlearn's compiled functions directly.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402
from hmmlearn import _hmmc  # noqa: E402
from hmmlearn.hmm import GaussianHMM  # noqa: E402

from sklearn_seq.hmm.inference import log_likelihood, smooth, viterbi  # noqa: E402

N_FEATURES = 2


def make_cases():
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


def make_model(rng, n_states, stay):
    model = GaussianHMM(
        n_states, covariance_type="diag", implementation="scaling", init_params=""
    )
    model.n_features = N_FEATURES
    model.startprob_ = rng.dirichlet(np.ones(n_states))
    model.transmat_ = stay * np.eye(n_states)
    model.transmat_ += (1 - stay) * rng.dirichlet(np.ones(n_states), n_states)
    model.means_ = 2 * rng.standard_normal((n_states, N_FEATURES))
    model.covars_ = rng.uniform(0.5, 2, (n_states, N_FEATURES))
    return model


def simulate(rng, model, lengths):
    T = int(np.sum(lengths))
    states = np.empty(T, dtype=int)
    cumulative = model.transmat_.cumsum(axis=1)
    state = 0
    for t, u in enumerate(rng.random(T)):
        state = min(np.searchsorted(cumulative[state], u), len(cumulative) - 1)
        states[t] = state
    noise = rng.standard_normal((T, N_FEATURES))
    deviations = np.sqrt(np.diagonal(model.covars_, axis1=1, axis2=2))
    return model.means_[states] + deviations[states] * noise


def log_densities(means, variances, X):
    precisions = 1 / variances
    constant = np.log(2 * np.pi * variances).sum(axis=1)
    constant += (means**2 * precisions).sum(axis=1)
    return X @ (means * precisions).T - 0.5 * (X**2 @ precisions.T + constant)


def tasks_of(model, X, lengths):
    """For each task: ours, hmmlearn's, and both without the densities."""
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    means, pi, A = model.means_, model.startprob_, model.transmat_
    variances = np.diagonal(model.covars_, axis1=1, axis2=2)
    given = log_densities(means, variances, X)
    probs = np.exp(given)
    pairs = list(zip(offsets[:-1], offsets[1:], strict=True))

    def ours(function):
        return lambda: function(pi, A, log_densities(means, variances, X), offsets)

    def bare_score():
        for a, b in pairs:
            _hmmc.forward_scaling(pi, A, probs[a:b])

    def bare_posteriors():
        for a, b in pairs:
            _, alpha, scales = _hmmc.forward_scaling(pi, A, probs[a:b])
            beta = _hmmc.backward_scaling(pi, A, probs[a:b], scales)
            posteriors = alpha * beta
            posteriors /= posteriors.sum(axis=1, keepdims=True)

    def bare_viterbi():
        for a, b in pairs:
            _hmmc.viterbi(pi, A, given[a:b])

    def bare(function):
        return lambda: function(pi, A, given, offsets)

    return {
        "score": (
            ours(log_likelihood),
            lambda: model.score(X, lengths),
            bare(log_likelihood),
            bare_score,
        ),
        "posteriors": (
            ours(smooth),
            lambda: model.score_samples(X, lengths),
            bare(smooth),
            bare_posteriors,
        ),
        "Viterbi": (
            ours(viterbi),
            lambda: model.decode(X, lengths),
            bare(viterbi),
            bare_viterbi,
        ),
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
    print("case | task | ours, ms | ours / hmmlearn | without densities")
    for name, (n_states, lengths, stay) in make_cases().items():
        rng = np.random.default_rng(0)
        model = make_model(rng, n_states, stay)
        X = simulate(rng, model, lengths)
        number = 50 if len(X) < 1_000 else 1
        for task, functions in tasks_of(model, X, lengths).items():
            ours, peer, bare, bare_peer = medians(functions, args.repeats, number)
            ratios = f"{ours / peer:.2f} | {bare / bare_peer:.2f}"
            print(f"{name} | {task} | {1e3 * ours:.2f} | {ratios}", flush=True)


if __name__ == "__main__":
    main()
