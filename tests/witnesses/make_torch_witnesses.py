"""Compute with PyTorch what the tests compare the networks with.

Run it from any folder, where PyTorch is installed, after a change of the cases:

    python tests/witnesses/make_torch_witnesses.py

With ``--check`` nothing is written: what is stored is compared with what would be
written. Inputs and parameters of networks are multiples of 1/1024, which makes the
files small. Of what the package computes, only the names, shapes and starts of
parameters are used.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import sys
from pathlib import Path

import numpy as np
import torch

TESTS = Path(__file__).parents[1]
sys.path[:0] = [
    str(TESTS / folder) for folder in (".", "inspection", "networks", "rnn")
]

import test_feed_forward as feed_forward  # noqa: E402
import test_gradient_flow as gradient_flow  # noqa: E402
import test_optimizers as optimizers  # noqa: E402
import test_recurrent_network as recurrent  # noqa: E402

from sklearn_seq.rnn.cells import CELLS  # noqa: E402
from witnesses import FOLDER, stored  # noqa: E402


def as_record(values):
    """Nested dicts of arrays as one array of no dimension, of fields by name."""
    values = {
        name: as_record(value) if isinstance(value, dict) else np.asarray(value)
        for name, value in values.items()
        if value is not None
    }
    record = np.zeros(
        (), [(name, value.dtype, value.shape) for name, value in values.items()]
    )
    for name, value in values.items():
        record[name] = value
    return record


def rounded(value):
    """Real numbers as multiples of 1/1024."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    return np.round(value * 1024) / 1024


def tensors_of(parameters):
    return {
        name: torch.tensor(array, requires_grad=True)
        for name, array in parameters.items()
    }


def gradients_of(tensors):
    return {name: tensor.grad.numpy() for name, tensor in tensors.items()}


# Recurrent networks: one step of each cell, where x is what the inputs and u what the
# previous activities contribute.


def tanh_step(x, u, b, states):
    return (torch.tanh(x + u + b),)


def relu_step(x, u, b, states):
    return (torch.relu(x + u + b),)


def lstm_step(x, u, b, states):
    o, i, f, g = (x + u + b).reshape(4, -1)
    c = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru_step(x, u, b, states):
    (xr, xz, xn), (un, ur, uz) = x.reshape(3, -1), u.reshape(3, -1)
    b_un, br, bz, bn = b.reshape(4, -1)
    r, z = torch.sigmoid(xr + ur + br), torch.sigmoid(xz + uz + bz)
    n = torch.tanh(xn + bn + r * (un + b_un))
    return ((1 - z) * n + z * states[0],)


STEPS = {"tanh": tanh_step, "relu": relu_step, "lstm": lstm_step, "gru": gru_step}


def recurrent_outputs(network, tensors, batch):
    """The outputs of all rows, or of last rows, one sequence after another."""
    packing, kinds = batch["packing"], CELLS[network.cell].state_names
    place = np.argsort(packing.rows)
    outputs = [None] * (packing.n_sequences if batch["final"] else packing.n_rows)
    start = 0
    for s, length in enumerate(recurrent.LENGTHS):
        states = {}
        for name, places in network.state_slices.items():
            own = tensors.get(f"initial_{name}", torch.full((1,), 0.5).double())
            own = own.expand(places.stop - places.start)
            if batch["initial"] is not None:
                given = np.full(network.n_states, np.nan)
                given[: batch["initial"].shape[1]] = batch["initial"][s]
                given = torch.from_numpy(given[places])
                own = torch.where(torch.isnan(given), own, torch.nan_to_num(given))
            states[name] = own
        for row in place[start : start + length]:
            x = torch.from_numpy(np.atleast_1d(batch["inputs"][row]))
            if network.embedding_dim is not None:
                x = tensors["embedding"][x].reshape(-1)
            for i in range(network.n_layers):
                before = [states[f"{kind}_{i}"] for kind in kinds]
                after = STEPS[network.cell](
                    x @ tensors[f"input_weights_{i}"],
                    before[0] @ tensors[f"recurrent_weights_{i}"],
                    tensors[f"biases_{i}"],
                    before,
                )
                for kind, state in zip(kinds, after, strict=True):
                    states[f"{kind}_{i}"] = state
                x = after[0]
            if network.readout == "units":
                y = x[: network.n_outputs]
            else:
                y = x @ tensors["output_weights"] + tensors["output_biases"]
            outputs[s if batch["final"] else row] = y
        start += length
    return torch.stack(outputs)


