"""Initial guesses and EM of linear dynamical systems, on simulated systems.

Printed are nats per time step by which the held-out log-likelihood stays below the true
model's, after 0, 10 and 50 steps of EM: for each initial guess, EM as it is and with
extrapolation, and for pykalman and dynamax (where installed) from the same random
start.
"""

import argparse
import time
import warnings

import numpy as np
from scipy.linalg import solve_discrete_lyapunov
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from sklearn_seq.lds.kalman import Parameters, log_likelihood
from sklearn_seq.lds.learning import learn

STEPS = (0, 10, 50)


def draw_system(rng, n, m, p):
    """A random stable system: modes of modulus 0.6 to 0.98 in random coordinates."""
    A, i = np.zeros((n, n)), 0
    while i < n:
        radius = rng.uniform(0.6, 0.98)
        if n - i >= 2 and rng.random() < 0.6:
            c, s = np.cos(angle := rng.uniform(0.1, 0.9 * np.pi)), np.sin(angle)
            A[i : i + 2, i : i + 2] = radius * np.array([[c, -s], [s, c]])
            i += 2
        else:
            A[i, i] = radius * rng.choice([1, -1], p=[0.8, 0.2])
            i += 1
    T = rng.standard_normal((n, n))
    A = T @ A @ np.linalg.inv(T)
    L = rng.standard_normal((n, n))
    Q = L @ L.T / n + 0.05 * np.eye(n)
    C = rng.standard_normal((m, n))
    spread = solve_discrete_lyapunov(A, Q)
    L = rng.standard_normal((m, m))
    size = np.trace(C @ spread @ C.T) / m * 10 ** rng.uniform(-1.5, 0.3)
    R = (L @ L.T / m + 0.1 * np.eye(m)) * size
    mean = np.linalg.cholesky(spread) @ rng.standard_normal(n)
    B = rng.standard_normal((n, p)) * np.sqrt(np.trace(Q) / n) if p else None
    D = rng.standard_normal((m, p)) if p else None
    return Parameters(A, C, Q, R, mean, spread / 2, B, D)


def simulate(system, rng, n_sequences, n_timesteps):
    """Rows, offsets and inputs (autocorrelated) of sequences of one length."""
    A, C, Q, R, mean, P, B, D = system
    n, m, p = len(A), len(C), 0 if B is None else B.shape[1]
    noise = [rng.standard_normal((n_timesteps, n_sequences, k)) for k in (n, m, p)]
    w = noise[0] @ np.linalg.cholesky(Q).T
    X = noise[1] @ np.linalg.cholesky(R).T
    u = noise[2]
    start = rng.standard_normal((n_sequences, n))
    state = mean + start @ np.linalg.cholesky(P).T
    for t in range(n_timesteps):
        X[t] += state @ C.T
        state = state @ A.T + w[t]
        if p:
            u[t] = 0.7 * (u[t - 1] if t else 0) + 0.7 * u[t]
            X[t] += u[t] @ D.T
            state += u[t] @ B.T
    rows = X.transpose(1, 0, 2).reshape(-1, m)
    inputs = u.transpose(1, 0, 2).reshape(-1, p) if p else None
    return rows, n_timesteps * np.arange(n_sequences + 1), inputs


def ours(data, n, init, accelerate):
    """Parameters after each number of steps."""
    found = []

    def learned(n_steps):
        return learn(
            *data,
            n_components=n,
            init=init,
            max_iter=n_steps,
            tol=-np.inf,
            accelerate=accelerate,
            random_state=np.random.RandomState(0),
        ).parameters

    for n_steps in STEPS:
        found.append(learned(n_steps))
    return found


def with_dynamax(data, start):
    import jax
    import jax.numpy as jnp
    from dynamax.linear_gaussian_ssm import LinearGaussianConjugateSSM

    jax.config.update("jax_enable_x64", True)
    X, offsets, _ = data
    n, m = start.transition_matrix.shape[0], X.shape[1]
    # Its weak default priors; LinearGaussianSSM turned NaN on several sequences.
    model = LinearGaussianConjugateSSM(
        n, m, has_dynamics_bias=False, has_emissions_bias=False
    )
    params, props = model.initialize(
        jax.random.PRNGKey(0),
        initial_mean=jnp.array(start.initial_state_mean),
        initial_covariance=jnp.array(start.initial_state_covariance),
        dynamics_weights=jnp.array(start.transition_matrix),
        dynamics_covariance=jnp.array(start.transition_covariance),
        emission_weights=jnp.array(start.observation_matrix),
        emission_covariance=jnp.array(start.observation_covariance),
    )
    emissions = jnp.array(X.reshape(len(offsets) - 1, -1, m))
    found = []
    for n_steps in STEPS:
        now = params
        if n_steps:
            now, _ = model.fit_em(
                params, props, emissions, num_iters=n_steps, verbose=False
            )
        arrays = [
            now.dynamics.weights,
            now.emissions.weights,
            now.dynamics.cov,
            now.emissions.cov,
            now.initial.mean,
            now.initial.cov,
        ]
        found.append(Parameters(*(np.asarray(a, float) for a in arrays), None, None))
    return found


