import pickle
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from witnesses import fields, fill, stored

from sklearn_seq._core.packing import Packing
from sklearn_seq.networks import Adam
from sklearn_seq.rnn._initialization import INITIALIZERS
from sklearn_seq.rnn._network import RecurrentNetwork
from sklearn_seq.rnn.bptt import unbuffered
from sklearn_seq.rnn.cells import CELLS
from sklearn_seq.rnn.constraints import CONSTRAINTS

LENGTHS = np.array([3, 5, 1, 5])
N_INPUTS, N_SYMBOLS = 3, 5
STORED = ["inputs", "targets", "weights", "initial"]  # of a batch, with PyTorch's loss
PATTERN = np.add.outer(np.arange(4), np.arange(4)) % 3


def _network(hidden=(4, 3), n_outputs=2, embeds=False, **options):
    if embeds:
        options |= {"n_symbols": N_SYMBOLS, "embedding_dim": 2}
    return RecurrentNetwork(N_INPUTS, n_outputs, hidden, **options)


def _parameters(network, dtype=np.float64):
    parameters = network.initialize(np.random.RandomState(0), dtype)
    rng = np.random.default_rng(5)
    for name in network.free_shapes:
        parameters[name][:] += rng.normal(scale=0.5, size=parameters[name].shape)
    return parameters


def _batch(network, final=False, weighted=False, initial=None, lengths=LENGTHS):
    rng = np.random.default_rng(1)
    packing = Packing(lengths)
    n_targets = packing.n_sequences if final else packing.n_rows
    inputs = rng.normal(size=(packing.n_rows, N_INPUTS))
    if network.embedding_dim is not None:
        inputs = rng.integers(N_SYMBOLS, size=inputs.shape)
    weights = None
    if network.loss == "cross_entropy":
        targets = rng.integers(network.n_outputs, size=n_targets)
        if weighted:
            weights = np.linspace(0.5, 2, n_targets)
            weights[1], targets[1] = 0, -1
    else:
        targets = rng.normal(size=(n_targets, network.n_outputs))
        if weighted:
            weights = rng.uniform(0.5, 2, size=targets.shape)
            weights[1, 0] = weights[2] = 0
            targets[weights == 0] = np.nan
    states = None
    if initial is not None:
        states = rng.normal(size=(packing.n_sequences, network.n_states))
        if initial == "routed":
            states = states[:, : sum(network.hidden_layer_sizes)]
            states[rng.uniform(size=states.shape) < 0.5] = np.nan
    return {
        "inputs": inputs,
        "packing": packing,
        "targets": targets,
        "weights": weights,
        "final": final,
        "initial": states,
    }


CASES = [
    *(
        {"cell": cell, "hidden": hidden}
        for cell, hidden in product(CELLS, [(4,), (4, 3)])
    ),
    *(
        {"cell": cell, "hidden": (4, 4), "recurrent_constraint": constraint}
        for cell, constraint in product(
            ["tanh", "lstm", "gru"], [*CONSTRAINTS, PATTERN]
        )
    ),
    *(
        {"cell": cell, "initial_state": state, "initial": given}
        for cell, state, given in product(
            CELLS, ["learned", 0.5], [None, "all", "routed"]
        )
    ),
    *(
        {"cell": cell, "readout": readout, "final": final, "weighted": weighted}
        for cell, readout, final, weighted in product(
            ["tanh", "lstm", "gru"], ["linear", "units"], [False, True], [False, True]
        )
    ),
    *(
        {"cell": cell, "loss": "cross_entropy", "embeds": embeds, "final": final}
        | {"weighted": True, "n_outputs": 3, "readout": readout}
        for cell, embeds, final, readout in product(
            ["tanh", "lstm", "gru"], [False, True], [False, True], ["linear", "units"]
        )
    ),
    {"cell": "gru", "embeds": True, "hidden": (4,), "alpha": 0.3},
    {"cell": "lstm", "alpha": 0.3, "normalizer": 7.0},
]


