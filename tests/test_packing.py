import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_seq._core.packing import Packing, packing_of


@pytest.mark.parametrize("lengths", [[1], [4, 4, 4], [3, 5, 1, 5], [1, 2, 3, 1]])
def test_rows_come_step_by_step_longest_sequence_first(lengths):
    lengths = np.array(lengths)
    packing = Packing(lengths)
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    starts = np.cumsum(lengths) - lengths
    expected, sizes = [], []
    for t in range(lengths.max()):
        active = [i for i in order if lengths[i] > t]
        expected += [starts[i] + t for i in active]
        sizes.append(len(active))
    assert_array_equal(packing.order, order)
    assert_array_equal(packing.rows, expected)
    assert_array_equal(packing.sizes, sizes)
    assert_array_equal(packing.offsets, np.cumsum([0, *sizes]))
    assert packing.n_sequences == len(lengths)
    assert packing.n_steps == lengths.max()
    assert packing.n_rows == lengths.sum()


@pytest.mark.parametrize("lengths", [[1], [4, 4, 4], [3, 5, 1, 5], [1, 2, 3, 1]])
def test_runs_are_the_steps_between_ends(lengths):
    packing = Packing(np.array(lengths))
    sizes, first, start = [], 0, 0
    for run in packing.runs:
        assert (run.first, run.start) == (first, start)
        assert run.stop - run.start == run.size * run.n_steps
        sizes += [run.size] * run.n_steps
        first, start = run.last, run.stop
    assert_array_equal(sizes, packing.sizes)
    assert len(packing.runs) == len(set(lengths))


def test_steps_are_those_of_the_whole():
    packing = Packing(np.array([3, 5, 1, 5, 2]))
    rows = []
    for first in range(0, 5, 2):
        part = packing.steps(first, first + 2)
        assert_array_equal(part.sizes, packing.sizes[first : first + 2])
        assert part.n_sequences == packing.sizes[first]
        rows.append(part.rows)
    assert_array_equal(np.concatenate(rows), packing.rows)


def test_packing_of_some_sequences():
    offsets = np.array([0, 3, 8, 9])
    packing = packing_of(offsets, np.array([2, 1]))
    assert_array_equal(packing.order, [1, 0])
    assert_array_equal(packing.rows, [3, 8, 4, 5, 6, 7])
