"""Strings and lists of symbols, in every model of symbols."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_seq.autoregressive import (
    ARClassifier,
    ARRegressor,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
)
from sklearn_seq.echo_state import EchoStateClassifier, EchoStateRegressor
from sklearn_seq.hmm import (
    CategoricalHMM,
    GaussianHMM,
    HMMClassifier,
    HMMRegressor,
    PoissonHMM,
)
from sklearn_seq.inspection import HiddenStateDisplay
from sklearn_seq.lds import LDSClassifier, LDSRegressor, LinearDynamicalSystem
from sklearn_seq.metrics import mean_log_likelihood_scorer
from sklearn_seq.preprocessing import DelayTaps, PerTimestep
from sklearn_seq.rnn import RNNClassifier, RNNRegressor
from sklearn_seq.sequences import object_array

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

CLASSIFIERS = [
    ARClassifier(2, max_iter=20),
    MLPSequenceClassifier(2, (4,), max_iter=3, random_state=0),
    MLPSequenceClassifier(2, (4,), embedding_dim=2, max_iter=3, random_state=0),
    RNNClassifier(4, max_iter=3, random_state=0),
    EchoStateClassifier(8, random_state=0),
    HMMClassifier(2, max_iter=5, random_state=0),
]
MODELS = [*CLASSIFIERS, CategoricalHMM(2, max_iter=5, random_state=0)]
REAL = [
    ARRegressor(),
    MLPSequenceRegressor(max_iter=2),
    LinearDynamicalSystem(max_iter=2),
    LDSRegressor(max_iter=2),
    LDSClassifier(max_iter=2),
    GaussianHMM(max_iter=2),
    PoissonHMM(max_iter=2),
    HMMRegressor(max_iter=2),
    RNNRegressor(4, max_iter=2),
    EchoStateRegressor(8),
    DelayTaps(2),
]
NAMES = ["anna", "bob", "hannah", "otto", "emma", "aba", "mona", "toto", "noa", "ben"]
EQUAL = ["abba", "caab", "acab", "bbab", "cacb", "baba"]
WORDS = [["to", "be", "or"], ["not", "to", "be"], ["or", "to"], ["be", "not", "to"]]


def columns(X):
    """The safe layout: an array of one column of objects for each sequence."""
    return [np.array(list(sequence), dtype=object)[:, None] for sequence in X]


# Layouts of strings: each takes a list of strings.
OF_STRINGS = {
    "list": list,
    "tuple": tuple,
    "object array": lambda X: np.array(X, dtype=object),
    "string array": np.array,
    "StringDType": lambda X: np.array(X, dtype=np.dtypes.StringDType()),
    "Series": lambda X: pd.Series(X, index=np.arange(len(X))[::-1]),
    "object Series": lambda X: pd.Series(X, dtype=object),
    "string Series": lambda X: pd.Series(X, dtype="string"),
    "categorical": lambda X: pd.Series(X, dtype="category"),
    "polars": pl.Series,
}
# And of sequences of symbols: each takes a list of lists.
OF_SYMBOLS = {
    "lists": lambda X: [list(x) for x in X],
    "tuples": lambda X: tuple(tuple(x) for x in X),
    "arrays": lambda X: [np.array(list(x)) for x in X],
    "object arrays": lambda X: [np.array(list(x), dtype=object) for x in X],
    "array of arrays": lambda X: object_array([np.array(list(x)) for x in X]),
    "list of Series": lambda X: [pd.Series(list(x)) for x in X],
    "list of polars": lambda X: [pl.Series(list(x)) for x in X],
    "Series of lists": lambda X: pd.Series([list(x) for x in X]),
    "polars of lists": lambda X: pl.Series([list(x) for x in X]),
}


def labels_of(X, kind):
    if kind == "next":
        return None
    if kind == "sequence":
        return ["odd" if len(set(x)) % 2 else "even" for x in X]
    return [[str(s < "c") for s in x] for x in X]


def assert_same(result, expected):
    if isinstance(expected, list):
        expected = object_array(expected)
    assert result.shape == expected.shape
    for one, other in zip(result, expected, strict=True):
        assert_array_equal(one, other)


def fitted(model):
    """Fitted arrays of numbers."""
    return {
        name: value
        for name, value in vars(model).items()
        if name.endswith("_")
        and isinstance(value, np.ndarray)
        and value.dtype.kind == "f"
    }


def assert_all_the_same(model, X, y, safe):
    """Fitted to X, a model is and does what it is and does with the safe layout."""
    model = clone(model)
    density = isinstance(model, CategoricalHMM)
    args = () if y is None or density else (y,)
    reference = clone(model).fit(safe, *args)
    model.fit(X, *args)
    assert fitted(model).keys() == fitted(reference).keys()
    for name, value in fitted(model).items():
        assert_array_equal(value, getattr(reference, name), err_msg=name)
    assert_array_equal(model.symbols_[0], reference.symbols_[0])
    for method in ("predict", "predict_proba", "predict_log_proba", "transform"):
        if hasattr(model, method):
            assert_same(getattr(model, method)(X), getattr(reference, method)(safe))
    assert_same(model.score_samples(X, *args), reference.score_samples(safe, *args))
    assert model.score(X, *args) == reference.score(safe, *args)
    if y is None and hasattr(model, "forecast"):
        assert_same(model.forecast(X, 3), reference.forecast(safe, 3))
        if not density:
            sample = model.sample(3, X=X, random_state=0)
            assert_same(sample, reference.sample(3, X=safe, random_state=0))
    if hasattr(model, "partial_fit"):
        for _ in range(2):
            model.partial_fit(X, *args)
            reference.partial_fit(safe, *args)
        assert_same(model.predict_proba(X), reference.predict_proba(safe))
    return model


@pytest.mark.parametrize(
    "model, kind",
    [
        pytest.param(model, kind, id=f"{model}-{kind}")
        for model in MODELS
        for kind in ("next", "sequence", "step")
        if kind == "next" or not isinstance(model, CategoricalHMM)  # it takes no y
    ],
)
@pytest.mark.parametrize("strings", [NAMES, EQUAL], ids=["unequal", "equal"])
def test_strings_are_sequences_of_characters(model, strings, kind):
    y = labels_of(strings, kind)
    model = assert_all_the_same(model, strings, y, columns(strings))
    assert type(model.symbols_[0][0]) is np.str_
    again = pickle.loads(pickle.dumps(model))
    assert_same(again.predict(strings[:1]), model.predict(columns(strings[:1])))


@pytest.mark.parametrize("layout", OF_STRINGS)
def test_layouts_of_strings(layout):
    for model in (MODELS[0], MODELS[-1]):
        for strings in (NAMES, EQUAL):
            X = OF_STRINGS[layout](strings)
            assert_all_the_same(model, X, None, columns(strings))


@pytest.mark.parametrize("layout", OF_SYMBOLS)
def test_layouts_of_symbols(layout):
    for model in (MODELS[0], MODELS[-1]):
        for sequences in (WORDS, NAMES, EQUAL, WORDS[:2]):
            X = OF_SYMBOLS[layout](sequences)
            assert_all_the_same(model, X, None, columns(sequences))


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_lists_of_words_are_sequences_of_words(model):
    assert_all_the_same(model, WORDS, None, columns(WORDS))
    if not isinstance(model, CategoricalHMM):
        y = labels_of(WORDS, "step")
        assert_all_the_same(model, WORDS, y, columns(WORDS))


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_string_is_one_sequence_of_rows(model):
    text = "the cat sat on the mat that the cat had"
    rows = np.array(list(text))[:, None]
    model = assert_all_the_same(model, text, None, rows)
    assert model.predict(text).shape == (len(text),)
    groups = np.repeat([0, 1], [20, 19])
    assert_array_equal(
        model.score_samples(text, groups=groups),
        model.score_samples(rows, groups=groups),
    )


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_integers_are_symbols_where_symbols_are_expected(model):
    rng = np.random.default_rng(0)
    equal = [rng.integers(3, size=6) for _ in range(4)]
    unequal = [rng.integers(3, size=n) for n in (6, 4, 5, 7)]
    for X in (equal, unequal, object_array(unequal), [x.tolist() for x in unequal]):
        assert_all_the_same(model, X, None, [np.asarray(x)[:, None] for x in X])
    for X in ([x.tolist() for x in equal], [equal[0].tolist()]):
        with pytest.raises(ValueError, match="6 integers each, which are symbols here"):
            clone(model).fit(X)
        clone(model).fit([np.asarray(x) for x in X])
    # What was fitted to 1-D sequences reads all such alike, nested lists too.
    model = clone(model).fit(unequal)
    assert_same(
        model.predict([x.tolist() for x in equal]),
        model.predict([x[:, None] for x in equal]),
    )
    assert model.predict([[0], [1]]).dtype == object
    # And what was fitted to rows of one column cannot read them otherwise.
    model.fit(np.concatenate(equal)[:, None])
    assert_same(model.predict(equal), model.predict([x[:, None] for x in equal]))
    assert model.predict([[0], [1]]).shape == (2,)


def test_rows_of_several_integers_stay_rows():
    X = np.random.default_rng(0).integers(3, size=(40, 2))
    model = CategoricalHMM(2, random_state=0).fit(X)
    expected = model.score_samples(X)
    # Once there are two columns, nothing else is possible.
    assert_array_equal(model.score_samples(X.tolist()), expected)
    assert_array_equal(model.score_samples(list(X)), expected)
    with pytest.raises(ValueError, match=r"X has 1 features, .* expecting 2 features"):
        model = CategoricalHMM().fit(np.array([["a", "x"], ["b", "y"]]))
        model.predict([["a", "x"]])
    # With labels, integers are numbers: rows, as everywhere in scikit-learn.
    y = X.sum(axis=1) > 1
    by_rows = ARClassifier().fit(X, y)
    assert_array_equal(ARClassifier().fit(X.tolist(), y).coef_, by_rows.coef_)
    assert_array_equal(ARClassifier().fit(list(X), y).coef_, by_rows.coef_)


@pytest.mark.parametrize("model", REAL, ids=str)
def test_lists_of_series_of_unequal_lengths(model):
    rng = np.random.default_rng(0)
    X = [rng.poisson(3.0, size=n).astype(float) for n in (8, 6, 9, 7)]
    safe = [x[:, None] for x in X]
    args = ([0, 1, 0, 1],) if isinstance(model, LDSClassifier) else ()
    if hasattr(model, "random_state"):
        model = clone(model).set_params(random_state=0)
    method = "predict" if hasattr(model, "predict") else "transform"
    expected = getattr(clone(model).fit(safe, *args), method)(safe)
    for given in (X, [x.tolist() for x in X], [pd.Series(x) for x in X]):
        model.fit(given, *args)
        assert_same(getattr(model, method)(given), expected)
    # Of equal lengths, too, now that it is known what they are.
    equal = [x[:6] for x in X]
    result = getattr(model, method)(equal)
    assert_same(result, getattr(model, method)([x[:, None] for x in equal]))


def test_the_index_of_a_list_of_series_is_time():
    holed = pd.Series(list("abcabcabcabc")).drop([4, 5])
    X = [holed, pd.Series(list("cba"))]
    model = ARClassifier(2).fit(X)
    reference = ARClassifier(2).fit([x.to_frame() for x in X])
    assert_array_equal(model.coef_, reference.coef_)
    assert (model.coef_ != ARClassifier(2).fit([list(x) for x in X]).coef_).any()


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_ambiguous_and_empty_strings(model):
    model = clone(model)
    chars = list("abcabcab")
    message = "X holds 8 sequences, each of one symbol only, which is ambiguous"
    for X in (chars, np.array(chars), pd.Series(chars), [[c] for c in chars]):
        with pytest.raises(ValueError, match=message) as error:
            model.fit(X)
        assert "reshape" not in str(error.value)
        # What the message says works.
        rows = columns([chars])
        assert_same(model.fit([X]).predict([X]), model.fit(rows).predict(rows))
        panel = np.array(X).ravel()[:, None, None]
        assert panel.shape == (8, 1, 1)
    assert_array_equal(
        model.fit("".join(chars)).predict("abc"),
        model.fit(np.array(chars)[:, None]).predict(np.array([["a"], ["b"], ["c"]])),
    )
    # Beginnings of one character are fine; lists of one are not, after rows.
    assert model.predict(["a", "b"]).shape == (2,)
    with pytest.raises(ValueError, match="X holds 2 sequences, each of one symbol"):
        model.predict([["a"], ["b"]])
    assert model.fit(WORDS).predict([["to"], ["be"]]).shape == (2,)
    for X, wrong in (
        (["ab", "", "ba"], "Sequence 1 of X is an empty string"),
        ("", "Sequence 0 of X is an empty string"),
        (["ab", None, "ba"], "Sequence 0 of X is a string, but sequence 1 is None"),
        (pd.Series([pd.NA, "ab"]), "Sequence 1 of X is a string, but sequence 0 is"),
        (["ab", ["a", "b"]], "but sequence 1 is ['a', 'b']"),
        ([["a", "b"], []], "Sequence 1 of X is empty"),
        ([["a", "b"], [1, 2]], "X mixes strings with numbers"),
        ([["a", 1], ["b", 2]], "X mixes strings with numbers"),
        ([b"ab", b"ba"], "bytes are no text"),
    ):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            clone(model).fit(X)


@pytest.mark.parametrize("model", REAL, ids=str)
def test_models_of_numbers_refuse_strings(model):
    """Even if they look like numbers, which NumPy would convert."""
    args = ([0, 1],) if isinstance(model, LDSClassifier) else ()
    name = type(model).__name__
    for X in (["abc", "de"], ["123", "45"], [["1", "2"], ["3"]], pd.Series(["1", "2"])):
        message = f"X holds strings, but {name} takes no text, .* use CategoricalHMM"
        with pytest.raises(ValueError, match=message):
            clone(model).fit(X, *args)


@pytest.mark.parametrize("model", [*REAL, *CLASSIFIERS], ids=str)
def test_flat_numbers_are_still_to_be_reshaped(model):
    x = np.arange(8) % 3
    args = (x,) if "Classifier" in type(model).__name__ else ()
    for X in (x, x.tolist()):
        with pytest.raises(ValueError, match=r"reshape\(-1, 1\)"):
            clone(model).fit(X, *args)


# scikit-learn's tools: a sample is a string.


@pytest.mark.parametrize("layout", ["list", "Series", "object array", "polars"])
@pytest.mark.parametrize("model", [MODELS[0], MODELS[-1]], ids=str)
def test_tools_of_scikit_learn_take_strings(model, layout):
    model = clone(model).set_params(symbols=sorted(set("".join(NAMES))))
    X, safe = OF_STRINGS[layout](NAMES), columns(NAMES)
    ids = np.arange(len(NAMES)) % 3
    y = np.array(labels_of(NAMES, "sequence"))
    for cv in (KFold(3, shuffle=True, random_state=0), GroupKFold(3)):
        assert_array_equal(
            cross_val_score(model, X, cv=cv, groups=ids),
            cross_val_score(model, safe, cv=cv, groups=ids),
        )
    name = "n_lags" if hasattr(model, "n_lags") else "n_components"
    searches = [
        GridSearchCV(model, {name: [1, 2]}, cv=3).fit(given) for given in (X, safe)
    ]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    assert_array_equal(*scores)
    assert_same(searches[0].predict(X), searches[1].predict(safe))
    train, test = train_test_split(X, random_state=0)
    safe_train, safe_test = train_test_split(safe, random_state=0)
    assert len(train) == 7 and len(test) == 3
    assert model.fit(train).score(test) == model.fit(safe_train).score(safe_test)
    if not isinstance(model, CategoricalHMM):
        assert_array_equal(
            cross_val_predict(model, X, y, cv=2),
            cross_val_predict(model, safe, y, cv=2),
        )


def test_a_transformer_of_rows_in_a_pipeline_takes_strings():
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    y = labels_of(NAMES, "sequence")
    model = make_pipeline(PerTimestep(encoder), ARClassifier(2))
    expected = clone(model).fit(columns(NAMES), y).predict_proba(columns(NAMES))
    assert_array_equal(model.fit(NAMES, y).predict_proba(NAMES), expected)


def test_a_display_takes_strings():
    model = CategoricalHMM(2, random_state=0).fit(NAMES)
    for X in (NAMES, pd.Series(NAMES, index=range(10)[::-1])):
        display = HiddenStateDisplay.from_estimator(model, X, sequence=2)
        (expected,) = model.transform(["hannah"])
        assert_allclose(np.asarray(display.states), expected)


# Symbols that occur once.


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_column_of_symbols_that_occur_once_warns(model, recwarn):
    model = clone(model)
    with pytest.warns(UserWarning, match=r"10 of the 10 .* pass them as a list of str"):
        model.fit(np.array(NAMES).reshape(-1, 1))
    with pytest.warns(UserWarning, match=r"feature 'name' of X occur only once"):
        model.fit(pd.DataFrame({"name": NAMES}))
    with pytest.warns(UserWarning, match="for measurements use a model of real"):
        model.fit(np.arange(12)[:, None])
    recwarn.clear()
    model.fit(NAMES)
    model.fit(np.array(NAMES[:9]).reshape(-1, 1))
    model.fit(np.array(NAMES + NAMES[:6]).reshape(-1, 1))
    # One symbol most of the time, and ten rare ones.
    model.fit(np.r_[np.zeros(30, dtype=int), np.arange(11)][:, None])
    assert not [w for w in recwarn if "occur only once" in str(w.message)]


# Missing symbols.

MISSING = [None, np.nan, pd.NA]


@pytest.mark.parametrize("missing", MISSING, ids=str)
@pytest.mark.parametrize("model", CLASSIFIERS[:-1], ids=str)
def test_classifiers_refuse_missing_symbols(model, missing):
    model = clone(model)
    message = r"no symbol at row 5 .* takes no missing symbols: .* CategoricalHMM"
    sequences = [["a", "b", "a"], ["b", "a", missing, "b"]]
    for y in (None, [0, 1], [[0, 1, 0], [1, 0, 1, 1]]):
        with pytest.raises(ValueError, match=message):
            model.fit(sequences, y)
    frame = pd.DataFrame({"s": ["a", "b", "a", "b", "a", missing]}, dtype="string")
    with pytest.raises(ValueError, match=message):
        model.fit(frame)
    with pytest.raises(ValueError, match=message):
        model.fit(frame[:5]).predict(frame)
    numbers = pd.DataFrame({"s": pd.array([1, 2, 1, 2, 1, pd.NA], dtype="Int64")})
    with pytest.raises(ValueError, match=message):
        model.fit(numbers)


def forms(missing):
    """Columns with a symbol missing, as far as the kind of missing value allows."""
    words = ["a", "b", "a", missing, "b", "b", "a", "a", missing, "b", "a", "b"]
    yield np.array(words, dtype=object)[:, None]
    yield pd.DataFrame({"s": words}, dtype=object)
    yield pd.DataFrame({"s": pd.array(words, dtype="string")})
    yield pd.DataFrame({"s": pd.Series(words, dtype="category")})
    codes = [{"a": 0, "b": 1}.get(s if isinstance(s, str) else "") for s in words]
    codes = pd.array([pd.NA if c is None else c for c in codes], dtype="Int64")
    yield pd.DataFrame({"s": codes})
    yield pd.DataFrame({"s": codes.astype(object)})
    yield pd.DataFrame({"s": codes.to_numpy(dtype=float, na_value=np.nan)})


@pytest.mark.parametrize("missing", MISSING, ids=str)
def test_missing_symbols_of_all_sorts(missing):
    """NA, None and NaN are the same, in columns of every dtype."""
    expected = None
    for X in forms(missing):
        for model in (
            CategoricalHMM(
                2,
                max_iter=5,
                random_state=0,
                emissionprob_prior=2.0,
                startprob_prior=2.0,
                transmat_prior=2.0,
            ),
            HMMClassifier(2, max_iter=5, random_state=0),
        ):
            inner = getattr(model.fit(X), "model_", model)
            values = [inner.transmat_, inner.emissionprob_]
            expected = expected or values
            assert_allclose(values, expected, rtol=1e-12)
            there = np.abs(model.score_samples(X)) > 1e-9
            assert_array_equal(np.flatnonzero(~there), [3, 8])


def joint(model, sequences, *y):
    """Probabilities of whole sequences."""
    return [np.exp(s.sum()) for s in model.score_samples(sequences, *y)]


def test_a_missing_symbol_is_integrated_out():
    rng = np.random.default_rng(1)
    X = ["".join(rng.choice(list("abc"), size=n)) for n in rng.integers(4, 9, size=30)]
    holed = [[*"ab", missing, *"ca"] for missing in MISSING]
    filled = [f"ab{s}ca" for s in "abc"]
    for model in (CategoricalHMM(2, random_state=0), HMMClassifier(2, random_state=0)):
        total = sum(joint(model.fit(X), filled))
        assert_allclose(joint(model, holed), [total] * 3)
    # The prediction at a missing symbol and after it, by Bayes' rule.
    proba = model.predict_proba([["a", "b", None]])[0][2]
    weights = np.array(joint(model, ["aba", "abb", "abc"]))
    each = np.array([p[2] for p in model.predict_proba(["aba", "abb", "abc"])])
    assert_allclose(proba, weights @ each / weights.sum())
    # Targets that are missing count neither in score nor in a scorer.
    predicted = model.predict([holed[0]])[0]
    right = [predicted[0] == "b", predicted[2] == "c", predicted[3] == "a"]
    assert model.score([holed[0]]) == pytest.approx(np.mean(right))
    for other in (model, CategoricalHMM(2, random_state=0).fit(X)):
        densities = other.score_samples([holed[0]])[0]
        score = mean_log_likelihood_scorer(other, [holed[0]])
        assert score == pytest.approx(densities[[1, 3, 4]].mean())


def test_labels_with_missing_symbols():
    """One label a sequence: Bayes' rule; one a step: the sum over what is missing."""
    rng = np.random.default_rng(2)
    X, y = [], []
    for i in range(40):
        p = [0.6, 0.3, 0.1] if i % 2 else [0.1, 0.3, 0.6]
        X.append("".join(rng.choice(list("abc"), size=6, p=p)))
        y.append(i % 2)
    holed, filled = [["a", None, "c", "c"]], ["aacc", "abcc", "accc"]
    model = HMMClassifier(2, random_state=0).fit(X, y)
    # The prior weights are equal, so that posteriors are proportional to these.
    weights = [
        sum(joint(m, [[["abc".index(s)] for s in x] for x in filled]))
        for m in model.models_
    ]
    assert_allclose(model.predict_proba(holed)[0], weights / np.sum(weights))
    # Learned with missing symbols: the same as a model of each class alone.
    some = [[None if rng.random() < 0.2 else s for s in x] for x in X]
    model.fit(some, y)
    priors = dict.fromkeys(
        ("startprob_prior", "transmat_prior", "emissionprob_prior"), 2.0
    )
    for c in (0, 1):
        of_class = [x for x, label in zip(some, y, strict=True) if label == c]
        alone = CategoricalHMM(2, random_state=0, **priors).fit(of_class)
        assert_allclose(model.models_[c].emissionprob_, alone.emissionprob_)
    # Labels per step, where the states are the labels: of the last row, given all.
    steps = [[int(s > "a") ^ int(i % 5 == 0) for i, s in enumerate(x)] for x in X]
    model = HMMClassifier(random_state=0).fit(some, steps)
    inner = model.model_
    forward = inner.startprob_ * inner.emissionprob_[:, 0]
    for symbol in (None, 2, 2):
        seen = 1.0 if symbol is None else inner.emissionprob_[:, symbol]
        forward = forward @ inner.transmat_ * seen
    assert_allclose(model.predict_proba(holed)[0][-1], forward / forward.sum())


