"""What every classifier reads as a label, and what as none."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sampling import each_value_once
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit

from sklearn_seq.autoregressive import ARClassifier, MLPSequenceClassifier
from sklearn_seq.echo_state import EchoStateClassifier
from sklearn_seq.hmm import HMMClassifier
from sklearn_seq.lds import LDSClassifier
from sklearn_seq.rnn import RNNClassifier

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

CLASSIFIERS = {
    "AR": ARClassifier(2),
    "MLP": MLPSequenceClassifier(2, (5,), max_iter=5, random_state=0),
    "LDS": LDSClassifier(max_iter=3, random_state=0),
    "HMM": HMMClassifier(max_iter=5, random_state=0),
    "RNN": RNNClassifier(5, max_iter=5, random_state=0),
    "ESN": EchoStateClassifier(20, random_state=0),
}
ONLINE = ["MLP", "RNN", "ESN"]
LENGTHS = [8] * 9
every_classifier = pytest.mark.parametrize("name", CLASSIFIERS)


def data(layout, per_step, seed=0):
    """X, labels 0, 1, 2 as a flat array, how to lay y out, and further arguments."""
    rng = np.random.default_rng(seed)
    lengths = LENGTHS if layout != "list" else [7, 8, 9] * 3
    ends = np.cumsum(lengths)[:-1]
    rows = rng.normal(size=(sum(lengths), 2))
    of_sequence = np.arange(9) % 3
    if per_step:
        labels = np.digitize(rows[:, 0] + 0.3 * rng.normal(size=len(rows)), [-0.5, 0.5])
    else:
        labels = of_sequence
        rows += np.repeat(of_sequence, lengths)[:, None]
    more, lay_out = {}, lambda y: y
    if layout == "groups":
        X, more = rows, {"groups": np.repeat(np.arange(9), lengths)}
    elif layout == "rows":
        X = rows
    elif layout == "3-D":
        X = rows.reshape(9, 8, 2)
        if per_step:
            lay_out = lambda y: y.reshape(9, 8)  # noqa: E731
    else:
        X = np.split(rows, ends)
        if per_step:
            lay_out = lambda y: np.split(y, ends)  # noqa: E731
    return X, labels, lay_out, more


LAYOUTS = [
    *[(layout, True) for layout in ("rows", "groups", "3-D", "list")],
    *[(layout, False) for layout in ("3-D", "list")],
]
every_layout = pytest.mark.parametrize("layout, per_step", LAYOUTS)


def flat(values):
    return np.concatenate(list(values)) if values.dtype == object else values


@every_classifier
@every_layout
def test_minus_one_is_a_class(name, layout, per_step):
    """Labels -1, 0, 1 and the same data with labels 0, 1, 2: the same numbers."""
    X, labels, lay_out, more = data(layout, per_step)
    plain, signed = lay_out(labels), lay_out(labels - 1)
    expected = clone(CLASSIFIERS[name]).fit(X, plain, **more)
    model = clone(CLASSIFIERS[name]).fit(X, signed, **more)
    assert_array_equal(model.classes_, [-1, 0, 1])
    assert model.classes_.dtype == labels.dtype
    assert_array_equal(
        flat(model.predict(X, **more)), flat(expected.predict(X, **more)) - 1
    )
    assert_array_equal(
        flat(model.predict_proba(X, **more)), flat(expected.predict_proba(X, **more))
    )
    assert_array_equal(
        flat(model.score_samples(X, signed, **more)),
        flat(expected.score_samples(X, plain, **more)),
    )
    score = model.score(X, signed, **more)
    assert score == expected.score(X, plain, **more)
    predicted = flat(model.predict(X, **more)).ravel()
    assert_allclose(score, np.mean(predicted == labels - 1))


def test_minus_one_does_not_vanish():
    """The share of rows that are predicted right, among all."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1))
    y = np.sign(np.round(x[:, 0])).astype(int)
    model = ARClassifier(1).fit(x, y)
    assert_array_equal(model.classes_, [-1, 0, 1])
    assert_allclose(model.score(x, y), np.mean(model.predict(x) == y))


def gaps(labels, seed=1):
    """Which labels are to be missing; in lists of sequences, those of the second."""
    missing = np.random.default_rng(seed).random(len(labels)) < 0.3
    missing[:6] = False  # every class is there
    if len(labels) > 9:
        missing[8:16] = True
    return missing


