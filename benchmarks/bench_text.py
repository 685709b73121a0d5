"""Bits per character on held-out text: a log-linear n-gram and a net with embeddings.

Both predict the next character of the Python documentation topics from the last six.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.autoregressive import ARClassifier, MLPSequenceClassifier
from sklearn_seq.datasets import load_python_topics
from sklearn_seq.metrics import neg_bits_per_symbol_scorer


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--characters", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    text, _ = load_python_topics(return_X_y=True)
    text = text[: args.characters]
    alphabet = np.unique(text)
    stop = int(0.8 * len(text))
    train, test = text[:stop], text[stop:]
    for model in (
        ARClassifier(n_lags=6, symbols=alphabet),
        MLPSequenceClassifier(
            n_lags=6,
            embedding_dim=16,
            hidden_layer_sizes=(128,),
            learning_rate_init=0.003,
            max_iter=args.epochs,
            symbols=alphabet,
            random_state=0,
        ),
    ):
        start = time.perf_counter()
        model.fit(train)
        seconds = time.perf_counter() - start
        bits = -neg_bits_per_symbol_scorer(model, test)
        print(
            f"{type(model).__name__}: {bits:.3f} bits per character on {len(test)} "
            f"held-out characters, {seconds:.1f} s to fit on {len(train)}"
        )


if __name__ == "__main__":
    main()