@pytest.mark.parametrize("model", REAL, ids=str)
def test_missing_numbers_of_pandas_are_nan(model):
    """In columns of objects and of extension dtypes: NaN for all purposes."""
    values = [1.0, 2.0, pd.NA, 4.0, 1.0, 3.0, 2.0, 5.0, 1.0, 2.0]
    nan = np.array([[np.nan if v is pd.NA else v] for v in values])
    args = (np.arange(10) % 2,) if isinstance(model, LDSClassifier) else ()
    if hasattr(model, "random_state"):
        model = clone(model).set_params(random_state=0)
    method = "predict" if hasattr(model, "predict") else "transform"

    def outcome(X, *y):
        try:
            return getattr(model.fit(X, *y), method)(X)
        except ValueError as error:
            assert "Input X contains NaN: row 2" in str(error)

    expected = outcome(nan, *args)
    assert (expected is None) == (not model._allow_nan)
    for X in (
        np.array(values, dtype=object)[:, None],
        [[v] for v in values],
        pd.DataFrame({"x": np.array(values, dtype=object)}),
        pd.DataFrame({"x": pd.array(values, dtype="Float64")}),
        pd.DataFrame({"x": pd.array(values, dtype="Int64")}),
    ):
        result = outcome(X, *args)
        assert (result is None) == (expected is None)
        if expected is not None:
            assert_allclose(np.asarray(result, dtype=float), expected)
    for classifier in (ARClassifier(), HMMClassifier(random_state=0)):
        X = np.array(values, dtype=object)[:, None]
        y = np.arange(10) % 2
        if isinstance(classifier, HMMClassifier):
            expected = clone(classifier).fit(nan, y).predict_proba(nan)
            assert_allclose(classifier.fit(X, y).predict_proba(X), expected)
        else:
            with pytest.raises(ValueError, match="Input X contains NaN: row 2"):
                classifier.fit(X, y)


@pytest.mark.parametrize("dtype", ["Int64", "Int8", "UInt16", "boolean"])
def test_integers_of_pandas_are_symbols(dtype):
    codes = np.array([0, 1, 1, 0, 1] * 8)
    X = pd.DataFrame({"a": pd.array(codes, dtype=dtype)})
    for y in (None, np.arange(40) % 2):
        model = ARClassifier(2, symbols=True).fit(X, y)
        expected = ARClassifier(2, symbols=True).fit(pd.DataFrame({"a": codes}), y)
        assert_array_equal(model.coef_, expected.coef_)
        assert_array_equal(
            model.predict_proba(X), expected.predict_proba(pd.DataFrame({"a": codes}))
        )
        assert_array_equal(model.symbols_, [[0, 1]])
    assert_array_equal(model.feature_names_in_, ["a"])
    X.loc[3, "a"] = pd.NA
    with pytest.raises(ValueError, match="no symbol at row 3"):
        ARClassifier(2).fit(X)
