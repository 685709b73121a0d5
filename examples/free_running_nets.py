"""Recurrent nets without inputs: they oscillate, settle down or behave chaotically.

Three nets are trained and then run freely, each step being computed from the last one:

- one that has seen a few oscillations swing in from various amplitudes goes on
  oscillating, and comes back to its cycle wherever it starts;
- one that is started in various states and told where to be during its last steps has
  learned point attractors: started in a corrupted pattern, it settles in that pattern,
  and stays there for longer than it was trained for;
- an echo state network goes on with a chaotic series, and follows it for as long as
  chaos lets it; afterwards it is another course of the same attractor.

    python examples/free_running_nets.py
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.datasets import make_mackey_glass
from sklearn_seq.echo_state import EchoStateRegressor
from sklearn_seq.rnn import RNNRegressor

PERIOD = 25
N_UNITS, N_PATTERNS, N_SETTLING = 16, 4, 10


def swinging_in(amplitudes, n_steps, rng):
    """Oscillations of period `PERIOD` whose amplitudes approach one."""
    phase = rng.uniform(0, 2 * np.pi, len(amplitudes))
    radius, X = np.array(amplitudes), np.empty((len(amplitudes), n_steps, 1))
    for step in range(n_steps):
        X[:, step, 0] = radius * np.cos(phase + 2 * np.pi * step / PERIOD)
        radius = radius + 0.05 * radius * (1 - radius**2)
    return X


def oscillate(rng):
    X = swinging_in(rng.uniform(0.1, 1.6, 60), 100, rng)
    start = time.perf_counter()
    net = RNNRegressor((16,), max_iter=300, learning_rate_init=0.005, random_state=0)
    net.fit(X)
    seconds = time.perf_counter() - start
    begun = swinging_in([0.3, 1.0, 1.5], 20, rng)
    course = net.forecast(begun, n_steps=1000)[:, :, 0]
    late = course[:, -250:]
    rising = (late[:, :-1] < 0) & (late[:, 1:] >= 0)
    crossings = [np.flatnonzero(row) for row in rising]
    periods = [np.diff(c).mean() if len(c) > 1 else np.inf for c in crossings]
    print(f"Oscillation, trained in {seconds:.1f} s, after 750 steps alone")
    print("  begun at amplitude  amplitude  period")
    for first, row, period in zip((0.3, 1.0, 1.5), late, periods, strict=True):
        print(f"  {first:>18}{np.abs(row).max():>11.2f}{period:>8.1f}")
    return np.concatenate([begun[:, :, 0], course], axis=1)


def corrupted(patterns, n_each, n_flipped, rng):
    """Copies of each pattern with some entries of the wrong sign."""
    states = np.repeat(patterns, n_each, axis=0)
    for state in states:
        state[rng.choice(len(state), n_flipped, replace=False)] *= -1
    return states


def settle(rng):
    patterns = 0.9 * rng.choice([-1.0, 1.0], (N_PATTERNS, N_UNITS))
    starts = np.concatenate([corrupted(patterns, 50, n, rng) for n in (0, 1, 2)])
    y = np.tile(np.repeat(patterns, 50, axis=0), (3, 1))
    n_steps = 2 * N_SETTLING
    start = time.perf_counter()
    net = RNNRegressor(
        (N_UNITS,),
        readout="units",
        recurrent_constraint="symmetric",
        target_steps=N_SETTLING,
        learning_rate_init=0.01,
        max_iter=100,
        random_state=0,
    )
    net.fit(np.zeros((len(y), n_steps, 1)), y, initial_states=starts)
    seconds = time.perf_counter() - start
    print(f"\nPoint attractors, trained in {seconds:.1f} s, after 500 steps alone")
    print("  flipped of 16  nearest to their pattern  mean distance from it")
    courses = None
    for n_flipped in (1, 2, 3, 4):
        states = corrupted(patterns, 50, n_flipped, rng)
        course = net.transform(np.zeros((len(states), 500, 1)), initial_states=states)
        last = course[:, -1]
        distances = np.linalg.norm(last[:, None] - patterns, axis=2)
        own = np.repeat(np.arange(N_PATTERNS), 50)
        nearest = np.mean(distances.argmin(axis=1) == own)
        distance = distances[np.arange(len(own)), own].mean()
        print(f"  {n_flipped:>13}{nearest:>26.1%}{distance:>23.2f}")
        if n_flipped == 2:
            places = np.concatenate([states[:, None], course[:, :30]], axis=1)
            courses = places[::10], patterns, own[::10]
    return courses


def go_on_chaotically():
    X = make_mackey_glass(4000, random_state=0)
    mean, spread = X.mean(), X.std()
    X = (X - mean) / spread
    start = time.perf_counter()
    net = EchoStateRegressor(
        500, leak_rate=0.3, input_scaling=0.3, burn_in=100, random_state=0
    ).fit(X[:3000])
    seconds = time.perf_counter() - start
    course = net.forecast(X[:3000], n_steps=1000)
    error = np.abs(course - X[3000:])[:, 0]
    follows = int(np.argmax(error > 0.5)) if (error > 0.5).any() else len(error)
    print(f"\nMackey-Glass series, trained in {seconds:.1f} s")
    print(f"  steps followed to within half a standard deviation: {follows}")
    print(
        "  standard deviation and range of 1000 steps alone: "
        f"{course.std():.2f}, {course.min():.2f} to {course.max():.2f}; of the series: "
        f"{X[3000:].std():.2f}, {X[3000:].min():.2f} to {X[3000:].max():.2f}"
    )
    return X[3000:, 0], course[:, 0]


def plot(oscillations, settling, chaos, output):
    try:
        import matplotlib
    except ImportError:
        print("\nNo plot: matplotlib is missing (pip install 'sklearn_seq[plot]').")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, figsize=(10, 9), layout="constrained")
    for row in oscillations:
        axes[0].plot(row[:250], lw=0.9)
    axes[0].axvline(20, color="0.5", ls="--")
    axes[0].set(title="Oscillation: alone from the dashed line on", xlabel="time step")
    places, patterns, own = settling
    for course, pattern in zip(places, own, strict=True):
        distance = np.linalg.norm(course - patterns[pattern], axis=1)
        axes[1].plot(distance, lw=0.8, color=f"C{pattern}")
    axes[1].set(
        title="Point attractors: distances from the pattern that was corrupted",
        xlabel="time step",
    )
    truth, course = chaos
    axes[2].plot(truth[:600], color="0.5", lw=0.9, label="series")
    axes[2].plot(course[:600], lw=0.9, label="net alone")
    axes[2].set(title="Mackey-Glass series", xlabel="time step")
    axes[2].legend(loc="upper right")
    figure.savefig(output, dpi=120)
    plt.close(figure)
    print(f"\nCourses plotted in {output}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output",
        type=Path,
        default="free_running_nets.png",
        help="where the plot goes",
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rng = np.random.RandomState(0)
    oscillations = oscillate(rng)
    settling = settle(rng)
    chaos = go_on_chaotically()
    plot(oscillations, settling, chaos, args.output)


if __name__ == "__main__":
    main()
