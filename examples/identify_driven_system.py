"""Identify a driven system from its inputs and outputs.

A mass on a damped spring is pushed by a known force, and its position is measured with
noise. `LDSRegressor` is fitted to experiments: X holds the forces and y the positions.
It finds a system with the same eigenvalues (frequency and damping) and the same
response to a step of force, although the masses' state is never seen and its basis is
free. On new forces, whose outputs it does not see, it predicts as well as the true
system does. Least squares on the last ten forces, a finite impulse response, does
worse: it cannot look back far enough.

    python examples/identify_driven_system.py
    python examples/identify_driven_system.py --components 4 --experiments 100
"""

import argparse
import time
from pathlib import Path

import numpy as np
from scipy.linalg import expm
from sklearn.metrics import r2_score

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.lds import LDSRegressor, LinearDynamicalSystem

FREQUENCY, DAMPING, TIME_STEP = 1.0, 0.08, 0.4  # rad/s, share of critical, s
N_TIMESTEPS, N_TEST, HORIZON = 100, 20, 60
N_TAPS = 10


def spring(noise):
    """Position and velocity of the mass, in discrete time, pushed by a held force."""
    rates = np.zeros((3, 3))
    rates[:2] = [[0, 1, 0], [-(FREQUENCY**2), -2 * DAMPING * FREQUENCY, 1]]
    exact = expm(rates * TIME_STEP)
    return LinearDynamicalSystem.from_parameters(
        transition_matrix=exact[:2, :2],
        input_matrix=exact[:2, 2:],
        observation_matrix=[[1.0, 0.0]],
        transition_covariance=1e-3 * np.eye(2),
        observation_covariance=[[noise**2]],
        initial_state_mean=[0.0, 0.0],
        initial_state_covariance=0.1 * np.eye(2),
    )


def experiments(system, n_sequences, rng):
    """Random forces, and the positions measured: (n_sequences, N_TIMESTEPS, 1)."""
    forces = rng.normal(size=(n_sequences, N_TIMESTEPS, 1))
    rows, _ = system.sample(
        N_TIMESTEPS, n_sequences=n_sequences, future_exogenous=forces, random_state=rng
    )
    return forces, rows[:, :, :1]


def step_response(system, n_steps=HORIZON):
    """Noise-free outputs, from rest, to a force of 1 from the start on."""
    state, outputs = np.zeros(len(system.transition_matrix_)), []
    for _ in range(n_steps):
        outputs.append(system.observation_matrix_ @ state)
        outputs[-1] = outputs[-1] + system.feedthrough_matrix_.sum(axis=1)
        state = system.transition_matrix_ @ state + system.input_matrix_.sum(axis=1)
    return np.array(outputs)[:, 0]


def show_eigenvalues(name, system):
    """Print the eigenvalues, and what they say in continuous time."""
    values = np.sort_complex(np.linalg.eigvals(system.transition_matrix_))
    for value in values[values.imag >= 0]:
        rate = np.log(value.astype(complex)) / TIME_STEP
        print(
            f"{name:<8}{value.real:8.3f} ± {abs(value.imag):.3f} i"
            f"{abs(rate):14.3f}{-rate.real / abs(rate):12.3f}"
        )
        name = ""


def identify(n_sequences, n_components, noise, seed, output):
    """Simulate experiments, identify the system, print and plot the comparison."""
    rng = np.random.RandomState(seed)
    true = spring(noise)
    forces, positions = experiments(true, n_sequences, rng)
    start = time.perf_counter()
    model = LDSRegressor(n_components, max_iter=200).fit(forces, positions)
    seconds = time.perf_counter() - start
    found = model.system_
    print(
        f"{n_sequences} experiments of {N_TIMESTEPS} steps; {model.n_iter_} EM steps "
        f"in {seconds:.1f} s\n"
    )
    print(f"{'':<8}{'eigenvalues':>18}{'frequency':>13}{'damping':>12}")
    print("-" * 51)
    show_eigenvalues("true", true)
    show_eigenvalues("found", found)

    responses = {"true": step_response(true), "found": step_response(found)}
    print(f"\n{'step response at':<18}" + "".join(f"{t:>8}" for t in (1, 4, 8, 16, 59)))
    for name, response in responses.items():
        print(f"{name:<18}" + "".join(f"{response[t]:8.3f}" for t in (1, 4, 8, 16, 59)))

    new_forces, new_positions = experiments(true, N_TEST, rng)
    impulses = np.diff(step_response(true, N_TIMESTEPS), prepend=0.0)
    best = np.array(
        [np.convolve(force, impulses)[:N_TIMESTEPS] for force in new_forces[:, :, 0]]
    )
    taps = ARRegressor(N_TAPS).fit(forces, positions)
    print("\nR² on new forces, no output seen")
    print(f"  true system      {r2_score(new_positions.ravel(), best.ravel()):.3f}")
    print(f"  found            {model.score(new_forces, new_positions):.3f}")
    print(f"  {N_TAPS} delay taps    {taps.score(new_forces, new_positions):.3f}")

    if output is not None:
        mean, std = model.predict(new_forces[:1], return_std=True)
        plot(responses, new_positions[0, :, 0], mean[0, :, 0], std[0, :, 0], output)


def plot(responses, measured, mean, std, output):
    """Save a plot of the step responses, and of one new experiment."""
    try:
        import matplotlib
    except ImportError:
        print("\nNo plot: matplotlib is missing (pip install 'sklearn_seq[plot]').")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(13, 4.5), width_ratios=(1, 2), layout="constrained"
    )
    for (name, response), style in zip(responses.items(), ("k-", "C1--"), strict=True):
        left.plot(np.arange(len(response)) * TIME_STEP, response, style, label=name)
    left.set(title="response to a step of force", xlabel="seconds", ylabel="position")
    left.legend()
    seconds = np.arange(len(measured)) * TIME_STEP
    right.plot(seconds, measured, ".", color="grey", label="measured, not seen")
    right.plot(seconds, mean, color="C1", label="predicted, 95 % band")
    right.fill_between(
        seconds, mean - 1.96 * std, mean + 1.96 * std, color="C1", alpha=0.2, lw=0
    )
    right.set(title="a new experiment", xlabel="seconds", ylabel="position")
    right.legend()
    figure.savefig(output, dpi=120)
    plt.close(figure)
    print(f"\nResponses plotted in {output}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=50, help="to learn from")
    parser.add_argument("--components", type=int, default=2, help="states of the model")
    parser.add_argument(
        "--noise", type=float, default=0.2, help="standard deviation of measurements"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    parser.add_argument(
        "--output",
        type=Path,
        default="identify_driven_system.png",
        help="where the plot goes",
    )
    args = parser.parse_args()
    if min(args.experiments, args.components) < 1:
        parser.error("--experiments and --components must be at least 1")
    if not 0 < args.noise < np.inf:
        parser.error("--noise must be positive")
    identify(args.experiments, args.components, args.noise, args.seed, args.output)


if __name__ == "__main__":
    main()
