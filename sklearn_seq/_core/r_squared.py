"""R² without overflow or underflow of squares."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning


def r_squared(true, predicted, known=None, weights=None):
    """Coefficient of determination R², averaged over outputs.

    As :func:`sklearn.metrics.r2_score`, but without overflow or underflow of squares.

    Parameters
    ----------
    true, predicted : ndarray of shape (n, n_outputs)
    known : ndarray of bool of the same shape, default=None
        Which of the true values count; None if all do. Outputs with fewer than two
        such values are left out.
    weights : ndarray of shape (n,), default=None
        Weights of the rows; None if all are equal.

    Returns
    -------
    score : float
        Of a constant output 1 if all predictions are exact, else 0. −inf if the ratio
        of the squared errors to the variance overflows.
        NaN, with a warning, if no output has two values that count.
    """
    known = np.ones(true.shape, dtype=bool) if known is None else known
    weights = np.ones(len(true)) if weights is None else weights
    scores = [
        _of_one_output(true[there, i], predicted[there, i], weights[there])
        for i, there in enumerate(known.T)
        if there.sum() > 1
    ]
    if not scores:
        warnings.warn(
            "R^2 score is not well-defined with less than two samples.",
            UndefinedMetricWarning,
            stacklevel=4,
        )
        return float("nan")
    return float(np.mean(scores))


def _of_one_output(true, predicted, weights):
    (true, predicted), _ = _in_unit(np.array([true, predicted], dtype=np.float64))
    residuals, unit = _in_unit(true - predicted)
    deviations, own_unit = _in_unit(true - np.average(true, weights=weights))
    errors = np.sum(weights * residuals**2)
    spread = np.sum(weights * deviations**2)
    if spread == 0:
        return float(errors == 0)
    with np.errstate(over="ignore"):
        return 1.0 - np.ldexp(errors / spread, 2 * (unit - own_unit))


def _in_unit(values):
    """Values divided by a power of two so that none exceeds 1, and its exponent."""
    _, exponent = np.frexp(np.abs(values).max())
    return np.ldexp(values, -exponent), int(exponent)
