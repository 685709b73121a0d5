"""The layers of a network and the memory of one batch."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._memory import Memory
from .bptt import Layer
from .cells import CELLS


class Workspace:
    """Buffers for one batch, reused for the next.

    Parameters
    ----------
    network : RecurrentNetwork
        The network whose layers need room.

    dtype : dtype
        The type of its parameters.

    Attributes
    ----------
    layers : list of Layer
        The recurrent layers, from the inputs up.

    packing : Packing
        How the rows of the batch are ordered.

    inputs : ndarray of shape (n_rows, n_inputs)
        Buffer for inputs in packed order: real numbers, or symbol codes.

    outputs : ndarray of shape (n_targets, n_outputs)
        The outputs, later the derivative of the loss in the outputs.

    unset : ndarray of shape (n_states, n_sequences) of bool, or None
        Which initial states came from the network, in packed order; None if all did.
    """

    def __init__(self, network, dtype):
        self.network = network
        self.dtype = dtype
        self.memory = Memory(dtype)
        self.scratch = Memory(dtype)
        self.codes = Memory(np.intp)
        make = CELLS[network.cell]
        n_inputs, *n_units = network.layer_sizes[:-1]
        self.layers = [
            Layer(make(n, dtype), below, dtype, self.scratch)
            for below, n in zip([n_inputs, *n_units[:-1]], n_units, strict=True)
        ]
        self.packing = self.unset = self._runs = None
        self.keep = False

    def resize(self, packing):
        """Make room for the inputs of a batch."""
        self.packing = packing
        network = self.network
        memory = self.memory if network.embedding_dim is None else self.codes
        self.inputs = memory.array("inputs", (packing.n_rows, network.n_inputs))

    def start(self, packing, keep):
        """Allocate for a forward pass, and with `keep` for a backward pass, too."""
        if packing is not self.packing:
            self.resize(packing)
        if self._runs != packing.runs or self.keep != keep:
            for layer in self.layers:
                layer.resize(packing.runs, keep)
        self._runs, self.keep = packing.runs, keep
