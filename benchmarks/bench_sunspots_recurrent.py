"""Sunspots: a recurrent net chosen inside 1700-1920, tested on 1921-1987.

The protocol is that of the feed-forward net in bench_sunspots.py, with the transform it
chose: square roots, 9 or 12 delay taps, the same time-ordered folds, each choice judged
by its mean error over several seeds. Chosen are the kind of units, their number, the
penalty, the taps, and how large the data enter the net: penalties of data within 0 and
1, whose variance is about a sixteenth, are smaller in proportion. Takes about six
minutes on one core.

That taps be 9 or 12 is part of the protocol, not chosen: nets of one or two taps have
smaller cross-validated errors still, 198 to 206 for the best, but nets like these have
errors of 355 to 387 on 1921-1987, where cycles are higher than any before.
"""

import numpy as np
from bench_sunspots import (
    BURN_IN,
    LAST_KNOWN,
    ROOT,
    read_arguments,
    search,
    show_test_errors,
)
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_seq.datasets import load_sunspots
from sklearn_seq.preprocessing import DelayTaps
from sklearn_seq.rnn import RNNRegressor

NETS = {
    "cell": ["tanh", "relu"],
    "n_lags": [9, 12],
    "hidden_layer_sizes": [(2,), (4,), (8,)],
}
GRID = [
    {"scale": [StandardScaler()], "alpha": [1.0, 3.0, 10.0], **NETS},
    {"scale": [MinMaxScaler()], "alpha": [0.06, 0.2, 0.6], **NETS},
]


def recurrent(seed, scale, n_lags, **params):
    """A net that forecasts the first tap; the others are inputs only."""
    net = RNNRegressor(
        solver="lbfgs",
        tol=1e-5,
        max_iter=300,
        burn_in=BURN_IN,
        exogenous=np.arange(1, n_lags),
        standardize=False,  # the scale is chosen outside
        random_state=seed,
        **params,
    )
    taps = Pipeline([("taps", DelayTaps(n_lags)), ("net", net)])
    return Pipeline([("power", ROOT), ("scale", scale), ("taps", taps)])


def main():
    args = read_arguments(__doc__)
    bunch = load_sunspots()
    X, years = bunch.data, bunch.time
    choices = list(ParameterGrid(GRID))
    known = X[years <= LAST_KNOWN]
    means = search(recurrent, choices, known, args.seeds, args.jobs)
    order = np.argsort(means)
    print(f"cross-validated error, mean over {args.seeds} seeds, of {len(choices)}:")
    for place in order:
        print(f"{means[place]:8.1f}", choices[place])
    best = choices[order[0]]
    print("chosen:", best)
    show_test_errors(recurrent, best, X, years, args.seeds)


if __name__ == "__main__":
    main()
