"""Several rows as one observation: the same density as row by row."""

import numpy as np
import pytest

from sklearn_seq.lds._lifted import lift
from sklearn_seq.lds._run import Problem
from sklearn_seq.lds.kalman import Parameters, filter_states, log_likelihood


def make_case(rng, n, m, n_rows, noise=1.0):
    parameters = Parameters(
        0.9 * np.linalg.qr(rng.standard_normal((n, n)))[0],
        rng.standard_normal((m, n)),
        0.5 * np.eye(n),
        noise * np.eye(m),
        rng.standard_normal(n),
        np.eye(n),
        rng.standard_normal((n, 2)),
        rng.standard_normal((m, 2)),
    )
    return (
        parameters,
        rng.standard_normal((n_rows, m)),
        rng.standard_normal((n_rows, 2)),
    )


@pytest.mark.parametrize(
    "without",
    [
        (),
        ("input_matrix",),
        ("feedthrough_matrix",),
        ("input_matrix", "feedthrough_matrix"),
    ],
)
@pytest.mark.parametrize("n, m", [(1, 1), (2, 1), (3, 2), (4, 3), (2, 17)])
@pytest.mark.parametrize("lengths", [(1,), (7,), (200,), (1203,), (903, 0, 1001)])
def test_density_is_that_of_single_rows(lengths, n, m, without):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    parameters, X, U = make_case(np.random.default_rng(n), n, m, offsets[-1])
    parameters = parameters._replace(**dict.fromkeys(without))
    assert lift(Problem(parameters, X, offsets, U)) is not None
    expected = filter_states(parameters, X, offsets, U).log_likelihood
    density = log_likelihood(parameters, X, offsets, U)
    np.testing.assert_allclose(density, expected, rtol=1e-11, atol=1e-11)


def test_signals_far_above_the_noise_are_taken_row_by_row():
    parameters, X, U = make_case(np.random.default_rng(0), 2, 1, 200, noise=1e-12)
    assert lift(Problem(parameters, X, [0, 200], U)) is None
    expected = filter_states(parameters, X, [0, 200], U).log_likelihood
    np.testing.assert_array_equal(log_likelihood(parameters, X, [0, 200], U), expected)
