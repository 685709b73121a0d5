"""Track an object that is seen with noise, and for some time not at all.

An object moves through the plane with a velocity that changes slowly. Its position is
measured with noise at every step, but for three stretches in which nothing is seen. The
model is known (a constant-velocity model, from the laws of motion), so nothing is
learned: the Kalman filter gives the position given the measurements so far, the
smoother that given all of them, both with an error band that widens where the object is
out of sight. The table has root-mean-square errors, and a plot shows one coordinate and
the path.

    python examples/track_object.py
    python examples/track_object.py --steps 300 --noise 3 --output track.png
"""

import argparse
from pathlib import Path

import numpy as np

from sklearn_seq.lds import LinearDynamicalSystem

TIME_STEP = 1.0
ACCELERATION = 0.2  # standard deviation of the random pushes
HIDDEN = ((0.2, 0.3), (0.5, 0.65), (0.8, 0.85))  # shares of the time


def constant_velocity(noise):
    """States: x, its velocity, y, its velocity. Seen are x and y."""
    transition = np.array([[1.0, TIME_STEP], [0.0, 1.0]])
    push = np.array([[TIME_STEP**2 / 2], [TIME_STEP]]) * ACCELERATION
    both = np.eye(2)
    return LinearDynamicalSystem.from_parameters(
        transition_matrix=np.kron(both, transition),
        observation_matrix=np.kron(both, [[1.0, 0.0]]),
        transition_covariance=np.kron(both, push @ push.T),
        observation_covariance=noise**2 * both,
        initial_state_mean=np.zeros(4),
        initial_state_covariance=np.diag([10.0, 0.5, 10.0, 0.5]) ** 2,
    )


def hide(X):
    """The measurements, missing in some stretches; and where they are."""
    hidden = np.zeros(len(X), dtype=bool)
    for start, stop in HIDDEN:
        hidden[int(start * len(X)) : int(stop * len(X))] = True
    return np.where(hidden[:, None], np.nan, X), hidden


def rmse(estimate, truth):
    """Root of the mean squared distance; NaN where there is nothing to compare."""
    if not len(truth):
        return np.nan
    return np.sqrt(np.mean(np.sum((estimate - truth) ** 2, axis=1)))


def track(n_steps, noise, seed, output):
    """Simulate a path, track it, print the errors and save the plot."""
    model = constant_velocity(noise)
    X, states = model.sample(n_steps, random_state=seed)
    truth = states[:, [0, 2]]
    measured, hidden = hide(X)

    estimates = {}
    for name, method in (("filtered", model.filter), ("smoothed", model.smooth)):
        means, covariances = method(measured)
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        estimates[name] = means[:, [0, 2]], np.sqrt(variances[:, [0, 2]])

    print(f"{n_steps} steps, {hidden.sum()} of them out of sight; noise {noise:g}\n")
    print(f"{'RMSE of position':<18}{'in sight':>10}{'out of sight':>14}")
    print("-" * 42)
    print(f"{'measured':<18}{rmse(measured[~hidden], truth[~hidden]):10.2f}{'':>14}")
    for name, (position, _) in estimates.items():
        seen = rmse(position[~hidden], truth[~hidden])
        unseen = rmse(position[hidden], truth[hidden])
        print(f"{name:<18}{seen:10.2f}{unseen:14.2f}")
    position, std = estimates["smoothed"]
    inside = np.mean(np.abs(position - truth) < 1.96 * std)
    print(f"\nshare of true coordinates in the smoother's 95 % band: {inside:.0%}")

    if output is not None:
        plot(truth, measured, estimates, hidden, output)


def plot(truth, measured, estimates, hidden, output):
    """Save a plot of one coordinate with its band, and of the path."""
    try:
        import matplotlib
    except ImportError:
        print("\nNo plot: matplotlib is missing (pip install 'sklearn_seq[plot]').")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(13, 4.5), width_ratios=(2, 1), layout="constrained"
    )
    time = np.arange(len(truth)) * TIME_STEP
    left.plot(time, truth[:, 0], color="black", lw=1.5, label="true")
    left.plot(time, measured[:, 0], ".", color="grey", ms=4, label="measured")
    for color, (name, (position, std)) in zip(
        ("tab:orange", "tab:blue"), estimates.items(), strict=True
    ):
        mean, half = position[:, 0], 1.96 * std[:, 0]
        left.plot(time, mean, color=color, lw=1.2, label=f"{name}, 95 % band")
        left.fill_between(time, mean - half, mean + half, color=color, alpha=0.2, lw=0)
        right.plot(*position.T, color=color, lw=1.2, label=name)
    left.set(title="one coordinate", xlabel="time", ylabel="x")
    # Bands of the filter in long gaps would dwarf everything else.
    low, high = truth[:, 0].min(), truth[:, 0].max()
    margin = 0.2 * (high - low) + 1e-9
    left.set_ylim(low - margin, high + margin)
    left.legend(loc="best")
    right.plot(*truth.T, color="black", lw=1.5, label="true")
    right.plot(*measured.T, ".", color="grey", ms=4, label="measured")
    right.set(title="the path", xlabel="x", ylabel="y")
    right.legend(loc="best")
    figure.savefig(output, dpi=120)
    plt.close(figure)
    print(f"\nTrack plotted in {output}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=200, help="length of the path")
    parser.add_argument(
        "--noise", type=float, default=5.0, help="standard deviation of measurements"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the simulation")
    parser.add_argument(
        "--output", type=Path, default="track_object.png", help="where the plot goes"
    )
    args = parser.parse_args()
    if args.steps < 10:
        parser.error("--steps must be at least 10")
    if not 0 < args.noise < np.inf:
        parser.error("--noise must be positive")
    track(args.steps, args.noise, args.seed, args.output)


if __name__ == "__main__":
    main()
