import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_seq.sequences import Sequences, object_array, read_layout

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=5)


def numbered(lengths, n_features=2):
    """Sequences whose values are all different."""
    n = sum(lengths)
    rows = np.arange(n * n_features, dtype=float).reshape(n, n_features)
    return np.split(rows, np.cumsum(lengths)[:-1])


def read(X, groups=None):
    flat, layout = read_layout(X, groups)
    return Sequences(np.asarray(flat), layout)


@given(LENGTHS)
def test_a_list_is_packed_and_restored(lengths):
    arrays = numbered(lengths)
    sequences = read(arrays)
    assert_array_equal(sequences.rows, np.vstack(arrays))
    assert_array_equal(np.diff(sequences.offsets), lengths)
    assert_array_equal(sequences.offsets, sequences.sequence_offsets)
    assert len(sequences) == sequences.n_sequences == len(lengths)
    assert sequences.n_rows == sum(lengths)
    assert sequences.layout.n_samples == len(lengths)
    steps = [t for n in lengths for t in range(n)]
    assert_array_equal(sequences.steps(), steps)
    restored = sequences.layout.restore(sequences.rows)
    assert restored.shape == (len(arrays),) and restored.dtype == object
    for array, expected in zip(restored, arrays, strict=True):
        assert_array_equal(array, expected)
    # What has been restored can be read again.
    assert_array_equal(read(restored).rows, sequences.rows)


@given(n_sequences=st.integers(1, 4), n_timesteps=st.integers(1, 4))
def test_a_3d_array_is_packed_and_restored(n_sequences, n_timesteps):
    X = np.stack(numbered([n_timesteps] * n_sequences))
    sequences = read(X)
    assert_array_equal(sequences.rows, X.reshape(-1, 2))
    assert_array_equal(np.diff(sequences.offsets), n_timesteps)
    assert sequences.layout.n_samples == n_sequences
    assert_array_equal(sequences.layout.restore(sequences.rows), X)
    column = sequences.layout.restore(sequences.rows[:, 0])
    assert_array_equal(column, X[:, :, 0])


@given(LENGTHS)
def test_rows_with_groups_and_with_an_index(lengths):
    rows = np.vstack(numbered(lengths))
    ids = np.repeat(np.arange(len(lengths))[::-1], lengths)
    sequences = read(rows, ids)
    assert_array_equal(np.diff(sequences.offsets), lengths)
    assert sequences.n_sequences == len(lengths)
    assert sequences.layout.n_samples == len(rows)
    assert sequences.layout.restore(rows) is rows
    time = np.concatenate([10 * np.arange(n) for n in lengths])
    frame = pd.DataFrame(rows, index=pd.MultiIndex.from_arrays([ids, time]))
    assert_array_equal(read(frame).offsets, sequences.offsets)
    assert_array_equal(read(frame, ids).offsets, sequences.offsets)


@pytest.mark.parametrize(
    "ids",
    [
        [3, 3, 1, 1, 2],
        [0.5, 0.5, np.inf, np.inf, -np.inf],
        ["b", "b", "a", "a", "c"],
        [True, True, False, False],
        np.array([1, 1, "x", "x", (2, 3)], dtype=object),
        np.array([[3], [3], [1], [1], [2]]),
        pd.Series([3, 3, 1, 1, 2], index=[9, 8, 7, 6, 5]),
        pd.Series(list("bbaac"), dtype="category"),
        pd.to_datetime(["2020", "2020", "2019", "2019", "2021"]),
        pl.Series(list("bbaac")),
    ],
    ids=lambda ids: f"{type(ids).__module__}.{getattr(ids, 'dtype', 'list')}",
)
def test_groups_of_all_sorts(ids):
    n = len(ids)
    assert_array_equal(read(np.zeros((n, 1)), ids).offsets, [0, 2, 4, 5][: n - 1])


def test_rows_without_groups_are_one_sequence():
    for X in (np.zeros((4, 2)), [[0, 1]] * 4, pl.DataFrame({"a": [1, 2, 3, 4]})):
        assert_array_equal(read(X).offsets, [0, 4])
    frame = pd.DataFrame(np.zeros((4, 2)))
    assert_array_equal(read(frame).offsets, [0, 4])


