"""Sums over time of matrix products."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_seq.rnn._memory import Memory
from sklearn_seq.rnn._products import LARGE, WIDE, add_products


@pytest.mark.parametrize("dtype, rtol", [(np.float32, 1e-4), (np.float64, 1e-12)])
@pytest.mark.parametrize("n_steps, n, m, size", [(7, 3, 2, 1), (5, 40, 9, 32)])
def test_products_of_small_and_large_steps_equal_einsum(
    n_steps, n, m, size, dtype, rtol
):
    large = size >= WIDE and n * size >= LARGE
    assert large == (size == 32)  # both ways are taken
    rng = np.random.default_rng(0)
    left = rng.standard_normal((n_steps, n + 2, size)).astype(dtype)[:, 1:-1]
    right = rng.standard_normal((n_steps, m + 1, size)).astype(dtype)[:, 1:]
    begin = rng.standard_normal((n, m)).astype(dtype)
    total = np.asfortranarray(begin)
    add_products(total, left, right, Memory(dtype))
    expected = begin + np.einsum("tis,tjs->ij", left, right)
    assert_allclose(total, expected, rtol=rtol, atol=10 * rtol)


def test_products_add_up_over_calls():
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((3, 64, 16)), rng.standard_normal((3, 5, 16))
    for repeats in (1, 2):
        total = np.zeros((64, 5), order="F")
        for _ in range(repeats):
            add_products(total, left, right, Memory(np.float64))
        expected = repeats * np.einsum("tis,tjs->ij", left, right)
        assert_allclose(total, expected, rtol=1e-12)