def recurrent_loss(network, tensors, batch):
    outputs = recurrent_outputs(network, tensors, batch)
    weights = batch["weights"]
    weights = torch.ones(()) if weights is None else torch.from_numpy(weights)
    targets = torch.from_numpy(batch["targets"])
    if network.loss == "cross_entropy":
        targets = targets.clamp(min=0)
        logp = torch.log_softmax(outputs, dim=1)
        losses = -logp[torch.arange(len(targets)), targets]
    else:
        losses = 0.5 * (outputs - torch.nan_to_num(targets)) ** 2
    normalizer = batch.get("normalizer") or len(outputs)
    penalty = sum((tensors[name] ** 2).sum() for name in network.penalized_shapes)
    penalty = 0.5 * batch.get("alpha", 0.0) * penalty
    return ((weights * losses).sum() + penalty) / normalizer


def recurrent_networks():
    for case in recurrent.CASES:
        network, parameters, batch = recurrent.problem(case)
        parameters, batch = rounded(dict(parameters)), rounded(batch)
        tensors = tensors_of(parameters)
        loss = recurrent_loss(network, tensors, batch)
        loss.backward()
        yield (
            recurrent.name_of(case),
            {
                "batch": {name: batch[name] for name in recurrent.STORED},
                "parameters": parameters,
                "loss": loss.item(),
                "gradient": gradients_of(tensors),
            },
        )


def modules():
    """What PyTorch's own modules of two layers make of two sequences."""
    for cell in CELLS:
        network, parameters, batch = recurrent.module_problem(cell)
        parameters = rounded(dict(parameters))
        inputs = rounded(batch["inputs"])
        name = {"lstm": "LSTM", "gru": "GRU"}.get(cell, "RNN")
        options = {} if name != "RNN" else {"nonlinearity": cell}
        module = getattr(torch.nn, name)(3, 4, num_layers=2, **options).double()
        # The gates of our input and recurrent weights in the order of PyTorch's.
        orders = {"lstm": ([1, 2, 3, 0],) * 2, "gru": ([0, 1, 2], [1, 2, 0])}
        for_inputs, for_recurrent = orders.get(cell, ([0], [0]))
        with torch.no_grad():
            for i in range(2):
                gates = np.split(parameters[f"biases_{i}"], CELLS[cell].n_pre)
                recurrent_biases = [np.zeros(4)] * len(for_inputs)
                if cell == "gru":
                    recurrent_biases[2] = gates[0]
                    gates = gates[1:]
                recurrent_weights = parameters[f"recurrent_weights_{i}"].T
                in_places = range(len(for_inputs))
                new = {
                    "weight_ih": (parameters[f"input_weights_{i}"].T, for_inputs),
                    "weight_hh": (recurrent_weights, for_recurrent),
                    "bias_ih": (np.concatenate(gates), for_inputs),
                    "bias_hh": (np.concatenate(recurrent_biases), in_places),
                }
                for key, (array, order) in new.items():
                    blocks = np.split(array, len(order))
                    array = np.concatenate([blocks[k] for k in order])
                    getattr(module, f"{key}_l{i}").copy_(torch.from_numpy(array))
            hidden = module(torch.from_numpy(inputs.reshape(6, 2, 3)))[0]
        yield (
            f"module {cell}",
            {
                "batch": {"inputs": inputs},
                "parameters": parameters,
                "hidden": hidden.reshape(12, 4).numpy(),
            },
        )


# Feed-forward networks over delay taps


def feed_forward_loss(network, tensors, penalized, data, alpha):
    """The network written out."""
    x = torch.tensor(data["inputs"])
    if network.embedding_dim is not None:
        x = torch.nn.functional.embedding(x, tensors["embedding"]).flatten(1)
    function = {
        "identity": lambda z: z,
        "logistic": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
    }[network.activation]
    h, depth = x, len(network.hidden_layer_sizes)
    for i in range(depth + 1):
        h = h @ tensors[f"weights_{i}"] + tensors[f"biases_{i}"]
        h = function(h) if i < depth else h
    if network.direct:
        h = h + x @ tensors["direct"]
    if data["offsets"] is not None:
        lengths = np.diff(data["offsets"]).tolist()
        h = torch.stack([part.mean(0) for part in h.split(lengths)])
    targets = torch.tensor(data["targets"])
    if network.loss == "cross_entropy":
        loss = torch.nn.functional.cross_entropy(h, targets)
    else:
        loss = 0.5 * ((h - targets) ** 2).sum(1).mean()
    penalty = sum((tensors[name] ** 2).sum() for name in penalized)
    return loss + 0.5 * alpha / len(targets) * penalty


def feed_forward_networks():
    for case in feed_forward.PEER_CASES:
        network, parameters, data = feed_forward.peer_problem(*case)
        penalized = parameters.penalized
        parameters, data = rounded(dict(parameters)), rounded(data)
        tensors = tensors_of(parameters)
        alpha = feed_forward.PEER_ALPHA
        loss = feed_forward_loss(network, tensors, penalized, data, alpha)
        loss.backward()
        yield (
            feed_forward.name_of(*case),
            {
                "data": {name: data[name] for name in ("inputs", "targets")},
                "parameters": parameters,
                "loss": loss.item(),
                "gradient": gradients_of(tensors),
            },
        )


