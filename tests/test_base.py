import re
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import (
    ARClassifier,
    ARRegressor,
    MLPSequenceRegressor,
)
from sklearn_seq.datasets import make_ar_process, make_markov_chain
from sklearn_seq.preprocessing import DelayTaps
from sklearn_seq.rnn import RNNRegressor


@pytest.fixture
def with_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def wave(lengths=(20, 15, 25), n_features=2, seed=0):
    """Sequences of a slow wave in noise, and the same as rows with groups."""
    rng = np.random.default_rng(seed)
    steps = np.arange(max(lengths))[:, None] * (0.6 + 0.2 * np.arange(n_features))
    sequences = [
        np.sin(steps[:n] + i) + 0.5 * rng.normal(size=(n, n_features))
        for i, n in enumerate(lengths)
    ]
    groups = np.repeat(np.arange(len(lengths)), lengths)
    return sequences, np.concatenate(sequences), groups


def eight_processes(n_timesteps=100):
    """An AR(2) process in eight sequences: rows, groups and an indexed frame."""
    panel = make_ar_process(n_timesteps, n_sequences=8, random_state=0)
    X = panel.reshape(-1, 1)
    groups = np.repeat(np.arange(8), n_timesteps)
    index = pd.MultiIndex.from_arrays([groups, np.tile(np.arange(n_timesteps), 8)])
    return X, groups, pd.DataFrame(X, index=index, columns=["x"])


# What score means.


@pytest.mark.parametrize("burn_in", [0, 4])
def test_score_of_the_next_step(burn_in):
    sequences, X, groups = wave()
    model = ARRegressor(2, burn_in=burn_in).fit(X, groups=groups)
    true, predicted = [], []
    for x in sequences:
        y_pred = model.predict(x, groups=np.zeros(len(x)))
        for t in range(1, len(x)):
            if t >= burn_in:
                true.append(x[t])
                predicted.append(y_pred[t - 1])
    expected = r2_score(true, predicted)
    assert model.score(X, groups=groups) == pytest.approx(expected, rel=1e-12)
    # Given as a y, each row's successor is the same target.
    y = np.concatenate([np.vstack([x[1:], np.full((1, 2), np.nan)]) for x in sequences])
    assert model.score(X, y, groups=groups) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("burn_in", [0, 4])
def test_score_with_a_target_for_each_row(burn_in):
    sequences, X, groups = wave()
    y = np.cumsum(X, axis=0)
    model = ARRegressor(2, burn_in=burn_in).fit(X, y, groups=groups)
    counted = np.concatenate([np.arange(len(x)) >= burn_in for x in sequences])
    predicted = model.predict(X, groups=groups)
    expected = r2_score(y[counted], predicted[counted])
    assert model.score(X, y, groups=groups) == pytest.approx(expected, rel=1e-12)
    # A missing target does not count, in its own output only.
    holed = y.copy()
    holed[[3, 30, 40], 0] = holed[[5, 50], 1] = np.nan
    expected = []
    for i in range(2):
        rows = counted & ~np.isnan(holed[:, i])
        expected.append(r2_score(y[rows, i], predicted[rows, i]))
    score = model.score(X, holed, groups=groups)
    assert score == pytest.approx(np.mean(expected), rel=1e-12)


def test_score_of_classifiers():
    sequences, X, groups = wave()
    y = np.where(X[:, 0] > 0, "up", "down")
    model = ARClassifier(2, burn_in=3).fit(X, y, groups=groups)
    counted = np.concatenate([np.arange(len(x)) >= 3 for x in sequences])
    predicted = model.predict(X, groups=groups)
    expected = accuracy_score(y[counted], predicted[counted])
    assert model.score(X, y, groups=groups) == pytest.approx(expected)
    assert 0.5 < expected < 1.0
    missing = y.astype(object)
    missing[10:20] = None
    rows = counted & (missing != None)  # noqa: E711
    expected = accuracy_score(y[rows], predicted[rows])
    assert model.score(X, missing, groups=groups) == pytest.approx(expected)


