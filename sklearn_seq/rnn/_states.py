"""Sequences with initial and final states of a recurrent network."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.validation import check_array

from .._reading.by_name import in_order_of
from ..sequences import Sequences


class StatefulSequences(Sequences):
    """Sequences with initial and final states of a network.

    Parameters
    ----------
    sequences : Sequences

    initial : ndarray of shape (n_sequences, n_given), default=None
        The states before the first row of each sequence, as in
        `RecurrentNetwork.forward`. After a hole in time the network's own are used.

    Attributes
    ----------
    final : ndarray of shape (n_sequences, n_states) or None
        The states after the last row of each sequence, set by a forward pass.

    first_segments, last_segments : ndarray of shape (n_sequences,)
        The first and last segment of each sequence.
    """

    def __init__(self, sequences, initial=None):
        super().__init__(sequences.rows, sequences.layout)
        self.initial = initial
        self.final = None
        starts, stops = self.sequence_offsets[:-1], self.sequence_offsets[1:]
        self.first_segments = np.searchsorted(self.offsets, starts)
        self.last_segments = np.searchsorted(self.offsets, stops) - 1

    def with_rows(self, rows):
        return StatefulSequences(super().with_rows(rows), self.initial)

    def initial_of_segments(self):
        """The states before each segment, (n_segments, n_given); None if not given."""
        if self.initial is None:
            return None
        shape = len(self.offsets) - 1, self.initial.shape[1]
        initial = np.full(shape, np.nan, self.initial.dtype)
        initial[self.first_segments] = self.initial
        return initial


def check_initial_states(initial_states, n_sequences, network, dtype, ids=None):
    """Check initial states: an array of shape (n_sequences, n_given), or None.

    Parameters
    ----------
    initial_states : array-like or None
        As given by the user.

    n_sequences : int
        Number of sequences.

    network : RecurrentNetwork
        The network that starts in them.

    dtype : dtype
        The type of its parameters.

    ids : list, default=None
        Ids of the sequences, which the index of a frame must hold.
    """
    if initial_states is None:
        return None
    initial_states = in_order_of(ids, initial_states, "initial_states", "sequences")
    states = check_array(
        initial_states,
        dtype=dtype,
        ensure_all_finite="allow-nan",
        ensure_min_samples=0,
        input_name="initial_states",
    )
    n_units, n_states = sum(network.hidden_layer_sizes), network.n_states
    if len(states) == n_sequences and states.shape[1] in (n_units, n_states):
        return states
    cells = ""
    if n_states > n_units:
        cells = f" or {(n_sequences, n_states)}, with their memory cells"
    raise ValueError(
        f"initial_states has shape {states.shape}, but expected "
        f"{(n_sequences, n_units)}{cells}: one row for each sequence, in the order in "
        "which they first appear in X, and one column for each unit of all layers. "
        "NaN leaves a unit's state to the model."
    )
