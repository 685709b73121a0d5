"""Inputs of a layer: rows of a data set, or the activities of the layer below."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


class RowInputs:
    """Inputs in packed rows.

    ``fill(k, out)`` writes the inputs of run k, of shape (n_steps, n_inputs, size);
    ``tangent_blocks(k)`` returns their tangents, or None; ``receive(k, first, last,
    weights, pre)`` takes the derivatives `pre` in the pre-activations of the steps from
    `first` to `last` of run k, and propagates them to the inputs.

    Parameters
    ----------
    runs : list of Run
        The runs of the batch.

    rows : ndarray of shape (n_rows, n_inputs)
        The inputs.

    derivative : ndarray of shape (n_rows, n_inputs), default=None
        If given, receives the derivative of the loss in the inputs.

    tangent : ndarray of shape (n_rows, n_inputs), default=None
        The tangent of the inputs, if not zero.
    """

    def __init__(self, runs, rows, derivative=None, tangent=None):
        self.runs = runs
        self.rows = rows
        self.derivative = derivative
        self.tangent = tangent

    def fill(self, k, out):
        out[:] = self._blocks(self.rows, k).swapaxes(1, 2)

    def tangent_blocks(self, k):
        if self.tangent is None:
            return None
        return self._blocks(self.tangent, k).swapaxes(1, 2)

    def receive(self, k, first, last, weights, pre):
        if self.derivative is not None:
            out = self._blocks(self.derivative, k, first, last)
            np.matmul(pre.swapaxes(1, 2), weights.T, out=out)

    def _blocks(self, rows, k, first=0, last=None):
        """The rows of some steps of run k, (n_steps, size, n_inputs)."""
        run = self.runs[k]
        rows = rows[run.start : run.stop]
        return rows.reshape(run.n_steps, run.size, -1)[first:last]


class LayerInputs:
    """The activities of the layer below, as `RowInputs`.

    Parameters
    ----------
    layer : Layer
        The layer below.
    """

    def __init__(self, layer):
        self.layer = layer

    def fill(self, k, out):
        out[:] = self.layer.activities(k)

    def tangent_blocks(self, k):
        return self.layer.tangent_hidden[k][1:]

    def receive(self, k, first, last, weights, pre):
        np.matmul(weights, pre, out=self.layer.d_hidden[k][first:last])
