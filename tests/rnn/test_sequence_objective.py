import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_seq.networks import Adam, ShuffledBatches, train_lbfgs, train_minibatches
from sklearn_seq.rnn import _objective
from sklearn_seq.rnn._network import RecurrentNetwork
from sklearn_seq.rnn._objective import SequenceObjective, blocks, predict
from sklearn_seq.rnn.cells import CELLS

OFFSETS = np.array([0, 3, 8, 9, 14, 21])


def _problem(cell="tanh", final=False, dtype=np.float64, seed=0, **options):
    rng = np.random.default_rng(seed)
    network = RecurrentNetwork(3, 2, (5,), cell=cell)
    parameters = network.initialize(np.random.RandomState(seed), dtype)
    rows = rng.normal(size=(OFFSETS[-1], 3)).astype(dtype)
    n_targets = len(OFFSETS) - 1 if final else OFFSETS[-1]
    targets = rng.normal(size=(n_targets, 2)).astype(dtype)
    return SequenceObjective(
        network,
        parameters,
        parameters.zeros_like(),
        rows,
        OFFSETS,
        targets,
        final=final,
        **options,
    ), rows


def _numeric_gradient(objective, loss):
    flat, slopes = objective.parameters.flat, []
    for i in range(flat.size):
        value, losses = flat[i], []
        for step in (1e-6, -1e-6):
            flat[i] = value + step
            losses.append(loss())
        flat[i] = value
        slopes.append((losses[0] - losses[1]) / 2e-6)
    return np.array(slopes)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("block_size", [1, 8, 1000])
def test_full_is_the_loss_of_all_sequences_at_once(final, block_size):
    weights = np.random.default_rng(1).uniform(0.5, 2, size=5 if final else 21)
    initial = np.random.default_rng(2).normal(size=(5, 5))
    objective, _ = _problem(
        final=final, weights=weights, initial=initial, alpha=0.3, block_size=block_size
    )
    loss = objective(np.arange(5))
    expected = objective.gradient.flat.copy()
    assert_allclose(objective.full(), loss, rtol=1e-12)
    assert_allclose(objective.gradient.flat, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("final", [False, True])
def test_batch_gradient_equals_finite_differences(final):
    weights = np.ones((5 if final else 21, 2))
    weights[2] = 0
    initial = np.random.default_rng(2).normal(size=(5, 5))
    objective, _ = _problem("lstm", final, weights=weights, initial=initial, alpha=0.1)
    batch = np.array([4, 2, 1])
    objective(batch)
    gradient = objective.gradient.flat.copy()
    slopes = _numeric_gradient(objective, lambda: objective(batch))
    assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)


def test_batch_with_few_targets_counts_for_less():
    objective, rows = _problem()
    weights = np.zeros(21)
    weights[1:8] = 1
    weighted = SequenceObjective(
        objective.network,
        objective.parameters,
        objective.gradient,
        rows,
        OFFSETS,
        objective.targets,
        weights=weights,
    )
    outputs = predict(objective.network, objective.parameters, rows, OFFSETS).outputs
    squares = 0.5 * np.sum((outputs - objective.targets) ** 2, axis=1)
    expected = squares[1:3].sum() / (3 * weights.mean())
    assert_allclose(weighted(np.array([0])), expected, rtol=1e-12)
    assert weighted(np.array([3])) == 0


def test_all_weights_zero_is_an_error():
    with pytest.raises(ValueError, match="all weights are zero"):
        _problem(weights=np.zeros(21))


@pytest.mark.parametrize("cell", CELLS)
def test_long_chunks_are_whole_sequences(cell):
    objective, _ = _problem(cell, alpha=0.1)
    batch = np.array([1, 4, 2])
    loss = objective(batch)
    gradient = objective.gradient.flat.copy()
    (chunk,) = objective.chunks([batch], 7)
    assert len(chunk) == 13
    assert_allclose(objective(chunk), loss, rtol=1e-12)
    assert_allclose(objective.gradient.flat, gradient, rtol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_chunks_carry_states_but_no_gradient(cell):
    # The loss of a chunk, with the states that it starts in held fixed, is a function
    # of the parameters whose gradient finite differences find.
    objective, rows = _problem(cell)
    batch, truncate = np.array([1, 0, 4]), 2
    network, parameters = objective.network, objective.parameters
    losses, n_rows, states = [], [], None
    for chunk in objective.chunks([batch], truncate):
        loss = objective(chunk)
        gradient = objective.gradient.flat.copy()
        packing = chunk.packing
        initial = None if chunk.is_first else states[: packing.n_sequences]
        ignored = parameters.zeros_like()
        arguments = (rows[packing.rows], packing, objective.targets[packing.rows])

        def loss_of_chunk(arguments=arguments, initial=initial, ignored=ignored):
            return network.loss_and_gradient(
                parameters, ignored, *arguments, initial=initial
            )

        assert_allclose(loss, loss_of_chunk(), rtol=1e-12)
        slopes = _numeric_gradient(objective, loss_of_chunk)
        assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-8)
        work = network.workspace(np.float64)
        network.forward(parameters, *arguments[:2], initial=initial, workspace=work)
        states = network.final_states(work)
        losses.append(loss)
        n_rows.append(len(chunk))
    # With parameters at rest, the chunks' losses are those of the whole.
    assert n_rows == [6, 5, 3, 1]
    assert_allclose(np.average(losses, weights=n_rows), objective(batch), rtol=1e-12)


