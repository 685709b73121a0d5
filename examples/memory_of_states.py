"""What N states can remember: log N bits, and not one more.

Each sequence has k bits of its own, which every row shows through noise: what the first
half of a sequence says of its second half is which of 2^k patterns it is. A hidden
Markov model sends this message through its state at the half, one of N: log2 N bits at
most. The program fits models with more and more states, and measures the message: by
how many bits the second half becomes more probable, once the first half has been seen.
To remember twice as many things takes twice as many states.

    python examples/memory_of_states.py
    python examples/memory_of_states.py --bits 5
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from sklearn_seq.hmm import GaussianHMM

N_STEPS = 20  # of each half
NOISE = 0.7


def make_sequences(rng, n_each, n_bits):
    """For each pattern of -1 and 1, sequences of rows that show it through noise."""
    patterns = np.array(list(product([-1.0, 1.0], repeat=n_bits)))
    patterns = np.repeat(patterns, n_each, axis=0)[:, None, :]
    return patterns + rng.normal(scale=NOISE, size=(len(patterns), 2 * N_STEPS, n_bits))


def message(model, X):
    """Bits that the first halves tell about the second ones, on average."""
    densities = model.score_samples(X)[:, N_STEPS:]
    alone = model.score_samples(X[:, N_STEPS:])
    return (densities - alone).sum(axis=1).mean() / np.log(2)


def plot(sizes, bits, n_bits, output):
    try:
        import matplotlib
    except ImportError:
        print("\nNo plot: matplotlib is missing (pip install 'sklearn_seq[plot]').")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(sizes, np.log2(sizes), color="black", lw=1, label="log2 N")
    axes.plot(sizes, bits, "o-", label="measured")
    axes.axhline(n_bits, color="0.6", ls=":", label="bits there are")
    axes.set_xscale("log", base=2)
    axes.set(xlabel="states N", ylabel="bits remembered")
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
    rng = np.random.RandomState(0)
    train, test = (make_sequences(rng, 20, args.bits) for _ in range(2))
    sizes = [2**k for k in range(args.bits + 1)]
    bits = []
    print(
        f"{args.bits} bits a sequence\n{'states':>6}{'log2':>6}{'bits remembered':>17}"
    )
    for n_states in sizes:
        model = GaussianHMM(
            n_states, covariance_type="spherical", n_init=5, random_state=0
        ).fit(train)
        bits.append(message(model, test))
        print(f"{n_states:>6}{np.log2(n_states):>6.0f}{bits[-1]:>17.2f}")
    plot(sizes, bits, args.bits, args.output)


if __name__ == "__main__":
    main()
