"""The hidden Markov models: against all paths written out, and against hmmlearn."""

import itertools

import numpy as np
import pandas as pd
import peers
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, poisson
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_versions import ScoringMonitor, needs_callbacks

from sklearn_seq.hmm import GMMHMM, CategoricalHMM, GaussianHMM, PoissonHMM
from sklearn_seq.metrics import mean_log_likelihood_scorer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

START = np.array([0.5, 0.3, 0.2])
TRANSMAT = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6]])
MEANS = np.array([[0.0, 0.0], [2.0, -1.0], [-1.0, 2.0]])
FULL = np.array(
    [[[1.0, 0.3], [0.3, 0.7]], [[0.5, -0.2], [-0.2, 1.5]], [[0.8, 0.0], [0.0, 0.6]]]
)
COVARIANCES = {
    "full": FULL,
    "tied": FULL.mean(axis=0),
    "diag": np.diagonal(FULL, axis1=1, axis2=2),
    "spherical": np.array([1.0, 0.6, 0.8]),
}
WEIGHTS = np.array([[0.3, 0.7], [0.5, 0.5], [0.9, 0.1]])
SYMBOLS = np.array([[0.6, 0.3, 0.1, 0.0], [0.1, 0.4, 0.2, 0.3], [0.25] * 4])
RATES = np.array([[1.0, 5.0], [4.0, 0.5], [10.0, 2.0]])


def gaussian(covariance_type="full"):
    return GaussianHMM.from_parameters(
        startprob=START,
        transmat=TRANSMAT,
        means=MEANS,
        covariances=COVARIANCES[covariance_type],
        covariance_type=covariance_type,
    )


def gmm(covariance_type="full"):
    means = np.stack([MEANS, MEANS + [1.0, 2.0]], axis=1)
    covariances = COVARIANCES[covariance_type]
    if covariance_type == "tied":
        covariances = FULL
    else:
        covariances = np.stack([covariances, 0.5 * covariances], axis=1)
    return GMMHMM.from_parameters(
        startprob=START,
        transmat=TRANSMAT,
        weights=WEIGHTS,
        means=means,
        covariances=covariances,
        covariance_type=covariance_type,
    )


def categorical():
    return CategoricalHMM.from_parameters(
        startprob=START, transmat=TRANSMAT, emissionprob=SYMBOLS
    )


def count():
    return PoissonHMM.from_parameters(startprob=START, transmat=TRANSMAT, rates=RATES)


