"""Fits in several threads at once give what they give one after another."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fuzzed_calls import answers, assert_same_answers, fit, plain_data
from fuzzed_estimators import KINDS
from sampling import each_value_once
from sklearn.base import clone

N_THREADS = 4

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def fit_and_answer(estimator, data):
    return answers(fit(estimator, data), data)


@each_value_once("name, per_sequence", list(KINDS), [False, True])
def test_threads_do_not_disturb_each_other(name, per_sequence):
    kind = KINDS[name]
    estimator = kind.make(**kind.settings)
    data = [plain_data(kind, seed, per_sequence) for seed in range(2 * N_THREADS)]
    estimators = [clone(estimator) for _ in data]
    expected = [fit_and_answer(clone(estimator), own) for own in data]
    with ThreadPoolExecutor(N_THREADS) as pool:
        found = list(pool.map(fit_and_answer, estimators, data))
    for own, wanted in zip(found, expected, strict=True):
        assert_same_answers(own, wanted)
