"""A reservoir: recurrent units with fixed random weights, and running it.

The state of a sequence at step t, for inputs u,

    x[t] = (1 - leak_rate) x[t-1] + leak_rate tanh(W u[t] + R x[t-1] + b),

starts from x[-1] = 0. All arrays have one row for each sequence, or for each time step
of a sequence, and one column for each unit.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigs
from sklearn.utils.random import sample_without_replacement

from .._core.packing import packing_of

CONNECTIONS = 10  # inputs of a unit from other units, when the density is "auto"
DENSE = 0.2  # density above which a dense product is faster than a sparse one
SMALL = 250  # units up to which computing all eigenvalues is faster
BATCH_SEQUENCES = 256  # sequences of a batch, whose states stay in the cache
BLOCK_VALUES = 1 << 19  # values in a block of states: a few MB


class Reservoir(NamedTuple):
    """The fixed weights.

    Attributes
    ----------
    input_weights : ndarray of shape (n_inputs, n_units)
        W, transposed.

    recurrent_weights : sparse array or ndarray of shape (n_units, n_units)
        R: entry (i, j) leads from unit j to unit i.

    biases : ndarray of shape (n_units,)
        b.

    leak_rate : float
        Share of the state that is updated at each step.
    """

    input_weights: np.ndarray
    recurrent_weights: sparse.csr_array | np.ndarray
    biases: np.ndarray
    leak_rate: float

    @property
    def n_units(self):
        return len(self.biases)

    def initial_states(self, n_sequences):
        """The states before the first step: (n_sequences, n_units)."""
        return np.zeros((n_sequences, self.n_units), dtype=self.biases.dtype)

    def drive(self, inputs):
        """Pre-activations without the recurrent part, W u + b: (n, n_units).

        Integer inputs are the indices of the indicators that are 1 in a row.
        """
        if inputs.dtype.kind == "f":
            return inputs @ self.input_weights + self.biases
        drive = self.input_weights[inputs[:, 0]] + self.biases
        for indices in inputs.T[1:]:
            drive += self.input_weights[indices]
        return drive

    def step(self, states, drive):
        """The next states, from states and `drive`, which is overwritten."""
        drive += _recur(self.recurrent_weights, states)
        np.tanh(drive, out=drive)
        if self.leak_rate != 1.0:
            drive *= self.leak_rate
            drive += (1.0 - self.leak_rate) * states
        return drive

    def fastest(self):
        """The reservoir with dense recurrent weights if that is faster."""
        weights = self.recurrent_weights
        if weights.nnz <= DENSE * self.n_units**2:
            return self
        return self._replace(recurrent_weights=weights.toarray())

    def astype(self, dtype):
        """The reservoir in another precision."""
        with np.errstate(over="ignore"):
            arrays = [array.astype(dtype) for array in self[:3]]
        if not all(np.isfinite(abs(array).max()) for array in arrays):
            raise ValueError(
                f"The weights of the reservoir are beyond the range of {dtype}. Lower "
                "spectral_radius, input_scaling or bias_scaling."
            )
        return Reservoir(*arrays, self.leak_rate)


def _recur(weights, states):
    """``states @ weights.T``, by a sparse product with one vector if possible."""
    if not sparse.issparse(weights):
        return states @ weights.T
    if len(states) == 1:
        return weights @ states[0]
    return (weights @ states.T).T


def draw_reservoir(
    rng,
    n_inputs,
    n_units,
    *,
    spectral_radius,
    density,
    leak_rate,
    input_scaling,
    bias_scaling,
):
    """Draw random weights: uniform and symmetric about 0, the recurrent ones sparse.

    Each unit gets equally many recurrent connections, at least one: then the graph has
    a cycle, and the spectral radius is not 0.

    Parameters
    ----------
    rng : RandomState
    n_inputs, n_units : int
    spectral_radius : float
        Modulus of the largest eigenvalue of the recurrent weights.
    density : float or "auto"
        Share of the recurrent weights that are not 0; "auto" for 10 to each unit.
    leak_rate : float
    input_scaling : float or ndarray of shape (n_inputs,)
        Largest modulus of the input weights, of all or of each input.
    bias_scaling : float
        Largest modulus of the biases.

    Returns
    -------
    reservoir : Reservoir
    """
    density = CONNECTIONS / n_units if density == "auto" else density
    degree = min(n_units, max(1, round(density * n_units)))
    columns = [
        np.sort(sample_without_replacement(n_units, degree, random_state=rng))
        for _ in range(n_units)
    ]
    values = rng.uniform(-1.0, 1.0, n_units * degree)
    ends = np.arange(n_units + 1) * degree
    shape = n_units, n_units
    weights = sparse.csr_array((values, np.concatenate(columns), ends), shape=shape)
    weights.data *= spectral_radius / largest_modulus(weights, rng)
    scaling = np.reshape(input_scaling, (-1, 1))
    return Reservoir(
        scaling * rng.uniform(-1.0, 1.0, (n_inputs, n_units)),
        weights,
        bias_scaling * rng.uniform(-1.0, 1.0, n_units),
        leak_rate,
    )


def largest_modulus(weights, rng):
    """Spectral radius of a sparse array."""
    n = len(weights.indptr) - 1
    if n > SMALL:
        start = rng.standard_normal(n)
        # Largest eigenvalues of random matrices are close: use a large Krylov basis.
        try:
            values = eigs(weights, 6, ncv=120, v0=start, return_eigenvectors=False)
            return np.abs(values).max()
        except ArpackNoConvergence:
            pass
    return np.abs(np.linalg.eigvals(weights.toarray())).max()


def run(reservoir, inputs, offsets):
    """States of all sequences, block by block, to save memory.

    Parameters
    ----------
    reservoir : Reservoir
    inputs : ndarray of shape (n_rows, n_inputs)
        As for :meth:`Reservoir.drive`.
    offsets : ndarray of shape (n_sequences + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are sequence i.

    Yields
    ------
    rows : ndarray of shape (n,)
        Rows of the data: steps of several sequences.
    states : ndarray of shape (n, n_units)
        The state after each of these rows; read-only.

    Raises
    ------
    ValueError
        If `drive` is infinite.
    """
    reservoir = reservoir.fastest()
    size = max(1, BLOCK_VALUES // reservoir.n_units)
    by_length = np.argsort(-np.diff(offsets), kind="stable")
    for first in range(0, len(by_length), BATCH_SEQUENCES):
        packing = packing_of(offsets, by_length[first : first + BATCH_SEQUENCES])
        states = reservoir.initial_states(packing.n_sequences)
        step = 0
        while step < packing.n_steps:
            n_steps = max(1, size // packing.sizes[step])
            part = packing.steps(step, step + n_steps)
            with np.errstate(over="ignore", invalid="ignore"):
                block = reservoir.drive(inputs[part.rows])
            if not np.isfinite(block).all():
                raise ValueError(
                    "What X contributes to the units is beyond floating point. Scale "
                    "X as in fit (with standardize=False, for example by "
                    "sklearn.preprocessing.StandardScaler), or set a smaller "
                    "input_scaling or bias_scaling."
                )
            for n, start in zip(part.sizes, part.offsets, strict=False):
                states = reservoir.step(states[:n], block[start : start + n])
            yield part.rows, block
            step += n_steps
