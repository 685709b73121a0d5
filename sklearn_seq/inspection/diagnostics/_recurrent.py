"""A fitted recurrent network as plain maps, in float64."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._cell_steps import LayerMap


class Readout(NamedTuple):
    """Outputs that are affine functions of states.

    Attributes
    ----------
    weights : ndarray of shape (n_states, n_outputs)
    biases : ndarray of shape (n_outputs,)
    """

    weights: np.ndarray
    biases: np.ndarray

    def __call__(self, states):
        return states @ self.weights + self.biases


def layer_maps(model):
    """The layers of a fitted recurrent network."""
    weights = (model.input_weights_, model.recurrent_weights_, model.biases_)
    return [
        LayerMap(model.network_.cell, *layer) for layer in zip(*weights, strict=True)
    ]


def initial_states(model, layers):
    """The activities and memory (or None) of each layer before the first step."""
    states, slices = (
        model.initial_state_.astype(np.float64),
        model.network_.state_slices,
    )
    return [
        (
            states[slices[f"hidden_{i}"]],
            states[slices[f"cell_{i}"]] if layer.has_memory else None,
        )
        for i, layer in enumerate(layers)
    ]


def recurrent_readout(model):
    """The outputs of a recurrent network, from the activities of its last layer."""
    if model.coef_ is not None:
        return Readout(
            model.coef_.T.astype(np.float64), model.intercept_.astype(np.float64)
        )
    n_units = model.network_.hidden_layer_sizes[-1]
    n_outputs = model.network_.n_outputs
    return Readout(np.eye(n_units, n_outputs), np.zeros(n_outputs))
