"""A recurrent network and a data set of sequences: losses and predictions."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from .._core.packing import Packing, packing_of
from ..networks import row_taker

ABREAST = 1000  # sequences of a prediction batch
MAX_STEPS = 1000  # time steps that are predicted in one pass


class SequenceObjective:
    """The loss of a network on a set of sequences, in mini-batches or as a whole.

    Parameters
    ----------
    network : RecurrentNetwork
        The network.

    parameters, gradient : ParameterVector
        Where its parameters are read and its gradient is written.

    inputs : ndarray of shape (n_rows, n_inputs) or callable
        The time steps of all sequences, of the parameters' type or symbol codes, or
        ``take(rows, out)``, which writes those of the given rows into `out`.

    offsets : ndarray of shape (n_sequences + 1,)
        Rows ``offsets[i]`` to ``offsets[i + 1] - 1`` are sequence i.

    targets : ndarray of shape (n_targets, n_outputs), or (n_targets,) of int
        One per row, or with `final` one per sequence: numbers, or the indices of
        classes.

    weights : ndarray of shape (n_targets,) or (n_targets, n_outputs), default=None
        The weights of targets, 0 where there is none. A batch's losses are divided by
        its number of targets times the mean of all weights, so that a batch with few
        known targets counts for less.

    final : bool, default=False
        Whether targets are those of the last step of each sequence.

    initial : ndarray of shape (n_sequences, n_given), default=None
        The states before the first step, as in `RecurrentNetwork.forward`.

    alpha : float, default=0.0
        The strength of the L2 penalty.

    block_size : int, default=20000
        The number of rows that `full` handles at once.
    """

    def __init__(
        self,
        network,
        parameters,
        gradient,
        inputs,
        offsets,
        targets,
        *,
        weights=None,
        final=False,
        initial=None,
        alpha=0.0,
        block_size=20_000,
    ):
        self.network = network
        self.parameters = parameters
        self.gradient = gradient
        self.offsets = offsets
        self.targets = targets
        self.weights = weights
        self.mean_weight = 1.0 if weights is None else float(np.mean(weights))
        if not self.mean_weight > 0:
            raise ValueError("There is no target to learn from: all weights are zero.")
        self.final = final
        self.initial = initial
        self.alpha = alpha
        self.block_size = block_size
        self._take = inputs if callable(inputs) else row_taker(inputs)
        self._workspace = network.workspace(parameters.dtype)

    def __call__(self, batch):
        """The loss of a batch; its gradient goes to ``gradient``.

        Parameters
        ----------
        batch : ndarray of int, or Chunk
            The indices of whole sequences, or an item of `chunks`.

        Returns
        -------
        loss : float
        """
        if isinstance(batch, Chunk):
            return self._chunk_loss(batch)
        normalizer = self.mean_weight * self._n_targets(batch)
        return self._loss(batch, normalizer, self.alpha)

    def full(self):
        """The loss of all targets; its gradient goes to ``gradient``."""
        normalizer = self.mean_weight * len(self.targets)
        loss, total = 0.0, np.zeros(self.gradient.flat.shape)
        for i, sequences in enumerate(blocks(self.offsets, self.block_size)):
            loss += self._loss(sequences, normalizer, 0.0 if i else self.alpha)
            total += self.gradient.flat
        self.gradient.flat[:] = total
        return loss

    def chunks(self, batches, truncate):
        """Divide batches in time, for truncated backpropagation through time.

        Call the objective with the chunks of a batch in order: each starts from the
        final states of the one before, which count as constants.

        Parameters
        ----------
        batches : iterable
            Yields the indices of the sequences of each batch.

        truncate : int
            The number of steps of a chunk.

        Returns
        -------
        chunks : Chunks
            An iterable, over the batches anew each time.
        """
        if self.final:
            raise ValueError("Targets at the end only cannot be learned in chunks.")
        return Chunks(self.offsets, batches, truncate)

    def _n_targets(self, sequences):
        if self.final:
            return len(sequences)
        return (self.offsets[sequences + 1] - self.offsets[sequences]).sum()

    def _loss(self, sequences, normalizer, alpha):
        packing = packing_of(self.offsets, sequences)
        initial = None if self.initial is None else self.initial[sequences]
        targets = sequences if self.final else packing.rows
        return self._packed_loss(packing, targets, initial, normalizer, alpha)

    def _chunk_loss(self, chunk):
        packing = chunk.packing
        if not chunk.is_first:
            initial = self._carried[: packing.n_sequences]
        elif self.initial is not None:
            initial = self.initial[chunk.sequences]
        else:
            initial = None
        normalizer = self.mean_weight * packing.n_rows
        loss = self._packed_loss(packing, packing.rows, initial, normalizer, self.alpha)
        self._carried = self.network.final_states(self._workspace)
        return loss

    def _packed_loss(self, packing, targets, initial, normalizer, alpha):
        work = self._workspace
        work.resize(packing)
        self._take(packing.rows, work.inputs)
        weights = self.weights
        return self.network.loss_and_gradient(
            self.parameters,
            self.gradient,
            work.inputs,
            packing,
            self.targets.take(targets, axis=0),
            weights=None if weights is None else weights.take(targets, axis=0),
            final=self.final,
            initial=initial,
            alpha=alpha,
            normalizer=normalizer,
            workspace=work,
        )


class Chunk(NamedTuple):
    """A few time steps of a batch of sequences.

    Attributes
    ----------
    packing : Packing
        The steps of the sequences that are long enough.

    sequences : ndarray of shape (n_sequences,)
        The sequences, in the order of the packing.

    is_first : bool
        Whether it is the first chunk of its batch.
    """

    packing: Packing
    sequences: np.ndarray
    is_first: bool

    def __len__(self):
        return self.packing.n_rows


class Chunks:
    """The chunks of batches of sequences; see `SequenceObjective.chunks`.

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,)
        Where sequences begin and end.

    batches : iterable
        Yields the indices of the sequences of each batch.

    truncate : int
        The number of steps of a chunk.
    """

    def __init__(self, offsets, batches, truncate):
        self.offsets = offsets
        self.batches = batches
        self.truncate = truncate

    def __iter__(self):
        for sequences in self.batches:
            packing = packing_of(self.offsets, sequences)
            sequences = sequences[packing.order]
            for first in range(0, packing.n_steps, self.truncate):
                part = packing.steps(first, first + self.truncate)
                yield Chunk(part, sequences[: part.n_sequences], first == 0)


class Predictions(NamedTuple):
    """Result of `predict`.

    Attributes
    ----------
    outputs : ndarray of shape (n_rows, n_outputs) or (n_sequences, n_outputs)
        Predictions, or logits, of all rows or of the last row of each sequence.

    states : ndarray of shape (n_sequences, n_states)
        The states after the last row of each sequence.

    hidden : ndarray of shape (n_rows, n_units) or None
        The activities of all units at each row, with `return_hidden`.
    """

    outputs: np.ndarray
    states: np.ndarray
    hidden: np.ndarray | None


def predict(
    network,
    parameters,
    inputs,
    offsets,
    *,
    final=False,
    initial=None,
    return_hidden=False,
    block_size=20_000,
):
    """Compute a network's outputs for a whole data set, block by block.

    Parameters
    ----------
    network : RecurrentNetwork
        The network.

    parameters : ParameterVector
        Its parameters.

    inputs : ndarray of shape (n_rows, n_inputs) or callable
        The time steps of all sequences, of the parameters' type or symbol codes, or
        ``take(rows, out)``, which writes those of the given rows into `out`.

    offsets : ndarray of shape (n_sequences + 1,)
        Rows ``offsets[i]`` to ``offsets[i + 1] - 1`` are sequence i.

    final : bool, default=False
        Whether only the last row of each sequence gets outputs.

    initial : ndarray of shape (n_sequences, n_given), default=None
        The states before the first row, as in `RecurrentNetwork.forward`.

    return_hidden : bool, default=False
        Whether to return the activities of the units as well.

    block_size : int, default=20000
        Approximate number of rows of a pass: a few steps of many sequences.

    Returns
    -------
    predictions : Predictions
        In the order of rows, or of sequences.
    """
    n_rows, n_sequences = offsets[-1], len(offsets) - 1
    dtype, n_units = parameters.dtype, sum(network.hidden_layer_sizes)
    outputs = np.empty((n_sequences if final else n_rows, network.n_outputs), dtype)
    states = np.empty((n_sequences, network.n_states), dtype)
    hidden = np.empty((n_rows, n_units), dtype) if return_hidden else None
    take = inputs if callable(inputs) else row_taker(inputs)
    work = network.workspace(dtype)
    by_length = np.argsort(-np.diff(offsets), kind="stable")
    for start in range(0, n_sequences, ABREAST):
        sequences = by_length[start : start + ABREAST]
        packing = packing_of(offsets, sequences)
        active = sequences[packing.order]
        before = None if initial is None else initial[active]
        n_steps = min(max(1, block_size // len(sequences)), MAX_STEPS)
        for first in range(0, packing.n_steps, n_steps):
            part = packing.steps(first, first + n_steps)
            active = active[: part.n_sequences]
            work.resize(part)
            take(part.rows, work.inputs)
            if before is not None:
                before = before[: part.n_sequences]
            computed = network.forward(
                parameters,
                work.inputs,
                part,
                initial=before,
                final=final,
                workspace=work,
            )
            # Final states of later parts overwrite those of earlier ones.
            outputs[active if final else part.rows] = computed
            states[active] = before = network.final_states(work)
            if return_hidden:
                hidden[part.rows] = network.hidden_states(work)
    return Predictions(outputs, states, hidden)


def blocks(offsets, block_size):
    """Divide sequences into blocks of about `block_size` rows, of similar length.

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,)
        Where sequences begin and end.

    block_size : int
        The greatest number of rows of a block of more than one sequence.

    Yields
    ------
    sequences : ndarray of int
        Indices, in order of decreasing length.
    """
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    start = 0
    while start < len(order):
        limit = block_size + (ends[start - 1] if start else 0)
        stop = max(start + 1, int(np.searchsorted(ends, limit, "right")))
        yield order[start:stop]
        start = stop
