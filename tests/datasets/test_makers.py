import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import solve_ivp
from statsmodels.tsa import arima_process
from statsmodels.tsa.vector_ar import var_model

from sklearn_seq._core.markov import draw_chains
from sklearn_seq.datasets import (
    make_adding_problem,
    make_ar_process,
    make_binary_addition,
    make_copy_memory,
    make_mackey_glass,
    make_markov_chain,
    make_sines,
)

# small arguments that every maker accepts
SMALL = [
    (make_sines, {"n_sequences": 3, "n_timesteps": 20}),
    (make_mackey_glass, {"n_timesteps": 20, "n_sequences": 3}),
    (make_ar_process, {"n_timesteps": 20, "n_sequences": 3}),
    (make_markov_chain, {"n_timesteps": 20, "n_sequences": 3}),
    (make_binary_addition, {"n_sequences": 3, "n_bits": 20}),
    (make_binary_addition, {"n_sequences": 3, "n_bits": (15, 20)}),
    (make_adding_problem, {"n_sequences": 3, "n_timesteps": 20}),
    (make_copy_memory, {"n_sequences": 3, "n_copied": 20}),
]


def flat(output):
    """All numbers of an array, a list of arrays or a tuple of them, in one row."""
    if isinstance(output, np.ndarray):
        return output.ravel()
    return np.concatenate([flat(part) for part in output])


@pytest.mark.parametrize("make, parameters", SMALL)
def test_random_state(make, parameters):
    first = flat(make(**parameters, random_state=3))
    assert_array_equal(flat(make(**parameters, random_state=3)), first)
    rng = np.random.RandomState(3)
    assert_array_equal(flat(make(**parameters, random_state=rng)), first)
    # the generator has moved on
    assert not np.array_equal(flat(make(**parameters, random_state=rng)), first)


@pytest.mark.parametrize(
    "make", [make_mackey_glass, make_ar_process, make_markov_chain]
)
def test_rows_and_panel(make):
    rows = make(15, random_state=0)
    assert rows.shape == (15, 1)
    assert_array_equal(make(15, n_sequences=1, random_state=0), rows[np.newaxis])
    panel = make(15, n_sequences=4, random_state=0)
    assert panel.shape == (4, 15, 1)
    assert len(np.unique(panel[:, :, 0], axis=0)) == 4


@pytest.mark.parametrize(
    "make, parameter, value",
    [
        (make_sines, "n_sequences", 0),
        (make_sines, "n_timesteps", 2.5),
        (make_sines, "noise", -0.1),
        (make_sines, "period", 0),
        (make_sines, "random_state", "seed"),
        (make_mackey_glass, "n_timesteps", 0),
        (make_mackey_glass, "tau", 0.05),
        (make_mackey_glass, "gamma", 11.0),
        (make_mackey_glass, "washout", -1),
        (make_ar_process, "n_timesteps", 0),
        (make_ar_process, "coef", 0.5),
        (make_ar_process, "noise_covariance", -1.0),
        (make_ar_process, "intercept", np.nan),
        (make_markov_chain, "n_timesteps", 0),
        (make_markov_chain, "n_states", 0),
        (make_markov_chain, "return_transmat", "yes"),
        (make_binary_addition, "n_bits", 0),
        (make_binary_addition, "delay", -1),
        (make_adding_problem, "n_timesteps", 1),
        (make_copy_memory, "delay", 0),
        (make_copy_memory, "n_symbols", 0),
    ],
)
def test_parameters_are_validated(make, parameter, value):
    message = f"'{parameter}' parameter of {make.__name__} must be"
    with pytest.raises(ValueError, match=message):
        make(**{parameter: value})


# Sines


def test_sines_without_noise_are_sines():
    X = make_sines(50, 40, n_features=2, period=(5.0, 12.0), noise=0.0, random_state=0)
    assert X.shape == (50, 40, 2)
    # x[t - 1] + x[t + 1] = 2 cos(w) x[t], with one w for each sequence
    middle = X[:, 1:-1]
    cosine = (middle * (X[:, :-2] + X[:, 2:])).sum((1, 2)) / (
        2 * (middle**2).sum((1, 2))
    )
    cosine = cosine[:, np.newaxis, np.newaxis]
    assert_allclose(X[:, :-2] + X[:, 2:], 2 * cosine * middle, atol=1e-10)
    # the amplitude is 1
    x0, x1 = X[:, 0], X[:, 1]
    cosine = cosine[:, 0]
    amplitude = (x0**2 + x1**2 - 2 * x0 * x1 * cosine) / (1 - cosine**2)
    assert_allclose(amplitude, 1, atol=1e-10)
    periods = 2 * np.pi / np.arccos(cosine[:, 0])
    assert 5 <= periods.min() < 6
    assert 11 < periods.max() <= 12


