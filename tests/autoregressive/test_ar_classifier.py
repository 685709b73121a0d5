import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARClassifier
from sklearn_seq.datasets import load_japanese_vowels, make_markov_chain

LETTERS = np.array(["a", "b", "c", "d"])
EXACT = {"tol": 1e-9, "max_iter": 10_000}


def chain(n_timesteps=60, n_states=3, seed=0, **kwargs):
    return make_markov_chain(
        n_timesteps, n_states=n_states, random_state=seed, **kwargs
    )


def wave(lengths=(30, 20, 40), seed=0):
    rng = np.random.default_rng(seed)
    steps = [np.arange(n)[:, None] * [0.4, 0.7] for n in lengths]
    return [np.sin(s + i) + 0.3 * rng.normal(size=s.shape) for i, s in enumerate(steps)]


def one_hot_taps(x, t, n_lags, alphabets):
    """Indicators of the symbols of the last rows; none before the first."""
    pieces = []
    for lag in range(n_lags):
        for column, alphabet in enumerate(alphabets):
            there = t - lag >= 0
            pieces.append([there and x[t - lag, column] == s for s in alphabet])
    return np.concatenate(pieces).astype(float)


def next_symbol_design(sequences, n_lags, alphabets, burn_in=0, column=0):
    z, y = [], []
    for x in sequences:
        for t in range(1, len(x)):
            if t >= burn_in:
                z.append(one_hot_taps(x, t - 1, n_lags, alphabets))
                y.append(x[t, column])
    return np.array(z), np.array(y)


def taps_of_numbers(x, t, n_lags):
    return np.concatenate([x[max(t - lag, 0)] for lag in range(n_lags)])


def standard(sequences):
    """Sequences with each column in standard units, and its standard deviations."""
    scaler = StandardScaler().fit(np.concatenate(sequences))
    return [scaler.transform(x) for x in sequences], scaler.scale_


# The same as logistic regression on taps that are built by hand.


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    n_lags=st.integers(1, 4),
    burn_in=st.integers(0, 3),
    C=st.sampled_from([0.1, 1.0]),
    fit_intercept=st.booleans(),
    strings=st.booleans(),
)
def test_next_symbol(lengths, n_lags, burn_in, C, fit_intercept, strings):
    sequences = [chain(n, seed=i) for i, n in enumerate([*lengths, 40])]
    if strings:
        sequences = [LETTERS[x] for x in sequences]
    alphabets = [np.unique(np.concatenate(sequences))]
    z, y = next_symbol_design(sequences, n_lags, alphabets, burn_in)
    parameters = {"C": C, "fit_intercept": fit_intercept, **EXACT}
    expected = LogisticRegression(**parameters).fit(z, y)
    model = ARClassifier(n_lags, burn_in=burn_in, **parameters).fit(sequences)
    assert_array_equal(model.classes_, expected.classes_)
    assert_array_equal(model.symbols_[0], alphabets[0])
    assert model.coef_.shape == (3, n_lags, 3)
    assert_allclose(model.coef_.reshape(3, -1), expected.coef_, atol=1e-5)
    x = sequences[-1]
    taps = [one_hot_taps(x, t, n_lags, alphabets) for t in range(len(x))]
    assert_allclose(model.predict_proba(x), expected.predict_proba(taps), atol=1e-5)
    log_proba = model.predict_log_proba(x)
    assert_allclose(np.exp(log_proba), model.predict_proba(x), rtol=1e-12)
    assert_array_equal(model.predict(x), alphabets[0][log_proba.argmax(axis=1)])


def test_two_symbols_have_one_row_of_coefficients():
    X = chain(n_states=2)
    z, y = next_symbol_design([X], 2, [[0, 1]])
    expected = LogisticRegression(**EXACT).fit(z, y)
    model = ARClassifier(2, **EXACT).fit(X)
    assert model.coef_.shape == (1, 2, 2) and model.intercept_.shape == (1,)
    assert_allclose(model.coef_.ravel(), expected.coef_.ravel(), atol=1e-5)
    assert_allclose(model.intercept_, expected.intercept_, atol=1e-5)
    taps = [one_hot_taps(X, t, 2, [[0, 1]]) for t in range(60)]
    assert_allclose(model.predict_proba(X), expected.predict_proba(taps), atol=1e-5)