MODELS = {
    **{f"gaussian {kind}": gaussian(kind) for kind in COVARIANCES},
    **{f"gmm {kind}": gmm(kind) for kind in COVARIANCES},
    "categorical": categorical(),
    "poisson": count(),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
LENGTHS = (30, 1, 12, 45)


def sequences_of(model, lengths=LENGTHS, seed=0):
    rng = np.random.RandomState(seed)
    return [model.sample(n, random_state=rng)[0] for n in lengths]


def with_parameters(model, **parameters):
    """A copy that is fitted, with other settings."""
    copy = clone(model).set_params(**parameters)
    copy.__dict__.update(
        {k: v for k, v in vars(model).items() if k not in model.get_params()}
    )
    return copy


def full_covariance(model, state, component=None):
    """Of a state (or of a Gaussian of its mixture), as a matrix."""
    d = model.means_.shape[-1]
    kind, value = model.covariance_type, model.covariances_
    if component is not None:
        value = value[state] if kind == "tied" else value[state, component]
    elif kind != "tied":
        value = value[state]
    return {
        "full": lambda: value,
        "tied": lambda: value,
        "diag": lambda: np.diag(value),
        "spherical": lambda: value * np.eye(d),
    }[kind]()


def log_density(model, row, state):
    """Of one row in one state, what is missing integrated out, by scipy.stats."""
    row = np.asarray(row, dtype=float)
    known = ~np.isnan(row)
    if not known.any():
        return 0.0

    def normal(mean, covariance):
        return multivariate_normal(
            mean[known], covariance[np.ix_(known, known)]
        ).logpdf(row[known])

    if isinstance(model, GaussianHMM):
        return normal(model.means_[state], full_covariance(model, state))
    if isinstance(model, GMMHMM):
        return logsumexp(
            [
                np.log(weight)
                + normal(model.means_[state, m], full_covariance(model, state, m))
                for m, weight in enumerate(model.weights_[state])
            ]
        )
    if isinstance(model, PoissonHMM):
        return poisson(model.rates_[state][known]).logpmf(row[known]).sum()
    with np.errstate(divide="ignore"):
        return np.log(model.emissionprob_[state, int(row[0])])


def by_enumeration(model, x):
    """Likelihood, posteriors and best path from all paths."""
    n_states, n = len(model.startprob_), len(x)
    table = np.array(
        [[log_density(model, row, k) for k in range(n_states)] for row in x]
    )
    paths = np.array(list(itertools.product(range(n_states), repeat=n)))
    with np.errstate(divide="ignore"):
        start, transmat = np.log(model.startprob_), np.log(model.transmat_)
    log_joint = start[paths[:, 0]] + transmat[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    log_joint += table[np.arange(n), paths].sum(axis=1)
    total = logsumexp(log_joint)
    weights = np.exp(log_joint - total)
    posteriors = np.stack(
        [[weights[paths[:, t] == k].sum() for k in range(n_states)] for t in range(n)]
    )
    return total, posteriors, paths[log_joint.argmax()]


@every_model
@pytest.mark.parametrize("missing", [False, True])
def test_inference_equals_enumeration_of_all_paths(model, missing):
    x, _ = model.sample(6, random_state=3)
    x = x.astype(float)
    if missing:
        x[1] = np.nan
        x[3, 0] = np.nan
        x[4, -1] = np.nan
    total, posteriors, path = by_enumeration(model, x)
    assert_allclose(model.score_samples(x).sum(), total, rtol=1e-10)
    assert_allclose(model.score(x), total / 6, rtol=1e-10)
    assert_allclose(model.predict_proba(x), posteriors, atol=1e-12)
    assert_array_equal(model.predict(x), path)
    smooth, causal = (with_parameters(model, decoding=d) for d in ("smooth", "filter"))
    assert_array_equal(smooth.predict(x), posteriors.argmax(axis=1))
    filtered = [by_enumeration(model, x[: t + 1])[1][-1] for t in range(6)]
    for proba in (causal.predict_proba(x), model.transform(x)):
        assert_allclose(proba, filtered, atol=1e-12)
    steps = np.diff([0.0] + [by_enumeration(model, x[: t + 1])[0] for t in range(6)])
    assert_allclose(model.score_samples(x), steps, atol=1e-10)
    # Every sequence begins anew.
    parts = [x[3:], x[4:5], x]
    for found in (causal.predict_proba(parts)[2], model.transform(parts)[2]):
        assert_allclose(found, filtered, atol=1e-12)
    assert_allclose(model.score_samples(parts)[2], steps, atol=1e-10)


def peer_of(model, implementation):
    """The same model in hmmlearn, or a skip."""
    hmm = peers.hmmlearn()
    n = len(model.startprob_)
    options = {"implementation": implementation, "init_params": "", "n_iter": 1}
    if isinstance(model, GaussianHMM):
        peer = hmm.GaussianHMM(
            n,
            model.covariance_type,
            min_covar=0,
            covars_prior=0,
            covars_weight=0,
            **options,
        )
        peer.means_, peer.n_features = model.means_, model.means_.shape[1]
        peer.covars_ = model.covariances_
        if model.covariance_type == "spherical":
            peer.covars_ = np.repeat(model.covariances_[:, None], 2, axis=1)
            peer._covars_ = model.covariances_
    elif isinstance(model, GMMHMM):
        peer = hmm.GMMHMM(
            n,
            model.weights_.shape[1],
            covariance_type=model.covariance_type,
            min_covar=0,
            **options,
        )
        peer.weights_, peer.means_ = model.weights_, model.means_
        peer.covars_, peer.n_features = model.covariances_, model.means_.shape[2]
    elif isinstance(model, PoissonHMM):
        peer = hmm.PoissonHMM(n, **options)
        peer.lambdas_, peer.n_features = model.rates_, model.rates_.shape[1]
    else:
        peer = hmm.CategoricalHMM(n, **options)
        peer.emissionprob_ = model.emissionprob_
        peer.n_features = model.emissionprob_.shape[1]
    peer.startprob_, peer.transmat_ = model.startprob_, model.transmat_
    return peer


@every_model
@pytest.mark.parametrize("implementation", ["scaling", "log"])
def test_inference_equals_hmmlearn(model, implementation):
    peer = peer_of(model, implementation)
    X = sequences_of(model)
    rows, lengths = np.concatenate(X), [len(x) for x in X]
    log_proba, posteriors = peer.score_samples(rows, lengths)
    assert_allclose(model.score(X), log_proba / len(rows), rtol=1e-9)
    ours = np.concatenate(list(model.predict_proba(X)))
    assert_allclose(ours, posteriors, rtol=1e-9, atol=1e-12)
    best, _ = peer.decode(rows, lengths)  # of paths that are equally probable, one
    paths = zip(X, model.predict(X), strict=True)
    assert_allclose(sum(log_joint(model, *pair) for pair in paths), best, rtol=1e-9)


def log_joint(model, x, path):
    """Log probability of rows and states together."""
    total = np.log(model.startprob_[path[0]])
    total += np.log(model.transmat_[path[:-1], path[1:]]).sum()
    return total + sum(log_density(model, *pair) for pair in zip(x, path, strict=True))


@every_model
@pytest.mark.parametrize("implementation", ["scaling", "log"])
def test_an_em_step_equals_that_of_hmmlearn(model, implementation):
    peer = peer_of(model, implementation)
    X = sequences_of(model, seed=1)
    settings = {"max_iter": 1, "warm_start": True, "reg_covar": 0.0, "n_iter": 1}
    known = model.get_params()
    ours = with_parameters(model, **{k: v for k, v in settings.items() if k in known})
    ours.fit(X)
    peer.fit(np.concatenate(X), [len(x) for x in X])
    pairs = {
        "startprob_": "startprob_",
        "transmat_": "transmat_",
        "means_": "means_",
        "weights_": "weights_",
        "emissionprob_": "emissionprob_",
        "rates_": "lambdas_",
    }
    for name, theirs in pairs.items():
        if hasattr(ours, name):
            value, expected = getattr(ours, name), getattr(peer, theirs)
            assert_allclose(value, expected, rtol=1e-9, atol=1e-12, err_msg=name)
    if hasattr(ours, "covariances_"):
        expected = covariances_of(peer, model)
        assert_allclose(ours.covariances_, expected, rtol=1e-9, atol=1e-12)


def covariances_of(peer, before):
    """Covariances after the step, about the new means.

    Those of hmmlearn's mixtures are about the means before the step, which is no
    maximum: the means' move is taken off.
    """
    kind = before.covariance_type
    if isinstance(before, GaussianHMM):
        spherical = kind == "spherical" and peer._covars_.ndim > 1
        return peer._covars_[:, 0] if spherical else peer._covars_
    move = peer.means_ - before.means_
    squares = move[..., :, None] * move[..., None, :]
    return (
        peer.covars_
        - {
            "full": lambda: squares,
            "tied": lambda: np.einsum("km,kmij->kij", peer.weights_, squares),
            "diag": lambda: move**2,
            "spherical": lambda: (move**2).mean(axis=-1),
        }[kind]()
    )


@every_model
def test_learning_is_monotone_and_ends_at_a_fixed_point(model):
    X = sequences_of(model, (200, 1, 60))
    fitted = clone(model).set_params(n_components=3, max_iter=5000, tol=1e-8)
    fitted.set_params(random_state=0).fit(X)
    curve = np.array(fitted.loss_curve_)
    assert (np.diff(curve) <= 1e-9).all()
    assert fitted.converged_
    assert fitted.n_iter_ == len(curve) - 1
    assert_allclose(fitted.lower_bound_, -curve[-1])
    assert_allclose(fitted.score(X), fitted.lower_bound_, rtol=1e-9)
    assert fitted.lower_bound_ > model.score(X)  # the truth has no better fit
    again = with_parameters(fitted, warm_start=True, max_iter=1, tol=0.0).fit(X)
    assert_allclose(again.transmat_, fitted.transmat_, atol=1e-3)


def test_learning_finds_the_parameters():
    X = gaussian().sample(5000, random_state=0)[0]
    model = GaussianHMM(3, random_state=0).fit(X)
    order = [int(np.linalg.norm(model.means_ - m, axis=1).argmin()) for m in MEANS]
    assert_allclose(model.means_[order], MEANS, atol=0.1)
    assert_allclose(model.covariances_[order], FULL, atol=0.15)
    assert_allclose(model.transmat_[np.ix_(order, order)], TRANSMAT, atol=0.05)


@pytest.mark.parametrize("n_components", [1, 2])
def test_one_step_sequences_are_a_mixture(n_components):
    """Without any transition, the model is scikit-learn's GaussianMixture."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (80, 2)), rng.normal(6, 2, (60, 2))])
    settings = {"tol": 1e-10, "max_iter": 2000, "random_state": 0}
    mixture = GaussianMixture(n_components, reg_covar=0, **settings).fit(X)
    model = GaussianHMM(n_components, **settings).fit(X[:, None, :])
    assert_allclose(model.score(X[:, None, :]), mixture.score(X), rtol=1e-6)
    order = [
        int(np.linalg.norm(model.means_ - m, axis=1).argmin()) for m in mixture.means_
    ]
    assert_allclose(model.means_[order], mixture.means_, rtol=1e-3)
    assert_allclose(model.startprob_[order], mixture.weights_, rtol=1e-3)
    assert model._n_parameters() - (n_components**2 - n_components) == (
        mixture._n_parameters()
    )
    assert_allclose(
        model.aic(X[:, None, :]) - mixture.aic(X),
        2 * n_components * (n_components - 1),
        atol=1e-2,
    )


def test_missing_values_in_learning():
    """Half of the rows blanked: the model is found all the same, and EM rises."""
    X = gaussian().sample(4000, random_state=0)[0]
    rng = np.random.default_rng(0)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[100:150] = np.nan
    model = GaussianHMM(3, random_state=0, max_iter=300).fit(X)
    assert (np.diff(model.loss_curve_) <= 1e-9).all()
    order = [int(np.linalg.norm(model.means_ - m, axis=1).argmin()) for m in MEANS]
    assert_allclose(model.means_[order], MEANS, atol=0.2)
    assert np.isfinite(model.score_samples(X)).all()
    assert_allclose(model.score_samples(X)[100:150], 0.0, atol=1e-12)


def test_the_masked_and_the_fixed_stay():
    X = np.repeat([[0.0], [2.0], [1.0]], 10, axis=0) + np.zeros((20, 1, 1))
    X += np.random.default_rng(0).normal(scale=0.5, size=X.shape)
    mask = np.triu(np.ones((3, 3))) > 0
    model = GaussianHMM(
        3,
        covariance_type="diag",
        init="segments",
        transmat_mask=mask,
        fixed={"startprob": [1, 0, 0], "covariances": np.full((3, 1), 0.25)},
    ).fit(X)
    assert (model.transmat_[~mask] == 0).all()
    assert_array_equal(model.startprob_, [1, 0, 0])
    assert_array_equal(model.covariances_, np.full((3, 1), 0.25))
    assert_allclose(model.means_.ravel(), [0, 2, 1], atol=0.1)
    assert_array_equal(model.predict(X)[0], np.repeat([0, 1, 2], 10))
    assert model._n_parameters() == 3 + 3  # means, and the upper triangle less rows
    free = GaussianHMM(3, covariance_type="diag").fit(X)
    assert free._n_parameters() == 2 + 6 + 3 + 3
    held = GaussianHMM(3, fixed={"transmat": TRANSMAT, "means": [[0], [1], [2]]}).fit(X)
    assert_array_equal(held.transmat_, TRANSMAT)
    assert_array_equal(held.means_, [[0], [1], [2]])


def test_a_prior_gives_forbidden_transitions_nothing():
    """The mode of a Dirichlet density over the allowed ones: counts plus excess."""
    X, mask = gaussian("diag").sample(60, random_state=0)[0], np.triu(np.ones((3, 3)))
    start = GaussianHMM.from_parameters(
        startprob=[0.0, 0.4, 0.6],
        transmat=mask / mask.sum(axis=1, keepdims=True),
        means=MEANS,
        covariances=COVARIANCES["diag"],
        covariance_type="diag",
    )
    settings = {"max_iter": 1, "warm_start": True, "transmat_mask": mask > 0}
    plain = with_parameters(start, **settings).fit(X)
    priors = {"transmat_prior": 1.0 + np.arange(9).reshape(3, 3), "startprob_prior": 3}
    model = with_parameters(start, **settings, **priors).fit(X)
    assert (model.transmat_[mask == 0] == 0).all() and model.startprob_[0] == 0
    assert_allclose(model.startprob_, (plain.startprob_ + [0, 2, 2]) / 5, rtol=1e-12)
    # The counts are those of the expected steps from each state.
    visits = start.predict_proba(X)[:-1].sum(axis=0)[:, None]
    counts = visits * plain.transmat_ + mask * np.arange(9).reshape(3, 3)
    expected = counts / counts.sum(axis=1, keepdims=True)
    assert_allclose(model.transmat_, expected, rtol=1e-9)


def test_priors_pull():
    X = gaussian("diag").sample(200, random_state=0)[0]
    sticky = 1 + 1000 * np.eye(3)
    plain = GaussianHMM(3, covariance_type="diag", random_state=0).fit(X)
    pulled = clone(plain).set_params(transmat_prior=sticky).fit(X)
    assert (pulled.transmat_.diagonal() > 0.95).all()
    assert (plain.transmat_.diagonal() < 0.9).all()
    assert (np.diff(pulled.loss_curve_) <= 1e-9).all()
    near = clone(plain).set_params(means_prior=7.0, means_weight=1e7).fit(X)
    assert_allclose(near.means_, 7.0, atol=1e-2)
    counts = np.array([[0], [1], [0], [1]])
    smooth = CategoricalHMM(1, symbols=[0, 1, 2], emissionprob_prior=2.0).fit(counts)
    assert_allclose(smooth.emissionprob_, [[3 / 7, 3 / 7, 1 / 7]])


def test_hmmlearn_fails_at_a_pipeline_with_y():
    X, states = gaussian().sample(1000, random_state=0)
    model = make_pipeline(StandardScaler(), GaussianHMM(2, random_state=0))
    assert model.fit(X, states).predict(X).shape == (1000,)
    causal = make_pipeline(GaussianHMM(3, random_state=0), LogisticRegression())
    assert causal.fit(X, states).score(X, states) > 0.7


def test_hmmlearn_fails_at_groups_in_cross_validation():
    """Folds of indexed rows: scored as sequences, not as one."""
    model = gaussian()
    X = sequences_of(model, (50,) * 8)
    index = pd.MultiIndex.from_product([range(8), range(50)])
    frame = pd.DataFrame(np.concatenate(X), index=index, columns=["a", "b"])
    groups = index.get_level_values(0)
    folds = GroupKFold(4)
    hmm = GaussianHMM(3, random_state=0)
    scores = cross_val_score(hmm, frame, cv=folds, groups=groups)
    for score, (train, test) in zip(
        scores, folds.split(frame, groups=groups), strict=True
    ):
        ids, held = np.unique(groups[train]), np.unique(groups[test])
        fresh = clone(hmm).fit([X[i] for i in ids])
        assert_allclose(score, fresh.score([X[i] for i in held]), rtol=1e-9)


def test_hmmlearn_fails_at_scores_of_folds_of_different_size():
    model = gaussian()
    X = model.sample(100, n_sequences=50, random_state=0)[0]
    assert model.score(X) == pytest.approx(model.score(X[:10]), abs=0.1)


@pytest.mark.parametrize("covariance_type", COVARIANCES)
def test_hmmlearn_fails_at_covariances_that_degenerate(covariance_type):
    """A constant stretch, duplicates, a constant and a collinear feature."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1))
    X = np.hstack([X, 2 * X, np.ones((60, 1)), rng.normal(size=(60, 1))])
    X[:20] = X[0]
    for model in (
        GaussianHMM(4, covariance_type=covariance_type, random_state=0),
        GMMHMM(3, n_mix=2, covariance_type=covariance_type, random_state=0),
    ):
        model.fit(X)
        assert np.isfinite(model.score_samples(X)).all()
        assert np.isfinite(model.covariances_).all()
        assert (np.diff(model.loss_curve_) <= 1e-8).all()
        assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)


def test_hmmlearn_fails_at_a_falling_likelihood():
    """A likelihood that falls is no convergence: it is reported, the best is kept."""
    from sklearn_seq.hmm import learning

    X = gaussian().sample(100, random_state=0)[0]
    model = GaussianHMM(3, random_state=0)
    original = learning.most_probable
    calls = []

    def wrong(counts, concentration, present):
        calls.append(1)
        if len(calls) > 6:  # from the fourth step on
            return np.full_like(present, 1 / present.shape[-1])
        return original(counts, concentration, present)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "most_probable", wrong)
        with pytest.warns(ConvergenceWarning, match="would have lowered"):
            model.fit(X)
    assert not model.converged_
    assert_allclose(model.score(X), model.lower_bound_)


