"""What must hold of a call, whatever it is given: a finite result, or an error."""

import traceback
import warnings
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from fuzzed_data import PANEL, RAGGED, Data
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_seq.preprocessing import DelayTaps, PerTimestep

ALLOWED = (ValueError, TypeError, NotFittedError)
PER_SEQUENCE = ("predict", "predict_proba", "predict_log_proba", "score_samples")
NEW_SEQUENCES = ("forecast", "forecast_proba", "sample")

# Methods of one X, with further arguments.
METHODS = {
    "predict": {},
    "predict with std": {"return_std": True},
    "predict_proba": {},
    "predict_log_proba": {},
    "transform": {},
    "filter": {},
    "smooth": {},
    "forecast": {"n_steps": 3},
    "forecast with cov": {"n_steps": 3, "return_cov": True},
    "forecast with std": {"n_steps": 3, "return_std": True},
    "forecast_proba": {"n_steps": 2},
    "aic": {},
    "bic": {},
}
WITH_Y = ("score", "score_samples")

# Logarithms of probabilities may be those of zero.
LOGARITHMS = ("predict_log_proba", "score_samples", "score", "aic", "bic")


class Outcome(NamedTuple):
    """What became of a call: its value, or the error that it raised."""

    name: str
    value: Any = None
    error: Exception = None


