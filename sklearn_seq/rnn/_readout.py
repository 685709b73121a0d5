"""Readouts: outputs from the activities of the last layer."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


class LinearReadout:
    """Outputs are ``h @ output_weights + output_biases``."""

    def forward(self, parameters, hidden, out):
        """Compute outputs.

        Parameters
        ----------
        parameters : ParameterVector
            The parameters of the network.

        hidden : ndarray of shape (..., n_units)
            Activities of the last layer.

        out : ndarray of shape (..., n_outputs)
        """
        np.matmul(hidden, parameters["output_weights"], out=out)
        np.add(out, parameters["output_biases"], out=out)

    def tangent(self, parameters, vector, hidden, tangent_hidden, out):
        """Compute the tangent of the outputs."""
        np.matmul(tangent_hidden, parameters["output_weights"], out=out)
        out += hidden @ vector["output_weights"]
        out += vector["output_biases"]

    def weights(self, parameters, n_units, n_outputs):
        """The weights of the activities, (n_units, n_outputs)."""
        return parameters["output_weights"]

    def set_gradient(self, gradient, by_readout):
        """Write the gradient.

        Parameters
        ----------
        gradient : ParameterVector
            The gradient of the network.

        by_readout : ndarray of shape (n_outputs, n_units + 1)
            The derivative in the weights and, in the last column, the biases.
        """
        gradient["output_weights"][:] = by_readout[:, :-1].T
        gradient["output_biases"][:] = by_readout[:, -1]


class UnitsReadout:
    """Outputs are the activities of the first units."""

    def forward(self, parameters, hidden, out):
        out[:] = hidden[..., : out.shape[-1]]

    def tangent(self, parameters, vector, hidden, tangent_hidden, out):
        out[:] = tangent_hidden[..., : out.shape[-1]]

    def weights(self, parameters, n_units, n_outputs):
        return np.eye(n_units, n_outputs, dtype=parameters.dtype)

    def set_gradient(self, gradient, by_readout):
        pass


READOUTS = {"linear": LinearReadout(), "units": UnitsReadout()}
