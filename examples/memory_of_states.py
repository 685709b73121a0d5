"""What N states can remember: log N bits. What N units can: about N.

Each sequence has k bits of its own, which every row shows through noise: what its first
half says of its second half is which of 2^k patterns it is. All of that has to go
through the hidden state at the half. The state of a hidden Markov model is one of N:
log2 N bits, so that to remember twice as many things takes twice as many states. The
state of a recurrent net is distributed over its units: for one bit more it takes one
unit more.

The program fits models of more and more states, and nets of more and more units, and
measures how many of the bits can be read off the state at the half (by logistic
regression, on sequences that were not learned from).

    python examples/memory_of_states.py
    python examples/memory_of_states.py --bits 5
"""

import argparse
import warnings
from itertools import product
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sklearn_seq.hmm import GaussianHMM
from sklearn_seq.rnn import RNNRegressor

N_STEPS = 20  # of each half
N_EACH = 20  # sequences of each pattern
NOISE = 0.7


def make_sequences(rng, n_bits):
    """For each pattern of -1 and 1, sequences of rows that show it through noise."""
    patterns = np.array(list(product([-1.0, 1.0], repeat=n_bits)))
    patterns = np.repeat(patterns, N_EACH, axis=0)[:, None, :]
    return patterns + rng.normal(scale=NOISE, size=(len(patterns), 2 * N_STEPS, n_bits))


def bits_remembered(model, train, test):
    """Bits of the pattern that the state at the half tells."""
    pattern = np.arange(len(train)) // N_EACH
    learn, judge = (model.transform(X)[:, N_STEPS - 1] for X in (train, test))
    reader = LogisticRegression(C=100.0, max_iter=2000).fit(learn, pattern)
    log_proba = reader.predict_log_proba(judge)[np.arange(len(test)), pattern]
    return np.log2(pattern[-1] + 1) + log_proba.mean() / np.log(2)


def fit_states(n_states, X):
    model = GaussianHMM(n_states, covariance_type="spherical", n_init=5, random_state=0)
    return model.fit(X)


def fit_units(n_units, X):
    """The best of three nets, by their error in predicting the next row."""
    nets = [
        RNNRegressor((n_units,), solver="lbfgs", max_iter=300, random_state=seed)
        for seed in range(3)
    ]
    return max((net.fit(X) for net in nets), key=lambda net: net.score(X))


def plot(results, n_bits, output):
    try:
        import matplotlib
    except ImportError:
        print("\nNo plot: matplotlib is missing (pip install 'sklearn_seq[plot]').")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, (sizes, bits) in results.items():
        axes.plot(sizes, bits, "o-", label=name)
    sizes = results["states of a hidden Markov model"][0]
    axes.plot(sizes, np.log2(sizes), color="black", lw=0.8, label="log2 N")
    axes.axhline(n_bits, color="0.6", ls=":", label="bits there are")
    axes.set(xlabel="N", ylabel="bits remembered")
    axes.legend()
    figure.savefig(output, dpi=120)
    plt.close(figure)
    print(f"\nPlotted in {output}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bits", type=int, default=4, help="bits of each sequence")
    parser.add_argument(
        "--output",
        type=Path,
        default="memory_of_states.png",
        help="where the plot goes",
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rng = np.random.RandomState(0)
    train, test = (make_sequences(rng, args.bits) for _ in range(2))
    results = {}
    for name, fit, sizes in (
        (
            "states of a hidden Markov model",
            fit_states,
            [2**k for k in range(args.bits + 1)],
        ),
        ("units of a recurrent net", fit_units, list(range(1, args.bits + 2))),
    ):
        print(f"\n{'N':>3}  bits of {args.bits} remembered by N {name}")
        bits = []
        for size in sizes:
            bits.append(bits_remembered(fit(size, train), train, test))
            print(f"{size:>3}{bits[-1]:>6.2f}")
        results[name] = sizes, bits
    plot(results, args.bits, args.output)


if __name__ == "__main__":
    main()
