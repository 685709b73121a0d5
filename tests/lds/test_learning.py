import warnings

import joblib
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning
from statsmodels.tsa.statespace import structural

from sklearn_seq.datasets import load_nile
from sklearn_seq.lds._fixed import check_given
from sklearn_seq.lds._guess import from_subspace, in_coordinates_of, transformed
from sklearn_seq.lds._m_step import (
    Floors,
    covariance_floors,
    floored,
    m_step,
    visibility,
)
from sklearn_seq.lds._subspace import spectral_radius
from sklearn_seq.lds._units import Coordinates, variances
from sklearn_seq.lds.kalman import Parameters, log_likelihood, sufficient_statistics
from sklearn_seq.lds.learning import learn

NAMES = Parameters._fields
COVARIANCES = [name for name in NAMES if name.endswith("covariance")]


def random_covariance(rng, k):
    factor = rng.standard_normal((k, k + 1))
    return factor @ factor.T / k + 0.1 * np.eye(k)


def random_system(rng, n=3, m=2, p=0):
    A = rng.standard_normal((n, n))
    A *= rng.uniform(0.5, 0.95) / np.abs(np.linalg.eigvals(A)).max()
    return Parameters(
        A,
        rng.standard_normal((m, n)),
        random_covariance(rng, n),
        random_covariance(rng, m),
        rng.standard_normal(n),
        random_covariance(rng, n),
        rng.standard_normal((n, p)) if p else None,
        rng.standard_normal((m, p)) if p else None,
    )


def simulate(system, rng, lengths, missing=0.0):
    A, C, Q, R, mean, P, B, D = system
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    N, n, m = offsets[-1], len(A), len(C)
    U = None if B is None else rng.standard_normal((N, B.shape[1]))
    X = rng.multivariate_normal(np.zeros(m), R, N, method="cholesky")
    w = rng.multivariate_normal(np.zeros(n), Q, N, method="cholesky")
    starts, s = set(offsets.tolist()), None
    for t in range(N):
        s = rng.multivariate_normal(mean, P) if t in starts else A @ s + w[t - 1]
        if U is not None:
            X[t] += D @ U[t]
            s = s if t in starts else s + B @ U[t - 1]
        X[t] += C @ s
    X[rng.random(X.shape) < missing] = np.nan
    return X, offsets, U


def quadratic(count, yy, yz, zz, coef, covariance):
    """Expected log-density of `count` regressions, constants aside."""
    residual = yy - coef @ yz.T - yz @ coef.T + coef @ zz @ coef.T
    sign, logdet = np.linalg.slogdet(covariance)
    if sign <= 0:
        return -np.inf
    return -0.5 * (count * logdet + np.trace(np.linalg.solve(covariance, residual)))


def expected_log_likelihood(s, theta):
    """Of states and outputs together, given the statistics of an E-step."""

    def joined(first, second):
        return first if second is None else np.hstack([first, second])

    A, C, Q, R, mean, P, B, D = theta
    count = np.array([[s.n_sequences]])
    return (
        quadratic(
            s.n_transitions,
            s.s_next_s_next,
            s.s_next_z,
            s.z_z_transition,
            joined(A, B),
            Q,
        )
        + quadratic(s.n_observed, s.x_x, s.x_z, s.z_z_observed, joined(C, D), R)
        + quadratic(
            s.n_sequences,
            s.initial_outer,
            s.initial_sum[:, None],
            count,
            mean[:, None],
            P,
        )
    )


