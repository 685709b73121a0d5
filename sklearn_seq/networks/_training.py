"""Training: from a loss and its gradient to fitted parameters.

Both functions change a `ParameterVector` in place. After an interrupt it holds the
last complete update, after an error the last parameters that gave a finite loss.
"""

import warnings
from math import inf, isfinite
from typing import NamedTuple

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning

from ._optimizers import clip_norm


class TrainingResult(NamedTuple):
    """Result of a training run.

    Attributes
    ----------
    n_iter : int
        The number of epochs, or of iterations of L-BFGS.

    converged : bool
        Whether the stopping rule was met, and not `max_iter` or the hook's stop.

    loss_curve : list of float
        The training loss averaged over each epoch, or after each iteration of L-BFGS
        (the initial loss if there was no iteration).

    validation_scores : list of float
        The validation score after each epoch, empty without a validation score.
    """

    n_iter: int
    converged: bool
    loss_curve: list
    validation_scores: list


class ShuffledBatches:
    """The indices of each mini-batch of an epoch, in a new order every epoch.

    With the same `RandomState` the order is that of scikit-learn's multilayer
    perceptron.

    Parameters
    ----------
    n_samples : int
        The number of samples.

    batch_size : int
        The number of samples in a batch; the last one of an epoch may be smaller.

    random_state : RandomState or Generator, default=None
        The source of randomness. None does not shuffle.
    """

    def __init__(self, n_samples, batch_size, random_state=None):
        self.batch_size = batch_size
        self.random_state = random_state
        self._order = np.arange(n_samples)

    def __iter__(self):
        n_samples = len(self._order)
        if self.random_state is not None:
            self._order = self._order[self.random_state.permutation(n_samples)]
        for start in range(0, n_samples, self.batch_size):
            yield self._order[start : start + self.batch_size]


