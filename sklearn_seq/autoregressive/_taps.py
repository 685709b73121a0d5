"""Delay taps: each row with its predecessors, never across a boundary."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..sequences import steps_within

CHUNK_VALUES = 1 << 19  # values in a chunk of taps, which fits into the cache


class Taps:
    """Windows of the last `n_lags` rows, the newest first, as a strided view.

    The rows are stored once, in reversed time and with ``n_lags - 1`` rows of padding
    before each segment. So the taps of a row are contiguous in memory, and the
    (n_rows, n_lags * n_features) matrix of all taps is never built.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Packed rows.

    offsets : ndarray of shape (n_segments + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are segment i.

    n_lags : int
        Number of taps, the row itself included.

    pad : scalar, default=None
        Padding before a segment's first row. None repeats the first row.

    Attributes
    ----------
    windows : ndarray of shape (n_windows, n_lags * n_features)
        Read-only view: windows[i] is a row, its predecessor, and so on.

    places : ndarray of shape (n_rows,)
        ``windows[places[t]]`` are the taps of row t.
    """

    def __init__(self, rows, offsets, n_lags, pad=None):
        n_rows, n_features = rows.shape
        self.n_lags = n_lags
        self.n_rows = n_rows
        if n_lags == 1:
            self.windows = rows
            self.places = np.arange(n_rows)
            return
        n_segments = len(offsets) - 1
        n_padded = n_rows + n_segments * (n_lags - 1)
        segment = np.repeat(np.arange(n_segments), np.diff(offsets))
        places = n_padded - n_lags - np.arange(n_rows) - segment * (n_lags - 1)
        padded = np.empty((n_padded, n_features), dtype=rows.dtype)
        if n_segments == 1:
            padded[:n_rows][::-1] = rows
        else:
            padded[places] = rows
        before = places[offsets[:-1], None] + np.arange(1, n_lags)
        padded[before] = rows[offsets[:-1], None] if pad is None else pad
        row_stride, item = padded.strides
        self.windows = as_strided(
            padded,
            (n_padded - n_lags + 1, n_lags * n_features),
            (row_stride, item),
            writeable=False,
        )
        self.places = places

    def take(self, index):
        """Taps of some rows: shape (len(index), n_lags * n_features)."""
        return self.windows[self.places[index]]

    def chunks(self, index=None):
        """Iterate over the taps in chunks that fit into the cache.

        Parameters
        ----------
        index : ndarray of int, default=None
            Rows of which to take the taps; None for all.

        Yields
        ------
        where : slice
            Positions in `index`.
        taps : ndarray of shape (n, n_lags * n_features)
            Their taps.
        """
        places = self.places if index is None else self.places[index]
        size = max(1, CHUNK_VALUES // self.windows.shape[1])
        for start in range(0, len(places), size):
            where = slice(start, start + size)
            yield where, self.windows[places[where]]


def pooled_rows(offsets, burn_in):
    """Rows over which the prediction for a sequence is averaged.

    All but the first `burn_in` of each sequence; of sequences that are not longer, the
    last row.

    Returns
    -------
    index : ndarray of shape (n_pooled,)
    starts : ndarray of shape (n_sequences,)
        ``index[starts[i]:starts[i + 1]]`` are the rows of sequence i.
    """
    lengths = np.diff(offsets)
    first = np.minimum(burn_in, lengths - 1)
    index = np.flatnonzero(steps_within(offsets) >= np.repeat(first, lengths))
    return index, np.r_[0, np.cumsum(lengths - first)[:-1]]


def mean_over_sequences(values, starts):
    """Mean over runs of rows that begin at `starts`: shape (n_sequences, n)."""
    counts = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(values, starts, axis=0) / counts[:, None].astype(
        values.dtype
    )