def problem(case):
    case = dict(case)
    data = {
        key: case.pop(key) for key in ("final", "weighted", "initial") if key in case
    }
    rest = {key: case.pop(key) for key in ("alpha", "normalizer") if key in case}
    network = _network(**case)
    return network, _parameters(network), _batch(network, **data) | rest


def _loss(network, parameters, batch):
    return network.loss_and_gradient(parameters, parameters.zeros_like(), **batch)


def _slopes(network, parameters, batch, directions, step=1e-6):
    """Central differences of the loss along some directions."""
    at, slopes = parameters.flat.copy(), []
    for direction in directions:
        losses = []
        for sign in (1, -1):
            parameters.flat[:] = at + sign * step * direction
            losses.append(_loss(network, parameters, batch))
        slopes.append((losses[0] - losses[1]) / (2 * step))
    parameters.flat[:] = at
    return np.array(slopes)


def _directions(network, parameters):
    """One random motion of each array, which satisfies the constraint."""
    rng, directions = np.random.default_rng(2), []
    for name in parameters:
        vector = parameters.zeros_like()
        vector[name][:] = rng.normal(size=vector[name].shape)
        network.constrain(vector)
        directions.append(vector.flat)
    return np.array(directions)


def name_of(case):
    return "-".join(
        "pattern" if isinstance(value, np.ndarray) else f"{value}"
        for value in case.values()
    )


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_gradient_equals_finite_differences(case):
    network, parameters, batch = problem(case)
    gradient = parameters.zeros_like()
    gradient.flat[:] = np.nan
    network.loss_and_gradient(parameters, gradient, **batch)
    directions = _directions(network, parameters)
    if len(case) == 2:
        directions = np.eye(parameters.flat.size)
    slopes = _slopes(network, parameters, batch, directions)
    scale = np.abs(slopes).max()
    assert_allclose(directions @ gradient.flat, slopes, rtol=1e-6, atol=1e-7 * scale)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_gradient_equals_pytorch(case):
    witness = stored("recurrent_networks")[name_of(case)]
    network, parameters, batch = problem(case)
    fill(parameters, witness["parameters"])
    batch |= fields(witness["batch"])
    gradient = parameters.zeros_like()
    loss = network.loss_and_gradient(parameters, gradient, **batch)
    assert_allclose(loss, witness["loss"], rtol=1e-12)
    reference = parameters.zeros_like()
    fill(reference, witness["gradient"])
    network.constrain(reference)
    for name, array in reference.items():
        atol = 1e-11 * np.abs(reference.flat).max()
        assert_allclose(gradient[name], array, rtol=1e-10, atol=atol, err_msg=name)


def module_problem(cell):
    network = _network((4, 4), cell=cell, initial_state=0.0)
    return network, _parameters(network), _batch(network, lengths=np.array([6, 6]))


@pytest.mark.parametrize("cell", CELLS)
def test_outputs_equal_pytorch_modules(cell):
    witness = stored("recurrent_networks")[f"module {cell}"]
    network, parameters, batch = module_problem(cell)
    fill(parameters, witness["parameters"])
    inputs = witness["batch"]["inputs"]
    work = network.workspace(np.float64)
    outputs = network.forward(parameters, inputs, batch["packing"], workspace=work)
    hidden = network.hidden_states(work)[:, 4:]
    assert_allclose(hidden, witness["hidden"], rtol=1e-12, atol=1e-14)
    expected = hidden @ parameters["output_weights"] + parameters["output_biases"]
    assert_allclose(outputs, expected, rtol=1e-12, atol=1e-14)


