import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    Normalizer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.utils import estimator_html_repr, get_tags
from sklearn_versions import parametrize_with_checks

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.preprocessing import DelayTaps, PerTimestep


@parametrize_with_checks(
    [
        PerTimestep(StandardScaler()),
        PerTimestep(SelectKBest(k=1)),
        PerTimestep(make_pipeline(StandardScaler(), PCA(1))),
    ]
)
def test_sklearn_checks(estimator, check):
    check(estimator)


def panel(lengths=(4, 4, 4), n_features=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(3.0, 2.0, size=(n, n_features)) for n in lengths]


def scaled_by_hand(X):
    """Standardised by the mean and deviation of all time steps."""
    n = sum(len(x) for x in X)
    mean = sum(x.sum(axis=0) for x in X) / n
    variance = sum(((x - mean) ** 2).sum(axis=0) for x in X) / n
    return [(x - mean) / np.sqrt(variance) for x in X]


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(0, 9))
def test_scaler_by_hand(lengths, seed):
    X = panel(lengths, seed=seed)
    scaler = PerTimestep(StandardScaler())
    out = scaler.fit_transform(X)
    assert out.dtype == object and out.shape == (len(X),)
    for scaled, expected in zip(out, scaled_by_hand(X), strict=True):
        assert_allclose(scaled, expected)
    for scaled, expected in zip(scaler.fit(X).transform(X), out, strict=True):
        assert_array_equal(scaled, expected)
    for x, back in zip(X, scaler.inverse_transform(out), strict=True):
        assert_allclose(back, x)


def test_layouts_are_equivalent():
    X = panel()
    rows = np.concatenate(X)
    expected = np.stack(scaled_by_hand(X))
    scaler = PerTimestep(StandardScaler())
    assert_allclose(scaler.fit_transform(np.stack(X)), expected)
    assert_allclose(np.stack(scaler.fit_transform(X)), expected)
    assert_allclose(np.stack(scaler.fit_transform(tuple(X))), expected)
    assert_allclose(scaler.fit_transform(rows), expected.reshape(12, 2))
    lists = [x.tolist() for x in X]
    assert_allclose(np.stack(scaler.fit_transform(lists)), expected.reshape(3, 4, 2))
    # fitted on one layout, applied to another
    assert_allclose(scaler.transform(np.stack(X)), expected)
    assert_allclose(scaler.inverse_transform(expected), np.stack(X))


def test_other_number_of_features():
    X = np.stack(panel(n_features=3))
    pca = PerTimestep(PCA(2)).fit(X)
    expected = PCA(2).fit_transform(X.reshape(12, 3))
    assert_allclose(pca.transform(X), expected.reshape(3, 4, 2))
    assert pca.inverse_transform(pca.transform(X)).shape == (3, 4, 3)
    assert pca.n_features_in_ == 3
    assert pca.get_feature_names_out().tolist() == ["pca0", "pca1"]


def test_inner_parameters_and_clone():
    scaler = PerTimestep(StandardScaler())
    assert scaler.get_params()["transformer__with_mean"] is True
    scaler.set_params(transformer__with_mean=False).fit(panel())
    assert scaler.transformer_.with_mean is False
    assert not hasattr(scaler.transformer, "scale_")
    assert not hasattr(clone(scaler), "transformer_")


@pytest.mark.parametrize("as_list", [False, True])
def test_in_cross_validation_and_search(as_list):
    rng = np.random.default_rng(0)
    X = [rng.normal(5.0, 1.0, size=(20, 1)).cumsum(axis=0) for _ in range(6)]
    X = X if as_list else np.stack(X)
    model = make_pipeline(PerTimestep(StandardScaler()), ARRegressor(2))
    scores = cross_val_score(model, X, cv=3, error_score="raise")
    by_hand = []
    for test in (slice(0, 2), slice(2, 4), slice(4, 6)):
        train = [X[i] for i in range(6) if i not in range(test.start, test.stop)]
        scaler = StandardScaler().fit(np.concatenate(train))
        ar = ARRegressor(2).fit([scaler.transform(x) for x in train])
        by_hand.append(ar.score([scaler.transform(x) for x in X[test]]))
    assert_allclose(scores, by_hand)
    grid = {"pertimestep__transformer__with_mean": [False, True]}
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(X)
    assert_allclose(search.cv_results_["mean_test_score"][1], np.mean(by_hand))