def test_a_state_without_data_is_reported():
    X = np.zeros((50, 1))
    X[25:] = 1.0
    start = GaussianHMM.from_parameters(
        startprob=[0.5, 0.5, 0.0],
        transmat=[[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.0, 0.0, 1.0]],
        means=[[0.0], [1.0], [5.0]],
        covariances=[0.1, 0.1, 0.1],
        covariance_type="spherical",
    )
    model = with_parameters(start, warm_start=True)
    with pytest.warns(ConvergenceWarning, match=r"State\(s\) \[2\] of 3 lost"):
        model.fit(X)
    assert model.means_[2] == pytest.approx(5.0)
    assert_allclose(model.transmat_.sum(axis=1), 1.0)


@every_model
def test_forecasts_are_mixtures(model):
    X = sequences_of(model)
    proba = model.forecast_proba(X, n_steps=3)
    expected = [
        np.stack([p[-1] @ np.linalg.matrix_power(TRANSMAT, k) for k in (1, 2, 3)])
        for p in model.transform(X)
    ]
    for ours, wanted in zip(proba, expected, strict=True):
        assert_allclose(ours, wanted)
    if isinstance(model, CategoricalHMM):
        for ours, wanted in zip(model.forecast(X, 3), expected, strict=True):
            assert_allclose(ours, wanted @ SYMBOLS)
        return
    means, covariances = model.forecast(X, 3, return_cov=True)
    draws = model.sample(1, n_sequences=40_000, random_state=0)[0][:, 0]
    ahead = with_parameters(model)
    ahead.startprob_ = expected[0][1]
    draws = ahead.sample(1, n_sequences=40_000, random_state=0)[0][:, 0]
    assert_allclose(means[0][1], draws.mean(axis=0), atol=0.1)
    assert_allclose(covariances[0][1], np.cov(draws.T), rtol=0.1, atol=0.1)
    rows = np.concatenate(X)
    assert model.forecast(rows, 3).shape == (3, 2)