# Gradients by past states


def cells_of(parameters, cell, sizes):
    """The same layers as PyTorch's modules, one cell for each."""
    makers = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
    orders = {"lstm": (1, 2, 3, 0), "gru": (0, 1, 2)}
    layers, n_in = [], 2
    for i, n in enumerate(sizes):
        layer = makers[cell](n_in, n).double()
        W, U, b = (
            parameters[f"{name}_{i}"]
            for name in ("input_weights", "recurrent_weights", "biases")
        )
        W, U = W.reshape(n_in, -1, n), U.reshape(n, -1, n)
        b, b_recurrent = b.reshape(-1, n), np.zeros((U.shape[1], n))
        if cell == "gru":  # torch: r, z, n; here the recurrent blocks are n, r, z
            U, b_recurrent[2], b = U[:, [1, 2, 0]], b[0], b[1:]
        order = list(orders[cell])
        with torch.no_grad():
            for parameter, blocks in (
                (layer.weight_ih, W[:, order].reshape(n_in, -1).T),
                (layer.weight_hh, U[:, order].reshape(n, -1).T),
                (layer.bias_ih, b[order].ravel()),
                (layer.bias_hh, b_recurrent[order].ravel()),
            ):
                parameter.copy_(torch.tensor(np.ascontiguousarray(blocks)))
        layers.append(layer)
        n_in = n
    return layers


def gradient_flows():
    sizes = (4, 3)
    for cell in ("lstm", "gru"):
        net, X, y = gradient_flow.net_and_data(cell, sizes)
        parameters = rounded(dict(net._parameters))
        X, y = rounded(X), rounded(y)
        layers = cells_of(parameters, cell, sizes)
        kinds = CELLS[cell].state_names
        states = [
            torch.tensor(parameters[f"initial_{kind}_{i}"]).repeat(len(X), 1)
            for kind in kinds
            for i in range(len(sizes))
        ]
        kept = []
        for t in range(X.shape[1]):
            x = torch.tensor(X[:, t])
            for i, layer in enumerate(layers):
                if cell == "lstm":
                    states[i], states[2 + i] = layer(x, (states[i], states[2 + i]))
                else:
                    states[i] = layer(x, states[i])
                x = states[i]
            for state in states:
                state.requires_grad_()
                state.retain_grad()
            kept.append(list(states))
        outputs = x @ torch.tensor(parameters["output_weights"])
        outputs = (outputs + torch.tensor(parameters["output_biases"]))[:, 0]
        (0.5 * (outputs - torch.tensor(y[:, -1])) ** 2).sum().backward()
        norms = [  # by lag, then by state
            [np.sqrt((state.grad.numpy() ** 2).sum(axis=1).mean()) for state in step]
            for step in kept[::-1]
        ]
        yield (
            cell,
            {
                "X": X,
                "y": y,
                "parameters": parameters,
                "outputs": outputs.detach().numpy(),
                "norms": np.transpose(norms),
            },
        )


# Optimisers


def optimizer_paths():
    gradients = optimizers.gradients_of_steps()
    parameters = torch.ones(5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.RMSprop([parameters], lr=0.01, alpha=0.8, eps=1e-3)
    path = []
    for gradient in gradients:
        parameters.grad = torch.from_numpy(gradient)
        optimizer.step()
        path.append(parameters.detach().numpy().copy())
    yield "rmsprop", {"gradients": gradients, "path": np.array(path)}


FILES = {
    "recurrent_networks": lambda: [*recurrent_networks(), *modules()],
    "feed_forward_networks": feed_forward_networks,
    "gradient_flows": gradient_flows,
    "optimizers": optimizer_paths,
}


def differences(new, old, where):
    """Fields that differ, by more than rounding."""
    if new.dtype.names is None:
        scale = np.nanmax(np.abs(new), initial=0.0)
        same = new.shape == old.shape and np.allclose(
            new, old, rtol=1e-12, atol=1e-13 * scale, equal_nan=True
        )
        return [] if same else [where]
    if new.dtype != old.dtype:
        return [where]
    return [
        found
        for name in new.dtype.names
        for found in differences(new[name], old[name], f"{where}, {name}")
    ]


def main(check):
    found = []
    for name, make in FILES.items():
        cases = list(make())
        records = {case: as_record(values) for case, values in cases}
        assert len(records) == len(cases), "two cases have one name"
        if not check:
            np.savez_compressed(FOLDER / f"{name}.npz", **records)
        elif stored(name).keys() != records.keys():
            found.append(f"{name}: the cases")
        else:
            for case, record in records.items():
                old = np.asarray(stored(name)[case])
                found += differences(record, old, f"{name}, {case}")
    for difference in found:
        print("differs:", difference)
    return len(found) > 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
