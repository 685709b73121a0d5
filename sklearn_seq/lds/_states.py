"""Filtered states without keeping the covariances of every row."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.parallel import sequence_blocks
from .kalman import filter_states

BLOCK_ENTRIES = 1 << 20  # entries of the covariances of one block of sequences


def filtered_means(parameters, X, offsets, U=None):
    """Filtered means of the states: (N, n)."""
    return filter_states(parameters, X, offsets, U, covariances=False).means


def filtered_at(index, parameters, X, offsets, U=None):
    """Filtered distributions of the states at some rows, in increasing order.

    The filter runs over one block of sequences at a time, to save memory.

    Returns
    -------
    means : ndarray of shape (len(index), n)
    covariances : ndarray of shape (len(index), n, n)
    """
    offsets = np.asarray(offsets)
    n = len(parameters.transition_matrix)
    means, covariances = [], []
    for first, stop in sequence_blocks(offsets, -(-len(X) * n * n // BLOCK_ENTRIES)):
        rows = slice(offsets[first], offsets[stop])
        own = offsets[first : stop + 1] - rows.start
        inputs = None if U is None else U[rows]
        filtered = filter_states(parameters, X[rows], own, inputs)
        start, end = np.searchsorted(index, (rows.start, rows.stop))
        wanted = index[start:end] - rows.start
        means.append(filtered.means[wanted])
        covariances.append(filtered.covariances[wanted])
    return np.concatenate(means), np.concatenate(covariances)