def test_samples_have_the_statistics_of_the_model():
    model = categorical()
    X, states = model.sample(50_000, random_state=0)
    assert X.dtype.kind == "i" and X.shape == (50_000, 1) and states.shape == (50_000,)
    shares = np.bincount(states) / len(states)
    assert_allclose(shares, model.stationary_distribution_, atol=0.02)
    assert_allclose(shares @ SYMBOLS, np.bincount(X[:, 0]) / len(X), atol=0.01)
    X, states = model.sample(5, n_sequences=7, random_state=0)
    assert X.shape == (7, 5, 1) and states.shape == (7, 5)
    again, _ = model.sample(5, n_sequences=7, random_state=0)
    assert_array_equal(X, again)


def test_stationary_distribution():
    model = gaussian()
    pi = model.stationary_distribution_
    assert_allclose(pi @ TRANSMAT, pi)
    assert pi.sum() == pytest.approx(1)
    model.transmat_ = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert_allclose(model.stationary_distribution_, [0.4, 0.4, 0.2])
    with pytest.raises(AttributeError):
        GaussianHMM().stationary_distribution_  # noqa: B018


def test_symbols_of_all_kinds():
    words = np.array(list("abacabadabacaba"))[:, None]
    model = CategoricalHMM(2, random_state=0).fit(words)
    assert_array_equal(model.symbols_[0], list("abcd"))
    assert model.emissionprob_.shape == (2, 4)
    assert model.sample(10, random_state=0)[0].dtype.kind == "U"
    codes = CategoricalHMM(2, random_state=0).fit(model._encoder.transform(words))
    assert_allclose(
        codes.score_samples(np.array([[0], [3]])),
        model.score_samples(np.array([["a"], ["d"]])),
    )
    missing = words.astype(object)
    missing[3, 0], missing[5, 0] = None, np.nan
    assert model.score_samples(missing)[[3, 5]] == pytest.approx(0)
    frame = pd.DataFrame({"word": words[:, 0], "n": np.arange(15) % 3})
    two = CategoricalHMM(2, random_state=0).fit(frame)
    assert [table.shape for table in two.emissionprob_] == [(2, 4), (2, 3)]
    rows, _ = two.sample(4, random_state=0)
    assert rows.dtype == object and isinstance(rows[0, 0], str)
    assert [f.shape for f in two.forecast(frame, 5)] == [(5, 4), (5, 3)]
    numbers = np.array([[0.0], [1.0], [np.nan], [1.0]])
    assert CategoricalHMM().fit(numbers).symbols_[0].tolist() == [0, 1]
    wide = CategoricalHMM(symbols=list("abcdefg")).fit(words)
    assert wide.emissionprob_.shape == (1, 7)