FIXED = [
    (),
    ("transition_matrix",),
    ("input_matrix",),
    ("observation_matrix", "transition_covariance"),
    ("feedthrough_matrix", "observation_covariance"),
    ("initial_state_mean",),
    ("initial_state_covariance", "transition_matrix", "input_matrix"),
    NAMES,
]


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
@pytest.mark.parametrize("fixed", FIXED)
def test_m_step_against_numerical_maximisation(fixed, covariance_type):
    rng = np.random.default_rng(0)
    system = random_system(rng, 2, 2, 1)
    X, offsets, U = simulate(system, rng, [15, 8, 1, 20], missing=0.1)
    present = random_system(rng, 2, 2, 1)
    sums = sufficient_statistics(present, X, offsets, U)
    found = m_step(sums, present, fixed=fixed, covariance_type=covariance_type)
    for name in fixed:
        np.testing.assert_array_equal(getattr(found, name), getattr(present, name))

    free = [name for name in NAMES if name not in fixed]
    if not free:
        return

    def unpack(vector):
        values = {}
        for name in free:
            shape = np.shape(getattr(present, name))
            if name in COVARIANCES:
                kind = covariance_type if name == "observation_covariance" else "full"
                size = {"full": shape[0] * (shape[0] + 1) // 2, "diag": shape[0]}
                size = size.get(kind, 1)
                part, vector = np.split(vector, [size])
                if kind == "full":
                    factor = np.zeros(shape)
                    factor[np.tril_indices(shape[0])] = part
                    values[name] = factor @ factor.T
                else:
                    values[name] = np.diag(np.exp(part) * np.ones(shape[0]))
            else:
                part, vector = np.split(vector, [np.prod(shape)])
                values[name] = part.reshape(shape)
        assert not vector.size
        return present._replace(**values)

    def start():
        parts = []
        for name in free:
            value = getattr(present, name)
            if name not in COVARIANCES:
                parts.append(value.ravel())
            elif name == "observation_covariance" and covariance_type == "diag":
                parts.append(np.zeros(2))
            elif name == "observation_covariance" and covariance_type == "spherical":
                parts.append(np.zeros(1))
            else:
                parts.append(np.linalg.cholesky(value)[np.tril_indices(len(value))])
        return np.concatenate(parts)

    best = optimize.minimize(
        lambda vector: -expected_log_likelihood(sums, unpack(vector)),
        start(),
        method="BFGS",
        options={"gtol": 1e-4, "maxiter": 2000},
    )
    reached = expected_log_likelihood(sums, found)
    assert reached == pytest.approx(-best.fun, abs=1e-5)
    assert reached >= -best.fun - 1e-8
    for name, value in unpack(best.x)._asdict().items():
        np.testing.assert_allclose(getattr(found, name), value, atol=2e-3, err_msg=name)


@pytest.mark.parametrize("fixed", [(), ("input_matrix",)])
def test_m_step_towards_an_unstable_regression_stops_where_it_is_stable(fixed):
    rng = np.random.default_rng(3)
    growing = random_system(rng, 2, 2, 1)
    growing = growing._replace(
        transition_matrix=1.1
        * growing.transition_matrix
        / np.abs(np.linalg.eigvals(growing.transition_matrix)).max()
    )
    data = simulate(growing, rng, [40, 30])
    present = growing._replace(transition_matrix=0.8 * growing.transition_matrix)
    sums = sufficient_statistics(present, *data)
    free = m_step(sums, present, fixed=fixed)
    assert spectral_radius(free.transition_matrix) > 1.0
    found = m_step(sums, present, fixed=fixed, largest_radius=1.0)
    assert 1.0 - 1e-6 < spectral_radius(found.transition_matrix) <= 1.0
    way = found.transition_matrix - present.transition_matrix
    whole = free.transition_matrix - present.transition_matrix
    np.testing.assert_allclose(way, whole * (way[0, 0] / whole[0, 0]), atol=1e-8)
    before, stable, best = (
        expected_log_likelihood(sums, each) for each in (present, found, free)
    )
    assert before < stable < best
    # B is the best one for that A.
    for change in (-0.01, 0.01):
        other = found._replace(input_matrix=found.input_matrix + change)
        worse = expected_log_likelihood(sums, other) < stable
        assert worse or "input_matrix" in fixed
    # A stable regression is taken as it is.
    steady = m_step(sums, present, fixed=fixed, largest_radius=2.0)
    for a, b in zip(steady, free, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_floored_covariance_is_the_likeliest_above_the_floor(covariance_type):
    rng = np.random.default_rng(0)
    floor = np.array([0.5, 1.0, 2.0])
    if covariance_type == "spherical":
        floor[:] = 1.0
    moments = random_covariance(rng, 3)

    def log_density(covariance):
        logdet = np.linalg.slogdet(covariance)[1]
        return -logdet - np.trace(np.linalg.solve(covariance, moments))

    found = floored(moments, floor, covariance_type)
    assert np.linalg.eigvalsh(found - np.diag(floor))[0] >= -1e-12
    for _ in range(500):
        other = found + 0.1 * rng.standard_normal() * random_covariance(rng, 3)
        above = other - np.diag(floor)
        if covariance_type == "diag":
            above = np.diag(np.diagonal(above))
        if covariance_type == "spherical":
            above = np.eye(3) * above[0, 0]
        values, vectors = np.linalg.eigh(above)
        other = np.diag(floor) + (vectors * np.maximum(values, 0)) @ vectors.T
        assert log_density(other) <= log_density(found) + 1e-10


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 2),
    st.lists(st.integers(1, 25), min_size=1, max_size=6),
    st.sampled_from([0.0, 0.2, 0.6]),
    st.sets(st.sampled_from(NAMES), max_size=3),
    st.sampled_from(["full", "diag", "spherical"]),
    st.sampled_from(["subspace", "factor_analysis", "random"]),
    st.booleans(),
    st.booleans(),
)
@example(0, 1, 3, 0, [1], 0.0, set(), "full", "subspace", True, False)
@example(146, 1, 3, 0, [1], 0.0, set(), "full", "subspace", True, False)
def test_likelihood_never_falls(
    seed, n, m, p, lengths, missing, fixed, covariance_type, init, accelerate, stable
):
    rng = np.random.default_rng(seed)
    system = random_system(rng, n, m, p)
    data = simulate(system, rng, lengths, missing)
    fixed = {name: getattr(system, name) for name in fixed}
    fixed = {name: value for name, value in fixed.items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "The best of", ConvergenceWarning)
        result = learn(
            *data,
            n_components=n,
            covariance_type=covariance_type,
            fixed=fixed,
            init=init,
            max_iter=15,
            tol=0.0,
            random_state=np.random.RandomState(seed % 1000),
            accelerate=accelerate,
            stable=stable,
        )
    found = result.parameters
    if stable and "transition_matrix" not in fixed:
        assert spectral_radius(found.transition_matrix) <= 1.0 + 1e-12
    assert np.diff(result.lower_bounds, prepend=-np.inf).min() >= -1e-8 * max(
        1.0, np.abs(result.lower_bounds).max()
    )
    np.testing.assert_allclose(
        result.lower_bound, log_likelihood(found, *data).mean(), rtol=1e-7, atol=1e-7
    )
    for name, value in fixed.items():
        np.testing.assert_array_equal(getattr(found, name), value)
    for name in COVARIANCES:
        value = getattr(found, name)
        np.testing.assert_array_equal(value, value.T)
        assert np.linalg.eigvalsh(value)[0] > 0
    R = found.observation_covariance
    if covariance_type != "full" and "observation_covariance" not in fixed:
        np.testing.assert_array_equal(R, np.diag(np.diagonal(R)))
    assert (found.input_matrix is None) == (p == 0)


