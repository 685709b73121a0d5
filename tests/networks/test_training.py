import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.networks import (
    SGD,
    Adam,
    ParameterVector,
    ShuffledBatches,
    train_lbfgs,
    train_minibatches,
)


class LeastSquares:
    """Linear regression: the smallest problem that has a known solution."""

    def __init__(self, dtype=np.float64, n_samples=60, seed=0):
        rng = np.random.default_rng(seed)
        self.X = rng.normal(size=(n_samples, 4)).astype(dtype)
        self.y = self.X @ np.arange(4) + 0.1 * rng.normal(size=n_samples)
        self.y = self.y.astype(dtype)
        self.parameters = ParameterVector({"coef": (4,)}, dtype=dtype)
        self.gradient = self.parameters.zeros_like()
        self.solution = np.linalg.lstsq(self.X, self.y, rcond=None)[0]

    def __call__(self, indices=slice(None)):
        X = self.X[indices]
        residual = X @ self.parameters["coef"] - self.y[indices]
        self.gradient["coef"][:] = X.T @ residual / len(X)
        return 0.5 * float(residual @ residual) / len(X)

    def train(self, optimizer=None, batch_size=10, seed=0, **options):
        batches = ShuffledBatches(len(self.X), batch_size, np.random.RandomState(seed))
        if optimizer is None:
            optimizer = Adam(self.parameters.flat, learning_rate_init=0.05)
        return train_minibatches(
            self, self.parameters, self.gradient, optimizer, batches, **options
        )

    def train_lbfgs(self, **options):
        return train_lbfgs(self, self.parameters, self.gradient, **options)


@pytest.fixture
def problem():
    return LeastSquares()


def test_batches_cover_every_sample_once_in_a_new_order_each_epoch():
    batches = ShuffledBatches(23, 5, np.random.RandomState(0))
    first, second = [np.concatenate(list(batches)) for _ in range(2)]
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
    assert_array_equal(np.sort(first), np.arange(23))
    assert_array_equal(np.sort(second), np.arange(23))
    assert (first != second).any()
    assert (first != np.arange(23)).any()


def test_batches_without_randomness_keep_the_order():
    batches = ShuffledBatches(7, 3)
    for _ in range(2):
        assert_array_equal(np.concatenate(list(batches)), np.arange(7))
    assert [len(batch) for batch in ShuffledBatches(3, 10)] == [3]


def test_minibatches_converge_to_the_solution(problem):
    result = problem.train(max_iter=500, tol=1e-5)
    assert result.converged
    assert result.n_iter == len(result.loss_curve) < 500
    assert result.validation_scores == []
    assert_allclose(problem.parameters["coef"], problem.solution, atol=0.02)


def test_the_loss_curve_weighs_batches_by_their_size(problem):
    frozen = SGD(problem.parameters.flat, learning_rate_init=0.0)
    result = problem.train(frozen, batch_size=7, max_iter=1, warn=False)
    assert_allclose(result.loss_curve, [problem()])


def test_training_stops_after_epochs_without_improvement(problem):
    frozen = SGD(problem.parameters.flat, learning_rate_init=0.0)
    result = problem.train(frozen, n_iter_no_change=3)
    assert result.converged
    assert result.n_iter == 1 + 4


def test_a_warning_says_that_training_has_not_converged(problem):
    with pytest.warns(ConvergenceWarning, match="max_iter=3 .* Increase max_iter"):
        result = problem.train(max_iter=3)
    assert not result.converged
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem.train(max_iter=3, warn=False)
    with pytest.warns(ConvergenceWarning, match="max_iter=2 "):
        assert not problem.train_lbfgs(max_iter=2, tol=1e-12).converged


def test_one_seed_gives_one_result(problem):
    other = LeastSquares()
    assert problem.train(max_iter=20, warn=False) == other.train(
        max_iter=20, warn=False
    )
    assert_array_equal(problem.parameters.flat, other.parameters.flat)
    another = LeastSquares()
    another.train(max_iter=20, warn=False, seed=1)
    assert (problem.parameters.flat != another.parameters.flat).any()


