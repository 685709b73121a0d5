import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_seq.autoregressive import _taps
from sklearn_seq.autoregressive._taps import Taps, mean_over_sequences, pooled_rows

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def rows_of(lengths, n_features):
    """Rows whose values are all different."""
    n = sum(lengths)
    return 1.0 + np.arange(float(n * n_features)).reshape(n, n_features)


def taps_by_hand(rows, offsets, n_lags, pad):
    taps = np.empty((len(rows), n_lags, rows.shape[1]), dtype=rows.dtype)
    for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
        for t in range(start, stop):
            for lag in range(n_lags):
                if t - lag >= start:
                    taps[t, lag] = rows[t - lag]
                else:
                    taps[t, lag] = rows[start] if pad is None else pad
    return taps.reshape(len(rows), -1)


@given(
    lengths=LENGTHS,
    n_lags=st.integers(1, 8),
    n_features=st.integers(1, 3),
    pad=st.sampled_from([None, 0.0, -7.0]),
    dtype=st.sampled_from([np.float64, np.float32, np.intp]),
    chunk_values=st.sampled_from([1, 7, 1 << 19]),
    data=st.data(),
)
def test_taps(lengths, n_lags, n_features, pad, dtype, chunk_values, data):
    rows = rows_of(lengths, n_features).astype(dtype)
    offsets = np.cumsum([0, *lengths])
    before = rows.copy()
    taps = Taps(rows, offsets, n_lags, pad)
    expected = taps_by_hand(rows, offsets, n_lags, pad)
    assert_array_equal(taps.take(slice(None)), expected)
    assert taps.take(slice(None)).dtype == dtype
    some = st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=9)
    index = np.array(data.draw(some))
    assert_array_equal(taps.take(index), expected[index])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_taps, "CHUNK_VALUES", chunk_values)
        for wanted in (None, index):
            out = np.full_like(expected if wanted is None else expected[index], -1)
            sizes = []
            for where, chunk in taps.chunks(wanted):
                out[where] = chunk
                sizes.append(len(chunk))
            assert_array_equal(out, expected if wanted is None else expected[index])
            assert sum(sizes) == len(out)
            assert max(sizes) <= max(1, chunk_values // (n_lags * n_features))
    assert_array_equal(rows, before)


def test_the_matrix_of_taps_is_a_view():
    """1000 lags of 1000 rows take the memory of 2000 rows."""
    taps = Taps(np.ones((1000, 1)), np.array([0, 1000]), 1000)
    assert taps.windows.shape == (1000, 1000)
    assert not taps.windows.flags.owndata
    assert taps.windows.base is not None
    assert taps.windows.strides == (8, 8)
    with pytest.raises(ValueError, match="read-only"):
        taps.windows[0, 0] = 5.0


@given(lengths=LENGTHS, burn_in=st.integers(0, 7))
def test_mean_over_the_rows_of_a_sequence(lengths, burn_in):
    rows = rows_of(lengths, 2)
    offsets = np.cumsum([0, *lengths])
    index, starts = pooled_rows(offsets, burn_in)
    expected = []
    for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
        # Of a sequence that is not longer than burn_in, the last row remains.
        first = start + burn_in if start + burn_in < stop else stop - 1
        expected.append(rows[first:stop].mean(axis=0))
    assert_allclose(mean_over_sequences(rows[index], starts), expected)
    means = mean_over_sequences(rows[index].astype(np.float32), starts)
    assert means.dtype == np.float32