def masked(labels, missing):
    return np.ma.masked_array(np.where(missing, 77, labels), missing)


def with_objects(marker):
    def make(labels, missing):
        objects = labels.astype(object)
        objects[missing] = marker
        return objects

    return make


ARRAYS = {
    "NaN": lambda labels, missing: np.where(missing, np.nan, labels),
    "NaN, objects": with_objects(np.nan),
    "None": with_objects(None),
    "pandas.NA": with_objects(pd.NA),
    "mask": masked,
}


@each_value_once(
    "name, layout, per_step, marker", list(CLASSIFIERS), LAYOUTS, list(ARRAYS)
)
def test_missing_labels(name, layout, per_step, marker):
    """Whatever marks a missing label, the model is that of `missing_label`."""
    X, labels, lay_out, more = data(layout, per_step)
    missing = gaps(labels)
    y = lay_out(np.where(missing, -1, labels))
    expected = clone(CLASSIFIERS[name]).set_params(missing_label=-1).fit(X, y, **more)
    marked = lay_out(ARRAYS[marker](labels, missing))
    model = clone(CLASSIFIERS[name]).fit(X, marked, **more)
    assert_array_equal(model.classes_, [0, 1, 2])
    floats = marker == "NaN"
    assert model.classes_.dtype == (float if floats else labels.dtype)
    proba = flat(expected.predict_proba(X, **more))
    assert_array_equal(flat(model.predict_proba(X, **more)), proba)
    score = model.score(X, marked, **more)
    assert score == expected.score(X, y, **more)
    right = flat(model.predict(X, **more)).ravel() == labels
    assert_allclose(score, right[~missing].mean())
    log_proba = flat(model.score_samples(X, marked, **more)).ravel()
    places = np.arange(len(labels))
    chosen = np.log(proba.reshape(len(labels), 3)[places, labels])
    assert_allclose(log_proba, np.where(missing, 0, chosen), atol=1e-9)


WORDS = np.array(["ape", "bee", "cat"])
OTHER_MARKS = {
    "Int64": lambda y, words: pd.Series(y, dtype="Int64"),
    "boolean": lambda y, words: pd.Series(
        [None if v is None else v > 0 for v in y]
    ).convert_dtypes(),
    "string": lambda y, words: pd.Series(words, dtype="string"),
    "category": lambda y, words: pd.Series(words, dtype="category"),
    "frame": lambda y, words: pd.DataFrame({"y": y}, dtype="Int64")["y"],
    "polars integers": lambda y, words: pl.Series(y),
    "polars strings": lambda y, words: pl.Series(words),
    "list": lambda y, words: y,
    "list of strings": lambda y, words: words,
    "list of strings and NaN": lambda y, words: [
        np.nan if word is None else word for word in words
    ],
    "list of integers and NaN": lambda y, words: [
        np.nan if value is None else value for value in y
    ],
    "list of integers and NA": lambda y, words: [
        pd.NA if value is None else value for value in y
    ],
    "masked strings": lambda y, words: np.ma.masked_array(
        ["?" if word is None else word for word in words],
        [word is None for word in words],
    ),
}


@pytest.mark.parametrize("name", ["AR", "HMM"])
@pytest.mark.parametrize("mark", OTHER_MARKS)
@pytest.mark.parametrize("per_step", [True, False])
def test_containers(name, mark, per_step):
    """Series of nullable dtypes and lists; for panels also a list of them."""
    layout = "rows" if per_step else "list"
    X, labels, _, _ = data(layout, per_step)
    missing = gaps(labels)
    y = [None if gone else int(v) for v, gone in zip(labels, missing, strict=True)]
    words = [None if v is None else str(WORDS[v]) for v in y]
    make = OTHER_MARKS[mark]
    marked = make(y, words)
    codes = labels > 0 if mark == "boolean" else labels
    nan = np.where(missing, np.nan, codes)
    model = clone(CLASSIFIERS[name]).fit(X, marked)
    expected = clone(CLASSIFIERS[name]).fit(X, nan)
    if "str" in mark or mark == "category":
        assert_array_equal(model.classes_, WORDS)
    else:
        assert_array_equal(model.classes_, np.unique(codes))
        assert model.classes_.dtype == codes.dtype
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert model.score(X, marked) == expected.score(X, nan)
    if per_step:
        panel = [X[:40], X[40:]]
        parts = [make(y[:40], words[:40]), make(y[40:], words[40:])]
        listed = clone(CLASSIFIERS[name]).fit(panel, parts)
        other = clone(CLASSIFIERS[name]).fit(panel, [nan[:40], nan[40:]])
        assert_array_equal(listed.classes_, model.classes_)
        assert listed.score(panel, parts) == other.score(panel, [nan[:40], nan[40:]])


