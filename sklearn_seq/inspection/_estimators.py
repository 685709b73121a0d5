"""The model in an estimator to inspect, and the inputs of its network."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..metrics._last_step import last_step


def supported_model(estimator, supported, function):
    """The fitted model at the end of a pipeline or search, or the model itself.

    Parameters
    ----------
    estimator : estimator
        The estimator that the user gave.

    supported : tuple of type
        The models that `function` supports.

    function : str
        Its name, for errors.

    Returns
    -------
    model : estimator
        The fitted model.
    """
    model = fitted_model(estimator)
    if not isinstance(model, supported):
        names = ", ".join(cls.__name__ for cls in supported)
        raise TypeError(
            f"{function} knows the models {names}, and pipelines and searches that end "
            f"in one, but estimator is {estimator!r}."
        )
    return model


def read_sequences(estimator, X, groups=None):
    """X transformed by the steps before the model."""
    model, X = last_step(estimator, X, groups)
    return model.read_sequences(X, groups)


def recurrent_inputs(model, sequences):
    """Inputs of the first layer of a recurrent network: (n_rows, n_inputs)."""
    rows = model._inputs(sequences)
    network = model.network_
    if network.embedding_dim is not None:
        return model.embedding_[rows].reshape(len(rows), -1).astype(np.float64)
    inputs = np.empty((len(rows), network.n_inputs))
    model._taker(rows)(np.arange(len(rows)), inputs)
    return inputs


def reservoir_inputs(model, sequences):
    """Inputs of a reservoir, for symbols indicators: (n_rows, n_inputs)."""
    inputs = model._direct_inputs(model._inputs(sequences))
    return inputs.astype(np.float64)


def fitted_model(estimator):
    """The model at the end of a fitted pipeline or search, or the model itself."""
    check_is_fitted(estimator)
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        else:
            return estimator
