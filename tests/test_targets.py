import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_seq.sequences import object_array, read_layout
from sklearn_seq.targets import Targets, read_targets, runs_of

ROWS = np.zeros((7, 1))
PANEL = np.zeros((2, 4, 1))
RAGGED = [np.zeros((3, 1)), np.zeros((4, 1))]
EQUAL = [np.zeros((4, 1)), np.zeros((4, 1))]
FIVE_BY_FIVE = np.zeros((5, 5, 1))


def read(y, X, kind=None, numeric=True):
    return read_targets(y, read_layout(X)[1], kind, numeric)


@pytest.mark.parametrize(
    "X, shape, kind, n_targets, one_dimensional",
    [
        (ROWS, (7,), "step", 1, True),
        (ROWS, (7, 1), "step", 1, False),
        (ROWS, (7, 3), "step", 3, False),
        (PANEL, (2,), "sequence", 1, True),
        (PANEL, (2, 1), "sequence", 1, False),
        (PANEL, (2, 3), "sequence", 3, False),
        (PANEL, (2, 4), "step", 1, True),
        (PANEL, (2, 4, 1), "step", 1, False),
        (PANEL, (2, 4, 3), "step", 3, False),
        (EQUAL, (2,), "sequence", 1, True),
        (EQUAL, (2, 4), "step", 1, True),
        (EQUAL, (2, 4, 3), "step", 3, False),
        (RAGGED, (2,), "sequence", 1, True),
        (RAGGED, (2, 3), "sequence", 3, False),
        (FIVE_BY_FIVE, (5,), "sequence", 1, True),
        (FIVE_BY_FIVE, (5, 5), "step", 1, True),
    ],
)
def test_readings_of_an_array(X, shape, kind, n_targets, one_dimensional):
    y = np.arange(float(np.prod(shape))).reshape(shape)
    targets = read(y, X)
    n = {"step": read_layout(X)[1].n_rows, "sequence": len(X)}[kind]
    assert targets.kind == kind
    assert targets.values.shape == (n, n_targets)
    assert targets.n_targets == n_targets
    assert targets.one_dimensional == one_dimensional
    assert targets.advance == 0
    assert targets.known is None
    assert_array_equal(targets.values.ravel(), y.ravel())
    if X is not ROWS and len(shape) < 3:
        assert read(y.tolist(), X).kind == kind


@pytest.mark.parametrize("outputs", [(), (1,), (3,)])
@pytest.mark.parametrize("container", [list, tuple, object_array])
def test_one_array_for_each_sequence(outputs, container):
    y = [np.arange(3.0), np.arange(4.0) + 9]
    y = [np.multiply.outer(values, np.ones(outputs)) for values in y]
    targets = read(container(y), RAGGED)
    assert targets.kind == "step"
    assert targets.one_dimensional == (outputs == ())
    assert_array_equal(targets.values[:, 0], [0, 1, 2, 9, 10, 11, 12])


@pytest.mark.parametrize("container", [list, tuple, object_array])
def test_arrays_of_equal_length(container):
    y = container([np.arange(4.0), np.arange(4.0) + 9])
    targets = read(y, EQUAL)
    assert targets.kind == "step" and targets.one_dimensional
    assert_array_equal(targets.values[:, 0], [0, 1, 2, 3, 9, 10, 11, 12])


def test_the_kind_of_the_fit_settles_an_ambiguous_shape():
    y = np.zeros((5, 5))
    assert read(y, FIVE_BY_FIVE, kind="step").kind == "step"
    targets = read(y, FIVE_BY_FIVE, kind="sequence")
    assert targets.kind == "sequence" and targets.n_targets == 5
    # An axis of time leaves nothing to settle.
    targets = read(np.zeros((5, 5, 2)), FIVE_BY_FIVE, kind="sequence")
    assert targets.kind == "step" and targets.n_targets == 2


def test_frames_and_series():
    assert_array_equal(read(pd.Series(np.arange(7)), ROWS).values[:, 0], np.arange(7))
    frame = pd.DataFrame({"a": np.arange(7), "b": 1.0})
    assert_array_equal(read(frame, ROWS).values, frame)
    y = [pd.Series(np.arange(3.0)), pd.Series(np.arange(4.0))]
    assert_array_equal(read(y, RAGGED).values[:, 0], [0, 1, 2, 0, 1, 2, 3])


def test_float32_is_kept_and_integers_become_float64():
    assert read(np.zeros(7, dtype=np.float32), ROWS).values.dtype == np.float32
    assert read(np.zeros(7, dtype=int), ROWS).values.dtype == np.float64


def test_missing_targets():
    y = np.arange(14.0).reshape(7, 2)
    y[2, 1] = y[4] = np.nan
    targets = read(y, ROWS)
    assert_array_equal(targets.known, ~np.isnan(y))
    assert not targets.known_together()
    assert_array_equal(targets.counted(np.array([0, 7])), [0, 1, 2, 3, 5, 6])
    second = targets.output(1)
    assert_array_equal(second.counted(np.array([0, 7])), [0, 1, 3, 5, 6])
    y[2] = np.nan
    assert read(y, ROWS).known_together()
    assert read(np.zeros((7, 2)), ROWS).known_together()


