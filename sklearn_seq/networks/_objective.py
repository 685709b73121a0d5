"""A network and a data set: losses and predictions batch by batch."""

import numpy as np


class Objective:
    """The loss of a network on one data set, in mini-batches or as a whole.

    Inputs are gathered batch by batch, so that overlapping windows over a long series
    need never be stacked.

    Parameters
    ----------
    network : object
        Has ``workspace``, ``forward`` and ``loss_and_gradient``.

    parameters, gradient : ParameterVector
        Its parameters, and the buffer for its gradient.

    inputs : ndarray of shape (n_rows, n_inputs) or callable
        The inputs, which may be a strided view of overlapping windows, or
        ``take(rows, out)``, which writes those of the given rows into `out`.

    targets : ndarray of shape (n_targets, n_outputs), or (n_targets,) of int
        As in `FeedForward.loss_and_gradient`.

    weights : ndarray of shape (n_targets,) or (n_targets, n_outputs), default=None
        The weights of targets, 0 where there is none. A batch's losses are divided by
        its number of targets times the mean of all weights, so that a batch with few
        known targets counts for less.

    offsets : ndarray of shape (n_targets + 1,), default=None
        With one target per sequence, where the rows of each sequence begin and end.

    alpha : float, default=0.0
        The strength of the L2 penalty.

    block_size : int, default=1000
        The number of rows that `full` handles at once: as many as the cache holds.
    """

    def __init__(
        self,
        network,
        parameters,
        gradient,
        inputs,
        targets,
        *,
        weights=None,
        offsets=None,
        alpha=0.0,
        block_size=1000,
    ):
        self.network = network
        self.parameters = parameters
        self.gradient = gradient
        self.take = inputs if callable(inputs) else row_taker(inputs)
        self.targets = targets
        self.weights = weights
        self.mean_weight = 1.0 if weights is None else float(np.mean(weights))
        if not self.mean_weight > 0:
            raise ValueError("There is no target to learn from: all weights are zero.")
        self.offsets = offsets
        self.alpha = alpha
        self.block_size = block_size
        self._workspace = network.workspace(parameters.dtype)

    def __call__(self, indices):
        """The loss of the targets at `indices`; its gradient goes to ``gradient``."""
        normalizer = len(indices) * self.mean_weight
        return self._loss_and_gradient(indices, normalizer, self.alpha)

    def full(self):
        """The loss of all targets; its gradient goes to ``gradient``."""
        n_targets = len(self.targets)
        total_loss, total_gradient = 0.0, np.zeros(self.gradient.flat.shape)
        for start, stop in blocks(n_targets, self.offsets, self.block_size):
            total_loss += self._loss_and_gradient(
                np.arange(start, stop),
                n_targets * self.mean_weight,
                self.alpha if start == 0 else 0.0,
            )
            total_gradient += self.gradient.flat
        self.gradient.flat[:] = total_gradient
        return total_loss

    def _loss_and_gradient(self, indices, normalizer, alpha):
        rows, offsets = rows_of_sequences(self.offsets, indices)
        work = self._workspace
        work.resize(len(rows))
        self.take(rows, work.inputs)
        return self.network.loss_and_gradient(
            self.parameters,
            self.gradient,
            work.inputs,
            self.targets.take(indices, axis=0),
            weights=None
            if self.weights is None
            else self.weights.take(indices, axis=0),
            offsets=offsets,
            alpha=alpha,
            normalizer=normalizer,
            workspace=work,
        )


def predict(network, parameters, inputs, n_rows, *, offsets=None, block_size=1000):
    """Compute a network's outputs for a whole data set, block by block.

    Parameters
    ----------
    network : object
        Has ``workspace``, ``forward`` and ``loss_and_gradient``.

    parameters : ParameterVector
        Its parameters.

    inputs : ndarray of shape (n_rows, n_inputs) or callable
        As in `Objective`.

    n_rows : int
        The number of rows.

    offsets : ndarray of shape (n_sequences + 1,), default=None
        With one output per sequence, where the rows of each begin and end.

    block_size : int, default=1000
        The number of rows handled at once.

    Returns
    -------
    outputs : ndarray of shape (n_rows, n_outputs) or (n_sequences, n_outputs)
        Predictions, or logits.
    """
    take = inputs if callable(inputs) else row_taker(inputs)
    n_targets = n_rows if offsets is None else len(offsets) - 1
    outputs = np.empty((n_targets, network.n_outputs), parameters.dtype)
    work = network.workspace(parameters.dtype)
    for start, stop in blocks(n_targets, offsets, block_size):
        rows, block_offsets = rows_of_sequences(offsets, np.arange(start, stop))
        work.resize(len(rows))
        take(rows, work.inputs)
        outputs[start:stop] = network.forward(
            parameters, work.inputs, offsets=block_offsets, workspace=work
        )
    return outputs


def row_taker(array):
    """Return ``take(rows, out)``, which copies rows of `array` into `out`.

    ``ndarray.take`` is fastest, but copies all of a strided view. For views, indexing
    is used, which is fastest if each row is one item of a structured type.
    """
    contiguous = array.flags.c_contiguous
    row_is_item = array.strides[1] == array.itemsize and array.size > 0
    if row_is_item:
        item = np.dtype((np.void, array.shape[1] * array.itemsize))
        items = array.view(item)[:, 0]

    def take(rows, out):
        if not row_is_item or out.dtype != array.dtype:
            np.copyto(out, array[rows])
        elif contiguous:
            array.take(rows, axis=0, out=out, mode="clip")
        else:
            np.copyto(out.view(item)[:, 0], items[rows])

    return take


def rows_of_sequences(offsets, sequences):
    """The rows of the given sequences, and where each begins and ends among them.

    Without `offsets`, the sequences are the rows.
    """
    if offsets is None:
        return sequences, None
    starts = offsets[sequences]
    lengths = offsets[sequences + 1] - starts
    new_offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(new_offsets[-1]) + np.repeat(starts - new_offsets[:-1], lengths)
    return rows, new_offsets


def blocks(n_targets, offsets, block_size):
    """Divide targets into blocks of up to `block_size` rows, whole sequences each."""
    start = 0
    while start < n_targets:
        if offsets is None:
            stop = min(start + block_size, n_targets)
        else:
            n_whole = np.searchsorted(offsets, offsets[start] + block_size, "right") - 1
            stop = max(start + 1, int(n_whole))
        yield start, stop
        start = stop