def test_score_of_the_next_symbol():
    X = make_markov_chain(40, n_states=3, n_sequences=4, random_state=0)
    model = ARClassifier(2, burn_in=5, missing_label=-1).fit(X)
    hits = model.predict(X)[:, 4:-1] == X[:, 5:, 0]
    assert model.score(X) == pytest.approx(hits.mean())
    y = np.concatenate([X[:, 1:, 0], np.full((4, 1), -1)], axis=1)
    assert model.score(X, y) == pytest.approx(hits.mean())


def test_sample_weight_weighs_rows_or_whole_sequences():
    sequences, X, groups = wave()
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 3, len(X))
    y = np.cumsum(X[:, 0])
    model = ARRegressor(2).fit(X, y, groups=groups)
    predicted = model.predict(X, groups=groups)
    score = model.score(X, y, sample_weight=weights, groups=groups)
    # A weight of two is a row twice.
    twice = np.repeat(np.arange(len(X)), weights)
    assert score == pytest.approx(r2_score(y[twice], predicted[twice]))
    # Of the next step, a row's weight is that of the row as a target.
    model = ARRegressor(2).fit(X, groups=groups)
    predicted = model.predict(X, groups=groups)
    twice = twice[~np.isin(twice, [0, 20, 35])]
    score = model.score(X, sample_weight=weights, groups=groups)
    assert score == pytest.approx(r2_score(X[twice], predicted[twice - 1]))
    # In a panel it is a sequence that has a weight.
    model = ARRegressor(2).fit(sequences)
    score = model.score(sequences, sample_weight=[0.0, 2.0, 0.0])
    assert score == pytest.approx(model.score([sequences[1]]))
    score = model.score(sequences, sample_weight=[1.0, 2.0, 0.0])
    assert score == pytest.approx(
        model.score([sequences[0], sequences[1], sequences[1]])
    )
    with pytest.raises(ValueError, match="sample_weight.shape == "):
        model.score(sequences, sample_weight=weights)


def test_score_with_one_target_for_each_sequence():
    sequences, _, _ = wave((9, 12, 8, 15, 11, 10, 9, 14))
    y = np.array([x.mean() + 0.1 * (-1) ** i for i, x in enumerate(sequences)])
    model = ARRegressor(2, alpha=1.0).fit(sequences, y)
    assert model.score(sequences, y) == r2_score(y, model.predict(sequences))
    labels = y > np.median(y)
    model = ARClassifier(2).fit(sequences, labels)
    expected = accuracy_score(labels, model.predict(sequences))
    assert model.score(sequences, labels) == expected


def test_score_samples_are_gaussian_log_densities():
    sequences, X, groups = wave()
    model = ARRegressor(2).fit(X, groups=groups)
    log_density = model.score_samples(X, groups=groups)
    start = 0
    for x in sequences:
        predicted = model.predict(x, groups=np.zeros(len(x)))
        noise = stats.multivariate_normal(cov=model.noise_covariance_)
        first = stats.multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
        expected = [first.logpdf(x[0])]
        expected += [noise.logpdf(x[t] - predicted[t - 1]) for t in range(1, len(x))]
        assert_allclose(log_density[start : start + len(x)], expected, rtol=1e-9)
        start += len(x)


def test_score_samples_with_missing_targets():
    """A missing output is integrated out."""
    _, X, _ = wave()
    y = np.column_stack([np.cumsum(X[:, 0]), X[:, 0] - X[:, 1] + 0.1 * X[:, 0] ** 2])
    model = ARRegressor(2).fit(X, y)
    covariance = model.noise_covariance_
    y[3, 0] = y[5, 1] = y[7] = np.nan
    residuals = y - model.predict(X)
    log_density = model.score_samples(X, y)
    assert log_density[3] == pytest.approx(
        stats.norm.logpdf(residuals[3, 1], scale=covariance[1, 1] ** 0.5)
    )
    assert log_density[5] == pytest.approx(
        stats.norm.logpdf(residuals[5, 0], scale=covariance[0, 0] ** 0.5)
    )
    assert log_density[7] == 0.0
    assert log_density[8] == pytest.approx(
        stats.multivariate_normal.logpdf(residuals[8], cov=covariance)
    )


