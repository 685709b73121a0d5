"""Buffers for one batch, reused for the next."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from math import prod

import numpy as np


class Memory:
    """Named arrays whose shapes change from batch to batch.

    An array is reallocated only if it has to grow. Its content is undefined.

    Parameters
    ----------
    dtype : dtype
        The type of all arrays.
    """

    def __init__(self, dtype):
        self.dtype = dtype
        self._flat = {}

    def array(self, name, shape):
        """An array of the given shape."""
        return self.arrays(name, [shape])[0]

    def arrays(self, name, shapes):
        """Several arrays, contiguous in memory."""
        sizes = [prod(shape) for shape in shapes]
        total = sum(sizes)
        flat = self._flat.get(name)
        if flat is None or flat.size < total:
            flat = self._flat[name] = np.empty(total, self.dtype)
        arrays, start = [], 0
        for shape, size in zip(shapes, sizes, strict=True):
            arrays.append(flat[start : start + size].reshape(shape))
            start += size
        return arrays
