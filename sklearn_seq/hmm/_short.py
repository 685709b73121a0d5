"""One short sequence, smoothed by two solves of one banded system.

The forward recursion over all rows is a unit lower-triangular banded system, see
`solve_banded`, and the backward recursion is its transpose. Inside a block of rows
neither is scaled: densities are at most one, so that no sum grows, and the products of
the two sum to one at every row if they do at the last. If the sums of both are nowhere
larger by far, nothing that counts was lost.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._banded import relative_sums, solve, solve_blocks

OVERLAP = 1e-20  # of what the two recursions tell of a row, from which they count
MOST_STATES = 12  # up to which all bands fit the cache


def smooth_short(transmat, weights):
    """Smoothed states of one sequence whose transitions are all possible.

    Parameters
    ----------
    transmat : ndarray of shape (K, K)

    weights : ndarray of shape (K, T)
        Densities of the rows, of maximum one; of the first, times the start
        probabilities.

    Returns
    -------
    smoothed : (ndarray, ndarray, ndarray) or None
        Probabilities (T, K), expected transitions (K, K), and the density of each row
        given the earlier ones (T,). None if something may have been lost.
    """
    K, T = weights.shape
    if K > MOST_STATES:
        return None
    rows, bands = np.ascontiguousarray(weights.T), []
    before, sums, starts = solve_blocks(transmat, rows, bands=bands)
    if len(before) < T:
        return None
    after = _backward(transmat, rows, bands, starts, sums)
    proba = before * after
    if not np.maximum.reduce(sums * (after @ np.ones(K))) <= 1 / OVERLAP:
        return None
    after *= rows
    for start in starts[1:]:
        after[start] /= sums[start - 1]
    transitions = before[:-1].T @ after[1:]
    transitions *= transmat
    return proba, transitions, relative_sums(sums, starts)


def _backward(transmat, rows, bands, starts, sums):
    """Probability of the rows after each given its state, (T, K), but for its size.

    That is such that the products with what the forward recursion found sum to one.
    """
    after = np.zeros(rows.shape)
    stop, last = len(rows), np.ones(rows.shape[1])
    for start, band in zip(reversed(starts), reversed(bands), strict=True):
        np.divide(last, sums[stop - 1], out=after[stop - 1])
        solve(band, after[start:stop], transpose=1)
        stop, last = start, transmat @ (rows[start] * after[start])
    return after