def test_score_samples_of_classifiers_are_log_probabilities():
    X = make_markov_chain(40, n_states=3, n_sequences=2, random_state=0)
    model = ARClassifier(2).fit(X)
    log_proba = model.score_samples(X)
    predicted = model.predict_log_proba(X)
    counts = 1 + np.bincount(X.ravel())
    for i in range(2):
        assert log_proba[i, 0] == pytest.approx(
            np.log(counts / sum(counts))[X[i, 0, 0]]
        )
        for t in range(1, 40):
            expected = predicted[i, t - 1, X[i, t, 0]]
            assert log_proba[i, t] == pytest.approx(expected)
    y = np.array(["no", "yes"])[(X[:, :, 0] > 0).astype(int)].astype(object)
    y[1, 3] = None
    labelled = ARClassifier(2).fit(X, y)
    log_proba = labelled.score_samples(X, y)
    assert log_proba[1, 3] == 0.0
    codes = (y == "yes").astype(int)
    expected = np.take_along_axis(
        labelled.predict_log_proba(X), codes[:, :, None], axis=2
    )[:, :, 0]
    expected[1, 3] = 0.0
    assert_allclose(log_proba, expected)


def test_a_constant_series():
    """It is predicted exactly; its R² is 1 by scikit-learn's convention."""
    X = np.full((30, 1), 0.1)
    for method in ("least_squares", "yule_walker", "burg"):
        model = ARRegressor(3, method=method).fit(X)
        assert_allclose(model.coef_, 0.0, atol=1e-12)
        assert_allclose(model.predict(X), 0.1)
        assert_allclose(model.forecast(X, 5), 0.1)
        assert np.isfinite(model.score_samples(X)).all()
        assert model.score(X) == r2_score(X[1:], model.predict(X)[:-1])
    with pytest.raises(ValueError, match="needs at least 2 classes in the data, but"):
        ARClassifier().fit(np.ones((30, 1), dtype=int))


def test_a_single_row():
    _, X, _ = wave()
    model = ARRegressor(3).fit(X)
    assert model.predict(X[:1]).shape == (1, 2)
    assert model.forecast(X[:1], 4).shape == (4, 2)
    assert np.isfinite(model.score_samples(X[:1])).all()
    for call in (ARRegressor().fit, model.score):
        with pytest.raises(ValueError, match="no row of X has a target to .* by"):
            call(X[:1])
    with pytest.raises(ValueError, match="real-valued ones with n_lags=40 rows before"):
        ARRegressor(40).fit(X[:30])
    with pytest.warns(UndefinedMetricWarning, match="less than two samples"):
        assert np.isnan(model.score(X[:2]))
    # Sequences too short to learn from do no harm beside a longer one.
    assert_allclose(
        ARRegressor(3).fit([X[:1], X[5:40], X[50:52]]).coef_,
        ARRegressor(3).fit(X[5:40]).coef_,
        rtol=1e-9,
    )


# Bad input. `good` fits without complaint.


def good():
    return wave()[1]


def with_value(value, row=7, column=1):
    X = good()
    X[row, column] = value
    return X


