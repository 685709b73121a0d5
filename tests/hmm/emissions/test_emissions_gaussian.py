"""Gaussian emissions, against SciPy, hmmlearn, and perturbed parameters."""

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
from scipy.stats import invgamma, invwishart, multivariate_normal
from sklearn.mixture import GaussianMixture

from sklearn_seq.hmm.emissions import GaussianEmissions

K, D = 3, 3
PRIOR = {
    "means_prior": np.array([0.3, -0.2, 1.0]),
    "means_weight": 2.5,
    "covars_prior": 0.7,
    "covars_weight": 6.5,
}


def make_rows(rng, n=240):
    states = rng.randint(0, K, n)
    return (
        rng.standard_normal((n, D)) @ rng.standard_normal((D, D)) + 2 * states[:, None]
    )


def make_parameters(emissions, rng, n=40):
    rows = rng.standard_normal((n, D)) @ rng.standard_normal((D, D))
    proba = rng.dirichlet(np.full(K, 0.3), n)
    return emissions.guess(rows, proba, rng)


def reference(means, covariances, rows):
    out = np.zeros((len(rows), len(means)))
    for n, row in enumerate(rows):
        there = np.flatnonzero(~np.isnan(row))
        if len(there):
            for k in range(len(means)):
                block = covariances[k][np.ix_(there, there)]
                normal = multivariate_normal(means[k][there], block)
                out[n, k] = normal.logpdf(row[there])
    return out


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("missing", [False, True])
def test_densities(kind, missing):
    rng = np.random.RandomState(0)
    rows = make_rows(rng, 60)
    rows = with_holes(rows, rng) if missing else rows
    emissions = GaussianEmissions(kind)
    parameters = make_parameters(emissions, rng)
    got = emissions.log_densities(parameters, rows)
    assert got.flags.c_contiguous
    np.testing.assert_allclose(
        got, reference(*emissions.moments(parameters), rows), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_array_equal(got, emissions.evaluate(parameters, rows)[0])
    if missing:
        np.testing.assert_array_equal(got[:3], 0.0)


@pytest.mark.parametrize("kind", TYPES)
def test_densities_of_narrow_states_far_away(kind):
    """Squares about a common centre would have no digits left."""
    means = np.array([[0.0, 0.0], [1.0, 0.5], [1e6, -1e6]])
    variances = np.array([1.0, 1e-10, 1e-6])
    covariances = {
        "full": variances[:, None, None] * np.eye(2),
        "tied": 1e-8 * np.eye(2),
        "diag": variances[:, None] * np.ones(2),
        "spherical": variances,
    }[kind]
    emissions = GaussianEmissions(kind)
    parameters = emissions.check(means=means, covariances=covariances)
    _, matrices = emissions.moments(parameters)
    rows = means.repeat(2, axis=0)
    rows[1::2] += np.sqrt(matrices[:, 0, :1])
    got = emissions.log_densities(parameters, rows)
    want = reference(means, matrices, rows)
    # a row at 1e6 is itself known to 1e-10
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("prior", [{}, PRIOR])
@pytest.mark.parametrize("fixed", [(), ("means",), ("covariances",)])
def test_m_step_is_a_maximum(kind, prior, fixed):
    """Perturbed parameters have a lower expected log density plus log prior."""
    rng = np.random.RandomState(1)
    emissions = GaussianEmissions(kind, **prior)
    rows = make_rows(rng)
    if kind in ("diag", "spherical"):  # where nothing is expected
        rows = with_holes(rows, rng)
    proba = rng.dirichlet(np.ones(K), len(rows))
    start = make_parameters(emissions, rng)
    statistics = emissions.evaluate(start, rows)[1](proba)
    np.testing.assert_allclose(emissions.weights(statistics), proba.sum(axis=0))
    best = emissions.maximise(statistics, start, fixed)

    def value(parameters):
        expected = (proba * emissions.log_densities(parameters, rows)).sum()
        return expected + emissions.log_prior(parameters)

    assert value(best) > value(start)
    for name in fixed:
        np.testing.assert_array_equal(getattr(best, name), getattr(start, name))
    for size in (1e-1, 1e-3):
        for _ in range(10):
            factor = 1 + size * rng.standard_normal(np.shape(best.covariances))
            if kind in ("full", "tied"):
                factor = 0.5 * (factor + np.swapaxes(factor, -1, -2))
            means = best.means + size * rng.standard_normal(best.means.shape)
            other = best._replace(
                **{} if "means" in fixed else {"means": means},
                **{}
                if "covariances" in fixed
                else {"covariances": best.covariances * factor},
            )
            if np.linalg.eigvalsh(emissions.moments(other)[1]).min() > 1e-6:
                assert value(other) <= value(best) + 1e-9 * abs(value(best))


@pytest.mark.parametrize("kind", TYPES)
def test_m_step_at_the_floor_is_a_maximum(kind):
    rng = np.random.RandomState(2)
    rows = make_rows(rng)
    rows[:, 2] = rows[:, 0]
    emissions = GaussianEmissions(kind, reg_covar=0.5)
    proba = rng.dirichlet(np.ones(K), len(rows))
    start = make_parameters(emissions, rng)
    best = emissions.maximise(emissions.evaluate(start, rows)[1](proba), start)
    smallest = np.linalg.eigvalsh(emissions.moments(best)[1]).min()
    assert smallest >= 0.5 - 1e-12
    if kind in ("full", "tied"):
        assert smallest == pytest.approx(0.5)

    def value(parameters):
        return (proba * emissions.log_densities(parameters, rows)).sum()

    for _ in range(50):  # other covariances above the floor
        factor = 1e-2 * rng.standard_normal(np.shape(best.covariances))
        if kind in ("full", "tied"):
            change = 0.5 * (factor + np.swapaxes(factor, -1, -2))
            values, vectors = np.linalg.eigh(best.covariances + change)
            vectors_t = np.swapaxes(vectors, -1, -2)
            other = (vectors * np.maximum(values, 0.5)[..., None, :]) @ vectors_t
        else:
            other = np.maximum(best.covariances * (1 + factor), 0.5)
        assert value(best._replace(covariances=other)) <= value(best) + 1e-9


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("prior", [{}, PRIOR])
def test_em_rises(kind, missing, prior):
    rng = np.random.RandomState(3)
    rows = make_rows(rng)
    rows = with_holes(rows, rng) if missing else rows
    rows, emissions, _ = GaussianEmissions(kind, **prior).standardise(rows)
    start = emissions.random_guess(rows, K, rng)
    assert_em_rises(emissions, start, rows)
    assert_em_rises(emissions, start, rows, fixed={"means"})
    assert_em_rises(emissions, start, rows, fixed={"covariances"})


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("prior", [{}, PRIOR])
def test_step_as_hmmlearn(kind, prior):
    hmm = peers.hmmlearn()
    rng = np.random.RandomState(4)
    rows = make_rows(rng)
    emissions = GaussianEmissions(kind, reg_covar=0.0, **prior)
    start = make_parameters(emissions, rng)
    _, ours = em_step(emissions, start, rows)
    theirs = {"covars_prior": 0.0, "covars_weight": 0.0, **prior}
    if kind in ("full", "tied"):  # they add a number to all entries
        theirs["covars_prior"] = theirs["covars_prior"] * np.eye(D)
    model = hmm.GaussianHMM(
        K, kind, n_iter=1, init_params="", params="mc", min_covar=0.0, **theirs
    )
    model = fit_with_hmmlearn(
        model, rows, means_=start.means, covars_=start.covariances
    )
    covariances = model._covars_[:, 0] if kind == "spherical" else model._covars_
    np.testing.assert_allclose(ours.means, model.means_, rtol=1e-7)
    np.testing.assert_allclose(ours.covariances, covariances, rtol=1e-7)


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_prior_of_covariances_has_its_name(kind):
    """Inverse Wishart and inverse gamma, but for constants."""
    rng = np.random.RandomState(5)
    weight = 13.5
    emissions = GaussianEmissions(kind, covars_prior=0.7, covars_weight=weight)
    if kind == "full":
        prior = invwishart(weight - 2 * D - 1, 0.7 * np.eye(D))
    else:
        prior = invgamma((weight - 1) / 2 - 1, scale=0.35)
    differences = []
    for _ in range(3):
        means, covariances = make_parameters(emissions, rng)
        one = emissions.check(1, means=means[:1], covariances=covariances[:1])
        log_density = np.sum(prior.logpdf(covariances[0]))
        differences.append(emissions.log_prior(one) - log_density)
    np.testing.assert_allclose(differences, differences[0], rtol=1e-9)


@pytest.mark.parametrize("kind", TYPES)
def test_units(kind):
    rng = np.random.RandomState(6)
    rows = with_holes(make_rows(rng), rng) * [1e3, 1.0, 1e-4] + [1e5, 0.0, 1.0]
    given = GaussianEmissions(
        kind, means_prior=rows[5:].mean(), means_weight=1.0, covars_prior=0.1
    )
    inner, emissions, units = given.standardise(rows)
    np.testing.assert_allclose(np.nanmean(inner, axis=0), 0.0, atol=1e-9)
    if kind == "spherical":
        assert np.nanvar(inner, axis=0).mean() == pytest.approx(1.0)
    else:
        np.testing.assert_allclose(np.nanstd(inner, axis=0), 1.0)
    inside = emissions.random_guess(inner, K, rng)
    outside = units.outward(given, inside)
    back = units.inward(given, outside)
    for a, b in zip(inside, back, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        given.log_densities(outside, rows).sum(axis=0),
        emissions.log_densities(inside, inner).sum(axis=0) + units.log_jacobian(rows),
        rtol=1e-9,
    )
    empty = units.outward(given, inside._replace(means=None, covariances=None))
    assert empty == (None, None)
    # the priors, too, are the same in both units, but for a constant
    other = inside._replace(
        means=inside.means + 0.3, covariances=inside.covariances * 2
    )
    change = emissions.log_prior(other) - emissions.log_prior(inside)
    outer = units.outward(given, other)
    np.testing.assert_allclose(
        given.log_prior(outer) - given.log_prior(outside), change, rtol=1e-6
    )


@pytest.mark.parametrize("kind", TYPES)
def test_states_without_weight_keep_their_parameters(kind):
    rng = np.random.RandomState(7)
    rows = make_rows(rng)
    emissions = GaussianEmissions(kind, **PRIOR)
    start = make_parameters(emissions, rng)
    proba = rng.dirichlet(np.ones(K), len(rows))
    proba[:, 1] = 0.0
    after = emissions.maximise(emissions.evaluate(start, rows)[1](proba), start)
    np.testing.assert_array_equal(after.means[1], start.means[1])
    if kind != "tied":
        np.testing.assert_array_equal(after.covariances[1], start.covariances[1])
    guess = emissions.guess(rows, proba, rng)
    assert all(np.isfinite(array).all() for array in guess)
    assert (np.abs(guess.means[1] - rows.mean(axis=0)) < 6 * rows.std(axis=0)).all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("missing", [False, True])
def test_statistics_add_up(kind, missing):
    rng = np.random.RandomState(8)
    rows = make_rows(rng)
    rows = with_holes(rows, rng) if missing else rows
    emissions = GaussianEmissions(kind)
    proba = rng.dirichlet(np.ones(K), len(rows))
    assert_adds_up(emissions, make_parameters(emissions, rng), rows, proba)


@pytest.mark.parametrize("kind", TYPES)
def test_many_features_and_many_patterns(kind):
    rng = np.random.RandomState(9)
    rows = rng.standard_normal((90, 30))
    emissions = GaussianEmissions(kind)
    proba = rng.dirichlet(np.ones(2), len(rows))
    parameters = emissions.guess(rows, proba, rng)
    whole = emissions.maximise(
        emissions.evaluate(parameters, rows)[1](proba), parameters
    )
    means = proba.T @ rows / proba.sum(axis=0)[:, None]
    np.testing.assert_allclose(whole.means, means, rtol=1e-9)
    holed = with_holes(rows[:20], rng)
    np.testing.assert_allclose(
        emissions.log_densities(parameters, holed),
        reference(*emissions.moments(parameters), holed),
        rtol=1e-8,
        atol=1e-8,
    )


@pytest.mark.parametrize("kind", TYPES)
def test_condition(kind):
    """The conditional density is the joint one over the marginal one."""
    rng = np.random.RandomState(10)
    emissions = GaussianEmissions(kind)
    p = make_parameters(emissions, rng)
    rows = make_rows(rng, 12)
    for missing in (False, True):
        if missing:
            rows[2, 0] = rows[3, 2] = np.nan
            rows[4, [0, 2]] = np.nan
        means, covariances = emissions.condition(p, rows, [2, 0], [1])
        assert means.shape == (12, K, 1)
        covariances = np.broadcast_to(covariances, (12, K, 1, 1))
        known = rows.copy()
        known[:, 1] = np.nan
        joint = emissions.log_densities(p, rows) - emissions.log_densities(p, known)
        got = [
            [
                multivariate_normal(means[n, k], covariances[n, k]).logpdf(rows[n, 1])
                for k in range(K)
            ]
            for n in range(12)
        ]
        np.testing.assert_allclose(got, joint, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", TYPES)
def test_sample(kind):
    rng = np.random.RandomState(11)
    emissions = GaussianEmissions(kind)
    p = make_parameters(emissions, rng)
    states = rng.randint(0, K, 30_000)
    rows = emissions.sample(p, states, rng)
    means, covariances = emissions.moments(p)
    for k in range(K):
        np.testing.assert_allclose(rows[states == k].mean(axis=0), means[k], atol=0.1)
        np.testing.assert_allclose(
            np.cov(rows[states == k].T), covariances[k], atol=0.2
        )


@pytest.mark.parametrize("kind", TYPES)
def test_n_free(kind):
    rng = np.random.RandomState(12)
    emissions = GaussianEmissions(kind)
    p = make_parameters(emissions, rng)
    mixture = GaussianMixture(K, covariance_type=kind).fit(make_rows(rng))
    assert emissions.n_free(p) == mixture._n_parameters() - (K - 1)
    assert emissions.n_free(p, {"covariances"}) == K * D
    assert emissions.n_free(p, {"means", "covariances"}) == 0


@pytest.mark.parametrize("kind", TYPES)
def test_check(kind):
    rng = np.random.RandomState(13)
    emissions = GaussianEmissions(kind)
    p = make_parameters(emissions, rng)
    checked = emissions.check(K, **p._asdict())
    for a, b in zip(checked, p, strict=True):
        np.testing.assert_allclose(a, b)
    only = emissions.check_some(K, D, means=p.means.tolist())
    assert list(only) == ["means"]
    pickled = pickle.loads(pickle.dumps(emissions))
    assert pickled.covariance_type == kind


@pytest.mark.parametrize(
    "kind, arrays, message",
    [
        ("full", {"mean": 1}, "mean is no parameter"),
        ("full", {"means": [[1, 2]]}, r"means has shape \(1, 2\), but expected"),
        ("full", {"means": "no"}, "no array of numbers"),
        ("full", {"means": [[1], [np.nan]]}, r"means has the value nan at \(1, 0\)"),
        ("diag", {"covariances": [[1], [0]]}, "covariances has the value 0 at"),
        ("spherical", {"covariances": [1, -1]}, "positive variances. Raise it"),
        ("full", {"covariances": [[[1]], [[0]]]}, r"covariances\[1\] must be positive"),
        ("tied", {"covariances": [[1, 2], [0, 1]]}, "covariances must be symmetric"),
        ("tied", {"covariances": [[1, 2], [2, 1]]}, "Add a small number to its diag"),
    ],
)
def test_errors(kind, arrays, message):
    with pytest.raises(ValueError, match=message):
        GaussianEmissions(kind).check(2, **arrays)
    with pytest.raises(ValueError, match=r"fixed\["):
        GaussianEmissions(kind).check_some(2, None, **arrays)


def test_scale_of_prior_has_a_shape():
    emissions = GaussianEmissions("diag", covars_prior=np.ones((2, 2)))
    with pytest.raises(ValueError, match="covars_prior has shape"):
        emissions.standardise(np.arange(6.0).reshape(3, 2))
