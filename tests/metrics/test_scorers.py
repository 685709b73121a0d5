import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import check_scoring, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    TimeSeriesSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn_versions import ScoringMonitor, needs_callbacks

from sklearn_seq.autoregressive import ARClassifier, ARRegressor
from sklearn_seq.metrics import (
    bits_per_symbol,
    mean_log_likelihood_scorer,
    neg_bits_per_symbol_scorer,
    neg_perplexity_scorer,
    next_step_r2_scorer,
    perplexity,
)
from sklearn_seq.preprocessing import DelayTaps, PerTimestep

SCORERS = {
    "r2": next_step_r2_scorer,
    "log_likelihood": mean_log_likelihood_scorer,
}
SYMBOL_SCORERS = {
    "log_likelihood": mean_log_likelihood_scorer,
    "bits": neg_bits_per_symbol_scorer,
    "perplexity": neg_perplexity_scorer,
}


def series(lengths=(12, 12, 12), n_features=1, seed=0):
    """Noisy oscillations, each about another level."""
    rng = np.random.default_rng(seed)
    out = []
    for n in lengths:
        phase = rng.uniform(0, 6, size=n_features)
        x = np.sin(np.arange(n)[:, None] + phase) + rng.normal(0, 2)
        out.append(x + rng.normal(0, 0.3, size=x.shape))
    return out


def stacked(X):
    return np.concatenate(X), np.repeat(np.arange(len(X)), [len(x) for x in X])


def layouts(X):
    """The same sequences of equal lengths in every layout, with groups."""
    rows, groups = stacked(X)
    index = pd.MultiIndex.from_arrays([groups, np.tile(np.arange(len(X[0])), len(X))])
    return [
        (rows, groups),
        (pd.DataFrame(rows, index=index), None),
        (np.stack(X), None),
        (X, None),
    ]


def symbols(lengths=(30, 20, 25), seed=0):
    """Chains over 0, 1, 2 that mostly step by one."""
    rng = np.random.default_rng(seed)
    steps = [rng.choice([1, 0, 2], p=[0.7, 0.2, 0.1], size=n) for n in lengths]
    return [np.cumsum(s)[:, None] % 3 for s in steps]


def next_step_log_likelihood_by_hand(model, X, burn_in=0):
    """Mean over rows with a predecessor, from the model's coefficients."""
    total, count = 0.0, 0
    variance = model.noise_covariance_[0, 0]
    for x in X:
        for t in range(max(1, burn_in), len(x)):
            mean = model.intercept_[0]
            for lag in range(model.n_lags):
                mean += model.coef_[0, lag, 0] * x[max(t - 1 - lag, 0), 0]
            total -= 0.5 * np.log(2 * np.pi * variance)
            total -= (x[t, 0] - mean) ** 2 / (2 * variance)
            count += 1
    return total / count


@settings(max_examples=25)
@given(
    st.lists(st.integers(4, 9), min_size=1, max_size=3),
    st.integers(0, 3),
    st.integers(1, 3),
)
def test_log_likelihood_by_hand(lengths, burn_in, n_lags):
    train = series((40,))
    X = series(lengths, seed=1)
    model = ARRegressor(n_lags, burn_in=burn_in).fit(train)
    score = mean_log_likelihood_scorer(model, X)
    assert isinstance(score, float)
    assert_allclose(score, next_step_log_likelihood_by_hand(model, X, burn_in))
    rows, groups = stacked(X)
    assert_allclose(mean_log_likelihood_scorer(model, rows, groups=groups), score)


@pytest.mark.parametrize("scorer", SCORERS.values())
def test_layouts_are_equivalent(scorer):
    X = series(n_features=2)
    model = ARRegressor(2).fit(X)
    scores = [scorer(model, x, groups=g) for x, g in layouts(X)]
    assert_allclose(scores, scores[0], rtol=1e-12)
    # groups matter
    assert abs(scorer(model, stacked(X)[0]) - scores[0]) > 1e-3


@pytest.mark.parametrize("scorer", SYMBOL_SCORERS.values())
def test_layouts_of_symbols_are_equivalent(scorer):
    X = symbols((20, 20, 20))
    model = ARClassifier(2).fit(X)
    scores = [scorer(model, x, groups=g) for x, g in layouts(X)]
    assert_allclose(scores, scores[0], rtol=1e-12)


