"""Losses: a value, and the derivative with respect to the outputs.

Each loss divides a weighted sum over rows by `normalizer`, by default the sum of the
weights (the number of rows without weights). A row or entry of weight 0 is ignored,
whatever its target is. `derivative` may be `outputs` itself.
"""

import numpy as np


def squared_error(outputs, targets, derivative, weights=None, normalizer=None):
    """Half the squared error, summed over outputs, averaged over rows.

    This is the function whose gradient scikit-learn's ``MLPRegressor`` follows (the
    loss that it reports is also divided by the number of outputs).

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, n_outputs)
        The model's outputs.

    targets : ndarray of shape (n_rows, n_outputs)
        The targets. NaN is allowed where the weight is 0.

    derivative : ndarray of shape (n_rows, n_outputs)
        Receives the derivative of the loss with respect to `outputs`.

    weights : ndarray of shape (n_rows,) or (n_rows, n_outputs), default=None
        The weight of each row, or of each target.

    normalizer : float, default=None
        The divisor of the weighted sum. By default the sum of the weights, averaged
        over the outputs if each has its own.

    Returns
    -------
    loss : float
    """
    np.subtract(outputs, targets, out=derivative)
    if weights is None:
        scale = 1 / (len(outputs) if normalizer is None else normalizer)
        loss = 0.5 * scale * _squared_norm(derivative)
    else:
        weights = weights.reshape(len(outputs), -1)
        total = weights.sum() / weights.shape[1] if normalizer is None else normalizer
        scale = 1 / total if total > 0 else 0.0
        np.copyto(derivative, 0, where=weights == 0)
        loss = 0.5 * scale * float(np.sum(derivative * derivative * weights))
        derivative *= weights
    derivative *= scale
    return loss


def cross_entropy(outputs, targets, derivative, weights=None, normalizer=None):
    """Cross-entropy: minus the log-probability of the target class, in nats.

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, n_classes)
        The logits: log-probabilities up to a constant per row.

    targets : ndarray of shape (n_rows,) of int
        The index of each row's class. Any index is allowed where the weight is 0.

    derivative : ndarray of shape (n_rows, n_classes)
        Receives the derivative of the loss with respect to `outputs`.

    weights : ndarray of shape (n_rows,), default=None
        The weight of each row.

    normalizer : float, default=None
        The divisor of the weighted sum, by default the sum of the weights.

    Returns
    -------
    loss : float
    """
    target_entries = np.arange(len(outputs)), targets
    np.subtract(outputs, outputs.max(axis=1, keepdims=True), out=derivative)
    losses = -derivative[target_entries]
    np.exp(derivative, out=derivative)
    totals = derivative.sum(axis=1)
    losses += np.log(totals)
    derivative /= totals[:, np.newaxis]
    derivative[target_entries] -= 1
    if weights is None:
        scale = 1 / (len(outputs) if normalizer is None else normalizer)
        loss = scale * float(losses.sum())
    else:
        total = weights.sum() if normalizer is None else normalizer
        scale = 1 / total if total > 0 else 0.0
        loss = scale * float(np.dot(losses, weights))
        derivative *= weights[:, np.newaxis]
    derivative *= scale
    return loss


def _squared_norm(x):
    x = x.ravel()
    return float(np.dot(x, x))


LOSSES = {"squared_error": squared_error, "cross_entropy": cross_entropy}
