"""Segment a signal into regimes that nobody has labelled.

A signal in two channels switches between three regimes, which differ in level, in
spread and in how the channels go together; a stretch of it is lost. A hidden Markov
model with three states is fitted to the signal alone. The most probable path of states
is compared with the regimes that made the signal, beside what a mixture of Gaussians
says that looks at each row by itself, and a plot shows the states over the signal.

    python examples/segment_signal.py
"""

import argparse
from itertools import permutations
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture

from sklearn_seq.hmm import GaussianHMM

N_STEPS = 1000
LOST = slice(430, 460)


def make_signal(rng):
    """The signal, with a stretch missing, and the regime of each step."""
    truth = GaussianHMM.from_parameters(
        startprob=[1.0, 0.0, 0.0],
        transmat=[[0.98, 0.01, 0.01], [0.02, 0.97, 0.01], [0.01, 0.02, 0.97]],
        means=[[0.0, 0.0], [1.5, 0.5], [0.5, -1.0]],
        covariances=[
            [[1.0, 0.0], [0.0, 1.0]],
            [[0.5, 0.4], [0.4, 0.5]],
            [[2.0, -1.2], [-1.2, 1.0]],
        ],
    )
    X, regimes = truth.sample(N_STEPS, random_state=rng)
    X[LOST] = np.nan
    return X, regimes


def renamed(states, regimes):
    """States with the numbers that agree best with the regimes'."""
    n = regimes.max() + 1
    best = max(
        permutations(range(n)),
        key=lambda names: np.mean(np.take(names, states) == regimes),
    )
    return np.take(best, states)


def plot(X, regimes, states, proba, output):
    try:
        import matplotlib
    except ImportError:
        print("\nNo plot: matplotlib is missing (pip install 'sklearn_seq[plot]').")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        3, sharex=True, figsize=(10, 6), height_ratios=[3, 1, 1], layout="constrained"
    )
    colours = plt.colormaps["tab10"].colors[:3]
    t = np.arange(len(X))
    axes[0].plot(t, X, lw=0.8, color="0.3")
    for state, colour in enumerate(colours):
        axes[0].fill_between(
            t,
            0,
            1,
            where=states == state,
            color=colour,
            alpha=0.25,
            lw=0,
            transform=axes[0].get_xaxis_transform(),
        )
    axes[0].set(title="Most probable path of states over the signal", ylabel="signal")
    axes[1].stackplot(t, proba.T, colors=colours, alpha=0.6)
    axes[1].set(ylabel="probability", ylim=(0, 1))
    axes[2].scatter(t, regimes, c=np.take(colours, regimes, axis=0), s=4)
    axes[2].set(ylabel="true regime", xlabel="time step", yticks=range(3))
    figure.savefig(output, dpi=120)
    plt.close(figure)
    print(f"\nStates plotted in {output}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default="segment_signal.png", help="where the plot goes"
    )
    args = parser.parse_args()
    X, regimes = make_signal(np.random.RandomState(0))
    model = GaussianHMM(n_components=3, n_init=5, random_state=0).fit(X)
    path = model.predict(X)
    names = renamed(path, regimes)
    order = [int(path[names == k][0]) for k in range(3)]

    there = ~np.isnan(X).any(axis=1)
    mixture = GaussianMixture(3, n_init=5, random_state=0).fit(X[there])
    alone = renamed(mixture.predict(X[there]), regimes[there])
    print("Share of steps in the right regime")
    for name, share in (
        ("mixture of Gaussians, each row by itself", alone == regimes[there]),
        ("hidden Markov model", names == regimes),
        ("the same where the signal is lost", names[LOST] == regimes[LOST]),
    ):
        print(f"  {name:<42}{np.mean(share):.3f}")
    print("\nTime steps that a state lasts on average, and means of the channels")
    for k, state in enumerate(order):
        stay = 1 / (1 - model.transmat_[state, state])
        print(f"  state {k}: {stay:5.1f}  {model.means_[state].round(2)}")
    plot(X, regimes, names, model.predict_proba(X)[:, order], args.output)


if __name__ == "__main__":
    main()