def with_pykalman(data, start):
    from pykalman import KalmanFilter

    names = (
        "transition_matrices",
        "observation_matrices",
        "transition_covariance",
        "observation_covariance",
        "initial_state_mean",
        "initial_state_covariance",
    )
    model = KalmanFilter(
        **dict(zip(names, start[:6], strict=True)), em_vars=list(names)
    )
    found, done = [], 0
    for n_steps in STEPS:
        if n_steps > done:
            model = model.em(data[0], n_iter=n_steps - done)
            done = n_steps
        found.append(
            Parameters(*(np.array(getattr(model, name)) for name in names), None, None)
        )
    return found


def score(system, test):
    """Held-out log-likelihood per step; -inf for a system that EM has lost."""
    if not all(np.isfinite(array).all() for array in system if array is not None):
        return -np.inf
    return log_likelihood(system, *test).mean()


def compare(title, methods, args, n_systems, n_sequences, n_timesteps, p):
    gaps, times = {name: [] for name in methods}, {name: [] for name in methods}
    truths = []
    for seed in range(n_systems):
        rng = np.random.default_rng(seed)
        system = draw_system(rng, args.states, args.outputs, p)
        data = simulate(system, rng, n_sequences, n_timesteps)
        test = simulate(system, rng, 400, 100)
        truth = log_likelihood(system, *test).mean()
        truths.append(truth)
        for name, method in methods.items():
            start = time.perf_counter()
            try:
                found = method(data)
            except ImportError:
                continue
            times[name].append(time.perf_counter() - start)
            gaps[name].append([truth - score(each, test) for each in found])
    print(
        f"\n{title}: {n_systems} systems of {args.states} states, {args.outputs} "
        f"outputs, {p} inputs; {n_sequences} x {n_timesteps} steps; truth "
        f"{np.mean(truths):.3f} nats per step"
    )
    columns = [f"{k} steps: mean, median, max" for k in STEPS]
    print(f"{'':34s}" + "".join(f"{column:>30s}" for column in columns) + "   seconds")
    for name in methods:
        if not gaps[name]:
            print(f"{name:34s} not installed")
            continue
        all_gaps = np.array(gaps[name])
        line = f"{name:34s}"
        for column in all_gaps.T:
            numbers = (column.mean(), np.median(column), column.max())
            line += " " * 3 + "".join(f"{number:9.4f}" for number in numbers)
        print(f"{line}  {np.mean(times[name]):8.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", type=int, default=20)
    parser.add_argument("--peer-systems", type=int, default=3)
    parser.add_argument("--states", type=int, default=4)
    parser.add_argument("--outputs", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    def start_of(data):
        return ours(data, args.states, "random", False)[0]

    methods = {}
    for init in ("subspace", "factor_analysis", "random"):
        for accelerate in (False, True):
            label = f"{init}, {'extrapolated' if accelerate else 'plain'}"
            methods[label] = lambda data, init=init, accelerate=accelerate: ours(
                data, args.states, init, accelerate
            )
    peers = {
        "subspace, plain": methods["subspace, plain"],
        "subspace, extrapolated": methods["subspace, extrapolated"],
        "random, plain": methods["random, plain"],
        "random, extrapolated": methods["random, extrapolated"],
        "dynamax, same random start": lambda data: with_dynamax(data, start_of(data)),
        "pykalman, same random start": lambda data: with_pykalman(data, start_of(data)),
    }
    with threadpool_limits(1):
        compare("Outputs only", methods, args, args.systems, 200, 100, 0)
        compare("Driven", methods, args, args.systems, 200, 100, 2)
        compare("Short", methods, args, args.systems, 200, 12, 0)
        compare("Few data", methods, args, args.systems, 5, 60, 0)
        many = {k: v for k, v in peers.items() if "pykalman" not in k}
        compare("Peers", many, args, args.peer_systems, 200, 100, 0)
        compare("Peers, one sequence", peers, args, args.peer_systems, 1, 1000, 0)


if __name__ == "__main__":
    main()
