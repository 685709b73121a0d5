"""States of many sequences, a block of them at a time.

The filter holds covariances for each row. Where means are asked for, or the last row of
each sequence, only those of some sequences are there at a time.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.parallel import sequence_blocks
from .kalman import filter_states

BLOCK_ENTRIES = 1 << 20  # of covariances held at a time, if sequences allow


def filtered_blocks(parameters, X, offsets, U=None):
    """The filter over blocks of sequences.

    Parameters
    ----------
    parameters, X, offsets, U
        As for `filter_states`.

    Yields
    ------
    rows : slice
        The rows of the block.
    filtered : Filtered
        Of these rows.
    """
    offsets = np.asarray(offsets)
    n = len(parameters.transition_matrix)
    for first, stop in sequence_blocks(offsets, -(-len(X) * n * n // BLOCK_ENTRIES)):
        rows = slice(offsets[first], offsets[stop])
        own = offsets[first : stop + 1] - rows.start
        inputs = None if U is None else U[rows]
        yield rows, filter_states(parameters, X[rows], own, inputs)


def filtered_means(parameters, X, offsets, U=None):
    """Means of the states given the rows so far: (N, n)."""
    blocks = filtered_blocks(parameters, X, offsets, U)
    return np.concatenate([filtered.means for _, filtered in blocks])


def filtered_at(index, parameters, X, offsets, U=None):
    """States at some rows, in rising order, given the rows so far.

    Returns
    -------
    means : ndarray of shape (len(index), n)
    covariances : ndarray of shape (len(index), n, n)
    """
    means, covariances = [], []
    for rows, filtered in filtered_blocks(parameters, X, offsets, U):
        start, stop = np.searchsorted(index, (rows.start, rows.stop))
        own = index[start:stop] - rows.start
        means.append(filtered.means[own])
        covariances.append(filtered.covariances[own])
    return np.concatenate(means), np.concatenate(covariances)
