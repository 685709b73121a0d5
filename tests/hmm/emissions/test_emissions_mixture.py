"""Mixtures of Gaussians as emissions, against SciPy and hmmlearn."""

import pickle

import numpy as np
import peers
import pytest
from emission_helpers import (
    TYPES,
    assert_adds_up,
    assert_em_rises,
    em_step,
    fit_with_hmmlearn,
    with_holes,
)
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture

from sklearn_seq.hmm.emissions import GaussianEmissions, GaussianMixtureEmissions

K, M, D = 2, 3, 2
PRIOR = {
    "weights_prior": 1.5,
    "means_prior": np.array([0.3, -0.2]),
    "means_weight": 2.5,
    "covars_prior": 0.7,
    "covars_weight": 5.5,
}


def make_rows(rng, n=240):
    rows = rng.standard_normal((n, D)) @ rng.standard_normal((D, D))
    return rows + 3 * rng.randint(0, 4, (n, 1))


def make_parameters(emissions, rng, n=80):
    proba = rng.dirichlet(np.full(K, 0.3), n)
    return emissions.guess(make_rows(rng, n), proba, rng)


def of_state(emissions, p, k):
    """The components of a state, as Gaussian emissions of as many states."""
    return (
        GaussianEmissions(emissions.covariance_type),
        GaussianEmissions(emissions.covariance_type).check(
            means=p.means[k], covariances=p.covariances[k]
        ),
    )


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("missing", [False, True])
def test_densities(kind, missing):
    rng = np.random.RandomState(0)
    rows = make_rows(rng, 60)
    rows = with_holes(rows, rng) if missing else rows
    emissions = GaussianMixtureEmissions(M, kind)
    p = make_parameters(emissions, rng)
    got, _ = emissions.evaluate(p, rows)
    for k in range(K):
        gaussian, own = of_state(emissions, p, k)
        logs = gaussian.log_densities(own, rows) + np.log(p.weights[k])
        np.testing.assert_allclose(
            got[:, k], logsumexp(logs, axis=1), rtol=1e-9, atol=1e-9
        )
    np.testing.assert_array_equal(got, emissions.log_densities(p, rows))


def test_components_without_weight():
    rng = np.random.RandomState(1)
    emissions = GaussianMixtureEmissions(M)
    p = make_parameters(emissions, rng)
    p = p._replace(weights=np.array([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]))
    rows = make_rows(rng)
    gaussian, own = of_state(emissions, p, 0)
    np.testing.assert_allclose(
        emissions.log_densities(p, rows)[:, 0],
        gaussian.log_densities(own, rows)[:, 1],
    )
    _, after = em_step(emissions, p, rows)
    np.testing.assert_array_equal(after.weights == 0, p.weights == 0)
    np.testing.assert_array_equal(after.means[1, 2], p.means[1, 2])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("prior", [{}, PRIOR])
def test_em_rises(kind, missing, prior):
    rng = np.random.RandomState(2)
    rows = make_rows(rng)
    rows = with_holes(rows, rng) if missing else rows
    rows, emissions, _ = GaussianMixtureEmissions(M, kind, **prior).standardise(rows)
    start = emissions.random_guess(rows, K, rng)
    assert_em_rises(emissions, start, rows)
    for name in emissions.names:
        end = assert_em_rises(emissions, start, rows, 5, fixed={name})
        np.testing.assert_array_equal(getattr(end, name), getattr(start, name))


def prior_for_hmmlearn(kind, scale, weight):
    """The same prior in the terms of hmmlearn's mixtures."""
    n = weight - D  # degrees of freedom of a matrix
    return {
        "full": {"covars_prior": scale * np.eye(D), "covars_weight": n - D - 2},
        "tied": {"covars_prior": scale * np.eye(D), "covars_weight": n - M - D - 1},
        "diag": {"covars_prior": (weight - 4) / 2, "covars_weight": scale / 2},
        "spherical": {
            "covars_prior": D * (weight - 2) / 2 - 1,
            "covars_weight": D * scale / 2,
        },
    }[kind]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("prior", [{}, PRIOR])