@pytest.mark.parametrize(
    "X, error, message",
    [
        (np.zeros(5), ValueError, "Expected 2D array, got 1D array instead"),
        (np.float64(5), ValueError, "Expected 2D array, got scalar array instead"),
        (np.zeros((2, 2, 2, 2)), ValueError, "Found array with dim 4"),
        (np.zeros((0, 2)), ValueError, "0 sample(s) (shape=(0, 2))"),
        (np.zeros((3, 0)), ValueError, "0 feature(s) (shape=(3, 0))"),
        (np.zeros((0, 3, 2)), ValueError, "0 sample(s)"),
        (np.zeros((3, 0, 2)), ValueError, "0 time step(s) (shape=(3, 0, 2))"),
        (np.zeros((3, 3, 0)), ValueError, "0 feature(s)"),
        ([], ValueError, "Expected 2D array, got 1D array"),
        ([[]], ValueError, "0 feature(s)"),
        (None, ValueError, "Expected 2D array"),
        ("abc", ValueError, "takes no text"),
        (
            with_value(np.nan),
            ValueError,
            "NaN: row 7 (counted over all sequences), fea",
        ),
        (with_value(np.nan), ValueError, "feature 'x1'"),
        (with_value(np.nan), ValueError, "SimpleImputer"),
        (with_value(np.inf), ValueError, "infinity (inf): row 7 "),
        (with_value(-np.inf, 0, 0), ValueError, "infinity (inf): row 0 (counted"),
        (
            pd.DataFrame(with_value(np.nan), columns=["wind", "sun"]),
            ValueError,
            "feature 'sun'",
        ),
        ([good(), with_value(np.nan)], ValueError, "NaN: row 67 (counted over all"),
        (good() + 1j, ValueError, "Complex data not supported"),
        (
            sparse.csr_array(good()),
            TypeError,
            "Sparse data was passed for X, but dense",
        ),
        (
            pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
            ValueError,
            "could not convert string to float: 'x'. X must hold real numbers",
        ),
        (
            pd.DataFrame({"a": [1.0, 2.0], "b": pd.to_datetime(["2020", "2021"])}),
            ValueError,
            "Column 'b' of X holds times",
        ),
        (
            pd.DataFrame({"a": pd.array([1, 2, None, 4], dtype="Int64")}),
            ValueError,
            "NaN: row 2 (counted over all sequences), feature 'a'",
        ),
    ],
)
def test_bad_X(X, error, message):
    with pytest.raises(error, match=re.escape(message)):
        ARRegressor().fit(X)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predict_refuses_what_fit_refuses(value):
    X = with_value(value)
    regressor = ARRegressor().fit(good())
    classifier = ARClassifier().fit(good(), good()[:, 0] > 0)
    for model in (regressor, classifier):
        with pytest.raises(ValueError, match=r"row 7 \(counted over all sequences\)"):
            model.predict(X)
        with pytest.raises(ValueError, match="X has 1 features, but AR.* expecting 2"):
            model.predict(X[:, :1])
        with pytest.raises(ValueError, match="Expected 2D array"):
            model.predict(X[:, 0])
    with pytest.raises(ValueError, match="row 7"):
        regressor.score(X)
    with pytest.raises(ValueError, match="row 7"):
        regressor.forecast(X)


def test_large_numbers_are_no_infinity():
    """The sum of float32 overflows, the numbers do not."""
    X = np.array(
        [[3e38, 1.0], [3e38, 2.0], [2e38, 1.5], [-3e38, 1.0]], dtype=np.float32
    )
    assert np.isfinite(ARRegressor().fit(X).predict(X)).all()


@pytest.mark.parametrize(
    "groups, message",
    [
        (np.zeros(59), "inconsistent numbers of samples: [60, 59]"),
        (np.arange(60) % 2, "sequence 0, which began at row 0, begins again at row 2"),
        (np.r_[np.zeros(20), np.ones(20), np.zeros(20)], "begins again at row 40"),
        (np.r_[np.zeros(59), np.nan], "groups is missing at row 59"),
        ([20, 15, 25], "inconsistent numbers of samples: [60, 3]"),  # no lengths
    ],
)
def test_bad_groups(groups, message):
    X = good()
    model = ARRegressor().fit(X)
    for call in (ARRegressor().fit, model.predict, model.score, model.forecast):
        with pytest.raises(ValueError, match=re.escape(message)):
            call(X, groups=groups)