@pytest.mark.parametrize(
    ("model", "X", "message"),
    [
        (CategoricalHMM(), [[0.5], [1.2]], "2 different real numbers in 2 rows"),
        (CategoricalHMM(), [[None], [None]], "holds no symbol"),
        (CategoricalHMM(symbols=[0, 1]), [[0], [2]], "alphabet given as symbols"),
        (CategoricalHMM(), np.array([["a"], [1]], dtype=object), "strings"),
        (PoissonHMM(), [[1.0], [-1.0]], "Negative values in data"),
        (PoissonHMM(), [[1.0], [0.5]], "Fractions in data passed to PoissonHMM"),
        (GaussianHMM(3), [[1.0], [2.0]], "n_samples >= n_components"),
        (GaussianHMM(), [[1.0], [np.inf]], "infinity"),
        (GaussianHMM(), [[np.nan], [np.nan]], "missing"),
        (GaussianHMM(2, transmat_mask=[[1, 1]]), [[1.0], [2.0]], "transmat_mask"),
        (
            GaussianHMM(2, transmat_mask=[[1, 1], [0, 0]]),
            [[1.0], [2.0]],
            "leaves state 1 without",
        ),
        (GaussianHMM(2, fixed={"mean": 0}), [[1.0], [2.0]], "no such parameter"),
        (
            GaussianHMM(2, fixed={"transmat": [[0.5, 0.6], [0, 1]]}),
            [[1.0], [2.0]],
            "must sum to 1",
        ),
        (GaussianHMM(1, fixed={"means": [[0, 1]]}), [[1.0], [2.0]], "shape"),
        (
            GaussianHMM(1, fixed={"covariances": [[[-1.0]]]}),
            [[1.0], [2.0]],
            "positive",
        ),
        (GaussianHMM(startprob_prior=0.5), [[1.0], [2.0]], "startprob_prior"),
        (GaussianHMM(2, transmat_prior=[[1, 0.5]] * 2), [[1.0]] * 3, "below 1"),
        (GaussianHMM(means_prior=[0, 1, 2]), [[1.0], [2.0]], "means_prior"),
    ],
)
def test_bad_input_in_fit(model, X, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X if isinstance(X, np.ndarray) else np.array(X))
    with pytest.raises(NotFittedError):
        model.predict([[0]])


