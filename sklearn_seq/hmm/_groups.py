"""Sequences side by side, one long sequence in chunks, or one short sequence.

Each group lays its rows out as columns, in an order of its own, and runs the scaled
recursions over them::

    forward:   v[t] = w[t] * (A' v[t-1]),   v[first] = w[first]
    backward:  v[t] = w[t] * (A v[t+1]),    v[last] = w[last]

each v scaled to the sum one. What is computed for a row depends on lengths and on the
rows that the recursion has passed, and on nothing else, bit by bit: a path is chosen
by what is known there, and matrix products keep their shapes.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._chunks import WARM_UP, Chunked
from ._single import Single
from ._together import Together

CHUNKED_FROM = 12_000  # rows times states from which a sequence is cut into chunks
MAX_SINGLES = 16  # longest sequences that are solved one by one
# microseconds: of a step of the loop, of starting on one sequence, of a row and state
STEP_COST, SINGLE_COST, ROW_COST = 5.0, 60.0, 0.03


def make_groups(offsets, n_states):
    """Which sequences to run one by one, and which side by side.

    The loop over the time steps of many sequences costs as many steps as the longest
    of them has; one sequence alone costs its rows. Lengths alone decide.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)

    n_states : int

    Returns
    -------
    groups : list of Single, Chunked and Together
    """
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    order = order[: np.count_nonzero(lengths)]
    if len(order) == 0:
        return []
    n_singles = 1
    if len(order) > 1:
        longest = lengths[order]
        n_candidates = min(len(order), MAX_SINGLES) + 1
        single_costs = SINGLE_COST + ROW_COST * n_states * longest[: n_candidates - 1]
        singly = np.concatenate([[0.0], np.cumsum(single_costs)])
        together = STEP_COST * np.append(longest, 0)[:n_candidates]
        n_singles = int(np.argmin(singly + together))
    groups = []
    for i in order[:n_singles]:
        start, stop = int(offsets[i]), int(offsets[i + 1])
        long = (stop - start) * n_states >= CHUNKED_FROM and stop - start > 4 * WARM_UP
        groups.append((Chunked if long else Single)(start, stop, n_states))
    if n_singles < len(order):
        groups.append(Together(offsets, order[n_singles:]))
    return groups
