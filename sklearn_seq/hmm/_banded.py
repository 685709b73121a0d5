"""The scaled recursion of one sequence as unit lower-triangular banded systems."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg.blas import dtbsv

MOST_ROWS, FEWEST_ROWS = 512, 64  # of one solve
MOST_PATTERN_STATES = 12  # up to which the band is found fastest as a product
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
    rows = np.ascontiguousarray(weights.T)
    stacked, sums, starts = solve_blocks(matrix, rows, previous)
    n = len(stacked)
    np.divide(stacked.T, sums, out=values[:, :n])
    values[:, n:] = np.nan
    scale = np.full(len(rows), np.nan)
    relative_sums(sums, starts, out=scale[:n])
    return scale


def solve_blocks(matrix, rows, previous=None, bands=None):
    """The same, scaled to the sum one only at the end of each block.

    Parameters
    ----------
    matrix, previous
        As for `solve_banded`.

    rows : ndarray of shape (T, K)
        The weights.

    bands : list, default=None
        To which the band of each block is appended, if they are wanted.

    Returns
    -------
    stacked : ndarray of shape (n, K)
        The rows v before the first one whose sum vanishes.

    sums : ndarray of shape (n,)
        Sum of each v.

    starts : list of int
        Rows at which blocks start.
    """
    T, K = rows.shape
    pattern = unit_columns(matrix) if K <= MOST_PATTERN_STATES else None
    stacked, sums, ones = np.zeros((T, K)), np.empty(T), np.ones(K)
    size = longest = min(T, MOST_ROWS, max(BAND_SIZE // (2 * K * K), FEWEST_ROWS))
    band = np.empty((longest, K, 2 * K))
    starts, start = [], 0
    while start < T:
        block, v = rows[start : start + size], stacked[start : start + size]
        if start:
            previous = stacked[start - 1] / sums[start - 1]
        v[0] = block[0] if previous is None else block[0] * (previous @ matrix)
        equations = band[: len(block)]
        _fill(equations, block, matrix, pattern)
        solve(equations, v)
        there = np.matmul(v, ones, out=sums[start : start + size])
        n = len(block)
        if not (
            np.minimum.reduce(there) >= SMALLEST and np.maximum.reduce(there) <= LARGEST
        ):
            n = int(np.argmin((there >= SMALLEST) & (there <= LARGEST)))
            if n == 0:
                return stacked[:start], sums[:start], starts
            v[n:] = 0.0
        if bands is not None:
            bands.append(equations[:n])
            band = np.empty_like(band) if start + n < T else None
        starts.append(start)
        start, size = start + n, min(5 * n // 4 + 1, longest)
    return stacked, sums, starts


def solve(band, values, transpose=0):
    """Solve the equations of a block, or the transposed ones, in place."""
    K = values.shape[1]
    dtbsv(
        2 * K - 1,
        band.reshape(-1, 2 * K).T,
        values.reshape(-1),
        lower=1,
        diag=1,
        trans=transpose,
        overwrite_x=1,
    )


def relative_sums(sums, starts, out=None):
    """Sum of each v given that of the row before is one, from those in blocks."""
    out = np.empty(len(sums)) if out is None else out
    np.divide(sums[1:], sums[:-1], out=out[1:])
    out[starts] = sums[starts]
    return out


def unit_columns(matrix):
    """Columns of the band for unit weights, whose products with weights are the band.

    Returns
    -------
    pattern : ndarray of shape (K, K * 2 * K)
    """
    K = len(matrix)
    pattern = np.zeros((K, K, 2 * K))
    size = pattern.itemsize
    strides = (2 * K * K + 1) * size, (2 * K - 1) * size
    np.negative(matrix.T, out=np.ndarray((K, K), None, pattern, K * size, strides))
    return pattern.reshape(K, -1)


def _fill(band, block, matrix, pattern):
    """Write the equations of the rows after the first below the diagonal."""
    n, K = block.shape
    band[-1] = 0.0
    if n == 1:
        return
    if pattern is not None:
        np.matmul(block[1:], pattern, out=band[:-1].reshape(n - 1, 2 * K * K))
        return
    band[:-1] = 0.0
    size = band.itemsize
    strides = 2 * K * K * size, (2 * K - 1) * size, size
    equations = np.ndarray((n - 1, K, K), None, band[:-1], K * size, strides)
    np.multiply(block[1:, None, :], -matrix, out=equations)