def test_groups_within_a_frame_with_a_time_index():
    """The index begins anew with each group, and has a hole in the last one."""
    frame = pd.DataFrame(np.zeros((12, 1)), index=[0, 1, 2, 3, 0, 1, 0, 1, 2, 5, 6, 7])
    sequences = read(frame, list("aaaabbcccccc"))
    assert_array_equal(sequences.sequence_offsets, [0, 4, 6, 12])
    assert_array_equal(sequences.offsets, [0, 4, 6, 9, 12])
    assert_array_equal(sequences.steps(), [0, 1, 2, 3, 0, 1, 0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    "X, kind, lengths",
    [
        ([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "rows", [3]),
        ([np.zeros(2), np.zeros(2)], "rows", [2]),
        (np.array([[1, "a"], [2, "b"]], dtype=object), "rows", [2]),
        ([[1.0, 2.0], [3.0]], "ragged", [2, 1]),
        ([np.zeros(3), np.zeros(4)], "ragged", [3, 4]),
        ([[[1.0], [2.0]], [[3.0]]], "ragged", [2, 1]),
        ([[["a"], ["b"]], [["c"]]], "ragged", [2, 1]),
        (([[1.0], [2.0]], np.zeros((3, 1))), "ragged", [2, 3]),
        ([np.zeros((2, 1)), np.zeros((2, 1))], "ragged", [2, 2]),
        ([[np.zeros(1), np.zeros(1)], [np.zeros(1)]], "ragged", [2, 1]),
        ([pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [3]})], "ragged", [2, 1]),
        ([pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [3]})], "ragged", [2, 1]),
        (object_array([np.zeros((2, 1)), np.zeros((2, 1))]), "ragged", [2, 2]),
        (np.zeros((3, 2, 1)), "panel", [2, 2, 2]),
        (np.zeros((3, 2, 1), dtype=object), "panel", [2, 2, 2]),
    ],
)
def test_layouts_are_told_apart(X, kind, lengths):
    _, layout = read_layout(X)
    assert layout.kind == kind
    assert_array_equal(np.diff(layout.sequence_offsets), lengths)


def test_object_array_of_equal_shapes_stays_a_list():
    array = object_array([np.zeros((2, 2)), np.ones((2, 2))])
    assert array.shape == (2,)
    assert_array_equal(array[1], np.ones((2, 2)))


def test_split_and_with_rows():
    sequences = read(numbered([3, 1, 2]))
    others = sequences.with_rows(sequences.rows[:, 0] * 2)
    pieces = sequences.layout.split(others.rows)
    assert [piece.tolist() for piece in pieces] == [[0, 4, 8], [12], [16, 20]]


def test_restore_other_numbers_of_rows():
    values = np.arange(6)
    layout = read(numbered([3, 1, 2])).layout
    for piece, expected in zip(
        layout.restore_equal(values, [0, 2, 4, 6]),
        [[0, 1], [2, 3], [4, 5]],
        strict=True,
    ):
        assert_array_equal(piece, expected)
    panel = read(np.zeros((3, 5, 1))).layout
    restored = panel.restore_equal(values, np.array([0, 2, 4, 6]))
    assert_array_equal(restored, values.reshape(3, 2))