def test_chunks_start_in_given_states():
    initial = np.random.default_rng(3).normal(size=(5, 5))
    initial[:, 2] = np.nan
    objective, _ = _problem(initial=initial)
    batch = np.array([3, 4])
    losses, n_rows = [], []
    for chunk in objective.chunks([batch], 3):
        losses.append(objective(chunk))
        n_rows.append(len(chunk))
    assert_allclose(np.average(losses, weights=n_rows), objective(batch), rtol=1e-12)


def test_chunks_are_weighted_as_their_batch():
    """A chunk's weighted losses are divided by its rows and the mean of all weights."""
    weights = np.random.default_rng(1).uniform(0.1, 5, size=21)
    objective, rows = _problem(weights=weights)
    arguments = objective.network, objective.parameters, rows, OFFSETS
    errors = predict(*arguments).outputs - objective.targets
    losses = 0.5 * weights * np.sum(errors**2, axis=1)
    chunks = list(objective.chunks([np.array([1, 0, 4])], 2))
    assert len(chunks) == 4
    for chunk in chunks:
        expected = losses[chunk.packing.rows].sum() / (len(chunk) * weights.mean())
        assert_allclose(objective(chunk), expected, rtol=1e-12)


def test_chunks_of_final_targets_are_an_error():
    objective, _ = _problem(final=True)
    with pytest.raises(ValueError, match="at the end only"):
        objective.chunks([np.arange(5)], 2)


@pytest.mark.parametrize("truncate", [None, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_training_lowers_the_loss(cell, truncate):
    objective, _ = _problem(cell, dtype=np.float32)
    parameters, gradient = objective.parameters, objective.gradient
    start = objective.full()
    batches = ShuffledBatches(5, 2, np.random.RandomState(0))
    if truncate is not None:
        batches = objective.chunks(batches, truncate)
    result = train_minibatches(
        objective,
        parameters,
        gradient,
        Adam(parameters.flat, learning_rate_init=0.01),
        batches,
        max_iter=50,
        max_gradient_norm=1.0,
        warn=False,
    )
    assert result.n_iter == 50
    assert objective.full() < 0.6 * start


def test_lbfgs_follows_the_full_gradient_of_shared_weights():
    objective, rows = _problem()
    network = RecurrentNetwork(3, 2, (5,), recurrent_constraint="symmetric")
    parameters = network.initialize(np.random.RandomState(0))
    gradient = parameters.zeros_like()
    objective = SequenceObjective(
        network, parameters, gradient, rows, OFFSETS, objective.targets, alpha=1e-3
    )
    start = objective.full()
    train_lbfgs(objective.full, parameters, gradient, max_iter=100, warn=False)
    assert objective.full() < 0.2 * start
    weights = parameters["recurrent_weights_0"]
    assert_allclose(weights, weights.T, atol=1e-12)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_predictions_are_those_of_single_sequences(cell, final, monkeypatch):
    monkeypatch.setattr(_objective, "ABREAST", 3)
    objective, rows = _problem(cell)
    network, parameters = objective.network, objective.parameters
    initial = np.random.default_rng(2).normal(size=(5, network.n_states))
    arguments = {"final": final, "return_hidden": True}
    got = predict(
        network, parameters, rows, OFFSETS, initial=initial, block_size=7, **arguments
    )
    for s in range(5):
        own = slice(OFFSETS[s], OFFSETS[s + 1])
        one = predict(
            network,
            parameters,
            rows[own],
            OFFSETS[s : s + 2] - OFFSETS[s],
            initial=initial[s : s + 1],
            **arguments,
        )
        places = slice(s, s + 1) if final else own
        assert_allclose(got.outputs[places], one.outputs, rtol=1e-12, atol=1e-14)
        assert_allclose(got.states[s : s + 1], one.states, rtol=1e-12, atol=1e-14)
        assert_allclose(got.hidden[own], one.hidden, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
def test_predictions_ignore_later_rows(cell):
    objective, rows = _problem(cell)
    network, parameters = objective.network, objective.parameters
    before = predict(network, parameters, rows, OFFSETS, block_size=7).outputs
    changed = rows.copy()
    changed[16:] = np.nan
    after = predict(network, parameters, changed, OFFSETS, block_size=7).outputs
    assert_array_equal(after[:16], before[:16])


def test_blocks_are_whole_sequences_in_order_of_length():
    assert [block.tolist() for block in blocks(OFFSETS, 10)] == [[4], [1, 3], [0, 2]]
    assert [block.tolist() for block in blocks(OFFSETS, 1)] == [[4], [1], [3], [0], [2]]
    assert [block.tolist() for block in blocks(OFFSETS, 99)] == [[4, 1, 3, 0, 2]]
