"""The scaled recursion of one sequence as unit lower-triangular banded systems."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg.blas import dtbsv

BLOCK = 256  # rows of one solve
SMALLEST, LARGEST = 1e-180, 1e100  # sums between which nothing that counts is lost


def solve_banded(matrix, weights, previous=None):
    """v[t] = weights[t] * (matrix.T @ v[t - 1]), each v scaled to the sum one.

    The equations of all rows are one banded system, of bandwidth 2 K - 1 over the
    stacked v. It is solved in blocks, which end early where v leaves the range of
    floating point. A row depends on the lengths and the rows before it.

    Parameters
    ----------
    matrix : ndarray of shape (K, K)
        Not negative.

    weights : ndarray of shape (K, T)
        Not negative.

    previous : ndarray of shape (K,), default=None
        v before the first row. If None, the first v is the first weights.

    Returns
    -------
    values : ndarray of shape (K, T)
        NaN from the first row on whose sum vanishes.

    scale : ndarray of shape (T,)
        Sum of each v, given that of the row before is one.
    """
    K, T = weights.shape
    rows = np.ascontiguousarray(weights.T)
    pattern = _pattern(matrix)
    values = np.empty((T, K))
    scale = np.empty(T)
    ones = np.ones(K)
    start = 0
    while start < T:
        block = rows[start : start + BLOCK]
        n = len(block)
        stacked = np.zeros(n * K)
        stacked[:K] = block[0] if previous is None else block[0] * (previous @ matrix)
        if n > 1:
            band = np.zeros((n, K, 2 * K))
            _fill(band, block, matrix, pattern)
            stacked = dtbsv(
                2 * K - 1,
                band.reshape(n * K, 2 * K).T,
                stacked,
                lower=1,
                diag=1,
                overwrite_x=1,
            )
        stacked = stacked.reshape(n, K)
        sums = stacked @ ones
        inside = (sums >= SMALLEST) & (sums <= LARGEST)
        if not inside.all():
            n = int(np.argmin(inside))
            if n == 0:
                values[start:] = scale[start:] = np.nan
                break
            stacked, sums = stacked[:n], sums[:n]
        there = slice(start, start + n)
        np.divide(stacked, sums[:, None], out=values[there])
        scale[start] = sums[0]
        np.divide(sums[1:], sums[:-1], out=scale[start + 1 : start + n])
        start += n
        previous = values[start - 1]
    return values.T, scale


def _pattern(matrix):
    """Columns of the band for unit weights, if a product with them is quick.

    Returns
    -------
    pattern : ndarray of shape (K, K * 2 * K), or None
    """
    K = len(matrix)
    if K > 12:
        return None
    pattern = np.zeros((K, K, 2 * K))
    source, target = np.indices((K, K))
    pattern[target, source, K + target - source] = -matrix
    return pattern.reshape(K, -1)


def _fill(band, block, matrix, pattern):
    """Write the equations of the rows after the first below the diagonal."""
    n, K = block.shape
    if pattern is not None:
        np.matmul(block[1:], pattern, out=band[:-1].reshape(n - 1, -1))
        return
    size = band.itemsize
    equations = np.lib.stride_tricks.as_strided(
        band.reshape(-1)[K:],
        (n - 1, K, K),
        (2 * K * K * size, (2 * K - 1) * size, size),
    )
    np.multiply(block[1:, None, :], -matrix, out=equations)