@pytest.mark.parametrize("routing", [False, True])
def test_r2_is_the_estimator_s_score(routing):
    X, groups = stacked(series())
    model = ARRegressor(2).fit(X, groups=groups)
    pipeline = make_pipeline(StandardScaler(), ARRegressor(2))
    pipeline[0].fit(X), pipeline[-1].fit(pipeline[0].transform(X), groups=groups)
    predicted = model.predict(X, groups=groups)
    inside = np.flatnonzero(groups[1:] == groups[:-1])
    by_hand = r2_score(X[inside + 1], predicted[inside])
    with sklearn.config_context(enable_metadata_routing=routing):
        for estimator in (model, pipeline):
            assert_allclose(next_step_r2_scorer(estimator, X, groups=groups), by_hand)
    assert_allclose(model.score(X, groups=groups), by_hand)
    weights = np.random.default_rng(0).uniform(size=len(X))
    expected = model.score(X, None, weights, groups)
    score = next_step_r2_scorer(pipeline, X, groups=groups, sample_weight=weights)
    assert_allclose(score, expected)


def test_bits_and_perplexity_by_hand():
    X = symbols()
    model = ARClassifier(2, burn_in=3).fit(X)
    probabilities = []
    for x in X:
        proba = model.predict_proba(x)
        probabilities += [proba[t - 1, x[t, 0]] for t in range(3, len(x))]
    rows, groups = stacked(X)
    score = neg_bits_per_symbol_scorer(model, rows, groups=groups)
    assert_allclose(score, np.mean(np.log2(probabilities)))
    assert_allclose(score, -bits_per_symbol(np.log(probabilities)))
    assert_allclose(
        neg_perplexity_scorer(model, rows, groups=groups),
        -perplexity(np.log(probabilities)),
    )
    assert_allclose(
        mean_log_likelihood_scorer(model, rows, groups=groups),
        np.mean(np.log(probabilities)),
    )


def test_a_certain_model_needs_no_bits_and_a_wrong_one_infinitely_many():
    model = _Certain().fit(np.arange(8)[:, None] % 2)
    assert neg_bits_per_symbol_scorer(model, np.array([[0], [1], [0]])) == 0.0
    assert neg_perplexity_scorer(model, np.array([[0], [1], [0]])) == -1.0
    assert neg_bits_per_symbol_scorer(model, np.array([[0], [0], [1]])) == -np.inf
    assert neg_perplexity_scorer(model, np.array([[0], [0], [1]])) == -np.inf


class _Certain(ARClassifier):
    """Sure that 0 follows 1 and 1 follows 0."""

    def _log_proba(self, sequences):
        with np.errstate(divide="ignore"):
            return np.log(np.eye(2)[1 - sequences.rows[:, 0].astype(int)])


def test_missing_targets_do_not_count():
    X = series((20,))[0]
    y = 2 * X[:, 0] + np.random.default_rng(0).normal(size=20)
    model = ARRegressor(1, burn_in=2).fit(X, y)
    missing = y.copy()
    missing[[3, 4, 15]] = np.nan
    there = np.setdiff1d(np.arange(2, 20), [3, 4, 15])
    residual = (y - model.predict(X))[there]
    variance = model.noise_covariance_[0, 0]
    expected = -0.5 * np.mean(np.log(2 * np.pi * variance) + residual**2 / variance)
    assert_allclose(mean_log_likelihood_scorer(model, X, missing), expected)
    expected = r2_score(y[there], model.predict(X)[there])
    assert_allclose(next_step_r2_scorer(model, X, missing), expected)


def test_missing_labels_do_not_count():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 1))
    y = (X[:, 0] > 0) * 1 + (X[:, 0] > 1) * 1
    model = ARClassifier(missing_label=-1).fit(X, y)
    missing = y.copy()
    missing[::3] = -1
    proba = model.predict_proba(X)[np.arange(40), y]
    expected = np.mean(np.log(proba[missing >= 0]))
    assert_allclose(mean_log_likelihood_scorer(model, X, missing), expected)
    bits = neg_bits_per_symbol_scorer(model, X, missing)
    assert_allclose(bits, expected / np.log(2))


def test_one_target_for_each_sequence():
    X = series((5, 8, 6, 9, 7))
    y = np.array([x.mean() for x in X]) + [0.1, 0.0, 0.2, -0.1, 0.0]
    model = ARRegressor().fit(X, y)
    residual = y - model.predict(X)
    variance = model.noise_covariance_[0, 0]
    log_density = -0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance)
    assert_allclose(mean_log_likelihood_scorer(model, X, y), log_density.mean())
    weights = [1.0, 0.0, 2.0, 1.0, 0.5]
    score = mean_log_likelihood_scorer(model, X, y, sample_weight=weights)
    assert_allclose(score, np.average(log_density, weights=weights))
    with pytest.raises(ValueError, match="fitted with one for each sequence"):
        mean_log_likelihood_scorer(model, stacked(X)[0], np.zeros(35))


