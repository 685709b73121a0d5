"""Driving inputs of the steps to come, read by name, by sequence and by time."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.validation import check_array

from .._core.user_warning import warn_user
from .by_name import did_you_mean, lacks, some
from .containers import as_plain, check_container
from .time_index import first_step_backwards, first_step_off, instants
from .times import check_no_times

NAME = "future_exogenous"


def future_inputs(
    estimator, future_exogenous, n_sequences, n_steps, method, layout=None
):
    """Driving inputs of the steps to come.

    Parameters
    ----------
    estimator : SequenceEstimator
        Fitted, with a parameter `exogenous`.

    future_exogenous : array-like or None
        An array of shape (n_steps, n_inputs) or (n_sequences, n_steps, n_inputs); a
        frame (for a single input also a Series) of n_steps rows or with an index of two
        levels, sequence and time; or a list of frames, one for each sequence. Columns
        of frames are matched by name.

    n_sequences, n_steps : int

    method : str
        Name of the calling method, for errors.

    layout : Layout, default=None
        Layout of the sequences that are continued.

    Returns
    -------
    columns : ndarray of shape (n_inputs,)
        Columns of X that they belong to.

    values : ndarray of shape (n_sequences, n_steps, n_inputs)

    Raises
    ------
    ValueError
        If names, sequences, times or numbers of steps do not fit.
    """
    columns = np.setdiff1d(
        np.arange(estimator.n_features_in_),
        estimator._target_columns(estimator.exogenous),
    )
    shape = (n_sequences, n_steps, len(columns))
    if future_exogenous is None:
        if not len(columns):
            return columns, np.empty(shape)
        raise ValueError(
            f"{method} needs {NAME}: this {type(estimator).__name__} has "
            f"{len(columns)} driving input(s), and their values for the {n_steps} "
            f"steps to come, of shape {shape[1:]} or {shape}."
        )
    if not len(columns):
        raise ValueError(
            f"{NAME} was given, but this {type(estimator).__name__} has no driving "
            "inputs (exogenous=None)."
        )
    future_exogenous = as_plain(future_exogenous)
    values = _values(future_exogenous, estimator, columns, shape, layout)
    if values.shape not in (shape, shape[1:]):
        raise ValueError(
            f"{NAME} has shape {values.shape}, but expected {shape[1:]} "
            f"(the same for all sequences) or {shape}: n_steps={n_steps} steps of "
            f"{len(columns)} driving input(s)."
        )
    return columns, np.broadcast_to(values, shape)


def only_those_of(future_exogenous, layout):
    """The rows of a single sequence, where a frame holds those of several."""
    index = getattr(future_exogenous, "index", None)
    if layout.ids is None or getattr(index, "nlevels", 1) != 2:
        return future_exogenous
    return future_exogenous[index.get_level_values(0).isin(layout.ids)]


def _values(given, estimator, columns, shape, layout):
    """Driving inputs as an array, whose shape the caller checks."""
    check_container(given, NAME)
    several = isinstance(given, list | tuple) or (
        isinstance(given, np.ndarray) and given.dtype == object and given.ndim == 1
    )
    if several and len(given) and all(_has_names(part) for part in given):
        return _values_of_list(given, estimator, columns, shape, layout)
    if not _has_names(given):
        _warn_of_names(estimator, named=False)
        return _as_array(given)
    table = _select(given, estimator, columns)
    index = getattr(table, "index", None) if hasattr(table, "iloc") else None
    if index is None:
        return _as_array(table)
    if index.nlevels == 1:
        if len(index) == shape[1]:
            _check_times(index, np.array([0, len(index)]), layout)
        return _as_array(table)
    order = _order_of_sequences(index, shape, layout)
    times = index.get_level_values(1)[order]
    _check_times(times, np.arange(shape[0] + 1) * shape[1], layout)
    return _as_array(table)[order].reshape(*shape[:2], -1)


def _values_of_list(frames, estimator, columns, shape, layout):
    """Driving inputs from a list of frames, in the order of the sequences of X."""
    if len(frames) != shape[0]:
        raise ValueError(
            f"{NAME} is a list of {len(frames)} frames, but expected {shape[0]}, one "
            "for each sequence of X."
        )
    tables = [_select(frame, estimator, columns) for frame in frames]
    for i, table in enumerate(tables):
        if len(table) != shape[1]:
            raise ValueError(
                f"{NAME} holds {len(table)} steps for sequence {i}, but expected "
                f"n_steps={shape[1]}."
            )
    if all(hasattr(table, "iloc") for table in tables):
        times = tables[0].index.append([table.index for table in tables[1:]])
        if times.nlevels == 1:
            _check_times(times, np.arange(shape[0] + 1) * shape[1], layout)
    return np.stack([_as_array(table) for table in tables])


def _has_names(given):
    return hasattr(given, "columns") or (
        hasattr(given, "to_frame") and len(getattr(given, "shape", ())) == 1
    )


def _as_array(values):
    check_no_times(values, NAME)
    return check_array(values, allow_nd=True, dtype=None, input_name=NAME)


def _select(given, estimator, columns):
    """The driving inputs among a frame's columns, in the order of X."""
    expected = getattr(estimator, "feature_names_in_", None)
    remedy = ""
    if expected is None and hasattr(given, "iloc"):
        expected = estimator._column_labels
        remedy = f" Pass {NAME}.to_numpy() if its columns are the inputs in that order."
    if expected is not None:
        expected = [expected[column] for column in columns]
    if not hasattr(given, "columns"):
        given = _frame_of_series(given, expected, len(columns))
    names = list(given.columns)
    strings = all(isinstance(name, str) for name in names)
    if expected is None or strings != hasattr(estimator, "feature_names_in_"):
        _warn_of_names(estimator, named=strings)
        return given
    for name in expected:
        if names.count(name) != 1:
            raise ValueError(
                f"{NAME} {lacks(name, names)}, a driving input"
                f"{did_you_mean(name, names)}. It has the columns {some(names)}, but "
                f"expected {some(expected)}, in any order and among any others.{remedy}"
            )
    if hasattr(given, "iloc"):
        return given.iloc[:, [names.index(name) for name in expected]]
    return given[expected]