@pytest.mark.parametrize(
    "ids, message",
    [
        ([0, 0, 1, 1, 0], "sequence 0, which began at row 0, begins again at row 4"),
        (list("ababa"), "sequence 'a', which began at row 0, begins again at row 2"),
        ([0, 0, np.nan, 1, 1], "groups is missing at row 2"),
        (np.array(["a", "a", None, "b", "b"], dtype=object), "is missing at row 2"),
        (np.array([1, 1, 1, 1, np.nan], dtype=object), "is missing at row 4"),
        (pd.array([1, 1, None, 2, 2], dtype="Int64"), "groups is missing at row 2"),
        ([0, 0, 1, 1], "inconsistent numbers of samples: [5, 4]"),
        ([0, 0, 1, 1, 1, 1], "inconsistent numbers of samples: [5, 6]"),
        (
            np.zeros((5, 2)),
            "groups should be a 1d array, one sequence id for each sample",
        ),
        (3, "groups should be a 1d array"),
    ],
)
def test_bad_groups(ids, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_layout(np.zeros((5, 2)), ids)


def test_groups_of_a_panel_are_one_for_each_sequence():
    arrays = numbered([3, 2])
    assert_array_equal(read(arrays, ["x", "x"]).offsets, [0, 3, 5])
    for X in (arrays, np.zeros((2, 4, 1))):
        with pytest.raises(ValueError, match="groups has 5 entries, but X holds 2 seq"):
            read_layout(X, [0, 0, 0, 1, 1])


def test_groups_must_agree_with_an_index_of_two_levels():
    index = pd.MultiIndex.from_product([["a", "b"], [0, 1, 2]])
    frame = pd.DataFrame(np.zeros((6, 1)), index=index)
    # Groups may unite sequences, as for a splitter; they stay apart nevertheless.
    assert_array_equal(read(frame, [1] * 6).offsets, [0, 3, 6])
    with pytest.raises(ValueError, match="groups changes at row 2 within a sequence"):
        read_layout(frame, [0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize(
    "X, message",
    [
        ([[1.0, 2.0], []], "Sequence 1 of X is empty"),
        ([np.zeros((3, 1)), np.zeros(4)], "Sequence 1 of X has 1 dimension(s)"),
        ([np.zeros((3, 1)), 5.0], "Sequence 1 of X has 0 dimension(s)"),
        ([np.zeros((3, 1)), np.zeros((3, 1, 1))], "Sequence 1 of X has 3 dimension(s)"),
        ([np.zeros((3, 1)), np.zeros((0, 1))], "Sequence 1 of X is empty"),
        ([np.zeros((0, 1)), np.zeros((3, 1))], "Sequence 0 of X is empty"),
        ([np.zeros((3, 1)), np.zeros((3, 2))], "Sequence 1 of X has 2 features, but"),
        (np.zeros((2, 0, 3)), "0 time step(s) (shape=(2, 0, 3))"),
        (
            [np.array([["a"]]), np.array([[1.5]])],
            "Sequence 1 of X has dtype float64, but sequence 0 has <U1: X mixes",
        ),
        (
            [np.array([[1]]), np.array([["1"]])],
            "Sequence 1 of X has dtype <U1, but sequence 0 has int64: X mixes strings",
        ),
        (
            [pd.DataFrame({"a": [1.0], "b": 2}), pd.DataFrame({"b": [1.0], "a": 2})],
            "Sequence 1 of X has the columns ['b', 'a'], but sequence 0 has ['a', 'b']",
        ),
    ],
)
def test_bad_panels(X, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_layout(X)


def test_sparse_sequences_are_refused():
    with pytest.raises(TypeError, match="Sequence 0 of X is sparse, but dense data"):
        read_layout([sparse.eye_array(3), sparse.eye_array(3)])


def test_a_list_of_frames_keeps_names_and_times():
    """Their columns are features by name, and their indexes tell the holes."""
    first = pd.DataFrame({"a": np.arange(6.0), "b": 1.0}, index=[0, 1, 2, 7, 8, 9])
    second = pd.DataFrame({"a": [5.0, 6.0], "b": 2.0})
    flat, layout = read_layout([first, second])
    assert flat.columns.tolist() == ["a", "b"]
    assert_array_equal(flat["a"], [0, 1, 2, 3, 4, 5, 5, 6])
    assert_array_equal(layout.sequence_offsets, [0, 6, 8])
    assert_array_equal(layout.offsets, [0, 3, 6, 8])
    restored = layout.restore(flat.to_numpy())
    assert_array_equal(restored[1], second)
    with pytest.raises(ValueError, match="does not increase in time: row 7"):
        read_layout([first, second[::-1]])
    # The pieces of a frame with an index of two levels.
    whole = pd.concat({"x": first, "y": second})
    flat, layout = read_layout([piece for _, piece in whole.groupby(level=0)])
    assert_array_equal(layout.sequence_offsets, [0, 6, 8])