def test_sample_weight():
    X = series((6, 9))
    model = ARRegressor().fit(X)
    each = [mean_log_likelihood_scorer(model, [x]) for x in X]
    for weights in ([1.0, 0.0], [1.0, 1.0], [0.3, 2.0]):
        # five and eight rows are predicted
        expected = np.average(each, weights=np.multiply(weights, [5, 8]))
        for scorer_args in ((X, None), (*stacked(X),)):
            x, groups = scorer_args
            w = weights if groups is None else np.repeat(weights, [6, 9])
            score = mean_log_likelihood_scorer(model, x, groups=groups, sample_weight=w)
            assert_allclose(score, expected)


def test_pipeline_is_scored_in_the_space_of_its_last_step():
    X = series()
    pipeline = make_pipeline(PerTimestep(StandardScaler()), ARRegressor(2)).fit(X)
    expected = mean_log_likelihood_scorer(pipeline[-1], pipeline[0].transform(X))
    assert_allclose(mean_log_likelihood_scorer(pipeline, X), expected)
    # the density of unscaled data differs by the logarithm of the scale
    unscaled = ARRegressor(2).fit(X)
    scale = pipeline[0].transformer_.scale_[0]
    difference = expected - mean_log_likelihood_scorer(unscaled, X)
    assert_allclose(difference, np.log(scale))


@pytest.mark.parametrize("routing", [False, True])
def test_groups_reach_the_transformers_of_a_pipeline(routing):
    X, groups = stacked(series())
    taps = DelayTaps(2, fill=0.0).fit_transform(X, groups=groups)
    model = ARRegressor().fit(taps, groups=groups)
    by_hand = model.score(taps, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline("passthrough", DelayTaps(2, fill=0.0), ARRegressor())
        nested = make_pipeline(
            StandardScaler(with_std=False, with_mean=False), pipeline
        )
        nested.fit(X, groups=groups)
        pipeline.fit(X, groups=groups)
        union = FeatureUnion([("taps", DelayTaps(2, fill=0.0))])
        union = make_pipeline(union, ARRegressor()).fit(X, groups=groups)
        # a name of its own for the pipeline does not concern the scorer
        renamed = make_pipeline(
            DelayTaps(2, fill=0.0)
            .set_fit_request(groups="sequence")
            .set_transform_request(groups="sequence"),
            ARRegressor().set_fit_request(groups="sequence"),
        ).fit(X, sequence=groups)
        assert_allclose(next_step_r2_scorer(union, X, groups=groups), by_hand)
    with sklearn.config_context(enable_metadata_routing=routing):
        for estimator in (pipeline, nested, renamed):
            score = next_step_r2_scorer(estimator, X, groups=groups)
            assert_allclose(score, by_hand)
            score = mean_log_likelihood_scorer(estimator, X, groups=groups)
            expected = mean_log_likelihood_scorer(model, taps, groups=groups)
            assert_allclose(score, expected)


def test_regressor_of_rows_at_the_end_of_a_pipeline():
    X, groups = stacked(series())
    y = np.random.default_rng(0).normal(size=len(X)) + X[:, 0]
    taps = DelayTaps(2).fit_transform(X, groups=groups)
    linear = LinearRegression().fit(taps, y)
    pipeline = make_pipeline(DelayTaps(2), linear)
    pipeline[0].fit(X)
    weights = np.linspace(0, 1, len(X))
    expected = r2_score(y, linear.predict(taps))
    assert_allclose(next_step_r2_scorer(pipeline, X, y, groups=groups), expected)
    expected = r2_score(y, linear.predict(taps), sample_weight=weights)
    score = next_step_r2_scorer(pipeline, X, y, groups=groups, sample_weight=weights)
    assert_allclose(score, expected)
    with pytest.raises(ValueError, match="needs y for LinearRegression"):
        next_step_r2_scorer(pipeline, X, groups=groups)


def test_cross_validate_by_routing_and_by_index():
    X = series((12, 12, 12, 12))
    (rows, groups), (frame, _), *_ = layouts(X)
    by_hand = {name: [] for name in SCORERS}
    for i in range(4):
        model = ARRegressor(2).fit([x for j, x in enumerate(X) if j != i])
        by_hand["r2"].append(model.score(X[i]))
        by_hand["log_likelihood"].append(mean_log_likelihood_scorer(model, X[i]))
    model = ARRegressor(2)
    with sklearn.config_context(enable_metadata_routing=True):
        kwargs = {"cv": LeaveOneGroupOut(), "params": {"groups": groups}}
        results = cross_validate(model, rows, scoring=SCORERS, **kwargs)
        for name, scorer in SCORERS.items():
            assert_allclose(results[f"test_{name}"], by_hand[name])
            single = cross_val_score(model, rows, scoring=scorer, **kwargs)
            assert_allclose(single, by_hand[name])
    results = cross_validate(
        model, frame, cv=LeaveOneGroupOut(), groups=groups, scoring=SCORERS
    )
    for name in SCORERS:
        assert_allclose(results[f"test_{name}"], by_hand[name])


def test_groups_matter_in_cross_validation():
    """Several sequences in each test fold: without groups they would run together."""
    X, groups = stacked(series((12,) * 6))
    model = make_pipeline(StandardScaler(), ARRegressor())
    by_hand = []
    for train, test in GroupKFold(2).split(X, groups=groups):
        scaler = StandardScaler().fit(X[train])
        ar = ARRegressor().fit(scaler.transform(X[train]), groups=groups[train])
        by_hand.append(ar.score(scaler.transform(X[test]), groups=groups[test]))
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(
            model,
            X,
            cv=GroupKFold(2),
            scoring=next_step_r2_scorer,
            params={"groups": groups},
        )
    assert_allclose(scores, by_hand)


@pytest.mark.parametrize("scoring", [mean_log_likelihood_scorer, SCORERS])
def test_grid_search(scoring):
    X, groups = stacked(series((15,) * 4))
    refit = "log_likelihood" if isinstance(scoring, dict) else True
    pipeline = make_pipeline(StandardScaler(), ARRegressor())
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            pipeline,
            {"arregressor__n_lags": [1, 2, 3]},
            cv=GroupKFold(2),
            scoring=scoring,
            refit=refit,
            error_score="raise",
        )
        search.fit(X, groups=groups)
        assert "mean_log_likelihood_scorer" in repr(search)
        score = search.score(X, groups=groups)
        nested = cross_val_score(
            search,
            X,
            cv=GroupKFold(2),
            scoring=mean_log_likelihood_scorer,
            params={"groups": groups},
        )
    best = search.best_estimator_
    expected = mean_log_likelihood_scorer(best, X, groups=groups)
    assert_allclose(score, expected)
    # the search as an estimator
    assert_allclose(mean_log_likelihood_scorer(search, X, groups=groups), expected)
    assert np.isfinite(nested).all()