def test_targets_of_time_steps():
    X = panel((5, 7), n_features=3)
    y = [(x[:, 1] > 3).astype(int) for x in X]
    selected = PerTimestep(SelectKBest(k=1)).fit_transform(X, y)
    for out, x in zip(selected, X, strict=True):
        assert_array_equal(out, x[:, [1]])
    X, y = np.stack(panel((6, 6))), np.array([[0, 1] * 3, [1, 0] * 3])
    expected = LinearDiscriminantAnalysis().fit(X.reshape(12, 2), y.ravel())
    lda = PerTimestep(LinearDiscriminantAnalysis()).fit(X, y)
    assert_allclose(lda.transform(X)[1], expected.transform(X[1]))
    y = np.random.default_rng(0).normal(size=(2, 6, 2))
    target = PerTimestep(_RememberTarget()).fit(X, y).transformer_.y_
    assert_array_equal(target, y.reshape(12, 2))


def test_target_of_a_sequence_is_that_of_its_time_steps():
    X = panel((2, 3))
    transformer = PerTimestep(_RememberTarget())
    y = transformer.fit(X, ["a", "b"]).transformer_.y_
    assert y.tolist() == ["a", "a", "b", "b", "b"]
    y = transformer.fit(X, np.array([[1.0, 2.0], [3.0, 4.0]])).transformer_.y_
    assert y.tolist() == [[1, 2]] * 2 + [[3, 4]] * 3
    y = transformer.fit(np.zeros((3, 1)), [0, 1, 2]).transformer_.y_
    assert y == [0, 1, 2]  # rows are handed on with their y as it is


class _RememberTarget(TransformerMixin, BaseEstimator):
    def fit(self, X, y):
        self.y_ = y
        return self

    def transform(self, X):
        return X


class _OthersMean(TransformerMixin, BaseEstimator):
    """In fit_transform the mean target of the other rows, in transform of all."""

    def fit(self, X, y):
        self.mean_ = np.mean(y)
        return self

    def fit_transform(self, X, y):
        self.fit(X, y)
        return ((np.sum(y) - y) / (len(y) - 1))[:, None]

    def transform(self, X):
        return np.full((len(X), 1), self.mean_)


def test_fit_transform_is_the_transformer_s_own():
    X = panel((3,) * 8)
    y = np.random.default_rng(0).normal(size=(8, 3))
    out = PerTimestep(_OthersMean()).fit_transform(X, y)
    others = [np.delete(y.ravel(), i).mean() for i in range(24)]
    assert_allclose(np.concatenate(out)[:, 0], others)
    alone = PerTimestep(_OthersMean()).fit(X, y).transform(X)
    assert_allclose(np.concatenate(alone)[:, 0], y.mean())


class _Plain(BaseEstimator):
    """Has no fit_transform, no names and takes no y."""

    def fit(self, X):
        self.shape_ = X.shape
        return self

    def transform(self, X):
        return 2 * X


def test_transformer_with_fit_and_transform_only():
    X = np.stack(panel())
    transformer = PerTimestep(_Plain())
    with sklearn.config_context(transform_output="pandas"):
        assert_array_equal(transformer.fit_transform(X), 2 * X)
    assert transformer.transformer_.shape_ == (12, 2)
    assert not hasattr(transformer, "get_feature_names_out")
    assert not hasattr(transformer, "set_output")
    assert not hasattr(transformer, "feature_names_in_")
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(transformer.fit_transform(X), 2 * X)


def test_sample_weight_is_routed():
    X = panel((2, 3, 4))
    weights = [1.0, 0.0, 5.0]
    steps = np.repeat(weights, [2, 3, 4])
    expected = np.average(np.concatenate(X), axis=0, weights=steps)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = PerTimestep(StandardScaler().set_fit_request(sample_weight=True))
        scaler.fit(X, sample_weight=weights)
        assert_allclose(scaler.transformer_.mean_, expected)
        scaler.fit_transform(X, sample_weight=np.array(weights))
        assert_allclose(scaler.transformer_.mean_, expected)
        scaler.fit(X, sample_weight=np.split(steps, [2, 5]))
        assert_allclose(scaler.transformer_.mean_, expected)
        scaler.fit(np.concatenate(X), sample_weight=steps)
        assert_allclose(scaler.transformer_.mean_, expected)
        model = make_pipeline(scaler, ARRegressor()).fit(X, sample_weight=weights)
        assert_allclose(model[0].transformer_.mean_, expected)


