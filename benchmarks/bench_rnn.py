"""Training and prediction of recurrent networks: ours and PyTorch's.

A training step is the forward pass, the backward pass, clipping of the gradient's norm
and Adam, in single precision, on both sides the whole step: PyTorch's own module
(nn.RNN, nn.GRU, nn.LSTM) with nn.Linear, fused Adam and clip_grad_norm_, its inputs
time-major and ready in memory; ours gathers its batch from a data set. Both run in one
process, in turn, with one thread and with two; medians and their ratios are printed.
The products column is the time of the bare matrix products of the recurrent weights:
at each step one forward, one backward and one for the gradient.
"""

import argparse
import statistics
import time

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from sklearn_seq.networks import Adam, clip_norm
from sklearn_seq.rnn._network import RecurrentNetwork
from sklearn_seq.rnn._objective import SequenceObjective, predict

N_INPUTS = 8
MODULES = {"tanh": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
N_GATES = {"tanh": 1, "gru": 3, "lstm": 4}

TRAINING = (
    ("tanh", 32, 50, 32),
    ("tanh", 64, 100, 128),
    ("gru", 32, 50, 64),
    ("lstm", 32, 50, 32),
    ("lstm", 64, 100, 128),
)


def medians(functions, repeats):
    """The median time of a call of each function, in milliseconds.

    They take turns; a turn is as many calls as last about a tenth of a second, as in
    training, where one step follows another. Calls of more than a second take three.
    """
    numbers = []
    for function in functions:
        function()
        taken = seconds(function)
        numbers.append(max(1, int(0.1 / taken)))
        if taken > 1:
            repeats = min(repeats, 3)
    times = [[] for _ in functions]
    for _ in range(repeats):
        for function, number, taken in zip(functions, numbers, times, strict=True):
            taken.append(1e3 * seconds(function, number) / number)
    return [statistics.median(taken) for taken in times]


def seconds(function, number=1):
    start = time.perf_counter()
    for _ in range(number):
        function()
    return time.perf_counter() - start


def our_step(cell, rows, targets, offsets, hidden):
    network = RecurrentNetwork(N_INPUTS, 1, (hidden,), cell=cell)
    parameters = network.initialize(np.random.RandomState(0), np.float32)
    gradient = parameters.zeros_like()
    objective = SequenceObjective(
        network, parameters, gradient, rows, offsets, targets, alpha=1e-4
    )
    optimizer = Adam(parameters.flat)
    batch = np.arange(len(offsets) - 1)

    def step():
        objective(batch)
        clip_norm(gradient.flat, 1.0)
        optimizer.update(parameters.flat, gradient.flat)

    return step


def their_step(cell, sequences, targets, hidden):
    """Packed if there are several lengths, else time-major."""
    module = MODULES[cell](N_INPUTS, hidden)
    readout = torch.nn.Linear(hidden, 1)
    parameters = [*module.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, fused=True)
    if len({len(sequence) for sequence in sequences}) > 1:
        pack = torch.nn.utils.rnn.pack_sequence
        x, y = (pack(a, enforce_sorted=False) for a in (sequences, targets))
        y = y.data
    else:
        x, y = (torch.stack(a, dim=1) for a in (sequences, targets))

    def step():
        optimizer.zero_grad()
        h, _ = module(x)
        if isinstance(h, torch.nn.utils.rnn.PackedSequence):
            h = h.data
        loss = torch.nn.functional.mse_loss(readout(h), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return step


def bare_products(cell, batch, n_steps, hidden):
    rng = np.random.default_rng(0)
    n_pre = N_GATES[cell] * hidden

    def matrix(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    forward, backward = matrix(n_pre, hidden), matrix(hidden, n_pre)
    h, delta = matrix(hidden, batch), matrix(n_pre, batch)
    pre, dh = np.empty_like(delta), np.empty_like(h)
    all_h, all_deltas = matrix(hidden, batch * n_steps), matrix(n_pre, batch * n_steps)
    gradient = np.empty_like(backward)

    def run():
        for _ in range(n_steps):
            np.dot(forward, h, out=pre)
        for _ in range(n_steps):
            np.dot(backward, delta, out=dh)
        np.dot(all_h, all_deltas.T, out=gradient)

    return run


def make_data(lengths, seed=0):
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = rng.standard_normal((offsets[-1], N_INPUTS)).astype(np.float32)
    targets = rng.standard_normal((offsets[-1], 1)).astype(np.float32)
    ends = offsets[1:-1].tolist()
    split = [
        list(torch.tensor_split(torch.from_numpy(a), ends)) for a in (rows, targets)
    ]
    return offsets, rows, targets, split


def compare_training(cell, lengths, hidden, repeats):
    offsets, rows, targets, split = make_data(lengths)
    functions = [
        our_step(cell, rows, targets, offsets, hidden),
        their_step(cell, *split, hidden),
    ]
    if len(set(lengths)) == 1:
        functions.append(bare_products(cell, len(lengths), lengths[0], hidden))
    return medians(functions, repeats)


def compare_prediction(n_sequences, n_steps, hidden, repeats):
    offsets, rows, _, (sequences, _) = make_data([n_steps] * n_sequences)
    network = RecurrentNetwork(N_INPUTS, 1, (hidden,), cell="lstm")
    parameters = network.initialize(np.random.RandomState(0), np.float32)
    module = torch.nn.LSTM(N_INPUTS, hidden)
    readout = torch.nn.Linear(hidden, 1)
    x = torch.stack(sequences, dim=1)

    def ours():
        predict(network, parameters, rows, offsets)

    @torch.no_grad()
    def theirs():
        readout(module(x)[0])

    return medians([ours, theirs], repeats)


def report(name, times):
    ours, theirs, *products = times
    line = f"  {name:42} {ours:8.2f} ms, PyTorch {theirs:8.2f} ms: {ours / theirs:.2f}"
    for product in products:
        line += f"; products {product:6.2f} ms: {ours / product:.2f}"
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--only", default="", help="cases whose name contains this")
    args = parser.parse_args()
    ragged = np.random.default_rng(0).integers(10, 201, 512).tolist()
    cases = [
        (
            f"{cell}, batch {batch}, T {T}, hidden {hidden}",
            compare_training,
            (cell, [T] * batch, hidden),
        )
        for cell, batch, T, hidden in TRAINING
    ]
    cases += [
        (
            f"{cell}, 512 sequences of 10 to 200, hidden 64",
            compare_training,
            (cell, ragged, 64),
        )
        for cell in MODULES
    ]
    cases.append(
        ("lstm, predict 1,000 x 100, hidden 64", compare_prediction, (1_000, 100, 64))
    )
    for threads in args.threads:
        torch.set_num_threads(threads)
        print(f"{threads} thread(s)")
        with threadpool_limits(threads):
            for name, compare, arguments in cases:
                if args.only in name:
                    report(name, compare(*arguments, args.repeats))


if __name__ == "__main__":
    main()