def test_driving_symbols():
    X = np.column_stack([chain(80)[:, 0], np.arange(80) // 3 % 2 + 7])
    alphabets = [[0, 1, 2], [7, 8]]
    z, y = next_symbol_design([X], 2, alphabets)
    expected = LogisticRegression(**EXACT).fit(z, y)
    model = ARClassifier(2, exogenous=1, **EXACT).fit(X)
    assert model.coef_.shape == (3, 2, 5)
    assert_allclose(model.coef_.reshape(3, -1), expected.coef_, atol=1e-5)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert_array_equal(model.symbols_[1], [7, 8])
    last = ARClassifier(2, exogenous=0, **EXACT).fit(X)
    assert_array_equal(last.classes_, [7, 8])
    with pytest.raises(ValueError, match="X has 2 predicted columns. Name the others"):
        ARClassifier().fit(X)


@pytest.mark.parametrize("n_lags", [1, 3])
@pytest.mark.parametrize("burn_in", [0, 5])
def test_a_label_for_each_row_of_numbers(n_lags, burn_in):
    sequences = wave()
    labels = [np.where(x[:, 0] > 0, "up", "down") for x in sequences]
    first = max(burn_in, n_lags - 1)
    scaled, deviation = standard(sequences)
    z, y = [], []
    for x, own in zip(scaled, labels, strict=True):
        for t in range(first, len(x)):
            z.append(taps_of_numbers(x, t, n_lags))
            y.append(own[t])
    expected = LogisticRegression(C=0.5, **EXACT).fit(z, y)
    model = ARClassifier(n_lags, C=0.5, burn_in=burn_in, **EXACT)
    model.fit(sequences, labels)
    assert_array_equal(model.classes_, ["down", "up"])
    assert not hasattr(model, "symbols_")
    found = model.coef_ * deviation
    assert_allclose(found.ravel(), expected.coef_.ravel(), atol=1e-5)
    x = sequences[0]
    taps = [taps_of_numbers(scaled[0], t, n_lags) for t in range(len(x))]
    assert_allclose(model.predict_proba(x), expected.predict_proba(taps), atol=1e-5)
    assert_array_equal(model.predict(x), expected.predict(taps))


@pytest.mark.parametrize("symbols", [True, "auto", [0, 1, 2]])
def test_a_label_for_each_row_of_symbols(symbols):
    """With labels, integers are numbers unless told otherwise; strings never are."""
    X = chain()
    y = np.convolve(X[:, 0], [1, 1], "full")[:60]
    model = ARClassifier(2, symbols=symbols, **EXACT)
    model.fit(X, y)
    if symbols == "auto":
        scaled = StandardScaler().fit_transform(X)
        taps = [taps_of_numbers(scaled, t, 2) for t in range(60)]
        rows = slice(1, None)
    else:
        taps = [one_hot_taps(X, t, 2, [[0, 1, 2]]) for t in range(60)]
        rows = slice(None)
        text = ARClassifier(2, **EXACT).fit(LETTERS[X], y)
        assert_allclose(text.coef_, model.coef_, atol=1e-6)
    expected = LogisticRegression(**EXACT).fit(taps[rows], y[rows])
    assert_allclose(model.predict_proba(X), expected.predict_proba(taps), atol=1e-4)


@pytest.mark.parametrize("burn_in", [0, 6, 35])
def test_a_label_for_each_sequence(burn_in):
    """From the average taps of the sequence."""
    rng = np.random.default_rng(0)
    sequences = wave(rng.integers(5, 40, 30))
    labels = np.array([0, 4, 9])[rng.integers(0, 3, 30)]
    scaled, deviation = standard(sequences)
    z = []
    for x in scaled:
        taps = [taps_of_numbers(x, t, 3) for t in range(len(x))]
        z.append(np.mean(taps[min(burn_in, len(x) - 1) :], axis=0))
    expected = LogisticRegression(**EXACT).fit(z, labels)
    model = ARClassifier(3, burn_in=burn_in, **EXACT).fit(sequences, labels)
    found = (model.coef_ * deviation).reshape(3, -1)
    assert_allclose(found, expected.coef_, atol=1e-4)
    assert_allclose(
        model.predict_proba(sequences), expected.predict_proba(z), atol=1e-4
    )
    assert_array_equal(model.predict(sequences), expected.predict(z))


def test_japanese_vowels():
    X, y = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    model = ARClassifier(n_lags=7).fit(X, y)
    assert model.score(X_test, y_test) >= 0.95
    with pytest.warns(ConvergenceWarning):
        ARClassifier(n_lags=7, max_iter=3).fit(X, y)


@pytest.mark.parametrize(
    "class_weight", ["balanced", {"a": 3.0}, {"a": 3.0, "b": 0.5, "c": 1.0}]
)
def test_class_weight(class_weight):
    X = LETTERS[chain()]
    z, y = next_symbol_design([X], 2, [["a", "b", "c"]])
    expected = LogisticRegression(class_weight=class_weight, **EXACT).fit(z, y)
    model = ARClassifier(2, class_weight=class_weight, **EXACT).fit(X)
    assert_allclose(model.coef_.reshape(3, -1), expected.coef_, atol=1e-5)
    # A symbol that is never met has no weight to give.
    if class_weight == {"a": 3.0}:
        wider = ARClassifier(2, class_weight={"a": 3.0, "d": 9.0}, symbols=LETTERS)
        wider.set_params(**EXACT).fit(X)
        known = wider.coef_.reshape(4, 2, 4)[:3, :, :3]
        assert_allclose(known, model.coef_, atol=1e-5)


def test_class_weight_names_classes():
    with pytest.raises(
        ValueError, match=r"class_weight names the classes \['z'\], whi"
    ):
        ARClassifier(class_weight={"a": 1.0, "z": 2.0}).fit(LETTERS[chain()])


# As a Markov chain.


def test_one_lag_is_a_markov_chain():
    X, transmat = chain(20_000, return_transmat=True)
    model = ARClassifier(1, C=1e6, **EXACT).fit(X)
    fitted = model.predict_proba(np.array([[0], [1], [2]]))
    counts = np.zeros((3, 3))
    np.add.at(counts, (X[:-1, 0], X[1:, 0]), 1)
    assert_allclose(fitted, counts / counts.sum(axis=1, keepdims=True), atol=1e-5)
    assert_allclose(fitted, transmat, atol=0.03)


def test_probabilities_of_a_sequence():
    """The first symbol's are its frequencies, each counted once more."""
    X = LETTERS[np.array([0, 0, 1, 0, 2, 0, 0, 1])][:, None]
    model = ARClassifier(2).fit(X)
    first = {"a": 6 / 11, "b": 3 / 11, "c": 2 / 11}
    for symbol, probability in first.items():
        log_proba = model.score_samples(np.array([[symbol]]))
        assert log_proba == pytest.approx(np.log(probability))
    # All sequences of three symbols together have probability one.
    every = np.stack(np.meshgrid(*[LETTERS[:3]] * 3), axis=-1).reshape(-1, 3, 1)
    total = np.exp(model.score_samples(every).sum(axis=1)).sum()
    assert total == pytest.approx(1.0)


def test_bigrams_of_samples():
    X = LETTERS[chain(500)]
    model = ARClassifier(1).fit(X)
    one = model.sample(50, random_state=0)
    assert one.shape == (50, 1) and one.dtype == X.dtype
    sample = model.sample(60, n_sequences=500, random_state=0)
    transitions = model.predict_proba(LETTERS[:3, None])
    codes = np.searchsorted(LETTERS, sample[:, :, 0])
    counts = np.zeros((3, 3))
    np.add.at(counts, (codes[:, :-1], codes[:, 1:]), 1)
    assert_allclose(counts / counts.sum(axis=1, keepdims=True), transitions, atol=0.02)
    # After a while, the frequencies are those that the transitions leave as they are.
    frequencies = np.bincount(codes[:, 20:].ravel()) / codes[:, 20:].size
    assert_allclose(frequencies @ transitions, frequencies, atol=0.01)


def test_samples_of_several_sequences():
    X = chain()
    model = ARClassifier(2).fit(X)
    drawn = model.sample(3, n_sequences=20_000, random_state=0)
    assert drawn.shape == (20_000, 3, 1)
    first = np.bincount(drawn[:, 0, 0]) / 20_000
    expected = (1 + np.bincount(X[:, 0])) / 63
    assert_allclose(first, expected, atol=0.02)
    assert_array_equal(drawn, model.sample(3, n_sequences=20_000, random_state=0))
    # Continued, they go on as predicted.
    drawn = model.sample(1, X=[X[:9]] * 20_000, random_state=0)
    frequencies = np.bincount(np.stack(drawn).ravel(), minlength=3) / 20_000
    assert_allclose(frequencies, model.predict_proba(X[:9])[-1], atol=0.02)
    with pytest.raises(ValueError, match="n_sequences=2 and X were both given"):
        model.sample(3, n_sequences=2, X=X)
    with pytest.raises(ValueError, match="n_steps=0"):
        model.sample(0)


def test_forecast_takes_the_most_probable_symbol():
    sequences = [LETTERS[chain(n, 4, seed=i)] for i, n in enumerate((40, 1, 3))]
    model = ARClassifier(3).fit(sequences)
    forecasts = model.forecast(sequences, 6)
    assert forecasts.shape == (3,)
    for x, forecast in zip(sequences, forecasts, strict=True):
        history = list(x[:, 0])
        for _ in range(6):
            taps = one_hot_taps(
                np.array(history)[:, None], len(history) - 1, 3, [LETTERS]
            )
            scores = model.coef_.reshape(4, -1) @ taps + model.intercept_
            history.append(LETTERS[scores.argmax()])
        assert "".join(forecast) == "".join(history[-6:])
    panel = np.stack([sequences[0][:20], sequences[0][20:]])
    assert model.forecast(panel, 6).shape == (2, 6)
    rows = model.forecast(sequences[0], 6, groups=np.repeat([0, 1], 20))
    assert_array_equal(rows, model.forecast(panel, 6).ravel())


def test_forecast_with_driving_symbols():
    rng = np.random.default_rng(0)
    drive = rng.integers(0, 2, 200)
    X = LETTERS[np.column_stack([np.roll(drive, 1), drive + 2])]  # the drive, delayed
    model = ARClassifier(1, exogenous=[1]).fit(X)
    future = np.array(list("cddcdc"))[:, None]
    forecast = model.forecast(X, 6, future_exogenous=future)
    expected = [X[-1, 1], *"cddcd"]
    assert "".join(forecast) == "".join("ab"[s == "d"] for s in expected)
    sample = model.sample(6, X=X, future_exogenous=future)
    assert_array_equal(sample[:, 1], future[:, 0])
    with pytest.raises(ValueError, match=r"unknown symbols \['z'\] in column 0"):
        model.forecast(X, 1, future_exogenous=[["z"]])
    with pytest.raises(ValueError, match="needs future_exogenous"):
        model.forecast(X, 1)


# Symbols.


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.astype(np.int8),
        lambda x: x.astype(np.uint64),
        lambda x: x - 7,
        lambda x: x * 10**12,
        lambda x: LETTERS[x],
        lambda x: LETTERS[x].astype(object),
        lambda x: np.array(["b", "äpfel", "çç"])[x],
        lambda x: pd.DataFrame({"s": LETTERS[x[:, 0]]}),
        lambda x: pd.DataFrame({"s": pd.Categorical(LETTERS[x[:, 0]])}),
    ],
)
def test_symbols_of_all_sorts(convert):
    X = chain()
    plain = ARClassifier(2).fit(X)
    model = ARClassifier(2).fit(convert(X))
    assert_allclose(model.coef_, plain.coef_, rtol=1e-9)
    labels = np.asarray(convert(np.array([[0], [1], [2]]))).ravel()
    assert_array_equal(model.classes_, labels)
    assert_array_equal(model.predict(convert(X)), labels[plain.predict(X)])


