"""Initial parameters of a recurrent network."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ..networks import ParameterVector, gaussian, glorot_uniform, orthogonal
from .cells import CELLS

INITIAL_STATE_SCALE = 0.1


def _orthogonal(n, random_state):
    return orthogonal((n, n), random_state)


def _identity(n, random_state):
    return np.eye(n)


def _gaussian(n, random_state):
    return gaussian((n, n), random_state, scale=n**-0.5)


def _glorot_uniform(n, random_state):
    return glorot_uniform((n, n), random_state)


INITIALIZERS = {
    "orthogonal": _orthogonal,
    "identity": _identity,
    "gaussian": _gaussian,
    "glorot_uniform": _glorot_uniform,
}


def initial_parameters(network, random_state, dtype, init, gain):
    """Draw parameters; see `RecurrentNetwork.initialize`."""
    penalized = network.penalized_shapes
    shapes = penalized | network.free_shapes
    parameters = ParameterVector(shapes, penalized=penalized, dtype=dtype)
    for i, n in enumerate(network.hidden_layer_sizes):
        for gate in _gates(parameters[f"input_weights_{i}"], n):
            gate[:] = glorot_uniform(gate.shape, random_state)
        for gate in _gates(parameters[f"recurrent_weights_{i}"], n):
            gate[:] = gain * INITIALIZERS[init](n, random_state)
        cell = CELLS[network.cell](n, np.float64)
        parameters[f"biases_{i}"][:] = cell.initial_biases()
    if network.readout == "linear":
        shape = shapes["output_weights"]
        parameters["output_weights"][:] = glorot_uniform(shape, random_state)
    if network.embedding_dim is not None:
        parameters["embedding"][:] = gaussian(shapes["embedding"], random_state)
    if network.initial_state == "learned":
        for name in network.state_slices:
            state = parameters[f"initial_{name}"]
            state[:] = gaussian(state.shape, random_state, scale=INITIAL_STATE_SCALE)
    network.constrain(parameters)
    return parameters


def _gates(weights, n_units):
    """Views of the columns that belong to each gate."""
    n_columns = weights.shape[1]
    return [weights[:, k : k + n_units] for k in range(0, n_columns, n_units)]