def test_sines_of_one_period():
    X = make_sines(4, 33, period=8, noise=0.0, random_state=0)
    assert_allclose(X[:, 8:], X[:, :-8], atol=1e-10)
    assert not np.allclose(X[:, 4:], X[:, :-4], atol=0.1)


def test_sines_noise():
    clean = make_sines(200, 100, noise=0.0, random_state=0)
    noise = make_sines(200, 100, noise=0.3, random_state=0) - clean
    assert_allclose(noise.std(), 0.3, rtol=0.02)
    assert abs(noise.mean()) < 0.01


@pytest.mark.parametrize("period", [(5, 3), (0, 3), (5,), (1, 2, 3), ("a", "b")])
def test_sines_bad_bounds_of_the_period(period):
    with pytest.raises(ValueError, match=r"should be \(low, high\) with 0 < low"):
        make_sines(period=period)


# Mackey-Glass


def solve_mackey_glass(start, tau, n_timesteps):
    """Span by span of length tau with an adaptive solver of order 8."""

    def history(t):
        return start

    x, spans = start, []
    while len(spans) * tau < n_timesteps:

        def slope(t, x, history=history):
            delayed = history(t - tau)
            return 0.2 * delayed / (1 + delayed**10) - 0.1 * x

        begin = len(spans) * tau
        span = solve_ivp(
            slope,
            (begin, begin + tau),
            [x],
            method="DOP853",
            rtol=1e-10,
            atol=1e-10,
            dense_output=True,
        )
        x = span.y[0, -1]
        spans.append(span.sol)

        def history(t, sol=span.sol):
            return sol(t)[0]

    times = np.arange(n_timesteps)
    return np.array([spans[int(t // tau)](t)[0] for t in times])


@pytest.mark.parametrize("tau", [17, 30, 5.55])
def test_mackey_glass_solves_the_equation(tau):
    X = make_mackey_glass(120, tau=tau, washout=0, n_sequences=2, random_state=0)
    for x in X[:, :, 0]:
        assert 0.5 <= x[0] <= 1.5
        assert_allclose(x, solve_mackey_glass(x[0], tau, 120), atol=5e-5)


def test_mackey_glass_washout():
    whole = make_mackey_glass(80, washout=0, random_state=0)
    assert_array_equal(make_mackey_glass(30, washout=50, random_state=0), whole[50:])


def test_mackey_glass_attractor():
    X = make_mackey_glass(2000, random_state=0)
    assert 0.2 < X.min() < 0.5
    assert 1.2 < X.max() < 1.4
    # below the first bifurcation the series comes to rest at its fixed point, 1
    assert_allclose(make_mackey_glass(10, tau=3, random_state=0), 1, atol=1e-6)
    # also with a delay shorter than one time step
    assert_allclose(make_mackey_glass(10, tau=0.25, random_state=0), 1, atol=1e-6)


def test_mackey_glass_of_one_row():
    assert make_mackey_glass(1, washout=0, random_state=0).shape == (1, 1)


# Autoregressive processes


def test_ar_process_autocovariance():
    expected = 4 * arima_process.ArmaProcess([1, -1.384, 0.748]).acovf(8)
    X = make_ar_process(8, noise_covariance=4.0, n_sequences=40_000, random_state=0)
    X = X[:, :, 0]
    assert_allclose(X.mean(axis=0), 0, atol=4 * np.sqrt(expected[0] / 40_000))
    # from the first row on: there is no transient
    for k in range(8):
        for t in range(8 - k):
            covariance = (X[:, t] * X[:, t + k]).mean()
            assert_allclose(covariance, expected[k], atol=0.03 * expected[0])


def test_vector_ar_process_autocovariance():
    rng = np.random.RandomState(0)
    coef = 0.2 * rng.normal(size=(3, 2, 3))
    noise_covariance = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.5]])
    intercept = np.array([1.0, -2.0, 0.5])
    process = var_model.VARProcess(
        coef.transpose(1, 0, 2), intercept[:, np.newaxis], noise_covariance
    )
    X = make_ar_process(
        5,
        coef=coef,
        intercept=intercept,
        noise_covariance=noise_covariance,
        n_sequences=40_000,
        random_state=0,
    )
    assert X.shape == (40_000, 5, 3)
    scale = np.sqrt(np.diag(process.acf(4)[0]))
    mean = np.broadcast_to(process.mean().ravel(), (5, 3))
    assert_allclose(X.mean(axis=0), mean, atol=4 * scale.max() / 200)
    X = (X - mean) / scale
    for k, expected in enumerate(process.acf(4)):
        expected = expected / np.outer(scale, scale)
        for t in range(5 - k):
            # statsmodels: acf(k)[i, j] = cov(x[t + k, i], x[t, j])
            covariance = X[:, t + k].T @ X[:, t] / len(X)
            assert_allclose(covariance, expected, atol=0.03)


@pytest.mark.parametrize("n_features, n_lags", [(1, 3), (2, 2)])
def test_ar_process_residuals_are_the_noise(n_features, n_lags):
    coef = 0.3 * np.random.RandomState(1).normal(size=(n_features, n_lags, n_features))
    noise_covariance = np.array([[1.0, 0.6], [0.6, 2.0]])[:n_features, :n_features]
    intercept = np.array([3.0, -1.0])[:n_features]
    X = make_ar_process(
        20_000,
        coef=coef,
        intercept=intercept,
        noise_covariance=noise_covariance,
        random_state=0,
    )
    residuals = np.array(
        [
            X[t] - intercept - sum(coef[:, k] @ X[t - 1 - k] for k in range(n_lags))
            for t in range(n_lags, len(X))
        ]
    )
    assert_allclose(residuals.mean(axis=0), 0, atol=0.05)
    assert_allclose(
        residuals.T @ residuals / len(residuals), noise_covariance, atol=0.08
    )
    # nothing that the past would tell
    for k in range(1, n_lags + 1):
        past = X[n_lags - k : -k] - X.mean(axis=0)
        assert_allclose(residuals.T @ past / len(past), 0, atol=0.08)


def test_ar_process_shapes_of_coef_agree():
    expected = make_ar_process(30, coef=[0.5, 0.2], random_state=0)
    X = make_ar_process(30, coef=[[[0.5], [0.2]]], random_state=0)
    assert_array_equal(X, expected)


def test_ar_process_shorter_than_its_lags():
    X = make_ar_process(1, n_sequences=50_000, random_state=0)
    assert X.shape == (50_000, 1, 1)
    # the stationary variance of an AR(2)
    a, b = 1.384, -0.748
    variance = (1 - b) / ((1 + b) * ((1 - b) ** 2 - a**2))
    assert_allclose(X.var(), variance, rtol=0.03)


def test_ar_process_with_singular_noise():
    # the second feature is twice the first one
    X = make_ar_process(
        200,
        coef=[[[0.5, 0.0]], [[0.0, 0.5]]],
        noise_covariance=[[1.0, 2.0], [2.0, 4.0]],
        random_state=0,
    )
    assert X[:, 0].std() > 0.5
    assert_allclose(X[:, 1], 2 * X[:, 0], atol=1e-6)
    still = make_ar_process(20, coef=[0.5], intercept=3.0, noise_covariance=0.0)
    assert_allclose(still, 6.0)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"coef": [1.0]}, "coef is not that of a stationary process"),
        ({"coef": [1.384, 0.748]}, "coef is not that of a stationary process"),
        ({"coef": [[[0.5, 0.9]], [[0.9, 0.5]]]}, "has modulus 1.4"),
        ({"coef": [[0.5, 0.2]]}, r"coef should have the shape .* got \(1, 2\)"),
        ({"coef": np.zeros((2, 1, 3))}, r"got \(2, 1, 3\)"),
        ({"coef": []}, r"0 sample\(s\)"),
        ({"coef": [np.nan]}, "Input coef contains NaN"),
        ({"intercept": [1.0, 2.0]}, r"the shape \(1,\), got \(2,\)"),
        ({"noise_covariance": np.eye(2)}, r"the shape \(1, 1\), got \(2, 2\)"),
        ({"noise_covariance": [[-1.0]]}, "symmetric and positive semidefinite"),
        (
            {"coef": np.zeros((2, 1, 2)), "noise_covariance": [[1.0, 0.5], [0.0, 1.0]]},
            "symmetric and positive semidefinite",
        ),
    ],
)
def test_ar_process_bad_input(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_ar_process(10, **parameters)


# Markov chains

TRANSMAT = np.array([[0.1, 0.6, 0.3], [0.0, 0.5, 0.5], [0.8, 0.2, 0.0]])


def count_pairs(X, n_states):
    counts = np.zeros((n_states, n_states))
    np.add.at(counts, (X[..., :-1, 0].ravel(), X[..., 1:, 0].ravel()), 1)
    return counts


@pytest.mark.parametrize(
    "n_timesteps, n_sequences", [(100_000, None), (1000, 100), (2, 100_000)]
)
def test_markov_chain_transitions(n_timesteps, n_sequences):
    X = make_markov_chain(
        n_timesteps, transmat=TRANSMAT, n_sequences=n_sequences, random_state=0
    )
    assert X.dtype.kind == "i"
    counts = count_pairs(X, 3)
    assert_allclose(counts / counts.sum(axis=1, keepdims=True), TRANSMAT, atol=0.01)
    assert_array_equal(counts[TRANSMAT == 0], 0)


def test_markov_chain_starts_in_the_stationary_distribution():
    X = make_markov_chain(3, transmat=TRANSMAT, n_sequences=100_000, random_state=0)
    stationary = np.linalg.matrix_power(TRANSMAT, 200)[0]
    for t in range(3):
        frequencies = np.bincount(X[:, t, 0], minlength=3) / len(X)
        assert_allclose(frequencies, stationary, atol=0.01)


def test_markov_chain_startprob():
    X = make_markov_chain(
        2,
        transmat=TRANSMAT,
        startprob=[0.2, 0.0, 0.8],
        n_sequences=50_000,
        random_state=0,
    )
    frequencies = np.bincount(X[:, 0, 0], minlength=3) / len(X)
    assert_allclose(frequencies, [0.2, 0, 0.8], atol=0.01)
    assert frequencies[1] == 0


def test_markov_chain_with_two_closed_classes():
    X = make_markov_chain(20, transmat=np.eye(2), n_sequences=1000, random_state=0)
    assert_array_equal(X, np.repeat(X[:, :1], 20, axis=1))
    assert_allclose(X.mean(), 0.5, atol=0.06)


def test_markov_chain_of_random_transitions():
    X, transmat = make_markov_chain(
        200_000, n_states=3, return_transmat=True, random_state=0
    )
    assert transmat.shape == (3, 3)
    assert_allclose(transmat.sum(axis=1), 1)
    counts = count_pairs(X, 3)
    assert_allclose(counts / counts.sum(axis=1, keepdims=True), transmat, atol=0.02)


def test_markov_chains_one_by_one_and_together():
    uniform = np.random.RandomState(0).uniform(size=(5, 300))
    uniform[0, :3] = 0  # a probability of zero is never chosen, nor beyond the end
    uniform[1, :3] = np.nextafter(1, 0)
    startprob = np.array([0.0, 0.5, 0.5])
    together = draw_chains(startprob, TRANSMAT, uniform)
    one_by_one = [
        draw_chains(startprob, TRANSMAT, row[np.newaxis])[0] for row in uniform
    ]
    assert_array_equal(together, one_by_one)
    assert together[0, :3].tolist() == [1, 1, 1]
    assert together[1, :3].tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"transmat": [[0.5, 0.5]]}, r"transmat should be square, got \(1, 2\)"),
        ({"transmat": [0.5, 0.5]}, r"transmat has shape \(2,\), but expected \(n, n\)"),
        (
            {"transmat": [[0.5, 0.6], [0.5, 0.5]]},
            "transmat must sum to 1 in each row",
        ),
        ({"transmat": [[1.5, -0.5], [0.5, 0.5]]}, "transmat has a negative entry"),
        ({"transmat": [[np.nan, 1], [0.5, 0.5]]}, "Input transmat contains NaN"),
        ({"startprob": [0.5, 0.6], "n_states": 2}, "startprob must sum to 1"),
        ({"startprob": [[0.5, 0.5]]}, "startprob has shape .* but expected"),
        ({"startprob": [0.5, 0.5], "n_states": 3}, "but expected .3,."),
    ],
)
def test_markov_chain_bad_input(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_markov_chain(10, **parameters)


# Tasks


def to_int(bits):
    return sum(int(bit) << k for k, bit in enumerate(bits))


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
@pytest.mark.parametrize("n_bits", [1, 8, 70, (1, 9)])
def test_binary_addition(n_bits, delay):
    X, y = make_binary_addition(300, n_bits, delay=delay, random_state=0)
    assert len(X) == len(y) == 300
    for sequence, target in zip(X, y, strict=True):
        n = len(sequence) - 1 - delay
        assert target.shape == (len(sequence),)
        assert sequence.dtype == np.float64
        assert target.dtype == np.float64
        assert set(sequence.ravel()) <= {0.0, 1.0}
        assert not sequence[n:].any()
        assert np.isnan(target[:delay]).all()
        first, second = to_int(sequence[:n, 0]), to_int(sequence[:n, 1])
        assert set(target[delay:]) <= {0, 1}
        assert to_int(target[delay:]) == first + second


def test_binary_addition_lengths():
    X, y = make_binary_addition(20, 6, delay=3, random_state=0)
    assert (X.shape, y.shape) == ((20, 10, 2), (20, 10))
    X, y = make_binary_addition(3000, (4, 6), delay=3, random_state=0)
    assert isinstance(X, list)
    assert isinstance(y, list)
    lengths, counts = np.unique([len(x) for x in X], return_counts=True)
    assert lengths.tolist() == [8, 9, 10]
    assert counts.min() > 900
    X, y = make_binary_addition(3, (4, 4), random_state=0)
    assert isinstance(X, list)


def test_binary_addition_bits_are_fair():
    X, _ = make_binary_addition(2000, 8, random_state=0)
    assert_allclose(X[:, :8].mean(axis=0), 0.5, atol=0.05)
    # the two streams are independent
    assert_allclose((X[:, :8, 0] == X[:, :8, 1]).mean(), 0.5, atol=0.02)


@pytest.mark.parametrize("n_bits", [(5, 3), (0, 3), (5,), (1, 2, 3), (1.0, 2.0)])
def test_binary_addition_bad_bounds(n_bits):
    with pytest.raises(ValueError, match="two ints with 1 <= low <= high"):
        make_binary_addition(10, n_bits)


@pytest.mark.parametrize("n_timesteps", [2, 7, 50])
def test_adding_problem(n_timesteps):
    X, y = make_adding_problem(400, n_timesteps, random_state=0)
    assert (X.shape, y.shape) == ((400, n_timesteps, 2), (400,))
    values, marks = X[:, :, 0], X[:, :, 1]
    half = n_timesteps // 2
    assert set(marks.ravel()) <= {0.0, 1.0}
    assert_array_equal(marks[:, :half].sum(axis=1), 1)
    assert_array_equal(marks[:, half:].sum(axis=1), 1)
    assert_allclose((values * marks).sum(axis=1), y)
    assert 0 <= values.min() < 0.02
    assert 0.98 < values.max() < 1
    # every step is marked in some sequence
    assert marks.any(axis=0).all()


def test_adding_problem_baseline():
    _, y = make_adding_problem(20_000, 20, random_state=0)
    assert_allclose(((y - 1) ** 2).mean(), 1 / 6, rtol=0.03)


@pytest.mark.parametrize(
    "n_symbols, n_copied, delay", [(8, 10, 100), (1, 1, 1), (3, 4, 2)]
)
def test_copy_memory(n_symbols, n_copied, delay):
    X, y = make_copy_memory(
        50, n_symbols=n_symbols, n_copied=n_copied, delay=delay, random_state=0
    )
    blank, marker = n_symbols, n_symbols + 1
    symbols = X[:, :n_copied, 0]
    assert X.dtype.kind == y.dtype.kind == "i"
    assert_array_equal(np.unique(symbols), np.arange(n_symbols))
    for inputs, targets, copied in zip(X[:, :, 0], y, symbols, strict=True):
        expected = [*copied, *[blank] * (delay - 1), marker, *[blank] * n_copied]
        assert inputs.tolist() == expected
        assert targets.tolist() == [*[blank] * (n_copied + delay), *copied]


def test_copy_memory_defaults():
    X, y = make_copy_memory(random_state=0)
    assert (X.shape, y.shape) == ((1000, 120, 1), (1000, 120))
    # the symbols are uniform and independent
    assert_allclose(np.bincount(y[:, -10:].ravel()) / 10_000, 1 / 8, atol=0.015)
    assert_allclose((y[:, -10:-1] == y[:, -9:]).mean(), 1 / 8, atol=0.015)
