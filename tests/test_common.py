"""What holds for every estimator, whatever its family: add new ones to the lists."""

import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.docscrape import ClassDoc, FunctionDoc
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted
from sklearn_versions import (
    LISTS_PARAMETERS,
    failures_of_scikit_learn,
    parametrize_with_checks,
)

from sklearn_seq.autoregressive import (
    ARClassifier,
    ARRegressor,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
)
from sklearn_seq.density import SequenceDensity
from sklearn_seq.echo_state import EchoStateClassifier, EchoStateRegressor
from sklearn_seq.hmm import (
    GMMHMM,
    CategoricalHMM,
    GaussianHMM,
    HMMClassifier,
    HMMRegressor,
    PoissonHMM,
)
from sklearn_seq.hmm._base import BaseHMM
from sklearn_seq.lds import LDSClassifier, LDSRegressor, LinearDynamicalSystem
from sklearn_seq.preprocessing import DelayTaps, PerTimestep
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
)

REASON = "rows are time steps: outputs depend on their order"
DEPENDS_ON_ORDER = {
    "check_methods_sample_order_invariance": REASON,
    "check_methods_subset_invariance": REASON,
}


def expected_failures(estimator):
    # These checks set n_components=1: a single state has no memory.
    order = {} if isinstance(estimator, BaseHMM) else DEPENDS_ON_ORDER
    return order | failures_of_scikit_learn(estimator)


# Transformers have their own, in their own tests.
CHECKED = [
    ARRegressor(),
    ARRegressor(n_lags=3),
    ARRegressor(n_lags=2, alpha=1.0, fit_intercept=False, burn_in=1),
    ARClassifier(),
    ARClassifier(n_lags=3),
    MLPSequenceRegressor(max_iter=20),
    MLPSequenceRegressor(n_lags=3, max_iter=20),
    MLPSequenceClassifier(),
    MLPSequenceClassifier(n_lags=3, max_iter=20),
    LinearDynamicalSystem(max_iter=10),
    LinearDynamicalSystem(n_components=3, max_iter=10),
    LDSRegressor(max_iter=10),
    LDSRegressor(n_components=3, max_iter=10, fit_intercept=False),
    LDSClassifier(max_iter=10),
    LDSClassifier(n_components=2, max_iter=10, covariance_type="diag"),
    GaussianHMM(max_iter=10),
    GaussianHMM(n_components=2, covariance_type="diag", max_iter=10, random_state=0),
    GMMHMM(n_mix=2, max_iter=10),
    CategoricalHMM(max_iter=10),
    PoissonHMM(max_iter=10),
    HMMRegressor(max_iter=10),
    HMMRegressor(n_components=3, max_iter=10),
    HMMClassifier(max_iter=10),
    HMMClassifier(n_components=2, emission="gaussian", max_iter=10),
    EchoStateRegressor(),
    EchoStateRegressor(20, spectral_radius=1.2, leak_rate=0.5, burn_in=1),
    EchoStateClassifier(),
    EchoStateClassifier(20, density=0.5, direct_connections=False),
    RNNRegressor(),
    RNNRegressor((8, 8), cell="gru", solver="lbfgs"),
    RNNClassifier(),
    RNNClassifier((8,), cell="lstm", initial_state=0.0),
]


ONE_OF_EACH_CLASS = list({type(e): e for e in reversed(CHECKED)}.values())[::-1]


@parametrize_with_checks(ONE_OF_EACH_CLASS, expected_failed_checks=expected_failures)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [estimator for estimator in CHECKED if estimator not in ONE_OF_EACH_CLASS],
    expected_failed_checks=expected_failures,
)
def test_sklearn_checks_of_variants(estimator, check):
    check(estimator)


# Makers of sequences: a list of 2-D arrays of the given lengths.


def real(rng, lengths, n_features=2):
    """Slow waves plus noise."""
    steps = [np.arange(n)[:, None] + rng.uniform(0, 9) for n in lengths]
    speeds = 0.7 + 0.2 * np.arange(n_features)
    return [np.sin(s * speeds) + 0.2 * rng.normal(size=(len(s), 1)) for s in steps]