def test_booleans_are_symbols():
    X = chain(n_states=2).astype(bool)
    assert ARClassifier().fit(X).predict(X).dtype == bool


def test_unknown_symbols():
    X = LETTERS[chain()]
    model = ARClassifier().fit(X)
    with pytest.raises(ValueError, match="were not in the training sequences: .*'d'"):
        model.predict(np.array([["a"], ["d"]]))
    with pytest.raises(ValueError, match="give the whole alphabet as the param"):
        model.score([["a", "abc"]])
    with pytest.raises(
        ValueError, match="X has dtype int64, but the training sequences"
    ):
        model.predict(np.array([[0], [1]]))
    numbers = ARClassifier().fit(chain())
    for unknown in (5, 0.5):
        with pytest.raises(ValueError, match="were not in the training sequences"):
            numbers.predict([[0], [unknown]])
    with pytest.raises(ValueError, match="were not in the training sequences"):
        numbers.predict([["a"]])
    with pytest.raises(
        ValueError, match="X has 2 features, but ARClassifier is expect"
    ):
        model.predict(np.repeat(X, 2, axis=1))


def test_an_alphabet_makes_more_symbols_known():
    X = LETTERS[chain()]
    narrow = ARClassifier(2, **EXACT).fit(X)
    wide = ARClassifier(2, symbols=list("dcba"), **EXACT).fit(X)
    assert_array_equal(wide.classes_, LETTERS)
    proba = wide.predict_proba(X)
    assert proba.shape == (60, 4)
    # The symbol that was never met has a probability of about one in so many rows,
    # and the others are as probable among themselves as without it.
    assert_allclose(proba[:, 3].mean(), 1 / 60, rtol=0.5)
    rest = proba[:, :3] / proba[:, :3].sum(axis=1, keepdims=True)
    assert_allclose(rest, narrow.predict_proba(X), atol=1e-5)
    other = np.array([list("abdda")]).T
    assert np.isfinite(wide.score_samples(other)).all()
    assert wide.predict(other).shape == (5,)
    two = ARClassifier(symbols=[0, 1, 2, 3]).fit(chain(n_states=2))
    assert_allclose(two.predict_proba([[3], [0]]).sum(axis=1), 1.0)
    columns = ARClassifier(symbols=[[0, 1, 2], [5, 6]], exogenous=1)
    columns.fit(np.column_stack([chain()[:, 0], np.full(60, 5)]))
    assert columns.predict([[0, 6]]).shape == (1,)


