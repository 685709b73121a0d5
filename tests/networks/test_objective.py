import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_seq.networks import Objective, predict
from sklearn_seq.networks._feed_forward import FeedForward
from sklearn_seq.networks._objective import blocks, row_taker, rows_of_sequences

OFFSETS = np.array([0, 3, 4, 9, 20])


def _problem(dtype=np.float64, n_rows=20, offsets=None, **objective):
    rng = np.random.default_rng(0)
    network = FeedForward(3, 2, (4,), activation="tanh")
    parameters = network.initialize(np.random.RandomState(0), dtype)
    inputs = rng.normal(size=(n_rows, 3)).astype(dtype)
    n_targets = n_rows if offsets is None else len(offsets) - 1
    targets = rng.normal(size=(n_targets, 2)).astype(dtype)
    gradient = parameters.zeros_like()
    return Objective(
        network, parameters, gradient, inputs, targets, offsets=offsets, **objective
    ), inputs


@pytest.fixture(params=["contiguous", "windows", "columns", "every other row"])
def rows(request):
    series = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    return {
        "contiguous": series,
        "windows": as_strided(series, (38, 6), (8, 4), writeable=False),
        "columns": np.asfortranarray(series),
        "every other row": series[::2],
    }[request.param]


def test_row_taker_copies_rows_of_any_layout(rows):
    indices = np.array([5, 0, 19, 5])
    out = np.empty((4, rows.shape[1]), np.float32)
    row_taker(rows)(indices, out)
    assert_array_equal(out, rows[indices])


def test_row_taker_converts_to_the_type_of_the_buffer(rows):
    for values, dtype in [(rows, np.float64), (rows.astype(np.int32), np.int64)]:
        out = np.empty((3, rows.shape[1]), dtype)
        row_taker(values)(np.arange(3), out)
        assert_array_equal(out, values[:3])
    with pytest.raises(TypeError, match="Cannot cast"):
        row_taker(rows)(np.arange(3), out)


def test_rows_of_sequences():
    rows, offsets = rows_of_sequences(OFFSETS, np.array([2, 0]))
    assert_array_equal(rows, [4, 5, 6, 7, 8, 0, 1, 2])
    assert_array_equal(offsets, [0, 5, 8])
    rows, offsets = rows_of_sequences(None, np.array([2, 0]))
    assert_array_equal(rows, [2, 0])
    assert offsets is None


@pytest.mark.parametrize("block_size", [1, 4, 5, 9, 10, 100])
def test_blocks_cover_everything_in_whole_sequences(block_size):
    for offsets, n_targets in [(None, 20), (OFFSETS, 4)]:
        pairs = list(blocks(n_targets, offsets, block_size))
        starts, stops = zip(*pairs, strict=True)
        assert (starts[0], stops[-1]) == (0, n_targets)
        assert starts[1:] == stops[:-1]
        for start, stop in pairs:
            n_rows = stop - start if offsets is None else offsets[stop] - offsets[start]
            assert n_rows <= block_size or stop == start + 1


@pytest.mark.parametrize("offsets", [None, OFFSETS])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_whole_is_the_same_in_blocks_of_any_size(offsets, weighted):
    n_targets = 20 if offsets is None else 4
    weights = np.arange(n_targets) % 3.0 if weighted else None
    losses, gradients = [], []
    for block_size in (1, 7, 1000):
        objective, _ = _problem(
            offsets=offsets, weights=weights, alpha=0.5, block_size=block_size
        )
        losses.append(objective.full())
        gradients.append(objective.gradient.flat)
    assert_allclose(losses, losses[0], rtol=1e-12)
    assert_allclose(gradients, [gradients[0]] * 3, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("offsets", [None, OFFSETS])
def test_batches_average_to_the_whole(offsets):
    # The L2 penalty counts once for each sample of a batch; without it, the mean over
    # batches weighted by their size is the loss of the whole.
    n_targets = 20 if offsets is None else 4
    weights = np.arange(n_targets) % 3.0
    objective, _ = _problem(offsets=offsets, weights=weights)
    loss, gradient = 0.0, np.zeros_like(objective.gradient.flat)
    order = np.random.default_rng(1).permutation(n_targets)
    for batch in np.split(order, [1, n_targets // 2]):
        loss += objective(batch) * len(batch) / n_targets
        gradient += objective.gradient.flat * len(batch) / n_targets
    assert_allclose(loss, objective.full())
    assert_allclose(gradient, objective.gradient.flat, atol=1e-14)


def test_a_batch_without_targets_has_loss_and_gradient_zero():
    weights = np.ones(20)
    weights[:5] = 0
    objective, _ = _problem(weights=weights)
    assert objective(np.arange(5)) == 0
    assert not objective.gradient.flat.any()
    with pytest.raises(ValueError, match="no target"):
        _problem(weights=np.zeros(20))


def test_inputs_can_be_gathered_by_a_function():
    objective, inputs = _problem(alpha=0.1)
    calls = []

    def take(rows, out):
        calls.append(rows)
        out[:] = inputs[rows]

    other = Objective(
        objective.network,
        objective.parameters,
        objective.gradient.zeros_like(),
        take,
        objective.targets,
        alpha=0.1,
    )
    batch = np.array([4, 17, 2])
    assert objective(batch) == other(batch)
    assert_array_equal(objective.gradient.flat, other.gradient.flat)
    assert_array_equal(calls, [batch])


@pytest.mark.parametrize("offsets", [None, OFFSETS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predict_is_forward_in_blocks(offsets, dtype):
    objective, inputs = _problem(dtype, offsets=offsets)
    network, parameters = objective.network, objective.parameters
    expected = network.forward(parameters, inputs, offsets=offsets)
    for block_size in (1, 6, 1000):
        outputs = predict(
            network, parameters, inputs, 20, offsets=offsets, block_size=block_size
        )
        assert outputs.dtype == dtype
        assert_allclose(outputs, expected, rtol=1e-5 if dtype == np.float32 else 1e-12)