def test_search_over_symbols():
    X, groups = stacked(symbols((100, 100, 100)))
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            ARClassifier(),
            {"n_lags": [1, 2]},
            cv=GroupKFold(3),
            scoring=SYMBOL_SCORERS,
            refit="bits",
            error_score="raise",
        ).fit(X, groups=groups)
    results = search.cv_results_
    bits, nats = results["split0_test_bits"], results["split0_test_log_likelihood"]
    assert_allclose(bits, nats / np.log(2))
    assert_allclose(results["split0_test_perplexity"], -np.exp(-nats))
    assert (bits > -np.log2(3)).all()  # better than chance


@needs_callbacks
@pytest.mark.parametrize("grouped", [False, True])
def test_scoring_monitor(grouped):
    X, groups = stacked(symbols())
    scores = []
    for scoring in (neg_bits_per_symbol_scorer, SYMBOL_SCORERS):
        monitor = ScoringMonitor(scoring=scoring)
        model = ARClassifier(2).set_callbacks(monitor)
        kwargs = {"groups": groups} if grouped else {}
        model.fit(X, **kwargs)
        logs = monitor.get_logs()
        name = "bits" if isinstance(scoring, dict) else "score"
        last = [entry for entry in logs.data if name in entry][-1]
        scores.append(last[name])
        assert_allclose(last[name], neg_bits_per_symbol_scorer(model, X, **kwargs))
    assert scores[0] == scores[1]


def test_time_series_split_without_groups():
    X = series((60,))[0]
    scores = cross_val_score(
        ARRegressor(2), X, cv=TimeSeriesSplit(3), scoring=next_step_r2_scorer
    )
    expected = cross_val_score(ARRegressor(2), X, cv=TimeSeriesSplit(3))
    assert_allclose(scores, expected)