def test_other_metadata_are_handed_on_as_they_are():
    class Consumer(FunctionTransformer):
        __metadata_request__transform = {"note": True, "table": True}

        def transform(self, X, note=None, table=None):
            self.seen_ = note, table
            return X

    X = np.zeros((2, 3, 1))
    with sklearn.config_context(enable_metadata_routing=True):
        transformer = PerTimestep(Consumer()).fit(X)
        transformer.transform(X, note="ab", table={"a": 1, "b": 2})
    assert transformer.transformer_.seen_ == ("ab", {"a": 1, "b": 2})


def test_metadata_need_routing_and_requests():
    X = panel()
    with pytest.raises(
        ValueError, match="sample_weight.* not explicitly set|enable_met"
    ):
        PerTimestep(StandardScaler()).fit(X, sample_weight=[1, 1, 1])
    with sklearn.config_context(enable_metadata_routing=True):
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            PerTimestep(StandardScaler()).fit(X, sample_weight=[1, 1, 1])
        # groups are for the model, and no scaler minds
        model = make_pipeline(PerTimestep(StandardScaler()), ARRegressor())
        model.fit(np.concatenate(X), groups=np.repeat([0, 1, 2], 4))


def test_frames_of_rows():
    index = pd.MultiIndex.from_product([["a", "b"], range(3)])
    X = pd.DataFrame({"u": np.arange(6.0), "v": 1.0}, index=index)
    transformer = make_column_transformer(
        (StandardScaler(), ["u"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    per_step = PerTimestep(transformer).set_output(transform="pandas")
    out = per_step.fit_transform(X)
    assert out.index.equals(index) and out.columns.tolist() == ["u", "v"]
    assert_allclose(out["u"], (X["u"] - 2.5) / X["u"].std(ddof=0))
    assert per_step.feature_names_in_.tolist() == ["u", "v"]
    out = PerTimestep(transformer.set_output(transform="pandas")).fit_transform(X)
    assert out.index.equals(index)
    model = make_pipeline(per_step, ARRegressor()).fit(X)
    assert model[-1].feature_names_in_.tolist() == ["u", "v"]


def test_no_frame_for_a_panel():
    X = np.stack(panel())
    scaler = PerTimestep(StandardScaler())
    with sklearn.config_context(transform_output="polars"):
        with pytest.raises(ValueError, match="polars frame cannot hold a panel"):
            scaler.fit_transform(X)
    scaler.fit(X).set_output(transform="pandas")
    with pytest.raises(ValueError, match="call PerTimestep.set_output"):
        scaler.transform(X)
    assert scaler.inverse_transform(X).shape == X.shape
    inner = StandardScaler().set_output(transform="pandas")
    assert isinstance(PerTimestep(inner).fit_transform(X), np.ndarray)


def test_availability_follows_the_transformer():
    assert not hasattr(PerTimestep(Normalizer()), "inverse_transform")
    assert hasattr(PerTimestep(StandardScaler()), "inverse_transform")
    scaler = PerTimestep(StandardScaler())
    assert not hasattr(scaler, "n_features_in_")
    with pytest.raises(AttributeError, match="no attribute 'feature_names_in_'"):
        scaler.feature_names_in_  # noqa: B018
    with pytest.raises(NotFittedError, match="PerTimestep"):
        scaler.transform(panel())
    with pytest.raises(NotFittedError, match="PerTimestep"):
        scaler.get_feature_names_out()


def test_tags_and_html():
    tags = get_tags(PerTimestep(LinearDiscriminantAnalysis()))
    assert tags.input_tags.three_d_array and tags.target_tags.required
    assert get_tags(PerTimestep(StandardScaler())).input_tags.allow_nan
    html = estimator_html_repr(make_pipeline(PerTimestep(StandardScaler())))
    assert "PerTimestep" in html and "StandardScaler" in html


@pytest.mark.parametrize("X", [np.zeros((2, 3, 1)), np.zeros((6, 1))])
def test_sparse_output(X):
    encoder = PerTimestep(OneHotEncoder())
    with pytest.raises(
        ValueError, match="returned a sparse matrix.*sparse_output=False"
    ):
        encoder.fit_transform(X)
    with pytest.raises(ValueError, match="returned a sparse matrix"):
        encoder.fit(X).transform(X)
    to_dense = FunctionTransformer(lambda X: X.toarray(), accept_sparse=True)
    remedied = PerTimestep(make_pipeline(OneHotEncoder(), to_dense))
    assert remedied.fit_transform(X).shape == X.shape
    dense = PerTimestep(OneHotEncoder(sparse_output=False))
    assert_array_equal(dense.fit_transform(X), np.ones_like(X))


@pytest.mark.parametrize(
    "function, shape",
    [
        (lambda X: X[1:], r"\(5, 1\)"),
        (lambda X: X.sum(axis=1), r"\(6,\)"),
        (lambda X: np.repeat(X, 2, axis=0), r"\(12, 1\)"),
    ],
)
@pytest.mark.parametrize("X", [np.zeros((2, 3, 1)), np.zeros((6, 1))])
def test_other_number_of_rows(function, shape, X):
    transformer = PerTimestep(FunctionTransformer(function))
    message = f"FunctionTransformer returned an array of shape {shape} for 6 time steps"
    with pytest.raises(ValueError, match=message):
        transformer.fit_transform(X)
    with pytest.raises(ValueError, match="2-D array with one row for each"):
        transformer.fit(X).transform(X)


@pytest.mark.parametrize(
    "transformer",
    [
        DelayTaps(2),
        make_pipeline(StandardScaler(), DelayTaps(2)),
        Pipeline([("nested", make_pipeline(DelayTaps(2)))]),
        make_column_transformer((DelayTaps(2), [0])),
    ],
)
def test_transformers_with_a_memory(transformer):
    with pytest.raises(
        ValueError, match="DelayTaps takes panels itself: use it outside"
    ):
        PerTimestep(transformer).fit(np.zeros((2, 3, 1)))


def test_no_transformer():
    with pytest.raises(ValueError, match="'transformer' parameter of PerTimestep"):
        PerTimestep(f_classif).fit(np.zeros((2, 3, 1)))
    with pytest.raises(ValueError, match="'transformer' parameter of PerTimestep"):
        PerTimestep(None).fit_transform(np.zeros((2, 3, 1)))
    with pytest.raises(
        TypeError, match="should provide an instance|instead of a class"
    ):
        PerTimestep(StandardScaler).fit(np.zeros((2, 3, 1)))


@pytest.mark.parametrize(
    "X, y, message",
    [
        (np.zeros((2, 3, 1)), [0, 1, 2], "inconsistent numbers of samples"),
        (np.zeros((2, 3, 1)), np.zeros((2, 4, 1)), r"y has shape \(2, 4, 1\)"),
        (np.zeros((2, 3, 1)), [np.zeros(3), np.zeros(2)], "Sequence 1 of X has 3"),
        (np.zeros((2, 0, 1)), None, "needs at least one row"),
        (np.zeros((0, 5, 1)), np.zeros((0, 2)), r"0 sample\(s\)"),
        ([np.zeros((2, 1)), np.zeros((0, 1))], None, "Sequence 1 of X is empty"),
        ([np.zeros((2, 1)), np.zeros((3, 2))], None, "Sequence 1 of X has 2 features"),
        (np.full((2, 3, 1), np.inf), None, "infinity"),
        (sparse.csr_array(np.eye(3)), None, "sparse"),
    ],
)
def test_bad_input(X, y, message):
    with pytest.raises(ValueError, match=message):
        PerTimestep(StandardScaler()).fit(X, y)
    with pytest.raises(ValueError, match=message):
        PerTimestep(StandardScaler()).fit_transform(X, y)


def test_changed_number_of_features():
    scaler = PerTimestep(StandardScaler()).fit(np.zeros((2, 3, 1)))
    with pytest.raises(ValueError, match="X has 2 features, but StandardScaler"):
        scaler.transform(np.zeros((2, 3, 2)))
