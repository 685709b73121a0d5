"""R² whatever the scale of the values."""

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import r2_score

from sklearn_seq._core.r_squared import r_squared


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(20, 2))
    return true, true + 0.3 * rng.normal(size=true.shape), rng.random(20)


@pytest.mark.parametrize("unit", [1.0, 2.0**-900, 2.0**900, 5e-300, 1e307])
def test_the_unit_does_not_matter(values, unit):
    true, predicted, weights = values
    expected = (
        r2_score(true, predicted),
        r2_score(true, predicted, sample_weight=weights),
    )
    found = (
        r_squared(true * unit, predicted * unit),
        r_squared(true * unit, predicted * unit, weights=weights),
    )
    assert found == pytest.approx(expected, rel=1e-12)


def test_outputs_with_fewer_than_two_targets_are_left_out(values):
    true, predicted, _ = values
    known = np.ones(true.shape, dtype=bool)
    known[1:, 1] = False
    assert r_squared(true, predicted, known) == r2_score(true[:, 0], predicted[:, 0])
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(r_squared(true[:1], predicted[:1]))


def test_constant_targets_and_errors_out_of_range():
    constant = np.full((3, 1), 7.0)
    assert r_squared(constant, constant) == 1.0
    assert r_squared(constant, constant + 1) == 0.0
    assert r_squared(np.array([[1e-200], [2e-200]]), np.ones((2, 1))) == -np.inf