@pytest.mark.parametrize("scorer", [*SCORERS.values(), *SYMBOL_SCORERS.values()])
def test_scorers_are_objects_like_any_other(scorer):
    assert check_scoring(ARRegressor(), scorer) is scorer
    for other in (pickle.loads(pickle.dumps(scorer)), copy.deepcopy(scorer)):
        assert repr(other) == repr(scorer)
        assert other.get_metadata_routing().score.requests["groups"] is True
    assert repr(scorer).endswith("_scorer")
    assert scorer.__doc__ is not type(scorer).__doc__
    search = clone(GridSearchCV(ARRegressor(), {}, scoring=scorer))
    assert repr(search.scoring) == repr(scorer)


def test_requests_under_other_names():
    scorer = copy.copy(next_step_r2_scorer)
    with pytest.raises(RuntimeError, match="only available when metadata routing"):
        scorer.set_score_request(sample_weight=True)
    X, groups = stacked(series())
    weights = np.ones(len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        kwargs = {"cv": GroupKFold(3), "params": {"groups": groups, "w": weights}}
        with pytest.raises(TypeError, match="unexpected argument"):
            cross_val_score(ARRegressor(), X, scoring=scorer, **kwargs)
        assert scorer.set_score_request(sample_weight="w") is scorer
        requests = scorer.get_metadata_routing().score.requests
        assert requests == {"groups": True, "sample_weight": "w"}
        scores = cross_val_score(ARRegressor(), X, scoring=scorer, **kwargs)
        kwargs["params"] = {"groups": groups, "sample_weight": weights}
        with pytest.raises(UnsetMetadataPassedError, match="next_step_r2_scorer.score"):
            cross_val_score(ARRegressor(), X, scoring=next_step_r2_scorer, **kwargs)
        kwargs["params"] = {"groups": groups}
        assert_allclose(
            scores, cross_val_score(ARRegressor(), X, scoring=scorer, **kwargs)
        )
    default = next_step_r2_scorer.get_metadata_routing().score.requests
    assert default == {"groups": True, "sample_weight": None}


class _Density(BaseEstimator):
    """No sequence model."""

    def fit(self, X):
        return self

    def score_samples(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize(
    "scorer, make, error, message",
    [
        (next_step_r2_scorer, ARClassifier, TypeError, "needs a regressor"),
        (next_step_r2_scorer, _Density, TypeError, "needs a regressor"),
        (mean_log_likelihood_scorer, _Density, TypeError, "_Density is no sequence"),
        (mean_log_likelihood_scorer, DelayTaps, TypeError, "DelayTaps is no sequence"),
        (neg_bits_per_symbol_scorer, ARRegressor, TypeError, "regressor ARRegressor"),
        (neg_perplexity_scorer, ARRegressor, TypeError, "neg_perplexity_scorer needs"),
        (next_step_r2_scorer, ARRegressor, NotFittedError, "ARRegressor"),
        (mean_log_likelihood_scorer, ARRegressor, NotFittedError, "ARRegressor"),
        (neg_bits_per_symbol_scorer, ARClassifier, NotFittedError, "ARClassifier"),
    ],
)
def test_wrong_estimators(scorer, make, error, message):
    with pytest.raises(error, match=message):
        scorer(make(), np.zeros((4, 1)))
    pipeline = make_pipeline(FunctionTransformer().fit(np.zeros((4, 1))), make())
    with pytest.raises((error, NotFittedError), match=message + "|not fitted"):
        scorer(pipeline, np.zeros((4, 1)))


@pytest.mark.parametrize("scorer", SCORERS.values())
def test_nothing_to_score(scorer):
    model = ARRegressor(burn_in=3).fit(series())
    with pytest.raises(ValueError, match="no row of X has a target to score"):
        scorer(model, np.zeros((3, 1)))
    with pytest.raises(ValueError, match="no row of X has a target to score"):
        scorer(model, [np.zeros((1, 1)), np.zeros((3, 1))])
    with pytest.raises(ValueError, match="groups must be contiguous"):
        scorer(model, np.zeros((9, 1)), groups=[0, 0, 0, 1, 1, 1, 0, 0, 0])
    with pytest.raises(ValueError, match="contains NaN"):
        scorer(model, np.full((9, 1), np.nan))
    fitted_with_y = ARRegressor().fit(np.eye(4), np.arange(4.0))
    with pytest.raises(ValueError, match="requires y"):
        scorer(fitted_with_y, np.eye(4))