def outcome_of(call, *, foreign=False):
    """Make a call. No other error than those allowed, and no RuntimeWarning, passes.

    With `foreign`, the call leads to another library, which may warn.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not foreign:
                warnings.simplefilter("error", RuntimeWarning)
                warnings.simplefilter("error", FutureWarning)
                warnings.simplefilter("error", DeprecationWarning)
            warnings.simplefilter("error", UndefinedMetricWarning)
            return Outcome("finite", call())
    except UndefinedMetricWarning as error:  # R² of a single target, as scikit-learn
        return Outcome("UndefinedMetricWarning", error=error)
    except ALLOWED as error:
        check_raised_on_purpose(error, foreign)
        kinds = (kind for kind in ALLOWED[::-1] if isinstance(error, kind))
        return Outcome(next(kinds).__name__, error=error)


def check_raised_on_purpose(error, foreign):
    """An error has a message, and comes from a ``raise``, not from within NumPy.

    Only in the validation of scikit-learn may NumPy refuse what cannot be converted,
    and in a foreign transformer whatever it calls.
    """
    *outer, innermost = traceback.extract_tb(error.__traceback__)
    on_purpose = innermost.line.startswith("raise") or any(
        folder in innermost.filename for folder in ("sklearn/utils", "pandas")
    )
    on_purpose |= foreign and any("sklearn/preprocessing" in f.filename for f in outer)
    if (
        len(str(error)) < 20
        or not on_purpose
        or isinstance(error, np.linalg.LinAlgError)
    ):
        raise AssertionError(
            f"{type(error).__name__} with a message of no use: {error}"
        ) from error


def calls_of(model, data):
    """All calls of a fitted model on some data: (name, callable)."""
    groups = {} if data.groups is None else {"groups": data.groups}
    if isinstance(model, PerTimestep):
        groups = {}
    future = {}
    if getattr(model, "exogenous", None) is not None:
        future = {"future_exogenous": future_of(data)}
    for name, arguments in METHODS.items():
        method = getattr(model, name.split()[0], None)
        known = method is not None and takes(method, arguments)
        if known:
            more = future if name.startswith("forecast ") else {}
            yield name, _bind(method, data.X, **arguments, **groups, **more)
    for name in WITH_Y:
        if hasattr(model, name):
            yield name, _bind(getattr(model, name), data.X, data.y, **groups)
    if hasattr(model, "sample"):
        yield "sample", _bind(model.sample, 4, n_sequences=2, random_state=0)
        if takes(model.sample, {"X": None}):
            sample = _bind(model.sample, 2, X=data.X, random_state=0, **groups)
            yield "sample on", sample


def future_of(data):
    """Driving inputs of three steps to come, in one of many forms."""
    rng = np.random.default_rng(sum(map(ord, data.what)))
    names = [f"f{i}" for i in range(data.n_features)]
    frame = pd.DataFrame(np.ones((3, len(names))), columns=names)
    ids = np.arange(len(data.lengths))
    forms = [
        lambda: np.ones((3, 1)),
        lambda: np.ones((len(ids), 3, 1)),
        lambda: frame,
        lambda: frame[names[::-1]].assign(other="x"),
        lambda: frame.rename(columns={"f0": "f_0"}),
        lambda: frame.set_axis(pd.date_range("2000-01-01", periods=3)),
        lambda: frame.set_axis(pd.date_range("2100-01-01", periods=3)),
        lambda: pl.DataFrame({name: [1.0, 2.0, 3.0] for name in names}),
        lambda: pd.Series(np.ones(3), name="f1"),
        lambda: pl.Series("f0", [1, 2, 3]),
        lambda: [frame] * len(ids),
        lambda: pd.concat(dict.fromkeys(ids, frame)) if len(ids) else frame,
        lambda: pd.concat(dict.fromkeys(rng.permutation(ids + 1), frame) | {0: frame}),
        lambda: frame.iloc[:2],
    ]
    return forms[rng.integers(len(forms))]()


def _bind(method, *args, **kwargs):
    return lambda: method(*args, **kwargs)


def takes(method, arguments):
    return set(arguments) <= set(signature(method).parameters)


def check_value(name, value, model, data):
    """A result is finite, and has one entry for each row (or sequence) of the data."""
    method = name.split()[0]
    X_is_infinite = isinstance(model, DelayTaps | PerTimestep)
    if not X_is_infinite:
        for array in arrays_in(value):
            check_finite(array, logarithm=method in LOGARITHMS)
    if method in ("score", "aic", "bic"):
        assert np.ndim(value) == 0
    elif method not in NEW_SEQUENCES:
        for part in value if isinstance(value, tuple) else (value,):
            check_layout(part, data, method in PER_SEQUENCE and of_sequences(model))
    if method == "predict_proba":
        sums = np.concatenate(
            [array.sum(axis=-1).ravel() for array in arrays_in(value)]
        )
        np.testing.assert_allclose(sums, 1.0, atol=1e-5)
    if method == "predict" and hasattr(model, "classes_"):
        for array in arrays_in(value):
            assert np.isin(array, model.classes_).all()


def arrays_in(value):
    """All arrays of a result, object arrays and tuples unpacked."""
    if isinstance(value, tuple | list):
        return [array for part in value for array in arrays_in(part)]
    value = np.asarray(value)
    if value.dtype == object and value.size and isinstance(value.flat[0], np.ndarray):
        return [array for part in value for array in arrays_in(part)]
    return [value]


def check_finite(array, logarithm):
    if array.dtype.kind != "f":
        return
    assert not np.isnan(array).any(), "NaN"
    assert logarithm or not np.isinf(array).any(), "infinity"


def of_sequences(model):
    """Whether a model was fitted with one target for each sequence."""
    return getattr(model, "target_kind_", None) == "sequence"


def check_layout(value, data, per_sequence):
    if per_sequence:
        assert len(value) == len(data.lengths), "one value for each sequence"
    elif data.kind == RAGGED:
        assert isinstance(value, np.ndarray) and value.dtype == object
        assert tuple(len(part) for part in value) == data.lengths, "lengths"
    elif data.kind == PANEL:
        assert value.shape[:2] == (len(data.lengths), data.lengths[0]), "panel"
    else:
        assert len(value) == sum(data.lengths), "rows"


def fit(estimator, data):
    groups = {} if data.groups is None else {"groups": data.groups}
    if isinstance(estimator, PerTimestep):
        groups = {}
    return estimator.fit(data.X, data.y, **groups)


def check_everything(estimator, data, other):
    """Fit, and call all methods on the data and on others; yields outcomes by name."""
    foreign = isinstance(estimator, PerTimestep)
    fitted = outcome_of(lambda: fit(estimator, data), foreign=foreign)
    yield "fit", fitted.name
    if fitted.error is not None:
        if not isinstance(fitted.error, InvalidParameterError):
            for name, call in calls_of(estimator, data):
                outcome = outcome_of(call, foreign=foreign)
                assert outcome.error is not None, f"{name} after a fit that failed"
                yield name, outcome.name
        return
    for which in (data, other):
        for name, call in calls_of(estimator, which):
            outcome = outcome_of(call, foreign=foreign)
            if outcome.error is None:
                check_value(name, outcome.value, estimator, which)
            yield name, outcome.name
    if hasattr(estimator, "partial_fit"):
        outcome = outcome_of(lambda: estimator.partial_fit(other.X, other.y))
        yield "partial_fit", outcome.name


def plain_data(kind, seed, per_sequence, n_features=None):
    """Well-behaved data for a kind of estimator: a list of sequences."""
    rng = np.random.default_rng(seed)
    lengths = (12, 9, 15, 11, 14, 10)
    n, d = sum(lengths), n_features or (1 if kind.words else 2)
    waves = np.sin(np.arange(n)[:, None] * (0.5 + np.arange(d)) + rng.uniform(0, 9))
    rows = waves + 0.3 * rng.normal(size=(n, d))
    if kind.integers:
        rows = np.rint(1 + np.abs(rows)).astype(int)
    ends = np.cumsum(lengths)[:-1]
    y, target = None, "none"
    if per_sequence and kind.targets != ("none",):
        target = "a sequence"
        y = rng.normal(size=len(lengths))
        if "labels" in kind.targets:
            y = np.arange(len(lengths)) % 2
    elif kind.targets == ("labels",):
        target, y = "labels", np.split(np.arange(n) % 2, ends)
    X = np.split(rows, ends)
    return Data(X, y, None, RAGGED, lengths, d, target, f"plain data, seed {seed}")


def answers(model, data):
    """What a model says about some data, by method: arrays, or an error's message.

    None if the model is not fitted, which all methods must agree on.
    """
    found = {name: outcome_of(call) for name, call in calls_of(model, data)}
    unfitted = {outcome.name == "NotFittedError" for outcome in found.values()}
    assert len(unfitted) == 1, "fitted by half"
    if unfitted == {True}:
        return None
    for name, outcome in found.items():
        if outcome.error is None:
            check_value(name, outcome.value, model, data)
    return {
        name: arrays_in(outcome.value if outcome.error is None else str(outcome.error))
        for name, outcome in found.items()
    }


def assert_same_answers(found, expected):
    """Bit by bit."""
    assert found.keys() == expected.keys()
    for name, arrays in found.items():
        for array, same in zip(arrays, expected[name], strict=True):
            np.testing.assert_array_equal(array, same, err_msg=name)