def train_minibatches(
    loss_and_gradient,
    parameters,
    gradient,
    optimizer,
    batches,
    *,
    max_iter=200,
    tol=1e-4,
    n_iter_no_change=10,
    max_gradient_norm=None,
    validation_score=None,
    on_epoch_end=None,
    warn=True,
    keep_best_on_divergence=False,
):
    """Train by stochastic gradients of mini-batches until the loss stops falling.

    Training stops when the loss has not fallen below its minimum by more than `tol`,
    or the validation score not risen above its maximum by `tol`, for more than
    `n_iter_no_change` epochs in a row (scikit-learn's rule). If the loss has by then
    risen tenfold, this is not convergence, and warns.

    Parameters
    ----------
    loss_and_gradient : callable
        ``loss_and_gradient(indices)`` returns the mean loss of a batch and writes its
        gradient into `gradient`.

    parameters, gradient : ParameterVector
        Trained in place, and written by `loss_and_gradient`.

    optimizer : SGD, RMSprop or Adam
        The optimiser. Its state is kept for a later call.

    batches : iterable
        Yields the indices of each batch of an epoch, anew for each epoch.

    max_iter : int, default=200
        The maximum number of epochs.

    tol : float, default=1e-4
        The smallest change that counts as an improvement.

    n_iter_no_change : int or inf, default=10
        The number of epochs without improvement after which training stops.

    max_gradient_norm : float, default=None
        If given, the norm of gradients is clipped to this.

    validation_score : callable, default=None
        ``validation_score()`` scores the current parameters, higher is better. If
        given, it decides when to stop, and the best parameters are kept.

    on_epoch_end : callable, default=None
        ``on_epoch_end(n_iter, loss, validation_score)`` is called after each epoch,
        with None where there is no validation score; training stops if it returns True.

    warn : bool, default=True
        Whether to warn if `max_iter` is reached before convergence.

    keep_best_on_divergence : bool, default=False
        Whether training that diverges after a good epoch ends with a warning and the
        best parameters, rather than an error.

    Returns
    -------
    result : TrainingResult

    Raises
    ------
    ValueError
        If the loss or a parameter becomes infinite or NaN. The parameters are then
        those before the epoch; the state of the optimiser is invalid.
    """
    loss_curve, validation_scores = [], []
    best, best_parameters = -inf, None
    n_without_improvement = 0
    converged = stopped = diverged = False
    last_finite = parameters.flat.copy()

    while len(loss_curve) < max_iter and not (converged or stopped):
        loss = _epoch(
            loss_and_gradient,
            parameters.flat,
            gradient.flat,
            optimizer,
            batches,
            max_gradient_norm,
        )
        if not (isfinite(loss) and np.isfinite(parameters.flat).all()):
            parameters.flat[:] = last_finite
            message = (
                f"Training diverged in epoch {len(loss_curve) + 1}: the loss or a "
                "parameter became infinite or NaN. Lower learning_rate_init; with "
                "standardize=False, scale the inputs and targets."
            )
            if best_parameters is None or not keep_best_on_divergence:
                raise ValueError(message)
            diverged = True
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
            break
        loss_curve.append(loss)

        score = -loss
        if validation_score is not None:
            score = validation_score()
            validation_scores.append(score)
        improved = score >= best + tol
        n_without_improvement = 0 if improved else n_without_improvement + 1
        converged = n_without_improvement > n_iter_no_change
        if score > best:
            best = score
            if validation_score is not None:
                best_parameters = parameters.flat.copy()
            elif keep_best_on_divergence:  # the end of the epoch may be worse
                best_parameters = last_finite.copy()
        last_finite[:] = parameters.flat
        if on_epoch_end is not None:
            last_score = validation_scores[-1] if validation_scores else None
            stopped = bool(on_epoch_end(len(loss_curve), loss, last_score))

    rose = validation_score is None and loss_curve[-1] > 10 * (tol - best)
    if best_parameters is not None and (validation_score or diverged or rose):
        parameters.flat[:] = best_parameters
    converged = converged and not rose
    if rose:
        warnings.warn(
            f"The training loss rose from {-best:.3g} to {loss_curve[-1]:.3g}. Lower "
            "learning_rate_init; with standardize=False, scale the inputs and targets.",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif warn and not (converged or stopped or diverged):
        _warn_not_converged(max_iter)
    return TrainingResult(len(loss_curve), converged, loss_curve, validation_scores)


def _epoch(loss_and_gradient, parameters, gradient, optimizer, batches, max_norm):
    """One pass over the batches; returns the mean loss, or the first non-finite one."""
    total, n_samples = 0.0, 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for indices in batches:
            loss = loss_and_gradient(indices)
            if not isfinite(loss):
                return loss
            if max_norm is not None:
                clip_norm(gradient, max_norm)
            optimizer.update(parameters, gradient)
            total += loss * len(indices)
            n_samples += len(indices)
    return total / n_samples


def train_lbfgs(
    loss_and_gradient,
    parameters,
    gradient,
    *,
    max_iter=200,
    max_fun=15000,
    tol=1e-4,
    on_iteration_end=None,
    warn=True,
):
    """Minimise the loss over all samples by L-BFGS.

    The search itself runs in double precision, whatever the type of the parameters.

    Parameters
    ----------
    loss_and_gradient : callable
        ``loss_and_gradient()`` returns the loss over all samples and writes its
        gradient into `gradient`.

    parameters, gradient : ParameterVector
        Trained in place, and written by `loss_and_gradient`.

    max_iter : int, default=200
        The maximum number of iterations.

    max_fun : int, default=15000
        The greatest number of evaluations of the loss.

    tol : float, default=1e-4
        The search ends when no component of the gradient is larger.

    on_iteration_end : callable, default=None
        ``on_iteration_end(n_iter, loss)`` is called after each iteration; training
        stops if it returns True.

    warn : bool, default=True
        Whether to warn when the search ends before it has converged.

    Returns
    -------
    result : TrainingResult

    Raises
    ------
    ValueError
        If the loss is infinite or NaN where the search started or ended. The
        parameters are then those of the last finite iteration.

    References
    ----------
    Byrd, Lu, Nocedal and Zhu (1995), A limited memory algorithm for bound constrained
    optimization.
    """
    accepted = parameters.flat.copy()
    loss_curve = []
    stopped = False

    def evaluate(flat):
        parameters.flat[:] = flat
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            loss = loss_and_gradient()
        return loss, gradient.flat.astype(np.float64)

    def end_iteration(intermediate_result):
        nonlocal stopped
        loss = float(intermediate_result.fun)
        if not isfinite(loss):
            raise StopIteration
        accepted[:] = parameters.flat[:] = intermediate_result.x
        loss_curve.append(loss)
        if on_iteration_end is not None:
            stopped = bool(on_iteration_end(len(loss_curve), loss))
            if stopped:
                raise StopIteration

    # A relative fall of the loss within rounding ends the search.
    ftol = max(2.2e-9, float(np.finfo(parameters.dtype).eps))
    try:
        found = scipy.optimize.minimize(
            evaluate,
            parameters.flat.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=end_iteration,
            options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol, "ftol": ftol},
        )
    finally:
        parameters.flat[:] = accepted

    if not isfinite(found.fun):
        raise ValueError(
            "Training diverged: the loss became infinite or NaN after "
            f"{len(loss_curve)} iterations of L-BFGS. Raise alpha; with "
            "standardize=False, scale the inputs and targets."
        )
    converged = bool(found.success)
    if warn and not (converged or stopped):
        if len(loss_curve) >= max_iter:
            _warn_not_converged(max_iter)
        else:
            warnings.warn(
                f"L-BFGS stopped after {len(loss_curve)} iterations without "
                f"converging: {found.message.strip()} Raise tol; with "
                "standardize=False, scale the inputs and targets.",
                ConvergenceWarning,
                stacklevel=2,
            )
    n_iter = len(loss_curve)
    return TrainingResult(n_iter, converged, loss_curve or [float(found.fun)], [])


def _warn_not_converged(max_iter):
    warnings.warn(
        f"Training stopped after max_iter={max_iter} iterations and had not converged. "
        "Increase max_iter, or raise tol.",
        ConvergenceWarning,
        stacklevel=3,
    )