@pytest.mark.parametrize(
    "exogenous, message",
    [
        (2, "there is no column 2, X has 2 features. Integers are positions"),
        (-3, "there is no column -3"),
        ("wind", "'wind' is no column of X. Expected among ['x0', 'x1']"),
        ([0, 1], "names every column of X: at least one must be left to predict"),
        ([0, -2], "names a column twice"),
        ([0.5], "expected column indices or names"),
        ([True, False], "expected column indices or names"),
        ([[0]], "expected column indices or names"),
        (np.array([True, False]), "expected column indices or names"),
        (1.0, "The 'exogenous' parameter of ARRegressor must be"),
    ],
)
def test_bad_exogenous(exogenous, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ARRegressor(exogenous=exogenous).fit(good())


def test_exogenous_makes_no_sense_with_a_y():
    with pytest.raises(ValueError, match="With a y, every column of X is an input"):
        ARRegressor(exogenous=1).fit(good(), np.zeros(60))


def test_exogenous_by_name_and_by_index():
    frame = pd.DataFrame(good(), columns=["sun", "wind"])
    expected = ARRegressor(exogenous=1).fit(frame).coef_
    for exogenous in ("wind", ["wind"], [-1], np.array([1]), pd.Index(["wind"])):
        model = ARRegressor(exogenous=exogenous).fit(frame)
        assert_array_equal(model.coef_, expected)


def test_a_list_of_frames_has_names():
    sequences = wave()[0]
    frames = [pd.DataFrame(x, columns=["sun", "wind"]) for x in sequences]
    model = ARRegressor(2, exogenous="wind").fit(frames)
    assert_array_equal(model.feature_names_in_, ["sun", "wind"])
    expected = ARRegressor(2, exogenous=1).fit(sequences)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
    assert_allclose(
        np.concatenate(model.predict(frames)),
        np.concatenate(expected.predict(sequences)),
        rtol=1e-9,
    )
    # So can the pieces of a frame with an index of two levels.
    whole = pd.concat(dict(enumerate(frames)))
    assert_allclose(ARRegressor(2, exogenous="wind").fit(whole).coef_, expected.coef_)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict([frame[["wind", "sun"]] for frame in frames])


def test_wrong_kinds_of_y():
    sequences, X, groups = wave((10, 10, 10, 10))
    panel, y = np.stack(sequences), np.cumsum(X[:, 0])
    per_row = ARRegressor().fit(X, y)
    with pytest.raises(ValueError, match="was fitted with a y, and requires y"):
        per_row.score(X)
    with pytest.raises(ValueError, match="was fitted with a y, and requires y"):
        per_row.score_samples(X)
    with pytest.raises(ValueError, match="for each step and 2 output"):
        per_row.score(X, X)
    with pytest.raises(ValueError, match="for each sequence and 1 output"):
        per_row.score(panel, np.arange(4.0))
    per_sequence = ARRegressor().fit(panel, np.arange(4.0))
    with pytest.raises(ValueError, match="for each step and 1 output"):
        per_sequence.score(panel, y.reshape(4, 10, 1))
    for call in (per_sequence.predict, ARClassifier().fit(panel, [0, 1] * 2).predict):
        with pytest.raises(
            ValueError, match="X must be a panel: a 3-D array or a list"
        ):
            call(X)
    with pytest.raises(ValueError, match="one for each sequence and 1 output"):
        per_sequence.score_samples(X, y)
    labelled = ARClassifier().fit(panel, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="one label for each step, but this ARClass"):
        labelled.score(X, y > 0)
    with pytest.raises(ValueError, match="feeds predictions back as inputs"):
        per_row.forecast(X)
    with pytest.raises(ValueError, match="feeds predictions back as inputs"):
        labelled.sample(3)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ARRegressor().fit(X, y[:-1])
    with pytest.raises(ValueError, match="contains infinity"):
        ARRegressor().fit(X, np.where(y > 0, np.inf, y))


@pytest.mark.parametrize("n_lags", [0, -1, 1.5, None, "2"])
@pytest.mark.parametrize("estimator", [ARRegressor, ARClassifier])
def test_bad_n_lags(estimator, n_lags):
    with pytest.raises(
        ValueError, match="The 'n_lags' parameter of .* int in the range"
    ):
        estimator(n_lags).fit(good(), np.arange(60) % 2)


# Groups through scikit-learn's tools.


def test_groups_reach_fit_predict_and_score_by_routing(with_routing):
    X, groups, frame = eight_processes()
    pipeline = make_pipeline(StandardScaler(), ARRegressor(2))
    grid = {"arregressor__n_lags": [1, 2, 3]}
    routed = GridSearchCV(pipeline, grid, cv=GroupKFold(4)).fit(X, groups=groups)
    framed_pipeline = clone(pipeline).set_output(transform="pandas")
    framed = GridSearchCV(framed_pipeline, grid, cv=GroupKFold(4))
    framed.fit(frame, groups=groups)
    # By hand, without a pipeline: R² does not depend on the scale.
    scores = []
    for train, test in GroupKFold(4).split(X, groups=groups):
        model = ARRegressor(2).fit([X[groups == g] for g in np.unique(groups[train])])
        scores.append(model.score([X[groups == g] for g in np.unique(groups[test])]))
    mean_scores = routed.cv_results_["mean_test_score"]
    assert mean_scores[1] == pytest.approx(np.mean(scores), rel=1e-9)
    assert_allclose(mean_scores, framed.cv_results_["mean_test_score"], rtol=1e-9)
    assert routed.best_params_ == framed.best_params_
    expected = framed.score(frame)
    assert routed.score(X, groups=groups) == pytest.approx(expected, rel=1e-9)
    assert framed.predict(frame).shape == X.shape


def test_cross_val_score_by_routing_and_by_index(with_routing):
    X, groups, frame = eight_processes()
    options = {"cv": LeaveOneGroupOut(), "params": {"groups": groups}}
    routed = cross_val_score(ARRegressor(2), X, **options)
    framed = cross_val_score(ARRegressor(2), frame, **options)
    panel = cross_val_score(ARRegressor(2), X.reshape(8, -1, 1), cv=8)
    assert_allclose(routed, framed, rtol=1e-9)
    assert_allclose(routed, panel, rtol=1e-9)
    y = np.cumsum(X)
    routed = cross_val_score(ARRegressor(2), X, y, **options)
    assert_allclose(routed, cross_val_score(ARRegressor(2), frame, y, **options))


def test_without_groups_the_boundaries_are_lost(with_routing):
    """What a user must not do: predictions across boundaries are counted."""
    X, groups, _ = eight_processes(12)
    options = {"cv": GroupKFold(4), "params": {"groups": groups}}
    with_groups = cross_val_score(ARRegressor(2), X, **options)
    blind = ARRegressor(2).set_fit_request(groups=False).set_score_request(groups=False)
    assert np.mean(cross_val_score(blind, X, **options)) < np.mean(with_groups) - 0.05


def test_cross_val_predict_of_an_indexed_frame():
    X, groups, frame = eight_processes(1000)
    cv = GroupKFold(4)
    predicted = cross_val_predict(ARRegressor(2), frame, groups=groups, cv=cv)
    expected = np.empty_like(X)
    for train, test in cv.split(X, groups=groups):
        model = ARRegressor(2).fit(X[train], groups=groups[train])
        expected[test] = model.predict(X[test], groups=groups[test])
    assert_allclose(predicted, expected, rtol=1e-9)
    inner = groups[1:] == groups[:-1]
    r2 = r2_score(X[1:][inner], predicted[:-1][inner])
    model = ARRegressor(2).fit(X, groups=groups)
    assert r2 == pytest.approx(model.score(X, groups=groups), abs=1e-3)


def test_cross_val_predict_of_panels():
    X, _, _ = eight_processes()
    panel = X.reshape(8, -1, 1)
    predicted = cross_val_predict(ARRegressor(2), panel, cv=4)
    assert predicted.shape == panel.shape
    unequal = [x[: 50 + 5 * i] for i, x in enumerate(panel)]
    predicted = cross_val_predict(ARRegressor(2), unequal, cv=4)
    assert [x.shape for x in predicted] == [x.shape for x in unequal]


def test_the_request_can_be_renamed(with_routing):
    X, groups, _ = eight_processes()
    renamed = ARRegressor(2)
    renamed.set_fit_request(groups="sequence_id").set_score_request(
        groups="sequence_id"
    )
    folds = groups // 2  # to split by, while sequences remain what they are
    scores = cross_val_score(
        make_pipeline(StandardScaler(), renamed),
        X,
        cv=GroupKFold(4),
        params={"groups": folds, "sequence_id": groups},
    )
    expected = [
        ARRegressor(2)
        .fit(X[folds != fold], groups=groups[folds != fold])
        .score(X[folds == fold], groups=groups[folds == fold])
        for fold in range(4)
    ]
    assert_allclose(np.sort(scores), np.sort(expected), rtol=1e-9)


def test_requests_by_default():
    requests = ARClassifier().get_metadata_routing()
    for method in ("fit", "predict", "predict_proba", "predict_log_proba", "score"):
        assert getattr(requests, method).requests["groups"] is True, method


def test_scorers_by_name_read_the_index(with_routing):
    """String scorers pass nothing on, but an indexed frame tells its boundaries."""
    X, groups, frame = eight_processes()
    y = np.cumsum(X)
    options = {"cv": GroupKFold(4), "params": {"groups": groups}}
    framed = cross_validate(ARRegressor(3), frame, y, scoring="r2", **options)
    routed = cross_val_score(ARRegressor(3), X, y, **options)
    assert_allclose(framed["test_score"], routed, rtol=1e-9)


def test_parallel_search_gives_the_same_numbers(with_routing):
    X, groups, _ = eight_processes()
    grid = {"n_lags": [1, 2]}
    search = GridSearchCV(ARRegressor(), grid, cv=GroupKFold(4))
    serial = clone(search).fit(X, groups=groups)
    parallel = clone(search).set_params(n_jobs=2).fit(X, groups=groups)
    assert_array_equal(
        serial.cv_results_["mean_test_score"], parallel.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize("make", [ARRegressor, DelayTaps])
def test_rows_that_lost_their_groups_are_warned_of(make):
    """As scikit-learn warns of X without the feature names that fit saw."""
    rows, groups = np.arange(12.0)[:, None] ** 1.1, np.repeat([0, 1], 6)
    model = make().fit(rows, groups=groups)
    method = model.predict if hasattr(model, "predict") else model.transform
    with pytest.warns(UserWarning, match="X has no groups, but .* was fitted with"):
        method(rows)
    index = pd.MultiIndex.from_arrays([groups, np.arange(12)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        method(rows, groups=groups)
        method(rows, groups=np.zeros(12))
        method(pd.DataFrame(rows, index))
        method([rows])
        make().fit(rows, groups=np.zeros(12))
        one = make().fit(rows)
        (one.predict if hasattr(one, "predict") else one.transform)(rows)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    "model",
    [ARRegressor(), MLPSequenceRegressor(max_iter=2), RNNRegressor(max_iter=2)],
    ids=lambda model: type(model).__name__,
)
def test_targets_beyond_floating_point_are_refused(model):
    y = np.tile([1, 1, -1, -1, 1], 4) * np.finfo(np.float64).max
    with pytest.raises(ValueError, match="beyond floating point. Scale them"):
        model.fit(np.linspace(0, 1, 20)[:, None], y)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_targets_too_large_for_the_type_of_X():
    X = np.linspace(0, 1, 20, dtype=np.float32)[:, None]
    with pytest.raises(ValueError, match="beyond the range of float32"):
        RNNRegressor().fit(X, 1e150 * X[:, 0].astype(np.float64))
