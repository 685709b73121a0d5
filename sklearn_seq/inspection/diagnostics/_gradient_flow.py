"""Gradient of the loss in the states of earlier steps."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.utils import Bunch

from ..._core.docs import documented
from ...base import check_counted
from ...rnn import RNNClassifier, RNNRegressor
from ...targets import SEQUENCE
from .._estimators import read_sequences, recurrent_inputs, supported_model
from ._dynamics import units_of
from ._recurrent import initial_states, layer_maps, recurrent_readout

BLOCK_VALUES = 1 << 23  # values of a block of sequences


@documented
def gradient_flow(
    estimator, X, y=None, groups=None, *, max_lag: int | None = None
) -> Bunch:
    """Norm of the gradient of the loss in the states of earlier steps.

    The loss of the last target of each sequence is propagated back through time. Where
    its gradient in the activities vanishes with the lag, the network cannot learn to
    remember for so long; where it grows exponentially, it explodes
    (Bengio et al., 1994; Pascanu et al., 2013).

    Parameters
    ----------
    estimator : RNNRegressor, RNNClassifier, Pipeline or search
        A fitted recurrent network, or a pipeline or search that ends in one.

    %(X)s

    y : array-like, default=None
        The targets of a network that was fitted with y.

    %(groups)s

    max_lag : int, default=None
        Largest lag. None goes back to the first row of the longest sequence.

    Returns
    -------
    flow : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        lags : ndarray of shape (n_lags,)
            From 0 to `max_lag`, or to the first row of the longest sequence.

        norms : ndarray of shape (n_layers, n_lags)
            Euclidean norm of the derivative of the loss in the activities of each
            layer at each lag before the output: for several sequences, the root mean
            square over those that are long enough. It is the total derivative, through
            the layers above and all later steps.

        memory_norms : ndarray of shape (n_layers, n_lags)
            The same for the memory cells. Only with ``cell="lstm"``.

        n_sequences : ndarray of shape (n_lags,)
            Number of sequences that are long enough.

    Raises
    ------
    TypeError
        If the estimator is not a recurrent network.

    ValueError
        If no row has a target, if outputs or gradients are beyond floating point, or
        if `max_lag` is not an integer of at least 0.

    See Also
    --------
    lyapunov_exponents : The same rates of growth over infinitely many steps.

    Notes
    -----
    The loss of a sequence is half the squared error of the last target that counts,
    summed over outputs (of targets with standard deviation 1 where the net standardises
    them, as in training), or the cross-entropy in nats; penalty and weights of samples
    and classes are left out. A hole in a frame's time index ends a sequence. A single
    long sequence has a single last target: cut it into shorter ones to average over
    many. All is computed in float64. A gradient that is too large for it is an error.

    References
    ----------
    Bengio, Y., Simard, P. and Frasconi, P. (1994). Learning long-term dependencies with
    gradient descent is difficult. IEEE Transactions on Neural Networks, 5, 157-166.

    Pascanu, R., Mikolov, T. and Bengio, Y. (2013). On the difficulty of training
    recurrent neural networks. ICML, 1310-1318.

    Examples
    --------
    A simple network forgets within a few steps:

    >>> import numpy as np
    >>> from sklearn_seq.inspection import gradient_flow
    >>> from sklearn_seq.rnn import RNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(50, 30, 1))
    >>> net = RNNRegressor((8,), init="glorot_uniform", max_iter=5, random_state=0)
    >>> flow = gradient_flow(net.fit(X), X)
    >>> flow.norms.shape
    (1, 29)
    >>> bool(flow.norms[0, 20] < 0.01 * flow.norms[0, 0])
    True
    """
    supported = RNNRegressor, RNNClassifier
    model = supported_model(estimator, supported, "gradient_flow")
    if max_lag is not None and (not isinstance(max_lag, Integral) or max_lag < 0):
        raise ValueError(
            f"max_lag={max_lag!r}: expected an integer of at least 0, or None for the "
            "length of the longest sequence."
        )
    sequences = read_sequences(estimator, X, groups)
    ends = _last_targets(model, sequences, y)
    longest = int((ends.rows - ends.starts).max())
    n_lags = 1 + (longest if max_lag is None else min(max_lag, longest))

    inputs = recurrent_inputs(model, sequences)
    layers = layer_maps(model)
    n_kinds = 1 + layers[0].has_memory
    squares = np.zeros((n_kinds, len(layers), n_lags))
    counts = np.zeros(n_lags, dtype=np.intp)
    n_values = n_kinds * sum(layer.n_units for layer in layers) + inputs.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        for block in ends.blocks(max(1, BLOCK_VALUES // (n_values * (longest + 1)))):
            _add_flow(model, layers, inputs, block, squares, counts)
    norms = np.sqrt(squares / counts)
    if not np.isfinite(norms).all():
        lag = int(np.argmin(np.isfinite(norms).all(axis=(0, 1))))
        raise ValueError(
            f"The gradient explodes: {lag} steps back its square leaves the range of "
            f"floating point. Set max_lag={lag - 1} or smaller."
        )
    flow = Bunch(lags=np.arange(n_lags), norms=norms[0], n_sequences=counts)
    if n_kinds == 2:
        flow["memory_norms"] = norms[1]
    return flow


class Ends(NamedTuple):
    """The last target of each sequence (or segment) that has one.

    Attributes
    ----------
    starts, rows : ndarray of shape (n,)
        The first row of the sequence, and that of the output.

    values : ndarray of shape (n, n_targets)
        The targets: numbers, or class codes.

    known : ndarray of bool of shape (n, n_targets)
        Which of them are known.
    """

    starts: np.ndarray
    rows: np.ndarray
    values: np.ndarray
    known: np.ndarray

    def blocks(self, size):
        """Blocks of sequences of similar length."""
        order = np.argsort(self.starts - self.rows, kind="stable")
        for first in range(0, len(order), size):
            block = order[first : first + size]
            yield Ends(*(array[block] for array in self))


def _last_targets(model, sequences, y):
    targets = model._score_targets(y, sequences)
    index = model._counted(targets, sequences)
    check_counted(index, model, "judge")
    offsets = sequences.offsets
    if targets.kind == SEQUENCE:
        rows = sequences.sequence_offsets[index + 1] - 1
    else:
        rows = index - targets.advance
    segments = np.searchsorted(offsets, rows, "right") - 1
    last = np.flatnonzero(np.diff(segments, append=-1))
    rows, index, starts = rows[last], index[last], offsets[segments[last]]
    values = units_of(model)[1].transform(targets.values[index], targets.values.dtype)
    known = targets.known
    known = np.ones(values.shape, bool) if known is None else known[index]
    return Ends(starts, rows, values, known)


def _by_outputs(model, outputs, values, known):
    """The derivative of the loss in the outputs."""
    if model.network_.loss == "squared_error":
        return np.where(known, outputs - np.where(known, values, 0), 0)
    delta = softmax(outputs, axis=1)
    seen = values[:, 0] < delta.shape[1]  # no class of the network: never probable
    delta[np.flatnonzero(seen), values[seen, 0]] -= 1
    return delta


def _run(layers, initial, inputs, rows, n_active):
    """The states of all layers before and after each step of some sequences.

    Sequences are aligned at their ends, the longest first.

    Parameters
    ----------
    layers : list of LayerMap
    initial : list of (ndarray, ndarray or None)
        Activities and memory of each layer before the first step.
    inputs : ndarray of shape (n_rows, n_inputs)
    rows : ndarray of shape (n_steps, n_sequences)
        The row of each step.
    n_active : ndarray of shape (n_steps,)
        Number of sequences that have begun.

    Returns
    -------
    h, c : lists of ndarray of shape (n_steps + 1, n_sequences, n_units)
        Activities and, of an LSTM, memories; otherwise lists of None.
    """
    n_steps, n_sequences = rows.shape
    h, c = [], []
    for layer, (first_h, first_c) in zip(layers, initial, strict=True):
        shape = n_steps + 1, n_sequences, layer.n_units
        h.append(np.tile(first_h.astype(np.float64), (*shape[:2], 1)))
        c.append([None] * shape[0])
        if layer.has_memory:
            c[-1] = np.tile(first_c.astype(np.float64), (*shape[:2], 1))
    for t, n in enumerate(n_active):
        x = inputs[rows[t, :n]]
        for i, layer in enumerate(layers):
            x, memory, _ = layer.step(x, h[i][t, :n], _first(c[i][t], n))
            h[i][t + 1, :n] = x
            if layer.has_memory:
                c[i][t + 1, :n] = memory
    return h, c


def _first(array, n):
    return None if array is None else array[:n]


def _add_flow(model, layers, inputs, ends, squares, counts):
    """Add the squared norms of a block of sequences, and their number."""
    lengths = ends.rows - ends.starts + 1
    n_steps = lengths[0]
    rows = ends.rows + np.arange(1 - n_steps, 1)[:, np.newaxis]
    n_active = (lengths >= np.arange(n_steps, 0, -1)[:, np.newaxis]).sum(axis=1)
    h, c = _run(layers, initial_states(model, layers), inputs, rows, n_active)

    readout = recurrent_readout(model)
    outputs = readout(h[-1][-1])
    if not np.isfinite(outputs).all():
        raise ValueError(
            "The network is unstable: within the length of X its outputs leave the "
            "range of floating point. Use shorter sequences, or fit with a larger "
            "alpha."
        )
    from_above = _by_outputs(model, outputs, ends.values, ends.known)
    from_above = from_above @ readout.weights.T
    by_h = [np.zeros_like(states[-1]) for states in h]
    by_c = [np.zeros_like(states[-1]) for states in h]
    for lag in range(min(len(counts), n_steps)):
        t = n_steps - 1 - lag
        n = n_active[t]
        counts[lag] += n
        for i, layer in reversed(list(enumerate(layers))):
            x = h[i - 1][t + 1, :n] if i else inputs[rows[t, :n]]
            *_, slopes = layer.step(x, h[i][t, :n], _first(c[i][t], n))
            g = by_h[i][:n] + from_above
            squares[0, i, lag] += np.sum(g**2)
            memory = None
            if layer.has_memory:
                memory = by_c[i][:n] + g * slopes.h_by_c
                squares[1, i, lag] += np.sum(memory**2)
            from_above, by_h[i], by_c[i] = layer.cotangent(slopes, g, memory)
        from_above = 0.0
