"""Kalman filter and smoother: ours, statsmodels' and dynamax'.

All sides run in one process, in turn, with one BLAS thread; ratios of medians are
printed. A time of statsmodels includes building the model and binding the data, once
for each sequence. Dynamax, if it can be imported, is compiled, warm and in float64.
"""

import os

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import argparse  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from functools import partial  # noqa: E402

import numpy as np  # noqa: E402
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother  # noqa: E402

from sklearn_seq.lds.kalman import (  # noqa: E402
    Parameters,
    filter_states,
    log_likelihood,
    smooth_states,
    sufficient_statistics,
)

try:
    import jax
    from dynamax.linear_gaussian_ssm import inference as dynamax
except ImportError:
    jax = None

OURS = {
    "log-likelihood": log_likelihood,
    "filter": filter_states,
    "smoother": partial(smooth_states, lag_one=False),
    "smoother, lag-one covariances": smooth_states,
}
STATSMODELS = {
    "log-likelihood": "loglike",
    "filter": "filter",
    "smoother": "smooth",
    "smoother, lag-one covariances": "smooth",
}
CASES = [  # sequences, steps, states, outputs, share of values missing
    (1, 100_000, 4, 2, 0.0),
    (1_000, 100, 4, 3, 0.0),
    (1, 200, 2, 1, 0.0),
    (1_000, 100, 4, 3, 0.1),
    (1, 10_000, 4, 2, 0.01),
    (1, 10_000, 4, 2, 0.1),
]


def make_system(rng, n, m):
    """Rotations that decay by a tenth a step, seen through noise."""
    A = 0.9 * np.linalg.qr(rng.standard_normal((n, n)))[0]
    return Parameters(
        A,
        rng.standard_normal((m, n)),
        0.5 * np.eye(n),
        np.eye(m),
        np.zeros(n),
        np.eye(n),
    )


def simulate(rng, parameters, n_sequences, n_steps):
    A, C = parameters.transition_matrix, parameters.observation_matrix
    state = rng.standard_normal((n_sequences, len(A)))
    X = np.empty((n_sequences, n_steps, len(C)))
    for t in range(n_steps):
        X[:, t] = state @ C.T + rng.standard_normal((n_sequences, len(C)))
        noise = rng.standard_normal(state.shape)
        state = state @ A.T + np.sqrt(0.5) * noise
    return X.reshape(-1, len(C)), n_steps * np.arange(n_sequences + 1)


def run_statsmodels(parameters, X, offsets, method):
    p = parameters
    m, n = p.observation_matrix.shape
    for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
        model = KalmanSmoother(k_endog=m, k_states=n, k_posdef=n, tolerance=0)
        model["design"], model["transition"] = p.observation_matrix, p.transition_matrix
        model["state_cov"] = p.transition_covariance
        model["obs_cov"], model["selection"] = p.observation_covariance, np.eye(n)
        model.initialize_known(p.initial_state_mean, p.initial_state_covariance)
        model.bind(X[start:stop])
        getattr(model, method)()


def make_dynamax(parameters, X, offsets):
    """Compiled functions of no argument, by task."""
    p = parameters
    params = dynamax.make_lgssm_params(
        p.initial_state_mean,
        p.initial_state_covariance,
        p.transition_matrix,
        p.transition_covariance,
        p.observation_matrix,
        p.observation_covariance,
    )
    data = jax.numpy.asarray(X.reshape(len(offsets) - 1, -1, X.shape[1]))

    def density(x):
        return dynamax.lgssm_filter(params, x).marginal_loglik

    def smooth(x):
        return dynamax.lgssm_smoother(params, x)

    tasks = {}
    for task, function in (("log-likelihood", density), ("smoother", smooth)):
        several = len(data) > 1
        compiled = jax.jit(jax.vmap(function) if several else function)
        argument = data if several else data[0]
        tasks[task] = partial(call_and_wait, compiled, argument)
        tasks[task]()
    tasks["smoother, lag-one covariances"] = tasks["smoother"]
    return tasks


def call_and_wait(function, argument):
    return jax.block_until_ready(function(argument))


def seconds(function, number=1):
    start = time.perf_counter()
    for _ in range(number):
        function()
    return (time.perf_counter() - start) / number


def medians(functions, repeats, number):
    """Median time of each function, taken in turn."""
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(seconds(function, number))
    return {name: statistics.median(values) for name, values in times.items()}


def compare(repeats):
    print("case | task | ours, ms | statsmodels / ours | dynamax / ours")
    for n_sequences, n_steps, n, m, missing in CASES:
        rng = np.random.default_rng(0)
        parameters = make_system(rng, n, m)
        X, offsets = simulate(rng, parameters, n_sequences, n_steps)
        if missing:
            X[rng.random(X.shape) < missing] = np.nan
        small = len(X) < 1000
        compiled = {}
        if jax is not None and not missing and not small:
            compiled = make_dynamax(parameters, X, offsets)
        for task, ours in OURS.items():
            functions = {
                "ours": partial(ours, parameters, X, offsets),
                "statsmodels": partial(
                    run_statsmodels, parameters, X, offsets, STATSMODELS[task]
                ),
            }
            if task in compiled:
                functions["dynamax"] = compiled[task]
            times = medians(functions, repeats, 50 if small else 1)
            ratios = [times["statsmodels"] / times["ours"]]
            if "dynamax" in times:
                ratios.append(times["dynamax"] / times["ours"])
            gaps = f", {missing:.0%} missing" if missing else ""
            print(
                f"{n_sequences} x {n_steps}, {n} states, {m} outputs{gaps}",
                task,
                f"{1e3 * times['ours']:.2f}",
                *(f"{ratio:.1f}" for ratio in ratios),
                sep=" | ",
            )


def show_linear_cost(repeats):
    tasks = {**OURS, "statistics": sufficient_statistics}
    sizes = {
        "steps": [(1, 20_000), (1, 80_000), (1, 320_000)],
        "sequences": [(500, 100), (2_000, 100), (8_000, 100)],
        "sequences, 10 % missing": [(500, 100), (2_000, 100), (8_000, 100)],
    }
    for kind, cases in sizes.items():
        print(f"\nmicroseconds a row, growing in {kind} (4 states, 3 outputs)")
        print("sequences x steps", *tasks, sep=" | ")
        for n_sequences, n_steps in cases:
            rng = np.random.default_rng(0)
            parameters = make_system(rng, 4, 3)
            X, offsets = simulate(rng, parameters, n_sequences, n_steps)
            if "missing" in kind:
                X[rng.random(X.shape) < 0.1] = np.nan
            functions = {
                name: partial(function, parameters, X, offsets)
                for name, function in tasks.items()
            }
            times = medians(functions, repeats, 1)
            print(
                f"{n_sequences} x {n_steps}",
                *(f"{1e6 * times[name] / len(X):.3f}" for name in tasks),
                sep=" | ",
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    if jax is not None:
        jax.config.update("jax_enable_x64", True)
    compare(args.repeats)
    show_linear_cost(max(args.repeats // 2, 3))


if __name__ == "__main__":
    main()