def test_bad_input_later():
    model = CategoricalHMM().fit(np.array([["a"], ["b"]]))
    with pytest.raises(ValueError, match="not in the training sequences"):
        model.predict([["c"]])
    with pytest.raises(ValueError, match="the training sequences held strings"):
        model.predict([[1]])
    with pytest.raises(ValueError, match="n_steps=0"):
        model.forecast([["a"]], 0)
    first = GaussianHMM(2, warm_start=True, random_state=0).fit(np.eye(5))
    with pytest.raises(ValueError, match="n_components=3, and was 2"):
        first.set_params(n_components=3).fit(np.eye(5))


def test_the_columns_of_given_probabilities_are_in_the_order_of_symbols():
    given = {"startprob": START, "transmat": TRANSMAT}
    order = np.array([2, 0, 3, 1])
    alphabet = np.array(list("abcd"))
    plain = CategoricalHMM.from_parameters(
        **given, emissionprob=SYMBOLS, symbols=alphabet
    )
    for symbols in (alphabet[order], "".join(alphabet[order])):
        model = CategoricalHMM.from_parameters(
            **given, emissionprob=SYMBOLS[:, order], symbols=symbols
        )
        assert_array_equal(model.symbols_[0], alphabet)
        assert_array_equal(model.emissionprob_, SYMBOLS)
        assert_allclose(model.score_samples("dabbc"), plain.score_samples("dabbc"))
    two = CategoricalHMM.from_parameters(
        **given,
        emissionprob=[SYMBOLS[:, order], SYMBOLS[:, ::-1]],
        symbols=[alphabet[order], [4, 3, 2, 1]],
    )
    assert_array_equal(two.emissionprob_, [SYMBOLS, SYMBOLS])
    assert_array_equal(two.symbols_[1], [1, 2, 3, 4])


