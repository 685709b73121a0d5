"""Poisson emissions, against SciPy, hmmlearn, and perturbed parameters."""

import pickle

import numpy as np
import peers
import pytest
from emission_helpers import (
    assert_adds_up,
    assert_em_rises,
    em_step,
    fit_with_hmmlearn,
    with_holes,
)
from scipy.stats import poisson

from sklearn_seq.hmm.emissions import PoissonEmissions

K, D = 3, 2


def make_rows(rng, n=200, missing=True):
    rows = rng.poisson([[3.0, 20.0]] * n) * rng.randint(1, 4, (n, 1))
    return with_holes(rows, rng) if missing else rows.astype(np.float64)


def make_parameters(rng):
    return PoissonEmissions().check(K, rates=rng.gamma(2.0, 4.0, (K, D)))


def test_densities():
    rng = np.random.RandomState(0)
    rows = make_rows(rng)
    rows[5] = [0, 10_000]
    rows[6] = [1e9, 0]
    p = make_parameters(rng)
    p.rates[1, 0] = 0.0
    got = PoissonEmissions().log_densities(p, rows)
    known = ~np.isnan(rows)
    each = poisson.logpmf(np.where(known, rows, 0)[:, None], p.rates)
    want = np.where(known[:, None], each, 0.0).sum(axis=2)
    np.testing.assert_allclose(got, want, rtol=1e-9)
    assert np.isneginf(got[:, 1]).any() and np.isfinite(got[5, 1])


@pytest.mark.parametrize("prior", [{}, {"rates_prior": 2.5, "rates_weight": 4.0}])
def test_em_rises_and_m_step_is_a_maximum(prior):
    rng = np.random.RandomState(1)
    rows = make_rows(rng)
    emissions = PoissonEmissions(**prior)
    assert_em_rises(emissions, emissions.random_guess(rows, K, rng), rows)
    proba = rng.dirichlet(np.ones(K), len(rows))
    start = make_parameters(rng)
    statistics = emissions.evaluate(start, rows)[1](proba)
    np.testing.assert_allclose(emissions.weights(statistics), proba.sum(axis=0))
    best = emissions.maximise(statistics, start)

    def value(p):
        return (proba * emissions.log_densities(p, rows)).sum() + emissions.log_prior(p)

    for _ in range(20):
        rates = best.rates * np.exp(0.1 * rng.standard_normal(best.rates.shape))
        assert value(best._replace(rates=rates)) < value(best)
    assert emissions.maximise(statistics, start, {"rates"}) is start


def test_step_as_hmmlearn():
    hmm = peers.hmmlearn()
    rng = np.random.RandomState(2)
    rows = make_rows(rng, missing=False).astype(int)
    emissions = PoissonEmissions()
    start = emissions.random_guess(rows, K, rng)
    _, ours = em_step(emissions, start, rows)
    model = hmm.PoissonHMM(K, n_iter=1, init_params="", params="l")
    model = fit_with_hmmlearn(model, rows, lambdas_=start.rates)
    np.testing.assert_allclose(ours.rates, model.lambdas_, rtol=1e-9)


def test_features_without_counts():
    """Their rates go to the floor, and no state excludes a count."""
    rng = np.random.RandomState(3)
    rows = make_rows(rng, missing=False)
    rows[:, 0] = 0.0
    emissions = PoissonEmissions()
    end = assert_em_rises(emissions, emissions.random_guess(rows, K, rng), rows)
    assert (end.rates[:, 0] > 0).all() and (end.rates[:, 0] < 1e-6).all()
    assert np.isfinite(emissions.log_densities(end, np.array([[5.0, 1.0]]))).all()
    zero = end._replace(rates=np.zeros((K, D)))
    bound, after = em_step(emissions, zero, np.zeros((4, D)))
    assert abs(bound) < 1e-12 and np.isfinite(after.rates).all()


def test_lost_states_and_guesses():
    rng = np.random.RandomState(4)
    rows = make_rows(rng)
    emissions = PoissonEmissions(rates_prior=1.0, rates_weight=1.0)
    proba = rng.dirichlet(np.ones(K), len(rows))
    proba[:, 1] = 0.0
    start = make_parameters(rng)
    after = emissions.maximise(emissions.evaluate(start, rows)[1](proba), start)
    np.testing.assert_array_equal(after.rates[1], start.rates[1])
    for guess in (
        emissions.guess(rows, proba, rng),
        emissions.random_guess(rows, K, rng),
        emissions.random_guess(np.full((5, D), np.nan), K, rng),
    ):
        assert guess.rates.shape == (K, D)
        assert np.isfinite(guess.rates).all() and (guess.rates > 0).all()


def test_sample_moments_and_units():
    rng = np.random.RandomState(5)
    emissions, p = PoissonEmissions(), make_parameters(rng)
    states = rng.randint(0, K, 30_000)
    rows = emissions.sample(p, states, rng)
    means, covariances = emissions.moments(p)
    for k in range(K):
        there = rows[states == k]
        np.testing.assert_allclose(there.mean(axis=0), means[k], rtol=0.05)
        np.testing.assert_allclose(
            np.cov(there.T), covariances[k], atol=0.1 * covariances.max()
        )
    means, covariances = emissions.condition(p, rows[:4], [0], [1])
    np.testing.assert_array_equal(means[:, :, 0], [p.rates[:, 1]] * 4)
    np.testing.assert_array_equal(covariances[:, 0, 0], p.rates[:, 1])
    same, settings, units = emissions.standardise(rows)
    assert same is rows and settings is emissions and units.log_jacobian(rows) == 0.0
    assert pickle.loads(pickle.dumps(emissions)).rates_prior == 0.0
    assert emissions.n_free(p) == K * D and emissions.n_free(p, {"rates"}) == 0


def test_statistics_add_up():
    rng = np.random.RandomState(6)
    rows = make_rows(rng)
    proba = rng.dirichlet(np.ones(K), len(rows))
    assert_adds_up(PoissonEmissions(), make_parameters(rng), rows, proba)


def test_errors():
    with pytest.raises(ValueError, match=r"rates has the value -1 at \(0, 1\), but"):
        PoissonEmissions().check(1, rates=[[1.0, -1.0]])
    with pytest.raises(ValueError, match=r"fixed\['rates'\] has shape \(1, 2\), but"):
        PoissonEmissions().check_some(2, 2, rates=[[1.0, 1.0]])