@pytest.mark.parametrize("fixed", ["means", "covariances"])
def test_step_as_hmmlearn(kind, prior, fixed):
    """With means or covariances held: hmmlearn takes covariances about old means."""
    hmm = peers.hmmlearn()
    rng = np.random.RandomState(3)
    rows = make_rows(rng)
    emissions = GaussianMixtureEmissions(M, kind, reg_covar=0.0, **prior)
    start = make_parameters(emissions, rng)
    _, ours = em_step(emissions, start, rows, {fixed})
    flat = D if kind in ("full", "tied") else 1.0
    scale, weight = prior.get("covars_prior", 0.0), prior.get("covars_weight", flat)
    theirs = {key: value for key, value in prior.items() if "covars" not in key}
    model = hmm.GMMHMM(
        K,
        M,
        covariance_type=kind,
        n_iter=1,
        init_params="",
        params="cw" if fixed == "means" else "mw",
        **theirs,
        **prior_for_hmmlearn(kind, scale, weight),
    )
    model = fit_with_hmmlearn(
        model,
        rows,
        weights_=start.weights,
        means_=start.means,
        covars_=start.covariances,
    )
    np.testing.assert_allclose(ours.weights, model.weights_, rtol=1e-7)
    np.testing.assert_allclose(ours.means, model.means_, rtol=1e-7)
    np.testing.assert_allclose(ours.covariances, model.covars_, rtol=1e-7)


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
@pytest.mark.parametrize("missing", [False, True])
def test_one_component_is_a_gaussian(kind, missing):
    rng = np.random.RandomState(4)
    rows = make_rows(rng)
    rows = with_holes(rows, rng) if missing else rows
    settings = {key: value for key, value in PRIOR.items() if key != "weights_prior"}
    mixture = GaussianMixtureEmissions(1, kind, **settings)
    gaussian = GaussianEmissions(kind, **settings)
    p = make_parameters(mixture, rng)
    q = gaussian.check(means=p.means[:, 0], covariances=p.covariances[:, 0])
    assert mixture.log_prior(p) == pytest.approx(gaussian.log_prior(q))
    assert mixture.n_free(p) == gaussian.n_free(q)
    bound, p = em_step(mixture, p, rows)
    other, q = em_step(gaussian, q, rows)
    assert bound == pytest.approx(other)
    np.testing.assert_allclose(p.means[:, 0], q.means, rtol=1e-9)
    np.testing.assert_allclose(p.covariances[:, 0], q.covariances, rtol=1e-9)


@pytest.mark.parametrize("kind", TYPES)
def test_units(kind):
    rng = np.random.RandomState(5)
    rows = with_holes(make_rows(rng), rng) * [1e3, 1e-4] + [1e5, 1.0]
    given = GaussianMixtureEmissions(M, kind, **PRIOR)
    inner, emissions, units = given.standardise(rows)
    inside = emissions.random_guess(inner, K, rng)
    outside = units.outward(given, inside)
    for a, b in zip(inside, units.inward(given, outside), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        given.log_densities(outside, rows).sum(axis=0),
        emissions.log_densities(inside, inner).sum(axis=0) + units.log_jacobian(rows),
        rtol=1e-9,
    )


@pytest.mark.parametrize("kind", TYPES)
def test_statistics_add_up(kind):
    rng = np.random.RandomState(6)
    rows = with_holes(make_rows(rng), rng)
    emissions = GaussianMixtureEmissions(M, kind)
    proba = rng.dirichlet(np.ones(K), len(rows))
    p = make_parameters(emissions, rng)
    assert_adds_up(emissions, p, rows, proba)
    statistics = emissions.evaluate(p, rows)[1](proba)
    np.testing.assert_allclose(emissions.weights(statistics), proba.sum(axis=0))


