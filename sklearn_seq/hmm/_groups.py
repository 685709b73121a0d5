"""Sequences side by side, one long sequence in chunks, or one short sequence.

Each group lays its rows out as a panel (n_steps, K, n), in an order of its own, and
runs the scaled recursions over it::

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
STEP_COST, SINGLE_COST, ROW_COST = 15.0, 150.0, 0.05
LARGEST_PANEL = 1 << 20  # rows times states that run side by side
FILL_COST = 0.002  # of a row and state that only fills up


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
    if len(offsets) == 2:
        return [_alone(*offsets.tolist(), n_states)] if offsets[1] > offsets[0] else []
    lengths = offsets[1:] - offsets[:-1]
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
        groups.append(_alone(int(offsets[i]), int(offsets[i + 1]), n_states))
    members = order[n_singles:]
    while len(members):
        n = _n_together(lengths[members], n_states)
        groups.append(Together(offsets, members[:n]))
        members = members[n:]
    return groups


def _alone(start, stop, n_states):
    if (stop - start) * n_states >= CHUNKED_FROM and stop - start > 4 * WARM_UP:
        return Chunked(start, stop, n_states)
    return Single(start, stop)


def _n_together(lengths, n_states):
    """How many of the longest sequences to run side by side.

    No more than fill up less than the steps of the next batch cost, and fit the cache.
    """
    most = max(1, LARGEST_PANEL // int(lengths[0] * n_states))
    lengths = lengths[: most + 1]
    filled = FILL_COST * n_states * np.cumsum(lengths[0] - lengths)
    apart = np.flatnonzero(filled > STEP_COST * lengths)
    n = int(apart[0]) if len(apart) else len(lengths)
    return min(n, most)
