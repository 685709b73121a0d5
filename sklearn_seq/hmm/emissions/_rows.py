"""Chunks of rows, and rows grouped by their pattern of missing values."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

CHUNK_SIZE = 1 << 15  # values in a temporary, so that it stays in the cache
FEWEST_ROWS = 64


def chunks(n_rows, width):
    """Slices of rows, short enough for temporaries to stay in the cache.

    Parameters
    ----------
    n_rows : int
    width : int
        Values of the temporary for each row.

    Returns
    -------
    slices : list of slice
    """
    step = max(CHUNK_SIZE // max(width, 1), FEWEST_ROWS)
    return [slice(i, min(i + step, n_rows)) for i in range(0, n_rows, step)]


class Pattern(NamedTuple):
    """Rows with the same known features.

    Attributes
    ----------
    index : slice or ndarray of int
        The rows.

    known : ndarray of int
        The features.

    unknown : ndarray of int
        The others.
    """

    index: np.ndarray
    known: np.ndarray
    unknown: np.ndarray


def patterns(rows):
    """Rows grouped by which of their features are known.

    Parameters
    ----------
    rows : ndarray of shape (N, D)
        NaN is missing.

    Returns
    -------
    groups : list of Pattern
    """
    missing = np.isnan(rows)
    features = np.arange(rows.shape[1])
    if not missing.any():
        return [Pattern(slice(None), features, features[:0])]
    bits = np.packbits(missing, axis=1)
    n_bytes = bits.shape[1]
    if n_bytes > 2:  # integers of at most two bytes are sorted faster
        distinct, codes = np.unique(bits, axis=0, return_inverse=True)
        codes = codes.ravel().astype(np.min_scalar_type(len(distinct)))
    else:
        codes = bits[:, 0] if n_bytes == 1 else bits.view(np.uint16)[:, 0]
    order = np.argsort(codes, kind="stable")
    ends = np.flatnonzero(np.diff(codes[order])) + 1
    groups = np.split(order, ends)
    return [
        Pattern(index, features[~missing[index[0]]], features[missing[index[0]]])
        for index in groups
    ]
