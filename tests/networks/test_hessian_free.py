import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq._core.packing import packing_of
from sklearn_seq.networks import (
    SGD,
    ParameterVector,
    ShuffledBatches,
    train_hessian_free,
    train_minibatches,
)
from sklearn_seq.rnn._network import RecurrentNetwork


class LeastSquares:
    """Half the mean square of residuals that are functions of the parameters."""

    def __init__(self, residuals, jacobian, start, dtype=np.float64):
        self.residuals, self.jacobian = residuals, jacobian
        self.parameters = ParameterVector({"coef": (len(start),)}, dtype=dtype)
        self.parameters["coef"][:] = start
        self.gradient = self.parameters.zeros_like()
        self.n_losses = self.n_gradients = self.n_products = 0

    def loss(self):
        self.n_losses += 1
        residuals = self.residuals(self.parameters["coef"])
        return 0.5 * float(residuals @ residuals) / len(residuals)

    def __call__(self):
        self.n_gradients += 1
        residuals = self.residuals(self.parameters["coef"])
        jacobian = self.jacobian(self.parameters["coef"])
        self.gradient["coef"][:] = residuals @ jacobian / len(residuals)
        return 0.5 * float(residuals @ residuals) / len(residuals)

    def product(self, vector):
        self.n_products += 1
        jacobian = self.jacobian(self.parameters["coef"])
        return (jacobian @ vector) @ jacobian / len(jacobian)

    def train(self, **options):
        options = {"loss_and_gradient": self, "gauss_newton_product": self.product} | (
            options
        )
        return train_hessian_free(
            parameters=self.parameters, gradient=self.gradient, **options
        )


def linear(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) * [1, 2, 0.5, 3]
    y = X @ np.arange(4) + 0.1 * rng.normal(size=60)
    X, y = X.astype(dtype), y.astype(dtype)
    problem = LeastSquares(lambda w: X @ w - y, lambda w: X, np.zeros(4), dtype)
    problem.solution = np.linalg.lstsq(X, y, rcond=None)[0]
    return problem


def rosenbrock():
    return LeastSquares(
        lambda w: np.array([10 * (w[1] - w[0] ** 2), 1 - w[0]]),
        lambda w: np.array([[-20 * w[0], 10], [-1, 0]]),
        [-1.2, 1.0],
    )


class NetworkProblem:
    """A recurrent network and one batch of sequences, with targets at their ends."""

    def __init__(self, network, X, y, *, seed=0, dtype=np.float64):
        n_sequences, n_steps, n_inputs = X.shape
        offsets = n_steps * np.arange(n_sequences + 1)
        packing = packing_of(offsets, np.arange(n_sequences))
        inputs = X.reshape(-1, n_inputs)[packing.rows].astype(dtype)
        self.network, self.batch = network, (inputs, packing)
        self.targets = y if y.dtype.kind == "i" else y.astype(dtype)
        self.parameters = network.initialize(np.random.RandomState(seed), dtype)
        self.gradient = self.parameters.zeros_like()
        self.vector = self.parameters.zeros_like()
        self.multiplied = self.parameters.zeros_like()
        self.workspace = network.workspace(dtype)
        self.n_passes = 0

    def __call__(self, indices=None):
        self.n_passes += 1
        self.reuse = False
        return self.network.loss_and_gradient(
            self.parameters,
            self.gradient,
            *self.batch,
            self.targets,
            final=True,
            workspace=self.workspace,
        )

    def product(self, vector):
        self.n_passes += 2
        self.vector.flat[:] = vector
        self.network.gauss_newton_product(
            self.parameters,
            self.vector,
            self.multiplied,
            *self.batch,
            final=True,
            workspace=self.workspace,
            reuse=self.reuse,
        )
        self.reuse = True
        return self.multiplied.flat

    def train(self, **options):
        return train_hessian_free(
            self, self.product, self.parameters, self.gradient, **options
        )

    def descend(self, learning_rate, n_passes):
        """Gradient descent with steps of limited length; the lowest loss."""
        flat = self.parameters.flat
        step = SGD(flat, learning_rate_init=learning_rate, momentum=0.0)
        result = train_minibatches(
            self,
            self.parameters,
            self.gradient,
            step,
            ShuffledBatches(1, 1),
            max_iter=n_passes,
            n_iter_no_change=np.inf,
            max_gradient_norm=1.0,
            warn=False,
        )
        return min(result.loss_curve)


