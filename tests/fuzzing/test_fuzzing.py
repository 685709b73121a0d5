"""Whatever an estimator is given, it answers with finite numbers or a clear error.

``SKLEARN_SEQ_FUZZ=10000 pytest tests/fuzzing`` tries so many inputs.
"""

import os
from collections import Counter

import pytest
from fuzzed_calls import check_everything
from fuzzed_data import sequences_of
from fuzzed_estimators import KINDS, estimators
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import sklearn_seq

N_INPUTS = int(os.environ.get("SKLEARN_SEQ_FUZZ", 20 * len(KINDS)))


def test_every_estimator_is_fuzzed():
    assert set(sklearn_seq._ESTIMATORS) | {"DelayTaps", "PerTimestep"} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_results_are_finite_or_errors_are_clear(name):
    kind = KINDS[name]

    @settings(
        max_examples=-(-N_INPUTS // len(KINDS)),
        derandomize="SKLEARN_SEQ_FUZZ" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def property_(draw):
        estimator = draw.draw(estimators(kind), label="estimator")
        data = draw.draw(sequences_of(**kind.data), label="data")
        other = draw.draw(sequences_of(like=data, **kind.data), label="other")
        counts = Counter(check_everything(estimator, data, other))
        event(f"fit: {next(iter(counts))[1]}")

    property_()