@pytest.mark.parametrize(
    "X, y, message",
    [
        (ROWS, np.zeros(6), "y has 6 entries, but X has 7 time steps"),
        (ROWS, np.zeros(8), "y has 8 entries, but X has 7 time steps"),
        (ROWS, np.zeros((7, 1, 1)), "y has one axis too many"),
        (ROWS, 3.0, "Input should have at least 1 dimension"),
        (PANEL, np.zeros(8), "inconsistent numbers of samples: [2, 8]"),
        (PANEL, np.zeros((4, 2)), "inconsistent numbers of samples: [2, 4]"),
        (PANEL, np.zeros((2, 3, 1)), "y has shape (2, 3, 1), but the sequences of X"),
        (PANEL, np.zeros((2, 4, 1, 1)), "y has one axis too many"),
        (RAGGED, np.zeros(7), "inconsistent numbers of samples: [2, 7]"),
        (RAGGED, np.zeros((2, 3, 1)), "sequences of X have [3, 4] time steps"),
        (RAGGED, [np.zeros(3)], "inconsistent numbers of samples: [2, 1]"),
        (RAGGED, [np.zeros(3)] * 3, "inconsistent numbers of samples: [2, 3]"),
        (
            RAGGED,
            [np.zeros(3), np.zeros(5)],
            "Sequence 1 of X has 4 time steps, but its y has shape (5,)",
        ),
        (
            RAGGED,
            [np.zeros((3, 2)), np.zeros((4, 3))],
            "The y of sequence 1 has shape (4, 3), but that of sequence 0 (3, 2)",
        ),
        (ROWS, np.full(7, np.inf), "y contains infinity"),
        (ROWS, np.full(7, np.nan), "y contains NaN only"),
        (ROWS, list("abcdefg"), "could not convert string to float: 'a'"),
        (ROWS, np.zeros(7) + 1j, "Complex data not supported"),
    ],
)
def test_what_fits_no_reading(X, y, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        read(y, X)


def test_labels_are_left_as_they_are():
    y = np.array(["a", None, 3, 2.5, "b", np.nan, -1], dtype=object)
    targets = read(y, ROWS, numeric=False)
    assert targets.values.dtype == object
    assert targets.values[:, 0].tolist()[:5] == ["a", None, 3, 2.5, "b"]
    assert targets.known is None


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    kind=st.sampled_from(["next", "step", "sequence"]),
    burn_in=st.integers(0, 4),
    context=st.integers(0, 3),
    some_missing=st.booleans(),
    shift=st.integers(0, 1),
    data=st.data(),
)
def test_rows_that_count(lengths, kind, burn_in, context, some_missing, shift, data):
    """Against the definition, row by row."""
    n = len(lengths) if kind == "sequence" else sum(lengths)
    known = None
    if some_missing:
        flags = st.lists(st.booleans(), min_size=2 * n, max_size=2 * n)
        known = np.array(data.draw(flags)).reshape(n, 2)
    horizon = shift if kind == "step" else None
    targets = Targets(kind, np.zeros((n, 2)), known, horizon=horizon)
    offsets = np.cumsum([0, *lengths])
    expected = []
    if kind == "sequence":
        expected = [i for i in range(n) if known is None or known[i].any()]
    else:
        for start, length in zip(offsets[:-1], lengths, strict=True):
            for t in range(length):
                output_row = t - 1 if kind == "next" else t
                time = t + (horizon or 0)  # of the target
                enough = output_row >= context and time >= burn_in
                if enough and (known is None or known[start + t].any()):
                    expected.append(start + t)
    index = targets.counted(offsets, burn_in, context)
    assert_array_equal(index, expected)
    starts, stops = targets.runs(offsets, burn_in, context)
    rows = [t for a, b in zip(starts, stops, strict=True) for t in range(a, b)]
    assert_array_equal(rows, expected)
    assert (starts < stops).all()


@given(st.sets(st.integers(0, 30)))
def test_runs_of(numbers):
    index = np.array(sorted(numbers), dtype=int)
    starts, stops = runs_of(index)
    inside = [t for a, b in zip(starts, stops, strict=True) for t in range(a, b)]
    assert inside == sorted(numbers)
    assert not numbers & set(stops.tolist())


def test_none_for_a_sequence_without_targets():
    _, layout = read_layout([np.zeros((n, 1)) for n in (2, 3, 2)])
    for later in ([2.0, 3.0, 4.0], [[2.0], [3.0], [4.0]]):
        later = np.array(later)
        targets = read_targets([None, later, None], layout)
        assert targets.kind == "step"
        expected = [np.nan, np.nan, 2, 3, 4, np.nan, np.nan]
        np.testing.assert_array_equal(targets.values[:, 0], expected)
        np.testing.assert_array_equal(targets.known[:, 0], ~np.isnan(expected))
        assert targets.one_dimensional == (later.ndim == 1)