def test_gradient_is_that_of_the_unrolled_net():
    # A layered net with one copy of the weights for each time step: the derivatives of
    # the copies, each found by moving that copy alone, add up.
    network = _network((4,), initial_state=0.2)
    parameters = _parameters(network)
    n_steps = 4
    batch = _batch(network, lengths=np.array([n_steps]))
    inputs, targets = batch["inputs"], batch["targets"]

    def unrolled_loss(copies):
        h, loss = np.full(4, 0.2), 0.0
        for x, y, copy in zip(inputs, targets, copies, strict=True):
            h = np.tanh(
                x @ copy["input_weights_0"]
                + h @ copy["recurrent_weights_0"]
                + copy["biases_0"]
            )
            outputs = h @ copy["output_weights"] + copy["output_biases"]
            loss += 0.5 * np.sum((outputs - y) ** 2) / n_steps
        return loss

    total = np.zeros_like(parameters.flat)
    for t in range(n_steps):
        for i in range(total.size):
            copies = [pickle.loads(pickle.dumps(parameters)) for _ in range(n_steps)]
            losses = []
            for move in (1e-6, -1e-6):
                copies[t].flat[i] = parameters.flat[i] + move
                losses.append(unrolled_loss(copies))
            total[i] += (losses[0] - losses[1]) / 2e-6
    gradient = parameters.zeros_like()
    network.loss_and_gradient(parameters, gradient, **batch)
    assert_allclose(gradient.flat, total, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_ragged_batch_equals_one_sequence_at_a_time(cell, final):
    network = _network(cell=cell)
    parameters = _parameters(network)
    batch = _batch(network, final, initial="routed")
    gradient, total = parameters.zeros_like(), np.zeros_like(parameters.flat)
    loss = network.loss_and_gradient(parameters, gradient, **batch)
    packing, inputs, targets = batch["packing"], batch["inputs"], batch["targets"]
    place, ends = np.argsort(packing.rows), np.cumsum(LENGTHS)
    total_loss = 0.0
    for s, (end, length) in enumerate(zip(ends, LENGTHS, strict=True)):
        rows = place[end - length : end]
        one = parameters.zeros_like()
        total_loss += network.loss_and_gradient(
            parameters,
            one,
            inputs[rows],
            Packing(np.array([length])),
            targets[s : s + 1] if final else targets[rows],
            final=final,
            initial=batch["initial"][s : s + 1],
            normalizer=len(targets),
        )
        total += one.flat
    assert_allclose(loss, total_loss, rtol=1e-12)
    assert_allclose(gradient.flat, total, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_do_not_depend_on_later_rows(cell, dtype):
    network = _network(cell=cell)
    parameters = _parameters(network, dtype)
    batch = _batch(network)
    packing, inputs = batch["packing"], batch["inputs"].astype(dtype)
    before = network.forward(parameters, inputs, packing)
    for t in range(1, packing.n_steps):
        changed = inputs.copy()
        changed[packing.offsets[t] :] = np.nan
        after = network.forward(parameters, changed, packing)
        past = slice(0, packing.offsets[t])
        assert_array_equal(after[past], before[past])


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_final_states_continue_a_stream(cell, keep):
    network = _network(cell=cell)
    parameters = _parameters(network)
    batch = _batch(network)
    packing, inputs = batch["packing"], batch["inputs"]
    whole = network.forward(parameters, inputs, packing)
    work = network.workspace(np.float64)
    states, outputs = None, []
    for first in range(0, packing.n_steps, 2):
        part = packing.steps(first, first + 2)
        rows = slice(packing.offsets[first], packing.offsets[first] + part.n_rows)
        if states is not None:
            states = states[: part.n_sequences]
        part_outputs = network.forward(
            parameters, inputs[rows], part, initial=states, keep=keep, workspace=work
        )
        outputs.append(part_outputs.copy())
        states = network.final_states(work)
    assert_allclose(np.concatenate(outputs), whole, rtol=1e-12, atol=1e-14)


def test_states_come_in_the_order_of_the_batch():
    network = _network(cell="lstm")
    parameters = _parameters(network)
    batch = _batch(network)
    packing, work = batch["packing"], network.workspace(np.float64)
    last = network.forward(
        parameters, batch["inputs"], packing, final=True, workspace=work
    )
    states, hidden = network.final_states(work), network.hidden_states(work)
    ends = np.argsort(packing.rows)[np.cumsum(LENGTHS) - 1]
    assert_array_equal(states[:, :7], hidden[ends])
    top = states[:, network.state_slices["hidden_1"]]
    expected = top @ parameters["output_weights"] + parameters["output_biases"]
    assert_allclose(last, expected, rtol=1e-12)


def test_final_outputs_do_not_disturb_those_of_rows():
    # Both kinds of targets in turn, in one workspace.
    network = _network(cell="gru")
    parameters, work = _parameters(network), network.workspace(np.float64)
    for final in (False, True, False):
        batch = _batch(network, final)
        gradient, expected = parameters.zeros_like(), parameters.zeros_like()
        network.loss_and_gradient(parameters, gradient, **batch, workspace=work)
        network.loss_and_gradient(parameters, expected, **batch)
        assert_array_equal(gradient.flat, expected.flat)


@pytest.mark.parametrize("cell", CELLS)
def test_chunks_of_steps_do_not_change_the_gradient(cell, monkeypatch):
    network = _network(cell=cell)
    parameters, batch = _parameters(network), _batch(network)
    expected, gradient = parameters.zeros_like(), parameters.zeros_like()
    network.loss_and_gradient(parameters, expected, **batch)
    monkeypatch.setattr("sklearn_seq.rnn.bptt.CHUNK", 1)
    network.loss_and_gradient(parameters, gradient, **batch)
    assert_allclose(gradient.flat, expected.flat, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision(cell):
    network = _network(cell=cell)
    batch = _batch(network)
    gradients = []
    for dtype in (np.float32, np.float64):
        parameters = _parameters(network, dtype)
        batch["inputs"] = batch["inputs"].astype(dtype)
        batch["targets"] = batch["targets"].astype(dtype)
        gradients.append(parameters.zeros_like())
        network.loss_and_gradient(parameters, gradients[-1], **batch)
        assert (
            network.forward(parameters, batch["inputs"], batch["packing"]).dtype
            == dtype
        )
    single, double = (gradient.flat for gradient in gradients)
    assert single.dtype == np.float32
    assert_allclose(single, double, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("init", INITIALIZERS)
@pytest.mark.parametrize("constraint", [*CONSTRAINTS, PATTERN], ids=str)
@pytest.mark.parametrize("cell", ["tanh", "gru"])
def test_constraint_holds_from_start_to_end(cell, constraint, init):
    network = _network((4, 4), cell=cell, recurrent_constraint=constraint)
    parameters = network.initialize(np.random.RandomState(0), init=init)
    batch = _batch(network)
    gradient, optimizer = parameters.zeros_like(), Adam(parameters.flat)
    for _ in range(5):
        network.loss_and_gradient(parameters, gradient, **batch, alpha=0.1)
        optimizer.update(parameters.flat, gradient.flat)
        projected = pickle.loads(pickle.dumps(parameters))
        network.constrain(projected)
        assert_allclose(projected.flat, parameters.flat, rtol=1e-12, atol=1e-15)


def test_initial_parameters():
    network = _network((64, 32), cell="lstm", embeds=True)
    parameters = network.initialize(np.random.RandomState(0), np.float32)
    assert parameters.dtype == np.float32
    for i, n in enumerate(network.hidden_layer_sizes):
        for gate in np.split(parameters[f"recurrent_weights_{i}"], 4, axis=1):
            assert_allclose(gate @ gate.T, np.eye(n), atol=1e-5)
        biases = parameters[f"biases_{i}"].reshape(4, n)
        assert_array_equal(biases, np.outer([0, 0, 1, 0], np.ones(n)))
        assert 0.05 < parameters[f"initial_cell_{i}"].std() < 0.2
    assert set(parameters.penalized) == set(network.penalized_shapes)
    assert not any(
        "biases" in name or "initial" in name for name in parameters.penalized
    )

    network = _network((100,), cell="relu")
    identity = network.initialize(np.random.RandomState(0), init="identity", gain=0.5)
    assert_array_equal(identity["recurrent_weights_0"], 0.5 * np.eye(100))
    gaussian = network.initialize(np.random.RandomState(0), init="gaussian")
    assert_allclose(gaussian["recurrent_weights_0"].std(), 0.1, rtol=0.05)


def test_pickled_network_computes_the_same():
    network = _network(cell="lstm", recurrent_constraint="symmetric")
    parameters, batch = _parameters(network), _batch(network)
    copy = pickle.loads(pickle.dumps((network, parameters)))
    assert _loss(*copy, batch) == _loss(network, parameters, batch)


def _jacobian(network, parameters, batch, step=1e-6):
    """Central differences of all outputs by all parameters."""
    at, columns = parameters.flat.copy(), []
    keys = "inputs", "packing", "final", "initial"
    arguments = {key: batch[key] for key in keys}
    for i in range(at.size):
        outputs = []
        for sign in (1, -1):
            parameters.flat[:] = at
            parameters.flat[i] += sign * step
            outputs.append(network.forward(parameters, **arguments).copy())
        columns.append((outputs[0] - outputs[1]).ravel() / (2 * step))
    parameters.flat[:] = at
    return np.array(columns).T


def _output_hessian(network, outputs, weights, normalizer):
    """The second derivative of the loss by all outputs."""
    n, k = outputs.shape
    weights = np.ones(n) if weights is None else weights
    weights = np.broadcast_to(weights.reshape(n, -1), (n, k)) / normalizer
    if network.loss == "squared_error":
        return np.diag(weights.ravel())
    hessian = np.zeros((n * k, n * k))
    for i, (row, weight) in enumerate(zip(outputs, weights, strict=True)):
        p = np.exp(row) / np.exp(row).sum()
        block = slice(i * k, (i + 1) * k)
        hessian[block, block] = weight[0] * (np.diag(p) - np.outer(p, p))
    return hessian


GAUSS_NEWTON_CASES = [
    *({"cell": cell, "hidden": hidden} for cell in CELLS for hidden in [(4,), (4, 3)]),
    *(
        {"cell": cell, "loss": "cross_entropy", "embeds": True, "weighted": True}
        | {"initial": "routed", "final": final}
        for cell in CELLS
        for final in (False, True)
    ),
    {"cell": "gru", "readout": "units", "final": True, "alpha": 0.3},
    {"cell": "lstm", "weighted": True, "initial_state": 0.5, "alpha": 0.3},
    {"cell": "tanh", "hidden": (4, 4), "recurrent_constraint": "symmetric"},
]


@pytest.mark.parametrize("case", GAUSS_NEWTON_CASES, ids=name_of)
def test_gauss_newton_product_equals_explicit_matrices(case):
    network, parameters, batch = problem(case)
    del batch["targets"]
    alpha = batch.get("alpha", 0.0)
    jacobian = _jacobian(network, parameters, batch)
    keys = "inputs", "packing", "final", "initial"
    outputs = network.forward(parameters, **{key: batch[key] for key in keys})
    n = len(outputs)
    hessian = _output_hessian(network, outputs, batch["weights"], n)

    work = network.workspace(np.float64)
    vector, product = parameters.zeros_like(), parameters.zeros_like()
    for seed in range(2):
        vector.flat[:] = np.random.default_rng(seed).normal(size=vector.flat.size)
        network.constrain(vector)
        network.gauss_newton_product(
            parameters, vector, product, **batch, workspace=work, reuse=seed > 0
        )
        expected = parameters.zeros_like()
        expected.flat[:] = jacobian.T @ (hessian @ (jacobian @ vector.flat))
        expected.penalized_flat += alpha / n * vector.penalized_flat
        network.constrain(expected)
        scale = np.abs(expected.flat).max()
        assert_allclose(product.flat, expected.flat, rtol=1e-6, atol=1e-8 * scale)


def test_buffer_size_of_numpy_is_given_back():
    size = np.getbufsize()
    with unbuffered():
        assert np.getbufsize() < size
    assert np.getbufsize() == size
    with pytest.raises(ZeroDivisionError), unbuffered():
        raise ZeroDivisionError
    assert np.getbufsize() == size