def test_training_can_be_continued(problem):
    whole = LeastSquares()
    loss_curve = whole.train(max_iter=8, warn=False).loss_curve
    batches = ShuffledBatches(60, 10, np.random.RandomState(0))
    optimizer = Adam(problem.parameters.flat, learning_rate_init=0.05)
    args = problem, problem.parameters, problem.gradient, optimizer, batches
    first = train_minibatches(*args, max_iter=3, warn=False)
    second = train_minibatches(*args, max_iter=5, warn=False)
    assert first.loss_curve + second.loss_curve == loss_curve
    assert_array_equal(problem.parameters.flat, whole.parameters.flat)


def test_early_stopping_keeps_the_best_parameters(problem):
    scores = iter([0.1, 0.3, 0.5, 0.4, 0.45, 0.2, 0.1, 0.0])
    seen = []

    def validation_score():
        seen.append(problem.parameters.flat.copy())
        return next(scores)

    result = problem.train(validation_score=validation_score, n_iter_no_change=3)
    assert result.converged
    assert result.validation_scores == [0.1, 0.3, 0.5, 0.4, 0.45, 0.2, 0.1]
    assert_array_equal(problem.parameters.flat, seen[2])


def test_early_stopping_keeps_the_best_parameters_at_max_iter_too(problem):
    scores = iter([0.1, np.nan, 0.5, 0.4])
    seen = []

    def validation_score():
        seen.append(problem.parameters.flat.copy())
        return next(scores)

    with pytest.warns(ConvergenceWarning):
        problem.train(validation_score=validation_score, max_iter=4)
    assert_array_equal(problem.parameters.flat, seen[2])


def test_without_any_valid_score_the_last_parameters_stay(problem):
    other = LeastSquares()
    problem.train(validation_score=lambda: np.nan, max_iter=3, warn=False)
    other.train(max_iter=3, warn=False)
    assert_array_equal(problem.parameters.flat, other.parameters.flat)


def test_the_hook_sees_every_epoch_and_can_stop(problem):
    calls = []

    def on_epoch_end(n_iter, loss, validation_score):
        calls.append((n_iter, loss))
        return n_iter == 4

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = problem.train(on_epoch_end=on_epoch_end)
    assert not result.converged
    assert calls == list(enumerate(result.loss_curve, start=1))
    assert len(calls) == 4


def test_the_hook_of_lbfgs_sees_every_iteration_and_can_stop(problem):
    calls = []

    def on_iteration_end(n_iter, loss):
        calls.append((n_iter, loss))
        assert_allclose(problem(), loss)
        return n_iter == 2

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = problem.train_lbfgs(on_iteration_end=on_iteration_end, tol=1e-12)
    assert not result.converged
    assert calls == list(enumerate(result.loss_curve, start=1))
    assert len(calls) == 2


@pytest.mark.parametrize("dtype, atol", [(np.float64, 1e-6), (np.float32, 1e-3)])
def test_lbfgs_finds_the_solution(dtype, atol):
    problem = LeastSquares(dtype)
    result = problem.train_lbfgs(tol=1e-6)
    assert result.converged
    assert result.n_iter == len(result.loss_curve)
    assert problem.parameters.dtype == dtype
    assert_allclose(problem.parameters["coef"], problem.solution, atol=atol)
    assert (np.diff(result.loss_curve) <= 0).all()


def test_lbfgs_at_the_solution_has_nothing_to_do(problem):
    problem.parameters["coef"][:] = problem.solution
    result = problem.train_lbfgs()
    assert result == (0, True, [problem()], [])