@pytest.mark.parametrize(
    "symbols, message",
    [
        (list("ab"), "symbols that the alphabet given as symbols has not: .*'c'"),
        ([list("abc"), list("abc")], "symbols holds 2 alphabets, but X has 1 columns"),
        ([], "is an empty alphabet"),
        ([0, 1, 2], "symbols that the alphabet given as symbols has not"),
        (False, "symbols=False, but without a y the next symbol of X is the target"),
        ("letters", "The 'symbols' parameter of ARClassifier must be"),
    ],
)
def test_bad_alphabets(symbols, message):
    with pytest.raises(ValueError, match=message):
        ARClassifier(symbols=symbols).fit(LETTERS[chain()])


def test_numbers_are_no_symbols():
    with pytest.raises(
        ValueError, match="but X has dtype float64: symbols are integers"
    ):
        ARClassifier().fit(chain().astype(float))
    with pytest.raises(ValueError, match="symbols=True, but X has dtype float64"):
        ARClassifier(symbols=True).fit(chain().astype(float), chain()[:, 0])
    mixed = np.array([["a"], ["b"], [1], ["a"]], dtype=object)
    with pytest.raises(ValueError, match="X mixes strings with numbers: 1 at row 2"):
        ARClassifier().fit(mixed)
    mixed[2] = {}
    with pytest.raises(ValueError, match="strings and, at row 2, column 0, {}"):
        ARClassifier().fit(mixed)