GIVEN = {"startprob": START, "transmat": TRANSMAT}


@pytest.mark.parametrize(
    ("make", "parameters", "message"),
    [
        (GaussianHMM, {"means": MEANS, "covariances": -FULL}, "positive"),
        (GaussianHMM, {"means": MEANS[:2], "covariances": FULL}, "means"),
        (GaussianHMM, {"means": MEANS, "covariances": FULL[:, :1]}, "covariances"),
        (
            GaussianHMM,
            {"means": MEANS, "covariances": FULL, "startprob": [0.5, 0.6, 0.2]},
            "startprob must sum to 1",
        ),
        (
            GaussianHMM,
            {"means": MEANS, "covariances": FULL, "transmat": TRANSMAT * 0.9},
            r"transmat must sum to 1 in each row, but sums to 0.9 \(row 0\)",
        ),
        (
            GaussianHMM,
            {"means": MEANS, "covariances": FULL, "transmat": TRANSMAT[:2]},
            "transmat has shape",
        ),
        (PoissonHMM, {"rates": -RATES}, "rates"),
        (CategoricalHMM, {"emissionprob": SYMBOLS * 2}, "sum to"),
        (CategoricalHMM, {"emissionprob": SYMBOLS, "symbols": "abc"}, "symbols"),
        (CategoricalHMM, {"emissionprob": SYMBOLS, "symbols": "abca"}, "each once"),
        (CategoricalHMM, {"emissionprob": []}, r"emissionprob=\[\] is empty"),
        (
            GMMHMM,
            {"weights": WEIGHTS * 2, "means": MEANS[:, None], "covariances": FULL},
            "weights",
        ),
    ],
)
def test_bad_parameters(make, parameters, message):
    with pytest.raises(ValueError, match=message):
        make.from_parameters(**GIVEN | parameters)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
