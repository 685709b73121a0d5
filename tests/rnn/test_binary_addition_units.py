"""A net of few units learns from short sums, with the sum late, to add long ones."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.datasets import make_binary_addition
from sklearn_seq.rnn import RNNClassifier


def integers(bits):
    """Numbers of any size from their bits, least significant first."""
    return [int("".join(map(str, row[::-1])), 2) for row in bits.astype(int).tolist()]


@pytest.mark.slow
def test_four_units_add_two_steps_late():
    """Two starts, since the path of training depends on rounding errors."""
    delay = 2
    X, y = make_binary_addition(5000, (1, 10), delay=delay, random_state=0)
    X_test, _ = make_binary_addition(200, 50, delay=delay, random_state=1000)
    first, second = (integers(X_test[:, :50, k]) for k in range(2))
    expected = [a + b for a, b in zip(first, second, strict=True)]
    for seed in (3, 4):
        net = RNNClassifier(
            (4,),
            alpha=0.01,
            learning_rate_init=0.03,
            max_iter=40,
            n_iter_no_change=40,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(X, y)
        found = integers(np.asarray(net.predict(X_test))[:, delay:])
        if found == expected:
            break
    assert found == expected
