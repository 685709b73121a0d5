"""Which units learn to remember over long delays.

In the adding problem two numbers are marked in a long sequence of random ones, and
their sum is asked for at the end. In the copying problem a few symbols come in, to be
repeated after a long delay. To guess without memory gives a known error in both: nets
of simple units mostly stay there, as gradients vanish on their way back in time, while
gated ones leave it. Each epoch is made of fresh sequences, so that the training error
of an epoch tells how good the net was on sequences that it had not seen; training ends
as soon as that is small, or after so many epochs.

    python examples/long_delays.py
    python examples/long_delays.py --adding 400 --cells gru lstm --tasks adding
"""

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_seq.datasets import make_adding_problem, make_copy_memory
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

N_UNITS = {"adding": 32, "copying": 64}
RATES = {
    "adding": {"tanh": 0.001, "relu": 0.001, "lstm": 0.01, "gru": 0.01},
    "copying": {"tanh": 0.001, "relu": 0.001, "lstm": 0.005, "gru": 0.005},
}
ENOUGH = {"adding": 0.0015, "copying": 0.015}  # of the loss, where training ends
N_EPOCHS = {"adding": 40, "copying": 400}
N_COPIED, N_SYMBOLS = 10, 8


def settings(task, cell, seed):
    return {
        "hidden_layer_sizes": (N_UNITS[task],),
        "cell": cell,
        "init": "identity" if cell == "relu" else "orthogonal",
        "learning_rate_init": RATES[task][cell],
        "alpha": 0.0,
        "truncate": None,
        "standardize": False,  # losses in the units of the task
        "random_state": seed,
    }


def adding(n_sequences, n_timesteps, rng):
    X, y = make_adding_problem(n_sequences, n_timesteps, random_state=rng)
    return X.astype(np.float32), y


def copying(n_sequences, delay, rng):
    """The symbols as indicators: one column for each, single precision."""
    X, y = make_copy_memory(
        n_sequences,
        n_symbols=N_SYMBOLS,
        n_copied=N_COPIED,
        delay=delay,
        random_state=rng,
    )
    return np.eye(N_SYMBOLS + 2, dtype=np.float32)[X[:, :, 0]], y


def train(model, make, length, n_epochs, enough, seed, **more):
    """One epoch after another on fresh sequences, until the loss is small enough."""
    rng = np.random.RandomState(seed)
    for epoch in range(n_epochs):
        X, y = make(1000, length, rng)
        model.partial_fit(X, y, **(more if epoch == 0 else {}))
        if model.loss_ < enough:
            break
    return model


def report(name, cell, length, error, guess, seconds, n_epochs):
    print(
        f"{name:<8}{length:>7}  {cell:<5}{error:>9.4f}{guess:>9.4f}"
        f"{error / guess:>9.1%}{n_epochs:>8}{seconds:>9.1f}",
        flush=True,
    )


def run_adding(cell, args):
    length = args.adding
    model = RNNRegressor(**settings("adding", cell, args.seed), batch_size=32)
    start = time.perf_counter()
    train(
        model,
        adding,
        length,
        args.epochs or N_EPOCHS["adding"],
        ENOUGH["adding"],
        args.seed,
    )
    seconds = time.perf_counter() - start
    X, y = adding(1000, length, np.random.RandomState(args.seed + 1000))
    error = np.mean((model.predict(X) - y) ** 2)
    report("adding", cell, length, error, 1 / 6, seconds, model.n_iter_)


def run_copying(cell, args):
    length = args.delay
    model = RNNClassifier(**settings("copying", cell, args.seed), batch_size=20)
    start = time.perf_counter()
    train(
        model,
        copying,
        length,
        args.epochs or N_EPOCHS["copying"],
        ENOUGH["copying"],
        args.seed,
        classes=np.arange(N_SYMBOLS + 1),
    )
    seconds = time.perf_counter() - start
    X, y = copying(500, length, np.random.RandomState(args.seed + 1000))
    log_proba = model.predict_log_proba(X)
    error = -np.take_along_axis(log_proba, y[:, :, None], axis=2).mean()
    guess = N_COPIED * np.log(N_SYMBOLS) / y.shape[1]
    report("copying", cell, length, error, guess, seconds, model.n_iter_)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--adding", type=int, default=100, help="sequence length")
    parser.add_argument("--delay", type=int, default=50, help="of the copying problem")
    parser.add_argument("--cells", nargs="+", default=["tanh", "lstm", "gru"])
    parser.add_argument("--tasks", nargs="+", default=["adding", "copying"])
    parser.add_argument(
        "--epochs",
        type=int,
        help="at most, of 1000 sequences; by default "
        + ", ".join(f"{number} for {task}" for task, number in N_EPOCHS.items()),
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("Mean squared error (adding) and nats per step (copying) on new sequences")
    print("task     length  cell     error    guess    ratio  epochs  seconds")
    runs = {"adding": run_adding, "copying": run_copying}
    with threadpool_limits(1, user_api="blas"):
        for task in args.tasks:
            for cell in args.cells:
                runs[task](cell, args)


if __name__ == "__main__":
    main()