def test_the_scale_of_the_data_does_not_matter(scale):
    X = gaussian().sample(100, random_state=0)[0]
    plain = GaussianHMM(3, random_state=0).fit(X)
    scaled = GaussianHMM(3, random_state=0).fit(X * scale)
    assert_allclose(scaled.means_ / scale, plain.means_, rtol=1e-6)
    assert_allclose(scaled.transmat_, plain.transmat_, rtol=1e-6)
    assert_array_equal(scaled.predict(X * scale), plain.predict(X))
    difference = plain.score(X) - scaled.score(X * scale)
    assert difference == pytest.approx(2 * np.log(scale), rel=1e-9)


def test_workers_share_the_sequences():
    X = sequences_of(gaussian(), (30,) * 10)
    alone = GaussianHMM(3, random_state=0).fit(X)
    shared = GaussianHMM(3, random_state=0, n_jobs=2).fit(X)
    assert_allclose(shared.means_, alone.means_, rtol=1e-8)


@needs_callbacks
def test_callbacks_see_every_iteration():
    X = gaussian().sample(100, random_state=0)[0]
    monitor = ScoringMonitor(scoring=mean_log_likelihood_scorer)
    model = GaussianHMM(2, random_state=0, max_iter=4, tol=0).set_callbacks(monitor)
    model.fit(X)
    logs = [entry["score"] for entry in monitor.get_logs().data]
    assert len(logs) == 5  # four iterations and the fit
    assert_allclose(max(logs), model.score_samples(X)[1:].mean())
    assert len(np.unique(logs)) == 4


@pytest.mark.parametrize("prior", [(), [1.0, 0.5]], ids=str)
def test_priors_of_mixture_weights_are_at_least_1(prior):
    X = np.random.default_rng(0).normal(size=(20, 1))
    with pytest.raises(ValueError, match="weights_prior=.* expected at least 1"):
        GMMHMM(2, n_mix=2, weights_prior=prior).fit(X)
