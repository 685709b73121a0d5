"""What recurrent nets are known to learn, learned."""

import numpy as np
import pytest

from sklearn_seq.datasets import make_adding_problem, make_binary_addition
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.slow
def test_sums_of_ten_bits_teach_sums_of_fifty():
    X, y = make_binary_addition(5000, (1, 10), delay=2, random_state=0)
    model = RNNClassifier(
        (8,), alpha=0.01, max_iter=40, n_iter_no_change=40, random_state=0
    ).fit(X, y)
    X, y = make_binary_addition(200, 50, delay=2, random_state=1000)
    assert np.array_equal(model.predict(X)[y >= 0], y[y >= 0])


@pytest.mark.slow
def test_a_gated_cell_adds_numbers_fifty_steps_apart():
    X, y = make_adding_problem(2000, 50, random_state=0)
    model = RNNRegressor((32,), cell="gru", max_iter=30, random_state=0).fit(X, y)
    X, y = make_adding_problem(500, 50, random_state=1)
    assert np.mean((model.predict(X) - y) ** 2) < 0.01