def _frame_of_series(series, expected, n_inputs):
    """A Series as a frame; without a name, it gets that of the only input."""
    if n_inputs != 1:
        raise ValueError(
            f"{NAME} is a Series, but there are {n_inputs} driving inputs"
            f"{'' if expected is None else f' {expected}'}: pass a frame with a column "
            "for each."
        )
    nameless = series.name is None or series.name == ""
    if nameless and expected is not None:
        return series.rename(expected[0]).to_frame()
    return series.to_frame()


def _warn_of_names(estimator, named):
    """Warn if only one of X and the inputs has names, as scikit-learn does."""
    if named == hasattr(estimator, "feature_names_in_"):
        return
    has, fitted = ("has", "without") if named else ("does not have valid", "with")
    warn_user(
        f"{NAME} {has} feature names, but {type(estimator).__name__} was fitted "
        f"{fitted} feature names: its columns are taken by their position.",
    )


def _order_of_sequences(index, shape, layout):
    """Indices that sort a frame's rows by the sequences of X."""
    if index.nlevels != 2:
        raise ValueError(
            f"{NAME} has an index of {index.nlevels} levels {list(index.names)}: "
            "expected two, the sequence and the time within it, or one."
        )
    codes, found = index.get_level_values(0).factorize()
    found = found.tolist()
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise ValueError(f"{NAME}'s first index level is missing at row {row}.")
    place = {key: code for code, key in enumerate(found)}
    ids = None if layout is None else layout.ids
    if ids is None:
        if len(found) != shape[0]:
            raise ValueError(
                f"{NAME} holds {len(found)} sequences, but expected {shape[0]}, in the "
                "order of X, whose sequences have no ids."
            )
        positions = list(range(shape[0]))
        ids = positions if _are_positions(found) else found
    missing = [key for key in ids if key not in place]
    if missing:
        raise ValueError(
            f"{NAME} lacks the sequence(s) {some(missing)} of X"
            f"{did_you_mean(missing[0], found)}. It holds {some(found)}: expected the "
            "ids of X in the first level of its index."
        )
    known = set(ids)
    extra = [key for key in found if key not in known]
    if extra:
        raise ValueError(
            f"{NAME} holds the sequence(s) {some(extra)}, which X does not. Leave "
            f"them out: expected {some(ids)}."
        )
    rank = np.empty(len(found), dtype=np.intp)  # position in X of each sequence
    rank[[place[key] for key in ids]] = np.arange(len(ids))
    for key, n_steps in zip(ids, np.bincount(rank[codes]).tolist(), strict=True):
        if n_steps != shape[1]:
            raise ValueError(
                f"{NAME} holds {n_steps} steps for sequence {key!r}, but expected "
                f"n_steps={shape[1]}."
            )
    return np.argsort(rank[codes], kind="stable")


