"""Sums over time of matrix products, for gradients of weights."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg.blas import dgemm, sgemm

GEMM = {np.dtype(np.float32): sgemm, np.dtype(np.float64): dgemm}
WIDE, LARGE = 8, 1024  # columns and values of a step with its own product


def add_products(total, left, right, scratch):
    """Add Σ_t ``left[t] @ right[t].T`` to `total`.

    Large steps have a product each; small ones are joined to one product.

    Parameters
    ----------
    total : ndarray of shape (n, m), in Fortran order
        Changed in place.

    left : ndarray of shape (n_steps, n, size)

    right : ndarray of shape (n_steps, m, size)
        The rows of each step are contiguous in both.

    scratch : Memory
        Buffers.
    """
    _, n, size = left.shape
    if size >= WIDE and n * size >= LARGE:
        multiply = GEMM[total.dtype]
        for a, b in zip(left, right, strict=True):
            multiply(1.0, a.T, b.T, 1.0, total, 1, 0, 1)
        return
    product = scratch.array("product", total.shape)
    np.dot(_unfold("left", left, scratch), _unfold("right", right, scratch).T, product)
    np.add(total, product, out=total)


def _unfold(name, blocks, scratch):
    """The matrices of several steps side by side, (n_rows, n_steps * size)."""
    n_steps, n_rows, size = blocks.shape
    columns = scratch.array(name, (n_rows, n_steps, size))
    np.copyto(columns, blocks.transpose(1, 0, 2))
    return columns.reshape(n_rows, -1)