def symbols(rng, lengths, n_columns=1):
    """Integers, each probably the successor of the one before."""
    return [
        (np.arange(n)[:, None] + (rng.random((n, n_columns)) < 0.3)) % 3
        for n in lengths
    ]


def counts(rng, lengths, n_columns=2):
    """Many, or few, for a while."""
    return [
        rng.poisson(1 + 8 * (np.arange(n)[:, None] // 4 % 2), (n, n_columns))
        for n in lengths
    ]


def text(rng, lengths):
    return [np.array(["ape", "bee", "cow"])[x] for x in symbols(rng, lengths)]


# Makers of targets for them.


def first_column(sequences):
    rows = [
        x if x.dtype.kind in "if" else np.char.str_len(x) + (x > "b") * 1.0
        for x in sequences
    ]
    return [x[:, 0] for x in rows]


def per_step(sequences):
    return [np.cumsum(x) for x in first_column(sequences)]


def two_per_step(sequences):
    return [np.column_stack([np.cumsum(x), x**2]) for x in first_column(sequences)]


def per_sequence(sequences):
    return np.array([x.mean() + len(x) for x in first_column(sequences)])


def label_per_step(sequences):
    return [
        np.where(np.diff(x, prepend=x[0]) > 0, "up", "down")
        for x in first_column(sequences)
    ]


def label_per_sequence(sequences):
    return np.arange(len(sequences)) % 2 + 4


class Case(NamedTuple):
    """An estimator and what it learns from."""

    name: str
    estimator: BaseEstimator
    make_X: callable
    make_y: callable = None

    def data(self, seed, lengths):
        sequences = self.make_X(np.random.default_rng(seed), lengths)
        y = None if self.make_y is None else self.make_y(sequences)
        return sequences, y

    @property
    def output(self):
        """The method that gives an output for each row, or for each sequence."""
        return "predict" if hasattr(self.estimator, "predict") else "transform"

    @property
    def gives_one_output_per_sequence(self):
        return self.make_y in (per_sequence, label_per_sequence)

    @property
    def kind(self):
        """What cases have in common of which the first is tried by default."""
        has_y = self.make_y is not None
        return type(self.estimator), has_y, self.gives_one_output_per_sequence


CASES = [
    Case("AR", ARRegressor(3), real),
    Case("AR, ridge", ARRegressor(3, alpha=1.0, burn_in=4), real),
    Case("AR, exogenous", ARRegressor(2, exogenous=[1]), real),
    Case("AR, Burg", ARRegressor(3, method="burg"), partial(real, n_features=1)),
    Case("AR, y per step", ARRegressor(3), real, per_step),
    Case("AR, two outputs", ARRegressor(3), real, two_per_step),
    Case("AR, y per sequence", ARRegressor(2), real, per_sequence),
    Case("ngram", ARClassifier(3), symbols),
    Case("ngram, strings", ARClassifier(2), text),
    Case(
        "ngram, exogenous",
        ARClassifier(2, exogenous=1),
        partial(symbols, n_columns=2),
    ),
    Case("ngram, labels", ARClassifier(2), text, label_per_step),
    Case("logistic, labels", ARClassifier(3), real, label_per_step),
    Case("logistic, label per sequence", ARClassifier(2), real, label_per_sequence),
    Case("MLP", MLPSequenceRegressor(3, (5,), max_iter=9, random_state=0), real),
    Case(
        "MLP, y per step",
        MLPSequenceRegressor(3, (5,), solver="lbfgs", max_iter=9, random_state=0),
        real,
        two_per_step,
    ),
    Case(
        "MLP, y per sequence",
        MLPSequenceRegressor(2, (5,), max_iter=9, random_state=0),
        real,
        per_sequence,
    ),
    Case(
        "MLP, embedded symbols",
        MLPSequenceClassifier(3, (5,), embedding_dim=2, max_iter=9, random_state=0),
        text,
    ),
    Case(
        "MLP, symbols",
        MLPSequenceClassifier(2, (5,), max_iter=9, random_state=0),
        symbols,
        label_per_step,
    ),
    Case(
        "MLP, labels",
        MLPSequenceClassifier(2, (5,), max_iter=9, random_state=0),
        real,
        label_per_step,
    ),
    Case(
        "MLP, label per sequence",
        MLPSequenceClassifier(2, (5,), max_iter=9, random_state=0),
        real,
        label_per_sequence,
    ),
    Case("linear dynamical system", LinearDynamicalSystem(2, max_iter=5), real),
    Case(
        "linear dynamical system, exogenous",
        LinearDynamicalSystem(2, exogenous=0, max_iter=5),
        real,
    ),
    Case("LDS", LDSRegressor(2, max_iter=5), real),
    Case("LDS, exogenous", LDSRegressor(2, exogenous=[1], max_iter=5), real),
    Case("LDS, y per step", LDSRegressor(2, max_iter=5), real, per_step),
    Case("LDS, two outputs", LDSRegressor(2, max_iter=5), real, two_per_step),
    Case("LDS, y per sequence", LDSRegressor(2, max_iter=5), real, per_sequence),
    Case("LDS, labels", LDSClassifier(2, max_iter=5), real, label_per_step),
    Case(
        "LDS, label per sequence",
        LDSClassifier(2, max_iter=5),
        real,
        label_per_sequence,
    ),
    Case(
        "Gaussian HMM",
        GaussianHMM(3, max_iter=5, decoding="filter", random_state=0),
        real,
    ),
    Case(
        "GMM HMM",
        GMMHMM(2, n_mix=2, max_iter=5, decoding="filter", random_state=0),
        real,
    ),
    Case(
        "categorical HMM",
        CategoricalHMM(3, max_iter=5, decoding="filter", random_state=0),
        text,
    ),
    Case(
        "categorical HMM, columns",
        CategoricalHMM(2, max_iter=5, decoding="filter", random_state=0),
        partial(symbols, n_columns=2),
    ),
    Case(
        "Poisson HMM",
        PoissonHMM(2, max_iter=5, decoding="filter", random_state=0),
        counts,
    ),
    Case("HMM", HMMRegressor(3, max_iter=5, random_state=0), real),
    Case(
        "HMM, exogenous",
        HMMRegressor(2, exogenous=[1], max_iter=5, random_state=0),
        real,
    ),
    Case(
        "HMM, mixtures",
        HMMRegressor(2, emission="gmm", n_mix=2, max_iter=5, random_state=0),
        real,
    ),
    Case(
        "HMM, counts",
        HMMRegressor(2, emission="poisson", max_iter=5, random_state=0),
        counts,
    ),
    Case(
        "HMM, y per step", HMMRegressor(2, max_iter=5, random_state=0), real, per_step
    ),
    Case(
        "HMM, two outputs",
        HMMRegressor(2, max_iter=5, random_state=0),
        real,
        two_per_step,
    ),
    Case(
        "HMM, y per sequence",
        HMMRegressor(2, max_iter=5, random_state=0),
        real,
        per_sequence,
    ),
    Case("HMM, symbols", HMMClassifier(3, max_iter=5, random_state=0), symbols),
    Case(
        "HMM, exogenous symbols",
        HMMClassifier(2, exogenous=1, max_iter=5, random_state=0),
        partial(symbols, n_columns=2),
    ),
    Case(
        "HMM, labels",
        HMMClassifier(2, max_iter=5, random_state=0),
        real,
        label_per_step,
    ),
    Case(
        "HMM, labels of text",
        HMMClassifier(2, max_iter=5, random_state=0),
        text,
        label_per_step,
    ),
    Case(
        "HMM, label per sequence",
        HMMClassifier(2, max_iter=5, random_state=0),
        real,
        label_per_sequence,
    ),
    Case(
        "HMM, text with a label per sequence",
        HMMClassifier(2, max_iter=5, random_state=0),
        text,
        label_per_sequence,
    ),
    Case("echo state", EchoStateRegressor(20, random_state=0), real),
    Case(
        "echo state, leaky",
        EchoStateRegressor(
            20, leak_rate=0.5, direct_connections=False, burn_in=4, random_state=0
        ),
        real,
    ),
    Case(
        "echo state, exogenous",
        EchoStateRegressor(20, exogenous=[1], random_state=0),
        real,
    ),
    Case(
        "echo state, y per step",
        EchoStateRegressor(20, random_state=0),
        real,
        per_step,
    ),
    Case(
        "echo state, two outputs",
        EchoStateRegressor(20, density=0.5, random_state=0),
        real,
        two_per_step,
    ),
    Case(
        "echo state, y per sequence",
        EchoStateRegressor(20, random_state=0),
        real,
        per_sequence,
    ),
    Case("echo state, symbols", EchoStateClassifier(20, random_state=0), symbols),
    Case(
        "echo state, exogenous symbols",
        EchoStateClassifier(20, exogenous=1, random_state=0),
        partial(symbols, n_columns=2),
    ),
    Case("echo state, text", EchoStateClassifier(20, random_state=0), text),
    Case(
        "echo state, labels of symbols",
        EchoStateClassifier(20, random_state=0),
        text,
        label_per_step,
    ),
    Case(
        "echo state, labels",
        EchoStateClassifier(20, random_state=0),
        real,
        label_per_step,
    ),
    Case(
        "echo state, label per sequence",
        EchoStateClassifier(20, random_state=0),
        real,
        label_per_sequence,
    ),
    Case("RNN", RNNRegressor((5,), max_iter=9, random_state=0), real),
    Case(
        "RNN, exogenous",
        RNNRegressor((5,), exogenous=[1], max_iter=9, random_state=0),
        real,
    ),
    Case(
        "RNN, y per step",
        RNNRegressor((5,), cell="gru", solver="lbfgs", max_iter=9, random_state=0),
        real,
        per_step,
    ),
    Case(
        "RNN, two outputs",
        RNNRegressor((4, 3), init="identity", cell="relu", max_iter=9, random_state=0),
        real,
        two_per_step,
    ),
    Case(
        "RNN, y per sequence",
        RNNRegressor((5,), max_iter=9, random_state=0),
        real,
        per_sequence,
    ),
    Case(
        "RNN, last units",
        RNNRegressor(
            (5,), readout="units", initial_state=0.5, max_iter=9, random_state=0
        ),
        real,
        two_per_step,
    ),
    Case(
        "LSTM in chunks",
        RNNRegressor((5,), cell="lstm", truncate=5, max_iter=9, random_state=0),
        real,
    ),
    Case("RNN, symbols", RNNClassifier((5,), max_iter=9, random_state=0), symbols),
    Case(
        "RNN, exogenous symbols",
        RNNClassifier((5,), exogenous=1, max_iter=9, random_state=0),
        partial(symbols, n_columns=2),
    ),
    Case(
        "RNN, embedded symbols",
        RNNClassifier((5,), embedding_dim=2, max_iter=9, random_state=0),
        text,
    ),
    Case(
        "RNN, labels",
        RNNClassifier((5,), cell="lstm", max_iter=9, random_state=0),
        real,
        label_per_step,
    ),
    Case(
        "RNN, labels of text",
        RNNClassifier((5,), max_iter=9, random_state=0),
        text,
        label_per_step,
    ),
    Case(
        "RNN, label per sequence",
        RNNClassifier((5,), max_iter=9, random_state=0),
        real,
        label_per_sequence,
    ),
]

EQUAL, UNEQUAL = (14,) * 8, (14, 3, 9, 20, 1, 12, 7, 11)

FIRST_OF_THEIR_KIND = {case.kind: case.name for case in reversed(CASES)}.values()


def each_class_once(cases):
    """Parameters of tests whose subject hardly depends on the kind of target.

    The first case of each class of estimators runs by default, the others are slow.
    """
    first = {type(case.estimator): case.name for case in reversed(cases)}.values()
    return [parameters(case, first=first) for case in cases]


def parameters(case, *others, first=FIRST_OF_THEIR_KIND):
    """A test's parameters; the first case of each kind stands for the slow others."""
    marks = () if case.name in first else pytest.mark.slow
    name = "-".join(map(str, (*others, case.name)))
    return pytest.param(case, *others, id=name, marks=marks)


every_case = pytest.mark.parametrize("case", [parameters(case) for case in CASES])
every_case_of_rows = pytest.mark.parametrize(
    "case",
    [parameters(case) for case in CASES if not case.gives_one_output_per_sequence],
)
every_class = pytest.mark.parametrize(
    "estimator",
    list({type(e): e for e in [*CHECKED, DelayTaps()]}.values())
    + [PerTimestep(StandardScaler())],
    ids=lambda estimator: type(estimator).__name__,
)


def rows_of(sequences, y):
    """The rows layout: rows, a y for each, and groups that are not sorted."""
    groups = np.repeat(np.arange(len(sequences))[::-1], [len(x) for x in sequences])
    return np.concatenate(sequences), None if y is None else np.concatenate(y), groups


def fitted(case, seed=0, lengths=UNEQUAL):
    sequences, y = case.data(seed, lengths)
    return clone(case.estimator).fit(sequences, y)


def stacked(outputs):
    """Outputs in whatever layout, as one array with a row for each row."""
    return np.concatenate(list(outputs)) if np.ndim(outputs[0]) else outputs


def all_outputs(model, X, y=None, groups=None, stack=False):
    """Everything that the model says about X, by method."""
    groups = {} if groups is None else {"groups": groups}
    outputs = {
        name: getattr(model, name)(X, **groups)
        for name in ("predict", "predict_proba", "predict_log_proba", "transform")
        if hasattr(model, name)
    }
    if hasattr(model, "score_samples"):
        outputs["score_samples"] = model.score_samples(X, y, **groups)
    if stack:
        outputs = {name: stacked(values) for name, values in outputs.items()}
    return outputs


def assert_close(outputs, expected, rtol=1e-9):
    assert outputs.keys() == expected.keys()
    for name, values in outputs.items():
        values, wanted = np.asarray(values), np.asarray(expected[name])
        if wanted.dtype.kind in "f":
            # In single precision, sums differ with the size of a batch.
            tol = max(rtol, 1e-5) if wanted.dtype == np.float32 else rtol
            assert_allclose(values, wanted, rtol=tol, atol=tol, err_msg=name)
        else:
            assert_array_equal(values, wanted, err_msg=name)


def assert_same(outputs, expected):
    assert outputs.keys() == expected.keys()
    for name, values in outputs.items():
        assert_array_equal(values, expected[name], err_msg=name)


@every_case_of_rows
def test_no_output_depends_on_later_rows(case):
    model = fitted(case)
    sequences, y = case.data(1, UNEQUAL)
    others, _ = case.data(2, UNEQUAL)
    X, y, groups = rows_of(sequences, y)
    other, _, _ = rows_of(others, None)
    expected = all_outputs(model, X, y, groups)
    for t in (0, 1, 2, 13, 14, 15, 30, len(X) - 7):
        changed = np.concatenate([X[: t + 1], other[t + 1 :]])
        assert (changed[t + 1 :] != X[t + 1 :]).any()
        for name, values in all_outputs(model, changed, y, groups).items():
            assert_array_equal(values[: t + 1], expected[name][: t + 1], err_msg=name)


@every_case_of_rows
def test_later_rows_need_not_be_there(case):
    model = fitted(case)
    (x,), y = case.data(1, (9,))
    y = None if y is None else y[0]
    expected = all_outputs(model, x, y)
    for n in range(1, 9):
        outputs = all_outputs(model, x[:n], None if y is None else y[:n])
        assert_close(outputs, {name: v[:n] for name, v in expected.items()})


@every_case
def test_sequences_are_independent(case):
    model = fitted(case)
    sequences, y = case.data(1, UNEQUAL)
    together = all_outputs(model, sequences, y)
    for i, x in enumerate(sequences):
        alone = all_outputs(model, [x], None if y is None else y[i : i + 1])
        for name, values in together.items():
            assert len(values) == len(sequences)
            assert_close({name: alone[name][0]}, {name: values[i]})


def layouts(sequences, y, panels_only=False):
    """The same sequences, of equal length, in all layouts: (X, y, groups)."""
    panels = {
        "list": (sequences, y, None),
        "tuple": (tuple(sequences), y, None),
        "3-D": (np.stack(sequences), y if y is None else np.stack(y), None),
    }
    if panels_only:
        return panels
    X, flat_y, groups = rows_of(sequences, y)
    time = np.concatenate([np.arange(len(x)) for x in sequences])
    index = pd.MultiIndex.from_arrays([[f"id {g}" for g in groups], time])
    frame = pd.DataFrame(X, index=index, columns=[f"f{i}" for i in range(X.shape[1])])
    return panels | {
        "rows": (X, flat_y, groups),
        "indexed frame": (frame, flat_y, None),
    }


@every_case
def test_layouts_are_equivalent(case):
    panels_only = case.gives_one_output_per_sequence
    training = layouts(*case.data(0, EQUAL), panels_only)
    test = layouts(*case.data(1, EQUAL), panels_only)
    expected, scores = None, []
    for name, (X, y, groups) in training.items():
        fit_groups = {} if groups is None else {"groups": groups}
        model = clone(case.estimator).fit(X, y, **fit_groups)
        X, y, groups = test[name]
        is_panel = name not in ("rows", "indexed frame")
        outputs = all_outputs(model, X, y, groups, stack=is_panel)
        expected = outputs if expected is None else expected
        assert_close(outputs, expected)
        scores.append(model.score(X, y, groups=groups))
    assert_allclose(scores, scores[0], rtol=1e-9)


@every_case
def test_a_model_reads_layouts_it_was_not_fitted_on(case):
    model = fitted(case, lengths=EQUAL)
    test = layouts(*case.data(1, EQUAL), case.gives_one_output_per_sequence)
    test.pop("indexed frame", None)  # whose names the model does not know
    X, y, groups = test.pop("list")
    expected = all_outputs(model, X, y, stack=True)
    for name, (X, y, groups) in test.items():
        outputs = all_outputs(model, X, y, groups, stack=name != "rows")
        assert_close(outputs, expected)


@every_case
def test_outputs_have_the_layout_of_the_input(case):
    model = fitted(case)
    sequences, _ = case.data(1, EQUAL)
    n, n_timesteps = len(sequences), len(sequences[0])
    unequal, _ = case.data(1, UNEQUAL)
    outputs = getattr(model, case.output)
    y_pred = outputs(np.stack(sequences))
    if case.gives_one_output_per_sequence:
        assert y_pred.shape == outputs(unequal).shape == (n,)
        return
    assert y_pred.shape[:2] == (n, n_timesteps)
    ragged = outputs(unequal)
    assert isinstance(ragged, np.ndarray) and ragged.dtype == object
    assert [len(x) for x in ragged] == list(UNEQUAL)
    rows = outputs(np.concatenate(unequal))
    assert len(rows) == sum(UNEQUAL)
    assert rows.shape[1:] == ragged[0].shape[1:] == y_pred.shape[2:]


@every_case
def test_every_row_gets_a_finite_value(case):
    model = fitted(case)
    sequences, y = case.data(1, (1, 2, 3, 4, 5, 6))
    for name, values in all_outputs(model, sequences, y).items():
        for x, value in zip(sequences, values, strict=True):
            if not case.gives_one_output_per_sequence:
                assert len(value) == len(x)
            if name == "predict" and hasattr(model, "classes_"):
                assert np.isin(value, model.classes_).all()
            else:
                assert np.isfinite(value).all(), name


@every_case
def test_pickled_models_say_the_same(case):
    model = fitted(case)
    sequences, y = case.data(1, UNEQUAL)
    restored = pickle.loads(pickle.dumps(model))
    assert_same(
        all_outputs(restored, sequences, y, stack=True),
        all_outputs(model, sequences, y, stack=True),
    )


@every_case
def test_fit_is_deterministic_and_refit_equals_a_fresh_fit(case):
    sequences, y = case.data(1, UNEQUAL)
    fresh = fitted(case)
    # Before, the model has learnt something of another kind.
    parameters = case.estimator.get_params()
    plain = {"exogenous": None, "method": "least_squares", "embedding_dim": None}
    refitted = clone(case.estimator)
    refitted.set_params(**{k: v for k, v in plain.items() if k in parameters})
    frame = pd.DataFrame({"a": np.sin(np.arange(30.0)), "b": np.arange(30.0) ** 0.5})
    if (
        isinstance(refitted, CategoricalHMM)
        or get_tags(refitted).input_tags.positive_only
    ):
        frame = frame.abs().round()
    if case.make_y is None or get_tags(refitted).target_tags.required:
        refitted.fit(frame, np.arange(30) % 3)
    elif hasattr(refitted, "predict_proba"):
        refitted.fit(pd.DataFrame({"a": list("abc" * 10)}))
    else:
        refitted.fit(frame[["a"]])
    refitted.set_params(**parameters)
    training, training_y = case.data(0, UNEQUAL)
    refitted.fit(training, training_y)
    assert {k for k in vars(refitted) if not k.startswith("_")} == {
        k for k in vars(fresh) if not k.startswith("_")
    }
    assert_same(
        all_outputs(refitted, sequences, y, stack=True),
        all_outputs(fresh, sequences, y, stack=True),
    )


@every_case
def test_clones_fit_alike_in_threads(case):
    expected = fitted(case)
    sequences, y = case.data(1, UNEQUAL)
    with ThreadPoolExecutor(4) as pool:
        models = list(pool.map(lambda _: fitted(case), range(4)))
    for model in models:
        assert_same(
            all_outputs(model, sequences, y, stack=True),
            all_outputs(expected, sequences, y, stack=True),
        )


@every_case
def test_nothing_changes_the_data(case):
    sequences, y = case.data(0, EQUAL)
    panels_only = case.gives_one_output_per_sequence
    for X, y_, groups in layouts(sequences, y, panels_only).values():
        before = pickle.dumps((X, y_, groups))
        for values in (X, y_, groups):
            if isinstance(values, np.ndarray):  # as of a memory map, in joblib workers
                values.flags.writeable = False
        model = clone(case.estimator)
        fit_groups = {} if groups is None else {"groups": groups}
        model.fit(X, y_, **fit_groups)
        all_outputs(model, X, y_, groups)
        model.score(X, y_, groups=groups)
        assert pickle.dumps((X, y_, groups)) == before


@every_case
def test_clone_copies_parameters_only(case):
    model = fitted(case)
    copy = clone(model)
    assert copy.get_params() == case.estimator.get_params()
    with pytest.raises(NotFittedError):
        check_is_fitted(copy)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(copy, case.output)(case.data(0, EQUAL)[0])


@every_case_of_rows
@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_frames_and_their_names(case, library):
    X, y, groups = rows_of(*case.data(0, EQUAL))
    names = [f"name {i}" for i in range(X.shape[1])]
    frame = library.DataFrame(dict(zip(names, X.T, strict=True)))
    fit_y = y if y is None or y.ndim == 2 else library.Series(y)
    model = clone(case.estimator).fit(frame, fit_y, groups=library.Series(groups))
    assert_array_equal(model.feature_names_in_, names)
    plain = clone(case.estimator).fit(X, y, groups=groups)
    assert not hasattr(plain, "feature_names_in_")
    assert_close(all_outputs(model, frame, y, groups), all_outputs(plain, X, y, groups))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        getattr(model, case.output)(X, groups=groups)
    renamed = library.DataFrame({name.upper(): frame[name] for name in names})
    with pytest.raises(ValueError, match="feature names should match"):
        getattr(model, case.output)(renamed, groups=groups)


def bad_refits(case):
    """Calls of fit that fail at one stage or another."""
    sequences, y = case.data(0, EQUAL)
    wide = [np.column_stack([x, x, x]) for x in sequences]
    infinite = [x.astype(object) for x in wide]
    infinite[1][0, 0] = np.inf
    yield infinite, y
    yield [*wide, np.empty((0, wide[0].shape[1]))], y
    yield wide, np.zeros(3)
    yield wide, np.full(len(wide), np.nan)

    class Interrupting:
        def __array__(self, *args, **kwargs):
            raise KeyboardInterrupt

    yield wide, Interrupting()


@pytest.mark.parametrize(
    "case, which",
    [
        parameters(case, which)
        for case in CASES
        # The later calls have a bad y, which a density ignores.
        for which in range(2 if isinstance(case.estimator, SequenceDensity) else 5)
    ],
)
def test_a_failed_refit_leaves_no_half_fitted_model(case, which):
    model = fitted(case)
    X, y = list(bad_refits(case))[which]
    with pytest.raises((ValueError, TypeError, KeyboardInterrupt)):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        getattr(model, case.output)(case.data(0, EQUAL)[0])


@every_class
def test_parameters_can_be_set_and_read_back(estimator):
    estimator = clone(estimator)
    parameters = estimator.get_params(deep=False)
    signature = inspect.signature(type(estimator).__init__).parameters
    assert set(parameters) == set(signature) - {"self"}
    for name in parameters:
        value = object()
        assert estimator.set_params(**{name: value}) is estimator
        assert getattr(estimator, name) is value
    with pytest.raises(ValueError, match="Invalid parameter 'no_such'"):
        estimator.set_params(no_such=1)


@every_class
def test_every_parameter_is_validated(estimator):
    """Each has a constraint, and a value of a foreign type is refused by name."""
    constraints = estimator._parameter_constraints
    X = np.arange(20.0).reshape(-1, 1)
    assert set(constraints) == set(estimator.get_params(deep=False))
    for name in constraints:
        invalid = clone(estimator).set_params(**{name: Foreign()})
        with pytest.raises(ValueError, match=f"The '{name}' parameter of"):
            invalid.fit(X, np.arange(20) % 2)


class Foreign:
    def __sklearn_clone__(self):
        return self


@every_class
def test_docstrings_name_all_parameters_and_attributes(estimator):
    cls = type(estimator)
    documentation = ClassDoc(cls)
    documented = [entry.name for entry in documentation["Parameters"]]
    signature = list(inspect.signature(cls.__init__).parameters)[1:]
    assert documented == signature
    for section in ("Summary", "Examples"):
        assert documentation[section], section
    for entry in documentation["Parameters"]:
        default = inspect.signature(cls.__init__).parameters[entry.name].default
        if default is not inspect.Parameter.empty:
            shown = f'"{default}"' if isinstance(default, str) else str(default)
            stated = entry.type.split("default=")[-1]
            assert stated == shown or float(stated) == default, entry.name
        assert "".join(entry.desc), entry.name
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("_") or not method.__module__.startswith("sklearn_seq"):
            continue
        described = [p.name.lstrip("*") for p in FunctionDoc(method)["Parameters"]]
        assert described == list(inspect.signature(method).parameters)[1:], name


@every_case
def test_docstrings_name_all_fitted_attributes(case):
    model = fitted(case)
    attributes = {a.name for a in ClassDoc(type(model))["Attributes"]}
    public = {k for k in vars(model) if k.endswith("_") and not k.startswith("_")}
    assert public <= attributes


@every_case
def test_html_representation(case):
    for model in (case.estimator, fitted(case)):
        html = model._repr_html_()
        assert type(model).__name__ in html
        parameters = model.get_params(deep=False)
        if not LISTS_PARAMETERS:  # but only those that are not the default
            default = type(model)().get_params(deep=False)
            parameters = [k for k, v in parameters.items() if v != default[k]]
        assert all(name in html for name in parameters)


@pytest.mark.filterwarnings("ignore:The time index of X has 8 holes")
@every_case
def test_a_hole_in_time_makes_no_second_sequence(case):
    """Frames in a list: a hole starts anew, but there is one output a sequence."""
    sequences, y = case.data(0, EQUAL)
    frames = []
    for x in sequences:
        time = np.arange(len(x))
        time[6:] += 3
        frames.append(
            pd.DataFrame(x, index=time, columns=[f"f{i}" for i in range(x.shape[1])])
        )
    model = clone(case.estimator).fit(frames, y)
    outputs = all_outputs(model, frames, y)
    if case.gives_one_output_per_sequence:
        assert {len(values) for values in outputs.values()} == {len(frames)}
        return
    cut = [part for x in sequences for part in (x[:6], x[6:])]
    cut_y = None if y is None else [part for x in y for part in (x[:6], x[6:])]
    model = clone(case.estimator).fit(cut, cut_y)
    expected = all_outputs(model, cut, cut_y, stack=True)
    assert_close({name: stacked(values) for name, values in outputs.items()}, expected)
