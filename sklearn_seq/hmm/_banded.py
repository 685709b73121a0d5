"""The scaled recursion of one sequence as unit lower-triangular banded systems."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg.blas import dtbsv

MOST_ROWS, FEWEST_ROWS = 512, 64  # of one solve
BAND_SIZE = 1 << 15  # numbers in its band, so that it stays in the cache
SMALLEST, LARGEST = 1e-180, 1e100  # sums between which nothing that counts is lost


def solve_banded(matrix, weights, values, previous=None):
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

    values : ndarray of shape (K, T)
        To be filled in with v. NaN from the first row on whose sum vanishes.

    previous : ndarray of shape (K,), default=None
        v before the first row. If None, the first v is the first weights.

    Returns
    -------
    scale : ndarray of shape (T,)
        Sum of each v, given that of the row before is one.
    """
    K, T = weights.shape
    rows = np.ascontiguousarray(weights.T)
    pattern = _pattern(matrix)
    scale, ones = np.empty(T), np.ones(K)
    longest = min(T, MOST_ROWS, max(BAND_SIZE // (2 * K * K), FEWEST_ROWS))
    band = np.zeros((longest, K, 2 * K))
    start, size = 0, longest
    while start < T:
        block = rows[start : start + size]
        n = len(block)
        stacked = np.zeros(n * K)
        stacked[:K] = block[0] if previous is None else block[0] * (previous @ matrix)
        if n > 1:
            equations = band[longest - n :]  # the last row's stay zero
            _fill(equations, block, matrix, pattern)
            stacked = dtbsv(
                2 * K - 1,
                equations.reshape(n * K, 2 * K).T,
                stacked,
                lower=1,
                diag=1,
                overwrite_x=1,
            )
        stacked = stacked.reshape(n, K)
        sums = stacked @ ones
        smallest, largest = np.minimum.reduce(sums), np.maximum.reduce(sums)
        if not (smallest >= SMALLEST and largest <= LARGEST):
            n = int(np.argmin((sums >= SMALLEST) & (sums <= LARGEST)))
            if n == 0:
                values[:, start:] = scale[start:] = np.nan
                break
            stacked, sums = stacked[:n], sums[:n]
        np.divide(stacked.T, sums, out=values[:, start : start + n])
        scale[start] = sums[0]
        np.divide(sums[1:], sums[:-1], out=scale[start + 1 : start + n])
        start, size = start + n, min(5 * n // 4 + 1, longest)
        previous = values[:, start - 1]
    return scale


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
    size = pattern.itemsize
    strides = (2 * K * K + 1) * size, (2 * K - 1) * size
    np.negative(matrix.T, out=np.ndarray((K, K), None, pattern, K * size, strides))
    return pattern.reshape(K, -1)


def _fill(band, block, matrix, pattern):
    """Write the equations of the rows after the first below the diagonal."""
    n, K = block.shape
    if pattern is not None:
        np.matmul(block[1:], pattern, out=band[:-1].reshape(n - 1, -1))
        return
    size = band.itemsize
    strides = 2 * K * K * size, (2 * K - 1) * size, size
    equations = np.ndarray((n - 1, K, K), None, band[:-1], K * size, strides)
    np.multiply(block[1:, None, :], -matrix, out=equations)
