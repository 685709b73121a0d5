"""Hessian-free optimisation: steps by conjugate gradients on a quadratic model."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from math import inf, isfinite
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._training import TrainingResult, _warn_not_converged

WARM_START = 0.95  # factor of the last solution as the start of the next
SPACING = 1.3  # ratio of the iteration numbers at which steps are kept
PROGRESS = 5e-4  # conjugate gradients end at a smaller relative gain
RAISE, LOWER = 3, 1 / 3  # factors of damping, after a bad and a good step
SLOPE = 1e-2  # share of the fall predicted by the slope to achieve (Armijo)
SHORTER = 0.8  # ratio of step lengths in the line search
N_LENGTHS = 100  # step lengths tried at most
N_FLAT = 10  # iterations in a row with hardly any fall, to end


def train_hessian_free(
    loss_and_gradient,
    gauss_newton_product,
    parameters,
    gradient,
    *,
    max_iter=100,
    tol=1e-4,
    damping=1.0,
    max_cg_iter=250,
    on_iteration_end=None,
    warn=True,
    loss=None,
):
    """Minimise the loss over all samples by Hessian-free optimisation.

    Each iteration minimises a quadratic model of the loss with the Gauss-Newton
    matrix, plus half `damping` times the squared length of the step, by conjugate
    gradients: the matrix is never formed, only multiplied by vectors. From the last
    iterate of conjugate gradients, the step backtracks to earlier ones while the loss
    itself is lower there, then a line search shortens it until the loss falls enough.
    Damping changes by the ratio of the true and the predicted fall of the loss
    (Levenberg-Marquardt). The loss never rises.

    Steps are long where both slope and curvature are small, so that recurrent networks
    can learn delays over which the gradient vanishes. For these, `tol` should be much
    lower than its default.

    The search itself runs in double precision, whatever the type of the parameters.

    Parameters
    ----------
    loss_and_gradient : callable
        ``loss_and_gradient()`` returns the loss over all samples and writes its
        gradient into `gradient`.

    gauss_newton_product : callable
        ``gauss_newton_product(vector)`` returns the product of the Gauss-Newton matrix
        of the loss at the current parameters and a float64 array of shape
        (n_parameters,), which it does not change. The next call may overwrite its
        result. Parameters do not change between the calls of one iteration.

    parameters, gradient : ParameterVector
        Trained in place, and written by `loss_and_gradient`.

    max_iter : int, default=100
        The maximum number of iterations.

    tol : float, default=1e-4
        The search ends when no component of the gradient is larger, or when the loss
        has hardly fallen over ten iterations.

    damping : float, default=1.0
        The initial damping, positive.

    max_cg_iter : int, default=250
        The maximum number of conjugate-gradient iterations, one product each, in an
        iteration.

    on_iteration_end : callable, default=None
        ``on_iteration_end(n_iter, loss)`` is called after each iteration; training
        stops if it returns True.

    warn : bool, default=True
        Whether to warn when the search ends before it has converged.

    loss : callable, default=None
        ``loss()`` returns the loss without computing its gradient, for comparing steps;
        by default `loss_and_gradient` does.

    Returns
    -------
    result : TrainingResult

    Raises
    ------
    ValueError
        If the loss, its gradient or a product is infinite or NaN where an iteration
        starts. The parameters are then those of the last finite iteration.

    References
    ----------
    Martens (2010), Deep learning via Hessian-free optimization.

    Martens and Sutskever (2011), Learning recurrent neural networks with Hessian-free
    optimization.
    """
    accepted, present = parameters.flat.copy(), None
    solution = np.zeros(len(accepted))
    loss_curve, n_flat = [], 0
    converged = stopped = failed = False
    # A relative fall of the loss within rounding.
    ftol = max(2.2e-9, float(np.finfo(parameters.dtype).eps))

    def loss_after(step):
        parameters.flat[:] = accepted + step
        if not np.isfinite(parameters.flat).all():
            return inf
        value = float((loss or loss_and_gradient)())
        return value if isfinite(value) else inf

    try:
        while not stopped:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                value = float(loss_and_gradient())
                slope = gradient.flat.astype(np.float64)
                if present is None:
                    present = value if loss is None else float(loss())
                if not (isfinite(present) and np.isfinite(slope).all()):
                    raise _diverged(len(loss_curve))
                converged = bool(np.abs(slope).max() <= tol) or n_flat == N_FLAT
                if converged or len(loss_curve) >= max_iter:
                    break

                steps = _conjugate_gradients(
                    gauss_newton_product,
                    slope,
                    WARM_START * solution,
                    damping,
                    max_cg_iter,
                )
                if not steps:
                    raise _diverged(len(loss_curve))
                solution = steps[-1].step
                chosen, value = _backtrack(steps, loss_after)
                quotient = (present - value) / chosen.fall
                if quotient < 1 / 4:
                    damping *= RAISE
                elif quotient > 3 / 4:
                    damping *= LOWER
                step, value = _shorten(chosen.step, value, present, slope, loss_after)

            insignificant = ftol * max(abs(present), 1)
            if step is None:
                failed = True
                converged = chosen.fall <= insignificant
                break
            flat = max(chosen.fall, present - value) <= insignificant
            n_flat = n_flat + 1 if flat else 0
            accepted[:] = accepted + step
            parameters.flat[:] = accepted
            present = value
            loss_curve.append(value)
            if on_iteration_end is not None:
                stopped = bool(on_iteration_end(len(loss_curve), value))
    finally:
        parameters.flat[:] = accepted

    n_iter = len(loss_curve)
    if warn and failed and not converged:
        warnings.warn(
            f"Hessian-free optimisation stopped after {n_iter} iterations without "
            "converging: no step lowers the loss. Raise tol; with standardize=False, "
            "scale the inputs and targets.",
            ConvergenceWarning,
            stacklevel=2,
        )
    elif warn and not (converged or stopped):
        _warn_not_converged(max_iter)
    return TrainingResult(n_iter, converged, loss_curve or [present], [])


def _diverged(n_iter):
    return ValueError(
        "Training diverged: the loss, its gradient or a product with the Gauss-Newton "
        f"matrix became infinite or NaN after {n_iter} iterations. Raise alpha; with "
        "standardize=False, scale the inputs and targets."
    )


class _Step(NamedTuple):
    """A step, and the fall of the loss in the undamped quadratic model."""

    step: np.ndarray
    fall: float


def _conjugate_gradients(product, slope, start, damping, max_iter):
    """Iterates of conjugate gradients on the damped quadratic model.

    Empty only if a product is infinite or NaN.
    """
    steps, values = [], []
    step, residual = start, -slope
    if step.any():
        residual = residual - product(step) - damping * step
    direction, norm = residual.copy(), residual @ residual
    smallest = np.finfo(np.float64).eps ** 2 * (slope @ slope)
    next_kept = 1.0
    for i in range(max_iter + 1):
        value = 0.5 * float((slope - residual) @ step)
        values.append(value)
        if not isfinite(value):
            break
        gap = max(10, i // 10)
        done = i == max_iter or norm <= smallest
        if i > gap and value < 0:
            done = done or value - values[i - gap] > gap * PROGRESS * value
        if not done:
            multiplied = product(direction) + damping * direction
            curvature = direction @ multiplied
            if curvature <= 0 and not step.any():
                curvature = norm  # without curvature: steepest descent
            done = not 0 < curvature < inf
        if value < 0 and (done or i >= next_kept):
            steps.append(_Step(step, 0.5 * damping * float(step @ step) - value))
            next_kept = max(SPACING * next_kept, i + 1)
        if done:
            break
        length = norm / curvature
        step = step + length * direction
        residual -= length * multiplied
        norm, previous = residual @ residual, norm
        direction = residual + norm / previous * direction
    if not steps and start.any():
        start = np.zeros(len(start))
        return _conjugate_gradients(product, slope, start, damping, max_iter)
    return steps


def _backtrack(steps, loss_after):
    """Backtrack from the last step to earlier ones while the loss falls."""
    chosen, value = steps[-1], loss_after(steps[-1].step)
    for earlier in steps[-2::-1]:
        candidate = loss_after(earlier.step)
        if value < inf and candidate >= value:
            break
        chosen, value = earlier, candidate
    return chosen, value


def _shorten(step, value, present, slope, loss_after):
    """Armijo line search along a step; None if it fails."""
    promised = SLOPE * float(slope @ step)
    length = 1.0
    for _ in range(N_LENGTHS):
        if value < present and value <= present + length * promised:
            return length * step, value
        length *= SHORTER
        value = loss_after(length * step)
    return None, value