def hard_data():
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal(60), np.arange(60.0)
    whole = np.array([0, 60])
    return {
        "zero": (np.zeros((60, 2)), whole, None),
        "constant": (np.full((60, 2), 5.0), whole, None),
        "constant feature": (np.c_[np.ones(60), x], whole, None),
        "collinear": (np.c_[x, 2 * x, x], whole, None),
        "one row": (x[:1, None], np.array([0, 1]), None),
        "one-step sequences": (x[:, None], np.arange(61), None),
        "all missing": (np.full((60, 2), np.nan), whole, None),
        "feature missing": (np.c_[x, np.full(60, np.nan)], whole, None),
        "sequence missing": (
            np.r_[x[:30], np.full(30, np.nan)][:, None],
            np.array([0, 30, 60]),
            None,
        ),
        "huge": (1e150 * x[:, None], whole, None),
        "tiny": (1e-150 * x[:, None], whole, None),
        "far from zero": (1e6 + x[:, None], whole, None),
        "sine": (np.sin(0.3 * t)[:, None], whole, None),
        "ramp": (t[:, None], whole, None),
        "explosive": (1.2 ** t[:, None], whole, None),
        "constant inputs": (x[:, None], whole, np.ones((60, 2))),
        "zero inputs": (x[:, None], whole, np.zeros((60, 1))),
        "inputs are outputs": (x[:, None], whole, x[:, None]),
    }


