"""Backpropagation through time in one layer of recurrent units.

The forward pass stores the activities of all units at each step; the backward pass runs
over the steps in reverse, and the derivatives of all steps are summed for each weight
(Rumelhart, Hinton and Williams, 1986; Werbos, 1990).

A forward step is one matrix product with the concatenated previous activities, 1 and
inputs; a backward step is one with the derivatives in pre-activations and outputs. All
else is computed for many steps at once: the factors of these derivatives, the gradient.

References
----------
Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating
errors.

Werbos (1990), Backpropagation through time: what it does and how to do it.

Pearlmutter (1994), Fast exact multiplication by the Hessian. The tangent pass is its
R-operator.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ._memory import Memory
from ._products import add_products

CHUNK = 1 << 18  # pre-activations whose derivatives are computed at once


class Above(NamedTuple):
    """Derivatives of the loss in what is computed from the activities of a layer.

    Attributes
    ----------
    weights : ndarray of shape (n_units, n_outputs)
        The readout weights; there may be none.

    by_outputs : list of ndarray of shape (n_steps, size, n_outputs)
        The derivative in the outputs of each run.

    by_activities : list of ndarray of shape (n_steps, n_units, size), or None
        The derivative in the activities of each run, from a layer above.

    by_final : ndarray of shape (n_units, n_sequences) or None
        The derivative in the activities after the last step of each sequence.
    """

    weights: np.ndarray
    by_outputs: list
    by_activities: list | None = None
    by_final: np.ndarray | None = None


class Layer:
    """One layer of recurrent units with its buffers.

    Parameters
    ----------
    cell : Cell
        The kind of units.

    n_inputs : int
        The number of inputs to the layer.

    dtype : dtype
        The type of all numbers.

    scratch : Memory
        Memory of no lasting content, which layers may share.

    Attributes
    ----------
    tapes, hidden : lists of ndarray
        The tape and the activities of each run; see `cells`.

    d_hidden : list of ndarray of shape (n_steps, n_units, size)
        The derivative of the loss in the activities of each run, as the layer above
        leaves it.

    tangent_hidden : list of ndarray of shape (n_steps + 1, n_units, size)
        The tangent of the activities, as the tangent pass leaves it.
    """

    def __init__(self, cell, n_inputs, dtype, scratch):
        self.cell = cell
        self.n_inputs = n_inputs
        self.memory = Memory(dtype)
        self.scratch = scratch
        n_rows = cell.n_units + 1 + n_inputs
        n_recurrent = cell.n_recurrent * cell.n_units
        n_fed = cell.n_pre * cell.n_units - n_recurrent
        self.weights = np.empty((n_recurrent, n_rows), dtype)
        self.fed_weights = np.empty((n_fed, 1 + n_inputs), dtype)

    def resize(self, runs, keep):
        """Make room for a batch.

        Parameters
        ----------
        runs : list of Run
            Its runs.

        keep : bool
            Whether to keep the tape of each step. Otherwise steps share memory that
            stays in the cache.
        """
        self.runs = runs
        n = self.cell.n_units
        if keep or len(self.fed_weights):
            self.tapes = self._blocks("tape", self.cell.n_tape * n, 1)
        else:
            self.tapes = self._repeated_blocks("tape", self.cell.n_tape * n)
        self.hidden = self._blocks("hidden", n + 1 + self.n_inputs, 1)
        for hidden in self.hidden:
            hidden[:, n] = 1
        # Views of every step are slow to make: they are kept until runs change.
        self._steps, self._steps_back = {}, {}
        self._d_hidden = self._tangent_hidden = None

    @property
    def d_hidden(self):
        if self._d_hidden is None:
            self._d_hidden = self._blocks("d_hidden", self.cell.n_units, 0)
        return self._d_hidden

    @property
    def tangent_hidden(self):
        if self._tangent_hidden is None:
            self._tangent_hidden = self._blocks("tangent", self.cell.n_units, 1)
        return self._tangent_hidden

    def _blocks(self, name, n_rows, n_more):
        """For each run, an array (n_steps + n_more, n_rows, size) of one memory."""
        shapes = [(r.n_steps + n_more, n_rows, r.size) for r in self.runs]
        return self.memory.arrays(name, shapes)

    def _repeated_blocks(self, name, n_rows):
        """As `_blocks`, but all steps of a run share memory."""
        shapes = [(n_rows, run.size) for run in self.runs]
        return [
            as_strided(block, (run.n_steps + 1, *block.shape), (0, *block.strides))
            for run, block in zip(
                self.runs, self.memory.arrays(name, shapes), strict=True
            )
        ]

    def states(self, k):
        """The states before each step of run k, and after the last."""
        return self.cell.states(self.tapes[k], self.hidden[k])

    def activities(self, k):
        """The activities after each step of run k, (n_steps, n_units, size)."""
        return self.cell.activities(self.hidden[k])[1:]

    def set_weights(self, input_weights, recurrent_weights, biases):
        """Prepare the weights for forward steps.

        Parameters
        ----------
        input_weights : ndarray of shape (n_inputs, cell.n_inputs * n_units)

        recurrent_weights : ndarray of shape (n_units, cell.n_recurrent * n_units)

        biases : ndarray of shape (cell.n_pre * n_units,)
        """
        given = input_weights, recurrent_weights, biases
        self._stack(given, self.weights, self.fed_weights)
        scale = self.cell.scale[:, np.newaxis]
        np.multiply(self.weights, scale[: len(self.weights)], out=self.weights)

    def _stack(self, given, weights, fed_weights):
        """Concatenate weights and biases in the order of the rows of `hidden`.

        The first `weights` belong to pre-activations with recurrent weights,
        `fed_weights` to those with inputs alone.
        """
        input_weights, recurrent_weights, biases = given
        n, n_recurrent = recurrent_weights.shape
        first = self.cell.input_rows.start
        n_shared = n_recurrent - first
        weights[:, :n] = recurrent_weights.T
        weights[:, n] = biases[:n_recurrent]
        weights[:first, n + 1 :] = 0
        weights[first:, n + 1 :] = input_weights[:, :n_shared].T
        fed_weights[:, 0] = biases[n_recurrent:]
        fed_weights[:, 1:] = input_weights[:, n_shared:].T

    def _unstack(self, weights, fed_weights, into):
        """The inverse of `_stack`."""
        input_weights, recurrent_weights, biases = into
        n, n_recurrent = recurrent_weights.shape
        first = self.cell.input_rows.start
        n_shared = n_recurrent - first
        recurrent_weights[:] = weights[:, :n].T
        biases[:n_recurrent] = weights[:, n]
        input_weights[:, :n_shared] = weights[first:, n + 1 :].T
        biases[n_recurrent:] = fed_weights[:, 0]
        input_weights[:, n_shared:] = fed_weights[:, 1:].T

    def forward(self, below, initial):
        """Compute the activities of all steps.

        Parameters
        ----------
        below : RowInputs or LayerInputs
            Inputs of the layer.

        initial : list of ndarray of shape (n_units, n_sequences)
            The states before the first step.
        """
        cell, weights, n = self.cell, self.weights, self.cell.n_units
        before = initial
        for k, run in enumerate(self.runs):
            tape, hidden = self.tapes[k], self.hidden[k]
            below.fill(k, hidden[:-1, n + 1 :])
            for state, previous in zip(self.states(k), before, strict=True):
                state[0] = previous[:, : run.size]
            if len(self.fed_weights):
                fed = tape[:-1, len(weights) : len(weights) + len(self.fed_weights)]
                np.matmul(self.fed_weights, hidden[:-1, n:], out=fed)
            scratch, steps = self._forward_steps(k)
            for x, product, step in steps:
                np.dot(weights, x, product)
                cell.forward(scratch, *step)
            before = [state[-1] for state in self.states(k)]

    def _forward_steps(self, k):
        """Arguments of each forward step of run k."""
        if k not in self._steps:
            cell, tape, hidden = self.cell, self.tapes[k], self.hidden[k]
            products = cell.products(tape, hidden)
            views = cell.forward_views(tape, hidden)
            self._steps[k] = (
                cell.scratch(self.runs[k].size, hidden.dtype),
                list(zip(hidden[:-1], products, views, strict=True)),
            )
        return self._steps[k]

    def final_states(self, out):
        """Write the states after the last step of each sequence.

        Parameters
        ----------
        out : list of ndarray of shape (n_units, n_sequences)
            One for each kind of state.
        """
        states = [self.states(k) for k in range(len(self.runs))]
        for blocks, final in zip(zip(*states, strict=True), out, strict=True):
            take_final(self.runs, blocks, final)

    def _n_going_on(self, k):
        """The number of sequences that continue after run k."""
        return self.runs[k + 1].size if k + 1 < len(self.runs) else 0

    def backward(self, recurrent_weights, input_weights, above, below, into):
        """Compute the gradient by a backward pass.

        Parameters
        ----------
        recurrent_weights, input_weights : ndarray
            As in `set_weights`.

        above : Above
            Derivatives of the loss in what is computed from the activities.

        below : RowInputs or LayerInputs
            Inputs of the layer; receives the derivatives in them.

        into : tuple of ndarray
            Receives the gradient in input weights, recurrent weights and biases.

        Returns
        -------
        d_initial : list of ndarray of shape (n_units, n_sequences)
            The derivative in the states before the first step.

        by_readout : ndarray of shape (n_outputs, n_units + 1)
            The derivative in the readout weights and, in the last column, biases.
        """
        cell, n_outputs = self.cell, above.weights.shape[1]
        # Outputs of step t and pre-activations of step t + 1 are functions of the same
        # activities: their derivatives share a product.
        weights = np.hstack([above.weights, recurrent_weights])
        n_recurrent, n_rows = self.weights.shape
        shape = n_outputs + n_recurrent, n_rows
        gradient = np.zeros(shape, weights.dtype, order="F")
        fed_gradient = np.zeros(self.fed_weights.shape, weights.dtype, order="F")
        by_readout = gradient[:n_outputs, : cell.n_units + 1]
        d_states = [None] * len(cell.state_names)
        for k in reversed(range(len(self.runs))):
            d_states = self._widen(k, d_states, above.by_final)
            if n_outputs:
                self._start_run(k, above, d_states[0], by_readout)
            for first, last in reversed(self._chunks(k)):
                deltas = self._backward_chunk(k, first, last, weights, above, d_states)
                self._add_gradient(k, first, last, deltas, gradient, fed_gradient)
                pre = deltas[:, n_outputs:]
                by_product = pre[:, cell.input_rows]
                below.receive(k, first, last, input_weights, by_product)
        self._unstack(gradient[n_outputs:], fed_gradient, into)
        return d_states, by_readout

    def _chunks(self, k):
        run = self.runs[k]
        n_pre = self.cell.n_pre * self.cell.n_units * run.size
        size = max(1, CHUNK // n_pre)
        return [
            (first, min(first + size, run.n_steps))
            for first in range(0, run.n_steps, size)
        ]

    def _widen(self, k, d_states, by_final):
        """Derivatives in the states after run k, for the sequences active in it."""
        n, n_going_on = self.runs[k].size, self._n_going_on(k)
        wider = []
        for i, narrow in enumerate(d_states):
            name = f"d_state_{i}_{k % 2}"
            wide = self.scratch.array(name, (self.cell.n_units, n))
            if n_going_on:
                wide[:, :n_going_on] = narrow
            final = 0 if i or by_final is None else by_final[:, n_going_on:n]
            wide[:, n_going_on:] = final
            wider.append(wide)
        return wider

    def _start_run(self, k, above, dh, by_readout):
        """Derivatives from the outputs of the last step of run k."""
        by_outputs = above.by_outputs[k][-1].T
        np.add(dh, np.dot(above.weights, by_outputs), out=dh)
        by_readout += np.dot(by_outputs, self.hidden[k][-1, : len(dh) + 1].T)

    def _linearize(self, k, first, last, factors):
        tape, hidden = self.tapes[k][first:last], self.hidden[k][first : last + 1]
        with unbuffered():
            self.cell.linearize(tape, hidden, factors)

    def _backward_chunk(self, k, first, last, weights, above, d_states):
        """Derivatives in the pre-activations of some steps, and in earlier outputs."""
        cell, n_outputs = self.cell, above.weights.shape[1]
        factors, deltas, scratch, direct, steps = self._backward_steps(
            k, first, last, n_outputs
        )
        self._linearize(k, first, last, factors)
        if n_outputs:
            deltas[0, :n_outputs] = above.by_outputs[k][first - 1].T if first else 0
            before = above.by_outputs[k][first : last - 1]
            deltas[1:, :n_outputs] = before.swapaxes(1, 2)
        from_above = [None] * len(deltas)
        if above.by_activities is not None:
            from_above = above.by_activities[k][first:last]

        dh = d_states[0]
        for d_output, (delta, step) in zip(from_above[::-1], steps, strict=True):
            if d_output is not None:
                np.add(dh, d_output, out=dh)
            if cell.passes_on:
                cell.backward(scratch, d_states, direct, *step)
                np.dot(weights, delta, dh)
                np.add(dh, direct, out=dh)
            else:
                cell.backward(scratch, d_states, *step)
                np.dot(weights, delta, dh)
        return deltas

    def _backward_steps(self, k, first, last, n_outputs):
        """Arguments of the backward steps from `last` to `first` of run k."""
        key = k, first, n_outputs
        if key not in self._steps_back:
            cell, size = self.cell, self.runs[k].size
            n, n_steps = cell.n_units, last - first
            shape = n_steps, n_outputs + cell.n_pre * n, size
            deltas = self.scratch.array("deltas", shape)
            factors = self.scratch.array("factors", (n_steps, cell.n_factors * n, size))
            tape, pre = self.tapes[k][first:last], deltas[:, n_outputs:]
            views = cell.factor_views(tape[::-1], factors[::-1], pre[::-1])
            recurrent = deltas[::-1, : n_outputs + cell.n_recurrent * n]
            self._steps_back[key] = (
                factors,
                deltas,
                cell.scratch(size, deltas.dtype),
                self.scratch.array("direct", (n, size)),
                list(zip(recurrent, views, strict=True)),
            )
        return self._steps_back[key]

    def _add_gradient(self, k, first, last, deltas, gradient, fed_gradient):
        """Add the products of derivatives and inputs of each step to the gradient."""
        before, n = self.hidden[k][first:last], len(gradient)
        add_products(gradient, deltas[:, :n], before, self.scratch)
        if len(fed_gradient):
            fed = before[:, self.cell.n_units :]
            add_products(fed_gradient, deltas[:, n:], fed, self.scratch)

    def tangent(self, tangents, weights, below, initial):
        """Compute the tangent of the activities (R-operator).

        Parameters
        ----------
        tangents, weights : tuple of ndarray
            Tangents and values of input weights, recurrent weights and biases, as in
            `set_weights`.

        below : RowInputs or LayerInputs
            Inputs of the layer and their tangents.

        initial : list of ndarray of shape (n_units, n_sequences)
            Tangents of the states before the first step.
        """
        cell, n = self.cell, self.cell.n_units
        input_weights, recurrent_weights, _ = weights
        motion = np.empty_like(self.weights)
        fed_motion = np.empty_like(self.fed_weights)
        self._stack(tangents, motion, fed_motion)
        before = initial
        for k, run in enumerate(self.runs):
            hidden, tangent_hidden = self.hidden[k], self.tangent_hidden[k]
            states = [state[:, : run.size].copy() for state in before]
            tangent_hidden[0] = states[0]
            inputs_move = below.tangent_blocks(k)
            scratch = cell.scratch(run.size, hidden.dtype)
            for first, last in self._chunks(k):
                tape = self.tapes[k][first:last]
                factors = np.empty(
                    (last - first, cell.n_factors * n, run.size), hidden.dtype
                )
                pre = np.empty((last - first, cell.n_pre * n, run.size), hidden.dtype)
                self._linearize(k, first, last, factors)
                by_product = pre[:, cell.recurrent_rows]
                np.matmul(motion, hidden[first:last], out=by_product)
                fed = pre[:, len(motion) :]
                np.matmul(fed_motion, hidden[first:last, n:], out=fed)
                if inputs_move is not None:
                    inputs = inputs_move[first:last]
                    pre[:, cell.input_rows] += input_weights.T @ inputs
                views = cell.factor_views(tape, factors, pre)
                for t, (product, step) in enumerate(
                    zip(by_product, views, strict=True), first
                ):
                    states[0] = tangent_hidden[t]
                    product += np.dot(recurrent_weights.T, states[0])
                    cell.tangent(scratch, states, *step, tangent_hidden[t + 1])
            before = [tangent_hidden[-1], *states[1:]]


@contextmanager
def unbuffered():
    """Make NumPy work on strided arrays without a buffer.

    By default it copies non-contiguous pieces into a buffer, which takes most of the
    time for blocks of many steps.
    """
    size = np.setbufsize(16)
    try:
        yield
    finally:
        np.setbufsize(size)


def take_final(runs, blocks, out):
    """Collect the columns of the last step of each sequence.

    Parameters
    ----------
    runs : list of Run
        The runs of the batch.

    blocks : list of ndarray of shape (n_steps, n_rows, size)
        Last steps of each run, in order of time.

    out : ndarray of shape (n_rows, n_sequences)
        Receives the columns, in packed order.
    """
    sizes = [run.size for run in runs[1:]] + [0]
    for block, n_going_on in zip(blocks, sizes, strict=True):
        last = block[-1]
        out[:, n_going_on : last.shape[1]] = last[:, n_going_on:]