def test_lbfgs_warns_when_the_line_search_fails(problem):
    def uphill():
        loss = problem()
        problem.gradient.flat *= -1
        return loss

    with pytest.warns(ConvergenceWarning, match="without converging"):
        result = train_lbfgs(uphill, problem.parameters, problem.gradient)
    assert not result.converged
    assert not problem.parameters.flat.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_is_an_error_that_leaves_finite_parameters(dtype):
    problem = LeastSquares(dtype)
    steep = SGD(problem.parameters.flat, learning_rate_init=20.0)
    seen = []

    def on_epoch_end(n_iter, loss, validation_score):
        seen.append(problem.parameters.flat.copy())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="diverged.*Lower learning_rate_init"):
            problem.train(
                steep, n_iter_no_change=np.inf, max_iter=500, on_epoch_end=on_epoch_end
            )
    assert np.isfinite(problem.parameters.flat).all()
    assert_array_equal(problem.parameters.flat, seen[-1])


@pytest.mark.parametrize("learning_rate_init", [2.0, 20.0])
def test_divergence_can_end_with_a_warning_and_the_best_parameters(learning_rate_init):
    problem, full = LeastSquares(), slice(None)
    start = problem(full)
    steep = SGD(problem.parameters.flat, learning_rate_init=learning_rate_init)
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate_init"):
        result = problem.train(
            steep, n_iter_no_change=np.inf, max_iter=500, keep_best_on_divergence=True
        )
    assert not result.converged
    assert problem(full) <= start


def test_a_rising_loss_is_no_convergence(problem):
    steep = SGD(problem.parameters.flat, learning_rate_init=5.0)
    with pytest.warns(ConvergenceWarning, match="rose .* Lower learning_rate_init"):
        result = problem.train(steep)
    assert not result.converged


def test_divergence_of_the_parameters_alone_is_an_error(problem):
    def infinite_gradient(indices):
        problem.gradient.flat[:] = np.inf
        return 0.0

    batches = ShuffledBatches(60, 60)
    with pytest.raises(ValueError, match="Training diverged in epoch 1"):
        train_minibatches(
            infinite_gradient,
            problem.parameters,
            problem.gradient,
            SGD(problem.parameters.flat),
            batches,
        )
    assert not problem.parameters.flat.any()


@pytest.mark.parametrize("n_finite", [0, 1, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_lbfgs_never_returns_what_is_not_finite(problem, n_finite, bad):
    n_calls = 0

    def loss_and_gradient():
        nonlocal n_calls
        n_calls += 1
        loss = problem()
        if n_calls > n_finite:
            problem.gradient.flat[:] = bad
            return bad
        return loss

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            result = train_lbfgs(
                loss_and_gradient, problem.parameters, problem.gradient, tol=1e-12
            )
        except ValueError as error:
            assert "diverged" in str(error)
        else:
            assert n_finite > 0
            assert np.isfinite(result.loss_curve).all()
    assert np.isfinite(problem.parameters.flat).all()


def test_long_gradients_are_shortened(problem):
    step = SGD(problem.parameters.flat, learning_rate_init=1.0, momentum=0.0)
    problem.train(step, batch_size=60, max_iter=1, max_gradient_norm=0.5, warn=False)
    assert_allclose(np.linalg.norm(problem.parameters.flat), 0.5)


@pytest.mark.parametrize("solver", ["minibatches", "lbfgs"])
def test_an_interrupt_leaves_the_last_complete_update(problem, solver):
    seen = []

    def interrupted(*indices):
        if len(seen) == 4:
            problem.parameters.flat[:] += 0 if solver == "minibatches" else 1e3
            raise KeyboardInterrupt
        return problem(*indices)

    def remember(n_iter, loss, validation_score=None):
        seen.append(problem.parameters.flat.copy())

    args = interrupted, problem.parameters, problem.gradient
    with pytest.raises(KeyboardInterrupt):
        if solver == "lbfgs":
            train_lbfgs(*args, tol=1e-12, on_iteration_end=remember)
        else:
            optimizer = Adam(problem.parameters.flat)
            batches = ShuffledBatches(60, 60)
            train_minibatches(*args, optimizer, batches, on_epoch_end=remember)
    assert_array_equal(problem.parameters.flat, seen[-1])