@pytest.mark.parametrize(
    "init",
    [
        "subspace",
        pytest.param("factor_analysis", marks=pytest.mark.slow),
        pytest.param("random", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", hard_data())
def test_hard_data_give_finite_models(name, init):
    data = hard_data()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "The best of", ConvergenceWarning)
        result = learn(
            *data,
            n_components=2,
            init=init,
            max_iter=10,
            random_state=np.random.RandomState(0),
        )
    for value in result.parameters:
        assert value is None or np.isfinite(value).all()
    assert np.isfinite(result.lower_bounds).all()
    assert np.isfinite(log_likelihood(result.parameters, *data)).all()


def test_nile():
    X = load_nile()["data"].reshape(-1, 1).astype(float)
    offsets = np.array([0, 100])
    level = {"transition_matrix": 1.0, "observation_matrix": 1.0}
    known = level | {"initial_state_mean": 0.0, "initial_state_covariance": 1e7}
    settings = {"n_components": 1, "max_iter": 1000, "tol": 1e-9}
    found = learn(X, offsets, fixed=known, **settings)
    assert found.converged
    R = found.parameters.observation_covariance.item()
    Q = found.parameters.transition_covariance.item()
    assert R == pytest.approx(15099, rel=0.005)
    assert Q == pytest.approx(1469, rel=0.005)
    slow = learn(X, offsets, fixed=known, accelerate=False, **settings)
    assert found.n_iter < slow.n_iter / 4
    assert found.lower_bound >= slow.lower_bound - 1e-8

    # A start of its own, whose spread a single one cannot tell, does little harm.
    started = learn(X, offsets, fixed=level, **settings).parameters
    assert started.observation_covariance.item() == pytest.approx(15099, rel=0.02)
    assert started.transition_covariance.item() == pytest.approx(1469, rel=0.02)

    model = structural.UnobservedComponents(X[:, 0], "llevel")
    model.ssm.initialize_known(np.zeros(1), np.full((1, 1), 1e7))
    model.loglikelihood_burn = model.ssm.loglikelihood_burn = 0
    assert found.lower_bound * 100 == pytest.approx(model.loglike([R, Q]), abs=1e-6)


@pytest.mark.parametrize("n_inputs", [0, 2])
def test_reaches_the_true_model_on_held_out_sequences(n_inputs):
    rng = np.random.default_rng(2)
    system = random_system(rng, 4, 3, n_inputs)
    data = simulate(system, rng, [100] * 200)
    test = simulate(system, rng, [100] * 50)
    found = learn(*data, n_components=4, max_iter=50, tol=1e-5).parameters
    truth = log_likelihood(system, *test).mean()
    assert log_likelihood(found, *test).mean() > truth - 0.01


def test_one_sequence_does_not_make_its_start_certain():
    rng = np.random.default_rng(1)
    system = random_system(rng, 2, 2)._replace(initial_state_mean=np.zeros(2))
    data = simulate(system, rng, [200])
    found = learn(*data, n_components=2, max_iter=50).parameters
    others = simulate(system, rng, [20] * 100)
    certain = found._replace(initial_state_covariance=1e-6 * np.eye(2))
    systems = (system, found, certain)
    truth, here, there = (log_likelihood(each, *others).mean() for each in systems)
    assert there + 0.2 < here and truth - 0.3 < here


def test_units_do_not_matter():
    rng = np.random.default_rng(0)
    system = random_system(rng, 2, 2, 1)
    X, offsets, U = simulate(system, rng, [40, 30], 0.1)
    fixed = {"feedthrough_matrix": system.feedthrough_matrix}
    settings = {"n_components": 2, "max_iter": 5, "tol": -1.0}
    with pytest.warns(ConvergenceWarning):
        one = learn(X, offsets, U, fixed=fixed, **settings)
    x, u = np.array([2.0**40, 2.0**-30]), 2.0**10
    fixed = {"feedthrough_matrix": system.feedthrough_matrix * x[:, None] / u}
    with pytest.warns(ConvergenceWarning):
        other = learn(X * x, offsets, U * u, fixed=fixed, **settings)
    C, D = one.parameters.observation_matrix, one.parameters.feedthrough_matrix
    np.testing.assert_allclose(other.parameters.observation_matrix, C * x[:, None])
    np.testing.assert_array_equal(
        other.parameters.feedthrough_matrix, D * x[:, None] / u
    )
    np.testing.assert_allclose(
        other.parameters.transition_matrix, one.parameters.transition_matrix
    )
    shift = (~np.isnan(X)).sum(axis=0) @ np.log(x) / len(X)
    np.testing.assert_allclose(
        np.array(other.lower_bounds) + shift, one.lower_bounds, rtol=1e-9
    )


def test_hook_sees_parameters_in_the_units_of_the_data():
    rng = np.random.default_rng(0)
    X, offsets, _ = simulate(random_system(rng, 2, 2), rng, [40, 30])
    X *= 1000
    seen = []

    def hook(parameters, bound):
        seen.append((log_likelihood(parameters, X, offsets).mean(), bound))
        return len(seen) == 3

    result = learn(X, offsets, n_components=2, on_iteration=hook, tol=-1.0)
    assert result.n_iter == 3 and not result.converged
    np.testing.assert_allclose(*np.transpose(seen), rtol=1e-9)


def test_workers_and_restarts():
    rng = np.random.default_rng(0)
    data = simulate(random_system(rng, 2, 2, 1), rng, [30] * 6, 0.1)

    def fit(**params):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return learn(
                *data,
                n_components=2,
                max_iter=5,
                tol=-1.0,
                random_state=np.random.RandomState(0),
                **params,
            )

    alone = fit()
    with joblib.parallel_config(backend="threading"):
        shared = fit(n_jobs=2)
    np.testing.assert_allclose(shared.lower_bounds, alone.lower_bounds, rtol=1e-7)
    once, often = fit(init="random"), fit(init="random", n_init=4)
    assert often.lower_bound >= once.lower_bound
    assert fit(init="random", n_init=4).lower_bounds == often.lower_bounds


def test_starts_from_given_parameters():
    rng = np.random.default_rng(0)
    data = simulate(random_system(rng, 2, 2), rng, [50] * 4)
    with pytest.warns(ConvergenceWarning):
        first = learn(*data, n_components=2, max_iter=6, tol=-1.0)
    again = learn(*data, n_components=2, max_iter=0, start=first.parameters)
    for a, b in zip(first.parameters, again.parameters, strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-12)
    assert again.lower_bound == pytest.approx(first.lower_bound, rel=1e-12)


def test_what_the_data_do_not_tell_stays():
    rng = np.random.default_rng(0)
    system = random_system(rng, 2, 2, 2)
    X, offsets, U = simulate(system, rng, [1, 1, 1])
    after = m_step(sufficient_statistics(system, X, offsets, U), system)
    for name in ("transition_matrix", "transition_covariance", "input_matrix"):
        np.testing.assert_array_equal(getattr(after, name), getattr(system, name))

    X, offsets, U = simulate(system, rng, [30])
    U[:, 1] = 2 * U[:, 0]  # so that only B @ [1, 2] is told
    after = m_step(sufficient_statistics(system, X, offsets, U), system)
    change = (after.input_matrix - system.input_matrix) @ [2.0, -1.0]
    scaled = (after.input_matrix - system.input_matrix) @ [1.0, 2.0]
    assert np.isfinite(after.input_matrix).all() and np.abs(scaled).max() > 1e-3
    assert np.abs(change).max() < 10 * np.abs(scaled).max()


def test_guess_in_the_coordinates_of_fixed_parameters():
    rng = np.random.default_rng(0)
    system = random_system(rng, 3, 2)
    data = simulate(system, rng, [200] * 20)
    guess = from_subspace(*data, 3)
    bound = log_likelihood(guess, *data).sum()
    assert log_likelihood(system, *data).mean() < bound / len(data[0]) + 0.1
    turned = transformed(guess, rng.standard_normal((3, 3)))
    assert log_likelihood(turned, *data).sum() == pytest.approx(bound, rel=1e-9)

    fixed = {
        "observation_matrix": system.observation_matrix,
        "transition_matrix": system.transition_matrix,
    }
    for held in (fixed, {"observation_matrix": np.eye(4, 3)}):
        seen = system._replace(**held)
        turned = transformed(seen, rng.standard_normal((3, 3)))
        told = in_coordinates_of(turned, held)
        for name in (
            "observation_matrix",
            "transition_matrix",
            "transition_covariance",
        ):
            np.testing.assert_allclose(
                getattr(told, name), getattr(seen, name), rtol=1e-6, atol=1e-8
            )
    Q = system.transition_covariance
    told = in_coordinates_of(guess, {"transition_covariance": Q})
    np.testing.assert_allclose(told.transition_covariance, Q, rtol=1e-9)
    for name in ("transition_matrix", "input_matrix"):
        assert in_coordinates_of(guess, {name: system.transition_matrix}) is None
    assert in_coordinates_of(guess, {"initial_state_mean": np.ones(3)}) is guess


def test_vectors_of_free_parameters():
    system = random_system(np.random.default_rng(0), 2, 2, 1)
    floors = Floors(*(np.full(2, 1e-9) for _ in range(3)))
    for fixed in ((), ("transition_matrix", "observation_covariance")):
        vectors = Coordinates(fixed)
        vector = vectors.to_vector(system)
        again = vectors.from_vector(vector, system, floors, "full")
        for a, b in zip(system, again, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        for name in fixed:
            assert getattr(again, name) is getattr(system, name)
        assert vectors.from_vector(vector * np.nan, system, floors, "full") is None
    exploding = Coordinates(()).to_vector(system)
    exploding[:4] = 2.0
    assert Coordinates(()).from_vector(exploding, system, floors, "full") is None


def test_what_outputs_show_of_a_state_in_time():
    rng = np.random.default_rng(0)
    system = random_system(rng, 3, 2)
    A, C = system.transition_matrix, system.observation_matrix
    total, largest = visibility(C, A, 16)
    shown = [(C @ np.linalg.matrix_power(A, h)) ** 2 for h in range(16)]
    np.testing.assert_allclose(total, np.sum(shown, axis=(0, 1)))
    counted = [shown[h].sum(axis=0) for h in (0, 1, 2, 4, 8)]
    np.testing.assert_allclose(largest, np.max(counted, axis=0))
    for values in visibility(C, 1e10 * A, 10**9):
        assert np.isfinite(values).all()


def test_floors_follow_scale_and_number_of_sequences():
    system = random_system(np.random.default_rng(0), 2, 2)
    spread, lengths = np.array([1.0, 4.0]), np.full(10, 30)
    floors = covariance_floors(system, spread, lengths, 1e-6)
    np.testing.assert_allclose(floors.observation, 1e-6 * spread)
    T = np.diag([1e3, 1e-3])
    turned = covariance_floors(transformed(system, T), spread, lengths, 1e-6)
    np.testing.assert_allclose(turned.transition, floors.transition * [1e6, 1e-6])
    np.testing.assert_allclose(turned.initial, floors.initial * [1e6, 1e-6])
    least = covariance_floors(system, spread, lengths, 0.0)
    np.testing.assert_allclose(least.observation, 1e-30 * spread)
    np.testing.assert_allclose(least.initial, floors.initial)
    many = covariance_floors(system, spread, np.full(20, 30), 1e-6)
    np.testing.assert_allclose(many.initial, floors.initial / 2)
    np.testing.assert_allclose(many.transition, floors.transition)


def test_floors_of_a_trend_know_no_diffuse_start():
    trend = Parameters(
        np.array([[1.0, 1.0], [0.0, 1.0]]),
        np.array([[1.0, 0.0]]),
        np.eye(2),
        np.eye(1),
        np.zeros(2),
        1e6 * np.eye(2),
    )
    floors = covariance_floors(trend, np.array([9.0]), np.array([64]), 1e-6)
    # A jump of the slope moves the outputs h steps later by h times as much.
    moves = [64, (np.arange(64.0) ** 2).sum()]
    np.testing.assert_allclose(floors.transition, 1e-6 * 9 / np.array(moves))
    np.testing.assert_allclose(floors.initial, [9.0, 9.0 / 32**2])
    # Of a state that is never seen, its own noise is all there is.
    hidden = trend._replace(transition_matrix=np.eye(2))
    floors = covariance_floors(hidden, np.array([9.0]), np.array([64]), 1e-6)
    np.testing.assert_allclose(floors.transition, [1e-6 * 9 / 64, 1e-6])


def test_the_scale_of_a_single_value_is_its_size():
    rows = np.array([[3.0, 1.0, 5.0, np.nan], [np.nan, 2.0, 5.0, np.nan]])
    np.testing.assert_allclose(variances(rows), [9.0, 0.25, 25e-8, 1.0])


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"A": 1.0}, "fixed={'A'.*no such parameter.*'transition_matrix'"),
        ({"transition_matrix": np.eye(3)}, r"must have shape \(2, 2\), got \(3, 3\)"),
        ({"observation_matrix": np.full((3, 2), np.nan)}, "must be finite"),
        ({"transition_covariance": [[1, 2], [0, 1]]}, "must be symmetric"),
        ({"transition_covariance": -np.eye(2)}, "positive semi-definite"),
        ({"initial_state_covariance": [[1, 2], [2, 1]]}, "positive semi-definite"),
        ({"observation_covariance": np.zeros((3, 3))}, "must be positive definite"),
        ({"input_matrix": np.zeros((2, 1))}, "needs inputs, and there are none"),
    ],
)
def test_errors_of_fixed_parameters(fixed, message):
    with pytest.raises(ValueError, match=message):
        check_given(fixed, 2, 3)


def test_fixed_parameters_as_given():
    assert check_given(None, 2, 3) == {}
    given = {"transition_covariance": np.diag([1, 0]), "initial_state_mean": [1, 2]}
    checked = check_given(given, 2, 3)
    np.testing.assert_array_equal(checked["transition_covariance"], np.diag([1, 0]))
    assert checked["initial_state_mean"].dtype == np.float64
    assert check_given({"transition_matrix": 1}, 1, 3)["transition_matrix"] == [[1.0]]
