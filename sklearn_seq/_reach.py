"""Predictions that leave the data of fit by orders of magnitude warn."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np

FAR = 1e3  # times the largest deviation of the training targets from their mean
LEAST = 1e-3  # of the mean, which stands for the deviation of constant targets
CONSTANT = 1e-12  # of the mean: a deviation that is rounding


def reach_of(targets, before=None):
    """Mean and largest deviation of each target, over what is known.

    Parameters
    ----------
    targets : Targets
    before : (ndarray, ndarray), default=None
        Those of earlier data, which the new ones widen.

    Returns
    -------
    centre, reach : ndarray of shape (n_targets,)
        The reach is infinite for a target that is always zero, or of which nothing is
        known: no prediction is far from it.
    """
    values = np.asarray(targets.values, dtype=np.float64)
    known = np.isfinite(values)
    if targets.known is not None:
        known &= targets.known
    with np.errstate(over="ignore", invalid="ignore"):
        if before is None:
            sums = np.where(known, values, 0.0).sum(axis=0)
            centre = sums / np.maximum(known.sum(axis=0), 1)
        else:
            centre = before[0]
        reach = np.where(known, np.abs(values - centre), 0.0).max(axis=0, initial=0.0)
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
        What they are, as in "The predictions of …".
    """
    centre, reach = estimator._reach
    with np.errstate(over="ignore", invalid="ignore"):
        ratios = np.abs(values - centre) / reach
    largest = ratios.max(initial=0.0)
    if largest > FAR:
        warnings.warn(
            f"The {what} of {type(estimator).__name__} leave the data by orders of "
            f"magnitude: one is {largest:.2g} times as far from the mean of the "
            "training targets as any of these. The model is unstable, or X is far "
            "from the data of fit. Take fewer steps, a smaller or more regularised "
            "model, or scale X as in fit.",
            UserWarning,
            stacklevel=3,
        )