@every_classifier
@pytest.mark.parametrize("layout", ["3-D", "list"])
def test_sequences_without_labels(name, layout):
    """None in a list for a sequence, and a step without a label in another."""
    X, labels, lay_out, _ = data(layout, per_step=True)
    objects = labels.astype(object)
    objects[1] = None
    y = list(lay_out(objects))
    explicit = [values.copy() for values in y]
    for i in (0, 4, 8):
        y[i] = None
        explicit[i][:] = None
    model = clone(CLASSIFIERS[name]).fit(X, y)
    expected = clone(CLASSIFIERS[name]).fit(X, explicit)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.classes_.dtype == labels.dtype
    assert_array_equal(flat(model.predict_proba(X)), flat(expected.predict_proba(X)))
    assert model.score(X, y) == expected.score(X, explicit)
    words = [
        None if v is None else [None if u is None else WORDS[u] for u in v] for v in y
    ]
    of_words = clone(CLASSIFIERS[name]).fit(X, words)
    assert_array_equal(of_words.classes_, WORDS)
    assert_array_equal(flat(of_words.predict_proba(X)), flat(model.predict_proba(X)))


@pytest.mark.parametrize("labels", [np.array(["ape", "bee"] * 3), np.array([3, 5] * 3)])
@pytest.mark.parametrize("n", [5, 6])
def test_arrays_of_several_kinds(labels, n):
    """NaN for all steps of a sequence is no string, nor are integers then floats."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(length, 1)) for length in (6, n, 6)]
    y = [labels, np.full(n, np.nan), labels]
    model = ARClassifier().fit(X, y)
    assert_array_equal(model.classes_, labels[:2])
    assert isinstance(model.classes_[0], type(labels[0]) | str)
    expected = ARClassifier().fit(X[::2], y[::2])
    assert_array_equal(model.coef_, expected.coef_)


@pytest.mark.parametrize("missing_label", ["?", -1, 1.0, np.nan])
def test_a_value_that_means_no_label(missing_label):
    x = np.random.default_rng(0).normal(size=(60, 1))
    labels = np.arange(60) % 3
    known = labels != 1
    y = labels.astype(object)
    y[~known] = missing_label
    model = ARClassifier(missing_label=missing_label).fit(x, y)
    assert_array_equal(model.classes_, [0, 2])
    expected = ARClassifier().fit(x, np.where(known, labels, np.nan))
    assert_array_equal(model.predict_proba(x), expected.predict_proba(x))
    # None and NaN mean so besides.
    y[np.flatnonzero(~known)[::2]] = None
    assert_array_equal(
        clone(model).fit(x, y).predict_proba(x), expected.predict_proba(x)
    )


@pytest.mark.parametrize(
    "labels, missing_label, works",
    [
        (np.arange(60) % 3, "-1", False),
        (["a", "b", "c"] * 20, -1, False),
        (np.arange(60) % 3 > 0, "?", False),
        (["a", "b", None, pd.NA] * 15, -1, False),
        (np.arange(60) % 3, 1.0, True),
        (["a", "b", "c"] * 20, "b", True),
        (np.arange(60) % 3, 7, True),
        (np.arange(60) % 3, np.nan, True),
        (["a", "b", -1] * 20, -1, True),
    ],
)
def test_a_missing_label_that_no_label_equals(labels, missing_label, works):
    x = np.random.default_rng(0).normal(size=(60, 1))
    y = np.array(labels, dtype=object) if isinstance(labels, list) else labels
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = ARClassifier(missing_label=missing_label).fit(x, y)
        n_in_fit = len(caught)
        model.score(x, y)
    assert len(caught) == n_in_fit == (0 if works else 1)
    if not works:
        assert f"missing_label={missing_label!r}" in str(caught[0].message)


@every_classifier
def test_a_missing_label_is_no_bool(name):
    model = clone(CLASSIFIERS[name]).set_params(missing_label=True)
    with pytest.raises(ValueError, match="'missing_label' parameter"):
        model.fit(np.arange(20.0)[:, None], np.arange(20) % 2)


@every_classifier
def test_pickle_clone_and_search(name):
    X, labels, _, _ = data("rows", per_step=True)
    y = np.where(gaps(labels), -1, labels)
    model = clone(CLASSIFIERS[name]).set_params(missing_label=-1)
    assert clone(model).get_params()["missing_label"] == -1
    model.fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.score(X, y) == model.score(X, y)
    search = GridSearchCV(
        clone(model),
        {"missing_label": [None, -1]},
        cv=TimeSeriesSplit(2),
        error_score="raise",
        refit=False,
    ).fit(X, y)
    for k, missing_label in enumerate([None, -1]):
        for i, (train, test) in enumerate(TimeSeriesSplit(2).split(X)):
            one = clone(model).set_params(missing_label=missing_label)
            expected = one.fit(X[train], y[train]).score(X[test], y[test])
            assert search.cv_results_[f"split{i}_test_score"][k] == expected


def test_a_search_with_missing_labels():
    X, labels, _, _ = data("list", per_step=False)
    y = with_objects(None)(labels, np.arange(9) == 5)
    search = GridSearchCV(ARClassifier(), {"n_lags": [1, 2]}, cv=KFold(2)).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("name", ONLINE)
@pytest.mark.parametrize("marker", [*ARRAYS, "missing_label"])
def test_a_first_part_with_one_class(name, marker):
    X, labels, _, _ = data("rows", per_step=True)
    model = clone(CLASSIFIERS[name])
    if marker == "missing_label":
        y = np.where(labels == 1, 1, -1)
        model.set_params(missing_label=-1)
    else:
        y = ARRAYS[marker](labels, labels != 1)
    model.partial_fit(X, y, classes=[0, 1, 2])
    assert_array_equal(model.classes_, [0, 1, 2])
    model.partial_fit(X, labels)
    assert model.predict_proba(X).shape == (len(X), 3)
    assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("name", ONLINE)
def test_one_class_needs_classes(name):
    X = np.random.default_rng(0).normal(size=(20, 1))
    first, second = np.zeros(20, dtype=int), np.arange(20) % 2
    model = clone(CLASSIFIERS[name])
    with pytest.raises(ValueError, match=r"only 1 class: \[0\].*classes=\[...\]"):
        model.partial_fit(X, first)
    model.partial_fit(X, first, classes=[0, 1]).partial_fit(X, second)
    assert_array_equal(model.classes_, [0, 1])
    symbols = first[:, None]
    with pytest.raises(ValueError, match=r"only 1 class: \[0\].*symbols=\[...\]"):
        clone(model).partial_fit(symbols)
    model.set_params(symbols=[0, 1])
    model = clone(model).partial_fit(symbols).partial_fit(second[:, None])
    assert_array_equal(model.classes_, [0, 1])


@pytest.mark.parametrize("name", ONLINE)
@pytest.mark.parametrize(
    "classes, message",
    [
        ([0, 1], "previously unseen labels, the first at row 2"),
        ([0, 1, 2, np.nan], "classes=.* holds a value that means that there is no lab"),
        ([0, 1, 2, 9], r"missing_label=9\): leave it out"),
    ],
)
def test_classes_that_do_not_fit(name, classes, message):
    X = np.random.default_rng(0).normal(size=(30, 1))
    model = clone(CLASSIFIERS[name]).set_params(missing_label=9)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, np.arange(30) % 3, classes=classes)


@every_classifier
@pytest.mark.parametrize(
    "y, message",
    [
        ([None] * 20, "y holds no label: NaN, None, pandas.NA.*At least one step must"),
        ([7] * 20, "missing_label=7 mean that there is none"),
        (["a", 1] * 10, "y mixes strings with other labels: 'a' at position 0, 1 at"),
        ([[0, 1]] * 20, "one label for each step; got 2 columns"),
        ([0, 1] * 9, "y has 18 entries, but X has 20 time steps"),
    ],
)
def test_errors(name, y, message):
    X = np.random.default_rng(0).normal(size=(20, 1))
    with pytest.raises(ValueError, match=message):
        clone(CLASSIFIERS[name]).set_params(missing_label=7).fit(X, y)


@every_classifier
def test_missing_label_must_be_a_scalar(name):
    X, labels, _, _ = data("rows", per_step=True)
    model = clone(CLASSIFIERS[name]).set_params(missing_label=[-1])
    with pytest.raises(ValueError, match="The 'missing_label' parameter"):
        model.fit(X, labels)