@pytest.mark.parametrize("kind", TYPES)
def test_sample_and_moments(kind):
    rng = np.random.RandomState(7)
    emissions = GaussianMixtureEmissions(M, kind)
    p = make_parameters(emissions, rng)
    p = p._replace(weights=np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]]))
    states = rng.randint(0, K, 40_000)
    rows = emissions.sample(p, states, rng)
    means, covariances = emissions.moments(p)
    for k in range(K):
        size = np.abs(covariances[k]).max()
        np.testing.assert_allclose(rows[states == k].mean(axis=0), means[k], atol=0.1)
        np.testing.assert_allclose(
            np.cov(rows[states == k].T), covariances[k], atol=0.05 * size
        )


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("missing", [False, True])
def test_condition(kind, missing):
    """Against moments of the joint density along the unknown feature."""
    rng = np.random.RandomState(8)
    emissions = GaussianMixtureEmissions(M, kind)
    p = make_parameters(emissions, rng)
    rows = make_rows(rng, 4)
    if missing:
        rows[1, 0] = np.nan
    means, covariances = emissions.condition(p, rows, [0], [1])
    assert covariances.shape == (4, K, 1, 1)
    grid = np.linspace(-30, 40, 40_001)
    for n, row in enumerate(rows):
        along = np.column_stack([np.full(grid.shape, row[0]), grid])
        weights = np.exp(emissions.log_densities(p, along))
        weights /= weights.sum(axis=0)
        mean = grid @ weights
        np.testing.assert_allclose(means[n, :, 0], mean, rtol=1e-6)
        np.testing.assert_allclose(
            covariances[n, :, 0, 0], grid**2 @ weights - mean**2, rtol=1e-5
        )


@pytest.mark.parametrize("kind", TYPES)
def test_guess_separates_components(kind):
    rng = np.random.RandomState(9)
    centres = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0]])
    labels = rng.randint(0, M, 300)
    rows = centres[labels] + rng.standard_normal((300, D))
    proba = np.zeros((300, K))
    proba[:, 0] = 1.0
    p = GaussianMixtureEmissions(M, kind).guess(rows, proba, rng)
    found = p.means[0][np.lexsort(np.round(p.means[0], -1).T[::-1])]
    np.testing.assert_allclose(found, centres[[0, 2, 1]], atol=0.5)
    assert all(np.isfinite(array).all() for array in p)
    np.testing.assert_allclose(p.weights.sum(axis=1), 1.0)


@pytest.mark.parametrize("kind", TYPES)
def test_n_free(kind):
    rng = np.random.RandomState(10)
    emissions = GaussianMixtureEmissions(M, kind)
    p = make_parameters(emissions, rng)
    mixture = GaussianMixture(M, covariance_type=kind).fit(make_rows(rng))
    assert emissions.n_free(p) == K * mixture._n_parameters()
    assert emissions.n_free(p, {"covariances", "means"}) == K * (M - 1)
    assert emissions.n_free(p, emissions.names) == 0


@pytest.mark.parametrize("kind", TYPES)
def test_check(kind):
    rng = np.random.RandomState(11)
    emissions = GaussianMixtureEmissions(M, kind)
    p = make_parameters(emissions, rng)
    checked = GaussianMixtureEmissions(covariance_type=kind).check(K, **p._asdict())
    for a, b in zip(checked, p, strict=True):
        np.testing.assert_allclose(a, b)
    assert list(emissions.check_some(K, D, weights=p.weights)) == ["weights"]
    assert pickle.loads(pickle.dumps(emissions)).n_mix == M
    with pytest.raises(ValueError, match=r"weights must sum to 1 along its last axis"):
        emissions.check(K, weights=2 * p.weights)
    with pytest.raises(ValueError, match="weights has the value -1 at"):
        emissions.check(1, weights=[[2.0, -1.0]])
    with pytest.raises(ValueError, match="means has shape"):
        emissions.check(K, weights=p.weights, means=p.means[:, :1])
    with pytest.raises(ValueError, match=r"fixed\['means'\] has shape"):
        emissions.check_some(K, D + 1, means=p.means)


def test_concentration_is_at_least_one():
    with pytest.raises(ValueError, match="weights_prior=0.5, but expected at least 1"):
        GaussianMixtureEmissions(weights_prior=0.5)