def test_bad_X():
    X = wave()[0]
    y = np.arange(len(X)) % 2
    for bad in (X[:, 0], X[None, None], np.zeros((0, 2)), [], X[:0].tolist(), None):
        with pytest.raises(ValueError, match="Expected 2D array|Found array with"):
            ARClassifier().fit(bad, y)
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense"):
        ARClassifier().fit(sparse.csr_array(X), y)
    with pytest.raises(ValueError, match="Complex data not supported"):
        ARClassifier().fit(X + 1j, y)
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN: row 3 \(counted .*, feature 'x1'"):
        ARClassifier().fit(X, y)
    with pytest.raises(ValueError, match="no row of X has a target to learn by"):
        ARClassifier(burn_in=60).fit(chain())
    with pytest.raises(ValueError, match="needs at least 2 classes in the data"):
        ARClassifier().fit(chain()[:1])


# Labels.


@pytest.mark.parametrize(
    "missing, dtype",
    [(-1, int), (-1.0, float), (np.nan, float), (None, object), (-1, object)],
)
def test_rows_without_a_label(missing, dtype):
    x = np.concatenate(wave())
    known = np.random.default_rng(0).random(len(x)) < 0.6
    labels = np.arange(len(x)) // 5 % 3
    y = labels.astype(dtype)
    y[~known] = missing
    model = ARClassifier(**EXACT, missing_label=-1).fit(x, y)
    assert_array_equal(model.classes_, [0, 1, 2])
    # Rows without a label count for the units: they are taps of later ones.
    last = np.flatnonzero(known)[-1] + 1
    (before,), deviation = standard([x[:last]])
    z = before[known[:last]]
    expected = LogisticRegression(**EXACT).fit(z, labels[known])
    assert_allclose(model.coef_[:, 0] * deviation, expected.coef_, atol=1e-5)
    assert model.score(x, y) == pytest.approx(expected.score(z, labels[known]))
    log_proba = model.score_samples(x, y)
    assert_array_equal(log_proba[~known], 0.0)
    assert (log_proba[known] < 0).all()


def test_sequences_without_a_label():
    sequences = wave((9, 12, 8, 15, 11, 10))
    y = np.array(["a", "b", None, "b", "a", None], dtype=object)
    there = [i for i in range(6) if y[i] is not None]
    model = ARClassifier(2, **EXACT).fit(sequences, y)
    expected = ARClassifier(2, **EXACT).fit([sequences[i] for i in there], y[there])
    assert_allclose(model.coef_, expected.coef_, atol=1e-6)


def test_minus_one_and_one_are_two_classes():
    x = np.concatenate(wave())
    y = np.where(x[:, 0] > 0, 1, -1)
    model = ARClassifier(**EXACT).fit(x, y)
    (z,), deviation = standard([x])
    expected = LogisticRegression(**EXACT).fit(z, y)
    assert_array_equal(model.classes_, [-1, 1])
    assert_allclose(model.coef_[:, 0] * deviation, expected.coef_, atol=1e-5)
    assert model.score(x, y) == expected.score(z, y)
    # None means that there is no label.
    some = y.astype(object)
    some[::2] = None
    assert model.score(x, some) == expected.score(z[1::2], y[1::2])


@pytest.mark.parametrize(
    "y, message",
    [
        (np.full(90, -1), r"only 1 class: \[-1\]"),
        (np.full(90, np.nan), "y holds no label: NaN, None, pandas.NA, masked entri"),
        (
            np.zeros(90),
            "needs at least 2 classes in the data, but the data contains onl",
        ),
        (np.linspace(0, 1, 90), "Unknown label type: continuous"),
        (np.array([1, "a"] * 45, dtype=object), "y mixes strings with other labels"),
        (np.zeros((90, 2)), "one label for each step; got 2 columns"),
        (np.zeros(89), "y has 89 entries, but X has 90 time steps"),
        (
            ["x"] + ["a", "b"] * 44 + ["a"],
            r"The classes \['x'\] appear only in rows tha",
        ),
    ],
)
def test_bad_labels(y, message):
    with pytest.raises(ValueError, match=message):
        ARClassifier(3).fit(np.concatenate(wave()), y)


def test_labels_in_a_column():
    x = np.concatenate(wave())
    y = (x[:, 0] > 0).astype(int)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        model = ARClassifier().fit(x, y[:, None])
    assert model.predict(x).shape == (90,)


def test_labels_of_another_kind():
    x = np.concatenate(wave())
    model = ARClassifier().fit(x, np.where(x[:, 0] > 0, "up", "down"))
    with pytest.raises(
        ValueError, match="y holds labels of dtype int64, but the class"
    ):
        model.score(x, np.arange(90) % 2)
    unseen = np.array(["up"] * 60 + ["sideways"] * 30)
    right = model.predict(x)[:60] == "up"
    assert model.score(x, unseen) == pytest.approx(right.sum() / 90)
    with pytest.raises(
        ValueError, match="previously unseen labels, the first at row 60"
    ):
        model.score_samples(x, unseen)
    numbers = ARClassifier().fit(x, np.arange(90) % 2)
    with pytest.raises(ValueError, match=re.escape("but the classes are [0, 1]")):
        numbers.score(x, unseen)
    with pytest.raises(ValueError, match="was fitted with a y, and requires y"):
        numbers.score(x)


@pytest.mark.parametrize("labels", [[True, False], ["no", "yes"], [3, 9], [0.0, 1.0]])
def test_predictions_have_the_type_of_the_labels(labels):
    x = np.concatenate(wave())
    y = np.array(labels)[(x[:, 0] > 0).astype(int)]
    for y_ in (y, pd.Series(y), pd.Series(y, dtype="category")):
        model = ARClassifier().fit(x, y_)
        assert_array_equal(model.classes_, np.unique(y))
        assert_array_equal(np.unique(model.predict(x)), np.unique(y))
    assert ARClassifier().fit(x, y).predict(x).dtype == y.dtype


def test_strings_are_no_numbers():
    X = np.array([["a"], ["b"], ["a"], ["b"]])
    with pytest.raises(ValueError, match="symbols=False, but X holds strings"):
        ARClassifier(symbols=False).fit(X, [0, 1, 0, 1])
