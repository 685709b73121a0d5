"""No NaN and no warnings, whatever the rows."""

import numpy as np
import pytest
from emission_helpers import TYPES, chain
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_seq.hmm.emissions import GaussianEmissions, GaussianMixtureEmissions
from sklearn_seq.hmm.emissions._rows import patterns
from sklearn_seq.hmm.inference import smooth

FAR = np.array([[1e160, 0.0], [-1e308, 1e308], [np.nan, 1e200], [np.nan, np.nan]])


def fit(emissions, rows, rng, K=3, n_steps=8):
    """EM, which rises, and parameters in the units of the data."""
    inner, inside, units = emissions.standardise(rows)
    assert np.isfinite(units.log_jacobian(rows))
    proba = np.zeros((len(rows), K))
    proba[np.arange(len(rows)), rng.randint(0, 2, len(rows))] = 1.0
    ends = []
    for p in (
        inside.random_guess(inner, K, rng),
        inside.guess(inner, proba, rng),
    ):
        bounds = []
        for _ in range(n_steps):
            log_densities, statistics = inside.evaluate(p, inner)
            assert np.isfinite(log_densities).all()
            smoothed = smooth(*chain(K), log_densities, [0, len(rows)])
            bounds.append(smoothed.log_likelihood.sum())
            p = inside.maximise(statistics(smoothed.proba), p)
            assert all(np.isfinite(array).all() for array in p)
        size = max(1.0, np.abs(bounds).max())
        # covariances at the floor of rounding are known to fewer digits
        assert np.diff(bounds).min() >= -(1e-9 if inside.reg_covar else 1e-6) * size
        ends.append(units.outward(emissions, p))
    return ends


def families(kind, reg_covar):
    return (
        GaussianEmissions(kind, reg_covar),
        GaussianMixtureEmissions(2, kind, reg_covar),
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_rows(kind, data):
    rng = np.random.RandomState(data.draw(st.integers(0, 2**32 - 1)))
    n = data.draw(st.integers(1, 12))
    rows = rng.standard_normal((n, 2))
    column = data.draw(st.sampled_from(["", "constant", "twice", "missing", "coarse"]))
    if column == "constant":
        rows[:, 1] = 0.1 + 0.2
    elif column == "twice":
        rows[:, 1] = 2 * rows[:, 0]
    elif column == "missing":
        rows[:, 1] = np.nan
    elif column == "coarse":
        rows = np.round(rows)
    if data.draw(st.booleans()):
        rows = np.repeat(rows, 3, axis=0)
    if data.draw(st.booleans()):
        rows[0] = data.draw(st.sampled_from([1e6, 1e140]))
    rows[rng.uniform(size=rows.shape) < data.draw(st.sampled_from([0, 0.3]))] = np.nan
    sizes = st.sampled_from([1.0, 1e-150, 1e-3, 1e9])
    rows = rows * [data.draw(sizes), data.draw(sizes)]
    reg_covar = data.draw(st.sampled_from([1e-6, 0.0]))
    for emissions in families(kind, reg_covar):
        for p in fit(emissions, rows, rng):
            for more in (rows, FAR):
                log_densities, statistics = emissions.evaluate(p, more)
                assert not np.isnan(log_densities).any()
            assert (np.abs(log_densities[3]) < 1e-12).all()
            if np.nanmax(np.abs(rows), initial=0.0) < 1e100:
                emissions.moments(p)
                emissions.condition(p, rows, [0], [1])
                assert np.isfinite(emissions.sample(p, np.arange(3), rng)).all()


@pytest.mark.parametrize(
    "kind, scales",
    [
        (kind, scales)
        for kind in TYPES
        for scales in [(1e150, 1e150), (1e-150, 1e-150), (1e150, 1e-150)]
        # Of a spherical covariance, both features share the one variance.
        if kind != "spherical" or scales[0] == scales[1]
    ],
)
def test_scales_do_not_matter(kind, scales):
    """But for a covariance that all features share."""
    rng = np.random.RandomState(0)
    rows = rng.standard_normal((60, 2)) + 5 * rng.randint(0, 2, (60, 1))
    for emissions in families(kind, 1e-6):
        plain = fit(emissions, rows, np.random.RandomState(1))
        scaled = fit(emissions, rows * scales, np.random.RandomState(1))
        for p, q in zip(plain, scaled, strict=True):
            np.testing.assert_allclose(q.means / scales, p.means, rtol=1e-6)
            difference = emissions.log_densities(q, rows * scales)
            difference -= emissions.log_densities(p, rows)
            np.testing.assert_allclose(
                difference, -np.log(scales).sum(), rtol=1e-6, atol=1e-6
            )


@pytest.mark.parametrize("D", [1, 8, 9, 16, 17, 70])
def test_patterns(D):
    rng = np.random.RandomState(0)
    masks = rng.uniform(size=(4, D)) < 0.5
    masks[0, 0] = True
    rows = np.where(masks[rng.randint(0, 4, 50)], np.nan, rng.standard_normal((50, D)))
    groups = patterns(rows)
    covered = np.concatenate([group.index for group in groups])
    np.testing.assert_array_equal(np.sort(covered), np.arange(50))
    seen = set()
    for index, known, unknown in groups:
        assert not np.isnan(rows[index][:, known]).any()
        assert np.isnan(rows[index][:, unknown]).all()
        seen.add(tuple(known))
    assert len(seen) == len(groups)
    assert len(patterns(np.zeros((3, D)))) == 1