def adding_problem(dtype=np.float64, seed=1):
    """Add the two marked of 50 numbers, one in each half."""
    rng = np.random.default_rng(1)
    n_sequences, n_steps = 60, 50
    values = rng.uniform(size=(n_sequences, n_steps))
    marks = np.zeros_like(values)
    rows = np.arange(n_sequences)
    marks[rows, rng.integers(0, n_steps // 2, n_sequences)] = 1
    marks[rows, rng.integers(n_steps // 2, n_steps, n_sequences)] = 1
    sums = (values * marks).sum(axis=1, keepdims=True)
    X = np.stack([values, marks], axis=2)
    network = RecurrentNetwork(2, 1, [10])
    return NetworkProblem(network, X, sums, seed=seed, dtype=dtype)


def test_a_quadratic_is_minimised_in_one_step():
    problem = linear()
    result = problem.train(damping=1e-10, tol=1e-8)
    assert result.converged
    assert result.n_iter <= 2
    assert problem.n_products < 20
    assert_allclose(problem.parameters["coef"], problem.solution, atol=1e-8)


@pytest.mark.parametrize("damping", [1e-6, 1.0, 1e4])
def test_the_initial_damping_changes_only_the_number_of_iterations(damping):
    problem = linear()
    assert problem.train(damping=damping, tol=1e-8).converged
    assert_allclose(problem.parameters["coef"], problem.solution, atol=1e-7)


def test_a_bent_valley_is_followed_to_the_minimum():
    problem = rosenbrock()
    result = problem.train(tol=1e-8)
    assert result.converged
    assert result.n_iter == len(result.loss_curve) < 50
    assert result.validation_scores == []
    assert (np.diff(result.loss_curve) < 0).all()
    assert_allclose(problem.parameters["coef"], 1, atol=1e-6)


def test_single_precision_is_searched_in_double():
    problem, seen = linear(np.float32), []

    def product(vector):
        seen.append(vector.dtype)
        return problem.product(vector).astype(np.float32)

    result = problem.train(gauss_newton_product=product, tol=1e-4)
    assert result.converged
    assert set(seen) == {np.dtype(np.float64)}
    assert problem.parameters.dtype == np.float32
    assert_allclose(problem.parameters["coef"], problem.solution, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_search_ends_when_the_loss_can_fall_no_further(dtype):
    problem = linear(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = problem.train(tol=0.0, max_iter=200)
    assert result.converged
    assert (np.diff(result.loss_curve) <= 0).all()


def test_at_the_solution_there_is_nothing_to_do():
    problem = linear()
    problem.parameters["coef"][:] = problem.solution
    assert problem.train() == (0, True, [problem.loss()], [])


def test_small_damping_does_not_hurt_where_the_model_is_bad():
    problem = rosenbrock()
    result = problem.train(damping=1e-12, tol=1e-8)
    assert result.converged
    assert (np.diff(result.loss_curve) < 0).all()


def test_a_loss_without_gradient_compares_steps():
    problem, other = rosenbrock(), rosenbrock()
    result = problem.train(loss=problem.loss)
    assert result == other.train()
    assert_array_equal(problem.parameters.flat, other.parameters.flat)
    assert problem.n_gradients == result.n_iter + 1
    assert problem.n_losses > result.n_iter


def test_conjugate_gradients_take_no_more_iterations_than_allowed():
    problem = linear()
    problem.train(max_cg_iter=2, max_iter=1, warn=False)
    assert problem.n_products == 2


def test_without_curvature_the_step_goes_down_the_slope():
    problem = linear()
    result = problem.train(
        gauss_newton_product=lambda vector: -1e-3 * vector,
        damping=1e-12,
        tol=1e-4,
        max_iter=1000,
    )
    assert result.converged
    assert_allclose(problem.parameters["coef"], problem.solution, atol=1e-3)


@pytest.mark.parametrize("cell", ["tanh", pytest.param("lstm", marks=pytest.mark.slow)])
def test_classes_are_learned_with_fewer_passes_than_by_gradient_descent(cell):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 8, 2))
    y = (X[:, 0, 0] * X[:, -1, 1] > 0).astype(int)
    network = RecurrentNetwork(2, 2, [6], cell=cell, loss="cross_entropy")
    problem = NetworkProblem(network, X, y)
    curve = problem.train(max_iter=30, tol=1e-8, warn=False).loss_curve
    assert (np.diff(curve) < 0).all()
    for learning_rate in 0.3, 0.1:
        other = NetworkProblem(network, X, y)
        assert curve[-1] < 0.5 * other.descend(learning_rate, problem.n_passes)


@pytest.mark.parametrize("seed", [0, 2, 5])
def test_a_long_delay_is_learned_where_gradient_descent_is_slow(seed):
    # The losses that both reach are far apart.
    problem = adding_problem(seed=seed)
    variance = 0.5 * problem.targets.var()
    curve = problem.train(
        tol=0.0,
        max_iter=200,
        warn=False,
        on_iteration_end=lambda n_iter, loss: loss < 1e-6 * variance,
    ).loss_curve
    assert curve[-1] < 1e-6 * variance
    assert (np.diff(curve) < 0).all()
    lowest = adding_problem(seed=seed).descend(0.1, problem.n_passes)
    assert lowest > 1e-3 * variance


@pytest.mark.slow
def test_a_long_delay_is_learned_in_single_precision():
    problem = adding_problem(np.float32)
    result = problem.train(tol=1e-5)
    assert result.loss_curve[-1] < 1e-6
    assert (np.diff(result.loss_curve) < 0).all()
    assert problem.parameters.dtype == np.float32


def test_every_run_gives_the_same():
    first, second = adding_problem(), adding_problem()
    assert first.train(max_iter=5, warn=False) == second.train(max_iter=5, warn=False)
    assert_array_equal(first.parameters.flat, second.parameters.flat)


def test_a_warning_says_that_training_has_not_converged():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 .* Increase max_iter"):
        result = rosenbrock().train(max_iter=2)
    assert not result.converged
    assert result.n_iter == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rosenbrock().train(max_iter=2, warn=False)


def test_a_wrong_gradient_ends_with_a_warning():
    problem = linear()

    def uphill():
        loss = problem()
        problem.gradient.flat *= -1
        return loss

    with pytest.warns(ConvergenceWarning, match="without converging"):
        result = problem.train(loss_and_gradient=uphill)
    assert not result.converged
    assert result.loss_curve == [problem.loss()]
    assert not problem.parameters.flat.any()


def test_the_hook_sees_every_iteration_and_can_stop():
    problem, calls = rosenbrock(), []

    def on_iteration_end(n_iter, loss):
        calls.append((n_iter, loss))
        assert problem.loss() == loss
        return n_iter == 3

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = problem.train(on_iteration_end=on_iteration_end)
    assert not result.converged
    assert calls == list(enumerate(result.loss_curve, start=1))
    assert len(calls) == 3


@pytest.mark.parametrize("n_finite", [0, 1, 3, 7])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_never_returned(n_finite, bad):
    problem = rosenbrock()

    def loss_and_gradient():
        loss = problem()
        if problem.n_gradients > n_finite:
            problem.gradient.flat[:] = bad
            return bad
        return loss

    start = problem.loss()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            result = problem.train(loss_and_gradient=loss_and_gradient)
        except ValueError as error:
            assert "diverged" in str(error)
        else:
            assert n_finite > 0
            assert np.isfinite(result.loss_curve).all()
    assert np.isfinite(problem.parameters.flat).all()
    assert problem.loss() <= start


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_products_that_are_not_finite_are_an_error(bad):
    problem, seen = rosenbrock(), []

    def product(vector):
        return problem.product(vector) if len(seen) < 2 else np.full(2, bad)

    def remember(n_iter, loss):
        seen.append(problem.parameters.flat.copy())

    with pytest.raises(ValueError, match="diverged.*after 2 iterations"):
        problem.train(gauss_newton_product=product, on_iteration_end=remember)
    assert_array_equal(problem.parameters.flat, seen[-1])


def test_steps_into_where_the_loss_is_not_defined_are_shortened():
    problem = LeastSquares(
        lambda w: np.log(w) + 3, lambda w: np.diag(1 / w), [2.0, 0.9]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = problem.train(damping=1e-6, tol=1e-8)
    assert result.converged
    assert_allclose(problem.parameters["coef"], np.exp(-3))


@pytest.mark.parametrize("where", ["loss", "product"])
def test_an_interrupt_leaves_the_last_complete_iteration(where):
    problem, seen = rosenbrock(), []

    def interrupted(*args):
        if len(seen) == 4:
            problem.parameters.flat[:] += 1e3
            raise KeyboardInterrupt
        return problem.loss() if where == "loss" else problem.product(*args)

    def remember(n_iter, loss):
        seen.append(problem.parameters.flat.copy())

    names = {"loss": "loss", "product": "gauss_newton_product"}
    with pytest.raises(KeyboardInterrupt):
        problem.train(on_iteration_end=remember, **{names[where]: interrupted})
    assert_array_equal(problem.parameters.flat, seen[-1])