def _are_positions(ids):
    """Whether ids are a permutation of 0, 1, …"""
    integers = all(type(key) is int for key in ids)
    return integers and set(ids) == set(range(len(ids)))


def _check_times(times, offsets, layout):
    """Refuse times that do not increase, or begin before the end of X."""
    if times.hasnans:
        row = int(np.flatnonzero(times.isna())[0])
        raise ValueError(f"{NAME}'s index has no time at row {row}.")
    row = first_step_backwards(times, offsets)
    if row is not None:
        raise ValueError(
            f"{NAME}'s index does not increase in time: row {row} ({times[row]!s}) "
            f"follows row {row - 1} ({times[row - 1]!s}). Sort it, or drop the index "
            "with .reset_index(drop=True) if its rows are in order."
        )
    if layout is None or layout.times is None:
        return
    if _counts_from_0(times, offsets):
        return
    last_times = layout.times[layout.sequence_offsets[1:] - 1]
    begin, last = instants(times[offsets[:-1]], last_times)
    if begin is not None:
        if times.dtype.kind in "iu":  # may be labels, unless all lie before
            begin = instants(times[offsets[1:] - 1], last_times)[0]
        if not (begin > last).all():
            i = int(np.flatnonzero(begin <= last)[0])
            first = times[offsets[:-1]][i if len(begin) > 1 else 0]
            raise ValueError(
                f"{NAME} begins at {first!s}, but the last row of X"
                f"{'' if len(last) == 1 else f', sequence {i},'} is at "
                f"{last_times[i]!s}: it must hold the steps to come, which lie after "
                "those of X. Pass those rows, or drop the index with "
                ".reset_index(drop=True)."
            )
    _warn_of_steps(times, offsets, layout, last_times)


def _counts_from_0(times, offsets):
    """Whether the index is the default one of a new frame: 0, 1, …"""
    if times.dtype.kind not in "iu":
        return False
    counts = np.arange(len(times)) - np.repeat(offsets[:-1], np.diff(offsets))
    return np.array_equal(times, counts)


def _warn_of_steps(times, offsets, layout, last_times):
    """Warn if times do not continue those of X at its regular step."""
    neighbours = np.flatnonzero(np.diff(layout.offsets) > 1)
    if layout.time_step is None or not len(neighbours):
        return
    place = first_step_off(times, offsets, last_times, layout.time_step)
    if place is None:
        return
    i, row = place
    if row in offsets:
        before = f"the last row of X, at {last_times[i]!s}"
    else:
        before = f"row {row - 1}, at {times[row - 1]!s}"
    start = layout.offsets[neighbours[0]]
    warn_user(
        f"{NAME}'s row {row}, at {times[row]!s}, does not follow {before}, in the step "
        f"of X, as from {layout.times[start]!s} to {layout.times[start + 1]!s}. Rows "
        "are taken as the steps right after those of X. Pass the rows of those times, "
        "or drop the index with .reset_index(drop=True) if they are.",
    )
