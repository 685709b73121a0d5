"""Warnings of predictions far from the training targets."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .user_warning import warn_user

FAR = 1e3  # times the largest deviation of the training targets from their mean
LEAST = 1e-3  # of the mean: the deviation assumed for constant targets
CONSTANT = 1e-12  # of the mean: a deviation that is rounding


def reach_of(targets, before=None):
    """Mean of each target and largest deviation from it, over known values.

    Parameters
    ----------
    targets : Targets
    before : (ndarray, ndarray), default=None
        Result for earlier data; its centre is kept and its reach widened.

    Returns
    -------
    centre, reach : ndarray of shape (n_targets,)
        The reach is infinite for a target that is always zero or never known, so that
        no prediction counts as far from it.
    """
    values = targets.values
    known = True if targets.known is None else targets.known
    n_known = np.count_nonzero(np.broadcast_to(known, values.shape), axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.add.reduce(values, axis=0, dtype=np.float64, where=known)
        centre = sums / np.maximum(n_known, 1) if before is None else before[0]
        lowest = np.minimum.reduce(values, axis=0, initial=np.inf, where=known)
        highest = np.maximum.reduce(values, axis=0, initial=-np.inf, where=known)
        reach = np.maximum(highest - centre, centre - lowest)
        reach = np.where(n_known > 0, reach, 0.0)
        size = np.abs(centre)
        reach = np.where(reach > CONSTANT * size, reach, LEAST * size)
        if before is not None:
            reach = np.where(
                np.isfinite(before[1]), np.maximum(reach, before[1]), reach
            )
    return centre, np.where(reach > 0, reach, np.inf)


def warn_if_far(estimator, values, what="predictions"):
    """Warn of values that are far from the training targets, once for all of them.

    Parameters
    ----------
    estimator : SequenceRegressor
    values : ndarray of shape (..., n_targets)
    what : str, default="predictions"
        Noun for the values in the message.
    """
    centre, reach = estimator._reach
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = np.abs(values - centre) / reach
    largest = ratios.max(initial=0.0)
    if largest > FAR:
        warn_user(
            f"The {what} of {type(estimator).__name__} leave the data by orders of "
            f"magnitude: one is {largest:.2g} times as far from the mean of the "
            "training targets as any of these. The model is unstable, or X is far "
            "from the data of fit. Take fewer steps, a smaller or more regularised "
            "model, or scale X as in fit.",
        )
