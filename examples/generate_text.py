"""A recurrent net reads text, character by character, and then writes some.

A net of gated units is trained on the documentation of Python to predict the next
character from all that came before. On text that it has not seen, the bits that a
character costs are set beside those of a log-linear model of the last few characters.
Then the net goes on by itself: each character is drawn from its prediction and read
as the next one.

The text is cut into a panel of long sequences that are read side by side. Gradients
end after a hundred steps, while the states are carried on.

    python examples/generate_text.py
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.autoregressive import ARClassifier
from sklearn_seq.datasets import load_python_topics
from sklearn_seq.metrics import neg_bits_per_symbol_scorer
from sklearn_seq.rnn import RNNClassifier

N_ABREAST = 50


def panel(text):
    """Cut a text into sequences of equal length; what is left over is dropped."""
    n_steps = len(text) // N_ABREAST
    return text[: N_ABREAST * n_steps].reshape(N_ABREAST, n_steps, 1)


def report(name, model, X, test):
    start = time.perf_counter()
    model.fit(X)
    seconds = time.perf_counter() - start
    bits = -neg_bits_per_symbol_scorer(model, test)
    print(f"{name:<42}{bits:>6.3f}{seconds:>9.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--characters", type=int, default=200_000)
    parser.add_argument("--cell", default="gru", help="tanh, relu, lstm or gru")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--write", type=int, default=600, help="characters to draw")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    text, _ = load_python_topics(return_X_y=True)
    text = text[: args.characters]
    alphabet = np.unique(text)
    stop = int(0.8 * len(text))
    train, test = text[:stop], text[stop:]

    print(f"Trained on {len(train)} characters, {len(test)} held out")
    print(f"{'':<42}{'bits':>6}{'seconds':>9}")
    log_linear = ARClassifier(n_lags=6, symbols=alphabet)
    report("log-linear model of the last 6 characters", log_linear, train, test)
    net = RNNClassifier(
        (args.units,),
        cell=args.cell,
        batch_size=N_ABREAST,
        truncate=100,
        learning_rate_init=0.005,
        max_iter=args.epochs,
        symbols=alphabet,
        random_state=0,
    )
    name = f"recurrent net of {args.units} units ({args.cell})"
    report(name, net, panel(train), test)

    prompt = test[:200]
    drawn = net.sample(args.write, X=prompt, random_state=0)
    print("\n...", "".join(prompt[-60:].ravel()), "|", "".join(drawn.ravel()), sep="")


if __name__ == "__main__":
    main()
