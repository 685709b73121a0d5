"""One step of a layer of recurrent units, and its slopes, in plain formulas.

All arrays have one row for each sequence. A step is computed from pre-activations,

    a = x W + h U + b,

with a block of units for each gate of the cell, in the order of the fitted weights. The
state is the activities h and, of an LSTM, the memory c. The slopes are the partial
derivatives unit by unit, which give products with the Jacobian of a step and with its
transpose.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy.special import expit


class Slopes(NamedTuple):
    """Partial derivatives of one step, unit by unit.

    Attributes
    ----------
    h_by_pre : ndarray of shape (n_blocks, n_sequences, n_units)
        ∂h/∂a of the new activities, at fixed new memory.

    h_by_h : ndarray of shape (n_sequences, n_units)
        Direct ∂h/∂h of the new activities in the old ones, not through the weights.

    h_by_c, c_by_c : ndarray of shape (n_sequences, n_units) or None
        Of the new activities in the new memory, and of that in the old memory.

    c_by_pre : ndarray of shape (n_blocks, n_sequences, n_units) or None
        ∂c/∂a of the new memory.
    """

    h_by_pre: np.ndarray
    h_by_h: np.ndarray
    h_by_c: np.ndarray | None = None
    c_by_c: np.ndarray | None = None
    c_by_pre: np.ndarray | None = None


def tanh_step(pre, h, c):
    new = np.tanh(pre[0])
    return new, None, Slopes((1 - new**2)[np.newaxis], np.zeros_like(h))


def relu_step(pre, h, c):
    new = np.maximum(pre[0], 0)
    return new, None, Slopes((pre > 0).astype(float), np.zeros_like(h))


def lstm_step(pre, h, c):
    o, i, f = expit(pre[:3])
    g = np.tanh(pre[3])
    new_c = f * c + i * g
    tanh_c = np.tanh(new_c)
    zero = np.zeros_like(h)
    slopes = Slopes(
        h_by_pre=np.stack([o * (1 - o) * tanh_c, zero, zero, zero]),
        h_by_h=zero,
        h_by_c=o * (1 - tanh_c**2),
        c_by_c=f,
        c_by_pre=np.stack([zero, i * (1 - i) * g, f * (1 - f) * c, i * (1 - g**2)]),
    )
    return o * tanh_c, new_c, slopes


def gru_step(pre, h, c):
    bracket = pre[0]
    r, z = expit(pre[1:3])
    n = np.tanh(pre[3] + r * bracket)
    by_n = (1 - z) * (1 - n**2)
    h_by_pre = [by_n * r, by_n * bracket * r * (1 - r), (h - n) * z * (1 - z), by_n]
    return (1 - z) * n + z * h, None, Slopes(np.stack(h_by_pre), z)


STEPS = {"tanh": tanh_step, "relu": relu_step, "lstm": lstm_step, "gru": gru_step}
N_BLOCKS = {"tanh": 1, "relu": 1, "lstm": 4, "gru": 4}


class LayerMap:
    """A layer of recurrent units as a map from states and inputs to states.

    Parameters
    ----------
    cell : {"tanh", "relu", "lstm", "gru"}
        The kind of units.

    input_weights, recurrent_weights, biases : ndarray
        The weights of the layer, as a fitted network shows them.

    Attributes
    ----------
    W, U : ndarray of shape (n_inputs, n_blocks * n_units), (n_units, same)
        The weights of all blocks; zero where a block has none.
    """

    def __init__(self, cell, input_weights, recurrent_weights, biases):
        self.step_function, self.n_blocks = STEPS[cell], N_BLOCKS[cell]
        self.has_memory = cell == "lstm"
        self.n_units = len(recurrent_weights)
        width = self.n_blocks * self.n_units
        self.W = np.zeros((len(input_weights), width))
        self.W[:, width - input_weights.shape[1] :] = input_weights
        self.U = np.zeros((self.n_units, width))
        self.U[:, : recurrent_weights.shape[1]] = recurrent_weights
        self.b = biases.astype(np.float64)

    def step(self, x, h, c):
        """New activities, new memory (or None), and the slopes of the step."""
        pre = x @ self.W + h @ self.U + self.b
        blocks = pre.reshape(len(pre), self.n_blocks, self.n_units).swapaxes(0, 1)
        return self.step_function(blocks, h, c)

    def tangent(self, slopes, dx, dh, dc):
        """Tangents of h and c, from tangents of inputs and states.

        Tangents are of shape (n_sequences, n_directions, n).
        """
        d_pre = dx @ self.W + dh @ self.U
        d_pre = d_pre.reshape(*d_pre.shape[:2], self.n_blocks, self.n_units)
        new_h = slopes.h_by_h[:, np.newaxis] * dh
        new_h += np.einsum("bsu,sdbu->sdu", slopes.h_by_pre, d_pre)
        if not self.has_memory:
            return new_h, None
        new_c = slopes.c_by_c[:, np.newaxis] * dc
        new_c += np.einsum("bsu,sdbu->sdu", slopes.c_by_pre, d_pre)
        return new_h + slopes.h_by_c[:, np.newaxis] * new_c, new_c

    def cotangent(self, slopes, gh, gc):
        """Derivatives in x, h and c, from derivatives in the new h and c.

        `gc` is the total derivative, also through the new h.
        """
        d_pre = gh * slopes.h_by_pre
        by_c = None
        if self.has_memory:
            d_pre = d_pre + gc * slopes.c_by_pre
            by_c = gc * slopes.c_by_c
        d_pre = d_pre.swapaxes(0, 1).reshape(len(gh), -1)
        return d_pre @ self.W.T, d_pre @ self.U.T + gh * slopes.h_by_h, by_c
