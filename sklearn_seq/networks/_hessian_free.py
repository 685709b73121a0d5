"""Hessian-free optimisation: steps by conjugate gradients on a quadratic model."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from math import inf, isfinite
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._training import TrainingResult, _warn_not_converged

WARM_START = 0.95  # what is kept of the last solution, where the next search starts
SPACING = 1.3  # the ratio of the numbers of iterations after which steps are kept
PROGRESS = 5e-4  # conjugate gradients end when an iteration gains less, relatively
RAISE, LOWER = 3, 1 / 3  # the changes of damping, after a bad and a good step
SLOPE = 1e-2  # the part of the fall promised by the slope that a step must achieve
SHORTER = 0.8  # the ratio of the lengths that the line search tries
N_LENGTHS = 100  # how many of them
N_FLAT = 10  # the search ends after so many iterations in a row with hardly any fall


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
    gradients: the matrix is never formed, only multiplied by vectors. Of the steps
    that conjugate gradients passed through, the last is taken back to earlier ones as
    long as the loss itself is lower there, then shortened until it lowers the loss
    enough. Damping then falls or rises with the quotient of the true and the modelled
    fall of the loss (Levenberg-Marquardt). The loss never rises.

    Such steps are long where both slope and curvature are small, so that recurrent
    networks can learn delays over which the gradient vanishes. As it is that small
    there, `tol` should then be much lower than its default.

    The search itself runs in double precision, whatever the type of the parameters.

    Parameters
    ----------
    loss_and_gradient : callable
        ``loss_and_gradient()`` returns the loss over all samples and writes its
        gradient into `gradient`.

    gauss_newton_product : callable
        ``gauss_newton_product(vector)`` returns the product of the Gauss-Newton matrix
        of the loss at the present parameters with an ndarray of shape (n_parameters,),
        in double precision, that it leaves unchanged. What it returns, of the same
        shape, may be overwritten by the next call. The parameters stay the same during
        the calls of one iteration.

    parameters, gradient : ParameterVector
        What to train, changed in place, and what `loss_and_gradient` writes.

    max_iter : int, default=100
        The greatest number of iterations.

    tol : float, default=1e-4
        The search ends when no component of the gradient is larger, or when over ten
        iterations the loss has hardly fallen, relatively.

    damping : float, default=1.0
        The initial damping, positive.

    max_cg_iter : int, default=250
        The greatest number of iterations of conjugate gradients in each iteration,
        with one product each.

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
    # A relative fall of the loss too small to be told from rounding.
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
    """A step, and by how much the loss falls in the quadratic model, undamped."""

    step: np.ndarray
    fall: float


def _conjugate_gradients(product, slope, start, damping, max_iter):
    """Steps to lower and lower values of the damped quadratic model.

    There is none only if a product is infinite or NaN.
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
                curvature = norm  # without curvature, down the slope
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
    """Go from the last step to earlier ones as long as the loss falls."""
    chosen, value = steps[-1], loss_after(steps[-1].step)
    for earlier in steps[-2::-1]:
        candidate = loss_after(earlier.step)
        if value < inf and candidate >= value:
            break
        chosen, value = earlier, candidate
    return chosen, value


def _shorten(step, value, present, slope, loss_after):
    """Shorten a step until it lowers the loss enough; None if it never does."""
    promised = SLOPE * float(slope @ step)
    length = 1.0
    for _ in range(N_LENGTHS):
        if value < present and value <= present + length * promised:
            return length * step, value
        length *= SHORTER
        value = loss_after(length * step)
    return None, value
