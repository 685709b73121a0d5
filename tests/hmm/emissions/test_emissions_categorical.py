"""Categorical emissions, against tables, hmmlearn, and perturbed parameters."""

import pickle

import numpy as np
import peers
import pytest
from emission_helpers import (
    assert_adds_up,
    assert_em_rises,
    em_step,
    fit_with_hmmlearn,
)

from sklearn_seq.hmm.emissions import CategoricalEmissions

K, SIZES = 3, (4, 2)


def make_rows(rng, n=200, missing=True):
    rows = np.column_stack([rng.randint(0, size, n) for size in SIZES])
    if missing:
        rows[rng.uniform(size=rows.shape) < 0.2] = -1
        rows[:3] = -1
    return rows


def make_parameters(rng):
    tables = [rng.dirichlet(np.ones(size), K) for size in SIZES]
    return CategoricalEmissions().check(K, emissionprob=tables)


def test_densities():
    rng = np.random.RandomState(0)
    rows, p = make_rows(rng), make_parameters(rng)
    tables = [table.copy() for table in p.emissionprob]
    tables[0][1] = [0.0, 0.5, 0.5, 0.0]
    p = p._replace(emissionprob=tuple(tables))
    got = CategoricalEmissions(SIZES).log_densities(p, rows)
    want = np.ones((len(rows), K))
    for d in range(len(SIZES)):
        there = rows[:, d] >= 0
        want[there] *= tables[d].T[rows[there, d]]
    np.testing.assert_allclose(np.exp(got), want, rtol=1e-12)
    np.testing.assert_array_equal(got == -np.inf, want == 0)
    np.testing.assert_array_equal(got[:3], 0.0)


@pytest.mark.parametrize("prior", [1.0, 2.5])
def test_em_rises_and_m_step_is_a_maximum(prior):
    rng = np.random.RandomState(1)
    rows = make_rows(rng)
    emissions = CategoricalEmissions(SIZES, emissionprob_prior=prior)
    assert_em_rises(emissions, emissions.random_guess(rows, K, rng), rows)
    proba = rng.dirichlet(np.ones(K), len(rows))
    start = make_parameters(rng)
    statistics = emissions.evaluate(start, rows)[1](proba)
    np.testing.assert_allclose(emissions.weights(statistics), proba.sum(axis=0))
    best = emissions.maximise(statistics, start)

    def value(p):
        return (proba * emissions.log_densities(p, rows)).sum() + emissions.log_prior(p)

    for _ in range(20):
        tables = [t * np.exp(0.1 * rng.standard_normal(t.shape)) for t in best[0]]
        tables = tuple(t / t.sum(axis=1, keepdims=True) for t in tables)
        assert value(best._replace(emissionprob=tables)) < value(best)
    assert emissions.maximise(statistics, start, {"emissionprob"}) is start


@pytest.mark.parametrize("prior", [1.0, 2.5])
def test_step_as_hmmlearn(prior):
    hmm = peers.hmmlearn()
    rng = np.random.RandomState(2)
    rows = make_rows(rng, missing=False)[:, :1]
    emissions = CategoricalEmissions(SIZES[:1], emissionprob_prior=prior)
    start = emissions.random_guess(rows, K, rng)
    _, ours = em_step(emissions, start, rows)
    model = hmm.CategoricalHMM(
        K, n_iter=1, init_params="", params="e", emissionprob_prior=prior
    )
    model = fit_with_hmmlearn(model, rows, emissionprob_=start.emissionprob[0])
    np.testing.assert_allclose(ours.emissionprob[0], model.emissionprob_, rtol=1e-9)


def test_lost_states_and_guesses():
    rng = np.random.RandomState(3)
    rows = make_rows(rng)
    for emissions in (CategoricalEmissions(SIZES), CategoricalEmissions()):
        proba = rng.dirichlet(np.ones(K), len(rows))
        proba[:, 1] = 0.0
        start = make_parameters(rng)
        statistics = emissions.evaluate(start, rows)[1](proba)
        after = emissions.maximise(statistics, start)
        guesses = (
            emissions.guess(rows, proba, rng),
            emissions.random_guess(rows, K, rng),
        )
        for d, size in enumerate(SIZES):
            np.testing.assert_array_equal(
                after.emissionprob[d][1], start.emissionprob[d][1]
            )
            for guess in guesses:
                assert guess.emissionprob[d].shape == (K, size)
                assert (guess.emissionprob[d] > 0).all()
                np.testing.assert_allclose(guess.emissionprob[d].sum(axis=1), 1.0)


def test_sample_and_units():
    rng = np.random.RandomState(4)
    emissions, p = CategoricalEmissions(SIZES), make_parameters(rng)
    states = rng.randint(0, K, 30_000)
    rows = emissions.sample(p, states, rng)
    for d, size in enumerate(SIZES):
        for k in range(K):
            shares = np.bincount(rows[states == k, d], minlength=size) / sum(
                states == k
            )
            np.testing.assert_allclose(shares, p.emissionprob[d][k], atol=0.02)
    same, settings, units = emissions.standardise(rows)
    assert same is rows and settings is emissions and units.log_jacobian(rows) == 0.0
    assert units.inward(emissions, p) is p and units.outward(emissions, p) is p
    assert pickle.loads(pickle.dumps(emissions)).n_symbols == SIZES
    assert emissions.n_free(p) == K * (3 + 1)
    assert emissions.n_free(p, {"emissionprob"}) == 0
    assert not hasattr(emissions, "moments")


def test_statistics_add_up():
    rng = np.random.RandomState(5)
    rows = make_rows(rng)
    proba = rng.dirichlet(np.ones(K), len(rows))
    assert_adds_up(CategoricalEmissions(SIZES), make_parameters(rng), rows, proba)


@pytest.mark.parametrize(
    "tables, message",
    [
        ([[0.5, 0.4], [0.5, 0.5]], "emissionprob must sum to 1 along its last axis"),
        ([[1.5, -0.5], [0.5, 0.5]], "probabilities are at least 0"),
        ([[0.5, 0.5]], r"emissionprob has shape \(1, 2\), but expected"),
        ([np.eye(2), np.full((2, 3), 0.3)], r"emissionprob\[1\] must sum to 1"),
    ],
)
def test_errors(tables, message):
    with pytest.raises(ValueError, match=message):
        CategoricalEmissions().check(2, emissionprob=tables)


def test_errors_of_settings():
    with pytest.raises(ValueError, match="emissionprob_prior=0.5, but expected at le"):
        CategoricalEmissions(emissionprob_prior=0.5)
    emissions = CategoricalEmissions((2, 3))
    with pytest.raises(ValueError, match=r"has 1 table\(s\), but there are 2 column"):
        emissions.check_some(2, 2, emissionprob=np.eye(2))
    with pytest.raises(ValueError, match=r"fixed\['emissionprob'\]\[1\] has shape"):
        emissions.check_some(2, 2, emissionprob=[np.eye(2), np.eye(2)])
