"""Sequences in packed form, and their layouts."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ._core.sklearn_compat import _num_samples
from ._reading.aligned import check_same_order
from ._reading.containers import as_plain, check_axis_of_time, refuse_nested
from ._reading.index_levels import check_level_order
from ._reading.misread import lengths_hint, swapped_axes_hint
from ._reading.padding import unpad
from ._reading.sequences_1d import as_columns
from ._reading.time_index import segment_starts
from ._reading.times import check_no_times

__all__ = ["unpad"]

ROWS, PANEL, RAGGED = "rows", "panel", "ragged"


class Sequences:
    """Sequences in packed form: their rows one after another, plus offsets.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The time steps of all sequences, one after another.

    layout : Layout
        Where sequences and segments begin, and the layout they came in.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The time steps of all sequences, one after another.

    offsets : ndarray of shape (n_segments + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are segment i. A segment is a run of
        consecutive time steps of one sequence; a sequence without holes is one
        segment. No delay tap and no state crosses from one segment to another.

    sequence_offsets : ndarray of shape (n_sequences + 1,)
        The same for whole sequences.

    layout : Layout
        The layout they came in.
    """

    def __init__(self, rows, layout):
        self.rows = rows
        self.layout = layout
        self.offsets = layout.offsets
        self.sequence_offsets = layout.sequence_offsets

    @property
    def n_rows(self):
        return self.layout.n_rows

    @property
    def n_sequences(self):
        return len(self.sequence_offsets) - 1

    def with_rows(self, rows):
        """Other rows with the same boundaries."""
        return Sequences(rows, self.layout)

    def steps(self):
        """Time step of each row within its segment, from 0: shape (n_rows,)."""
        return steps_within(self.offsets)

    def __len__(self):
        return self.n_sequences


class Layout:
    """The layout of X: how its samples map to packed rows, and back.

    Parameters
    ----------
    kind : {"rows", "panel", "ragged"}
        A 2-D array or frame whose samples are time steps; a 3-D array; or a list
        of 2-D arrays. The samples of the last two are sequences.

    sequence_offsets : ndarray of shape (n_sequences + 1,)
        Rows at which sequences begin, and the number of rows.

    offsets : ndarray of shape (n_segments + 1,), default=None
        The same for segments. None if no sequence has a hole.

    time_step : TimeStep, default=None
        The time between rows, from a frame's index.

    Attributes
    ----------
    one_dimensional : {"strings", "symbols", "numbers"} or None
        Content of the sequences if they had no axis of features.

    index : pandas Index or None
        The index of X, if X is a frame.

    times : pandas Index or None
        The time of each row, if X is a frame or a list of frames.

    ids : list or None
        Ids of the sequences, from `groups` or an index of two levels.
    """

    one_dimensional = index = times = ids = None

    def __init__(self, kind, sequence_offsets, offsets=None, time_step=None):
        self.kind = kind
        self.time_step = time_step
        self.sequence_offsets = sequence_offsets
        self.offsets = sequence_offsets if offsets is None else offsets

    @property
    def n_rows(self):
        return int(self.offsets[-1])

    @property
    def holes(self):
        """First rows after a hole in a frame's index, sorted."""
        if len(self.offsets) == len(self.sequence_offsets):
            return self.offsets[:0]
        return np.setdiff1d(self.offsets, self.sequence_offsets)

    @property
    def n_samples(self):
        return self.n_rows if self.kind == ROWS else len(self.sequence_offsets) - 1

    def split(self, values, offsets=None):
        """One view of `values` for each sequence."""
        offsets = self.sequence_offsets if offsets is None else offsets
        return [values[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True)]

    def restore(self, values):
        """Packed rows back in the layout they came in.

        Parameters
        ----------
        values : ndarray of shape (n_rows, ...)
            One entry for each packed row.

        Returns
        -------
        values : ndarray
            Of shape (n_rows, ...) for rows, (n_sequences, n_timesteps, ...) for a
            3-D array, and a 1-D object array of arrays for a list.
        """
        if self.kind == ROWS:
            return values
        return self.restore_equal(values, self.sequence_offsets)

    def restore_equal(self, values, offsets):
        """As `restore`, for equally many new rows of each sequence."""
        if self.kind == ROWS:
            return values
        if self.kind == PANEL:
            return values.reshape(len(offsets) - 1, -1, *values.shape[1:])
        return object_array(self.split(values, offsets))


def last_rows(sequences):
    """The last row of each sequence: (n_sequences,)."""
    return sequences.sequence_offsets[1:] - 1


def object_array(arrays):
    """A 1-D object array that holds the given arrays, even if of equal shape."""
    out = np.empty(len(arrays), dtype=object)
    for i, array in enumerate(arrays):
        out[i] = array
    return out


def steps_within(offsets):
    """Position of each packed row within its run: 0, 1, …, 0, 1, …"""
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))


def is_ragged(values):
    """Whether `values` is a list (tuple, 1-D object array) of arrays.

    A list of lists of numbers is, as everywhere in scikit-learn, one 2-D array;
    a list of lists of lists is a list of sequences.
    """
    if isinstance(values, np.ndarray):
        if values.dtype != object or values.ndim != 1:
            return False
    elif not isinstance(values, list | tuple):
        return False
    if not len(values) or isinstance(values[0], str):
        return False
    first = values[0]
    if hasattr(first, "ndim") or hasattr(first, "columns"):
        return len(np.shape(first)) >= 2 or _unequal(values)
    return isinstance(first, list | tuple) and (
        (len(first) > 0 and isinstance(first[0], list | tuple | np.ndarray))
        or _unequal(values)
    )


def _unequal(values):
    return len({np.shape(v)[:1] if hasattr(v, "ndim") else len(v) for v in values}) > 1


def read_layout(
    X, groups=None, time_step=None, *, gaps="auto", takes_times=True, **reading
) -> tuple[Any, Layout]:
    """Find the layout of X and stack its time steps.

    Parameters
    ----------
    X : array-like
        Rows of shape (n_timesteps, n_features), a frame with an index, a 3-D
        array of shape (n_sequences, n_timesteps, n_features) or a list of 2-D
        arrays. Without an axis of features: a string, or a list of strings, of lists
        of symbols or of 1-D arrays.

    groups : array-like of shape (n_samples,), default=None
        For rows, the sequence to which each row belongs. Ids must be contiguous.
        Groups of a panel are ignored: its samples are its sequences.

    time_step : TimeStep, default=None
        The time between rows of the frame in fit.

    gaps : {"auto", "ignore"} or float, default="auto"
        What counts as a hole in a frame's time index, as in :func:`segment_starts`.

    takes_times : bool, default=True
        Whether X may hold dates and durations.

    **reading : bool
        How to read 1-D sequences of equal length: `symbols`, `fitting` and
        `one_dimensional` of :func:`as_columns`.

    Returns
    -------
    flat : array-like of shape (n_rows, n_features)
        All time steps, not yet validated; X itself if it holds rows.

    layout : Layout
        Where sequences begin, and how to restore the layout.

    Raises
    ------
    ValueError
        If ids are not contiguous, if a frame's time runs backwards within a
        sequence, or if a sequence is not 2-D or is empty.
    """
    if type(X) is not np.ndarray:
        check_axis_of_time(X)
    X = as_plain(X)
    if not takes_times:
        check_no_times(X, "X")
    X, one_dimensional = as_columns(X, **reading)
    groups = None if groups is None else as_plain(groups)
    flat, layout = _read_2d(X, groups, time_step, gaps)
    layout.one_dimensional = one_dimensional
    return flat, layout


def _read_2d(X, groups, time_step, gaps):
    """As `read_layout`, for X with an axis of features."""
    if is_ragged(X):
        flat, layout = _read_ragged(X, time_step, gaps)
    elif getattr(X, "ndim", None) == 3 and not hasattr(X, "columns"):
        n_sequences, n_timesteps, n_features = X.shape
        if n_timesteps == 0 and n_sequences > 0:
            raise ValueError(
                f"Found array with 0 time step(s) (shape={X.shape}): every sequence "
                "needs at least one row."
            )
        flat = np.reshape(X, (n_sequences * n_timesteps, n_features))
        layout = Layout(PANEL, np.arange(n_sequences + 1) * n_timesteps)
    else:
        return X, _read_rows(X, groups, time_step, gaps)
    if groups is not None and len(_read_groups(groups)) != layout.n_samples:
        raise ValueError(
            f"groups has {len(groups)} entries, but X holds {layout.n_samples} "
            "sequences: a panel takes one group for each sequence."
        )
    return flat, layout


def _read_ragged(X, time_step, gaps):
    first = np.shape(X[0])
    for i, sequence in enumerate(X):
        shape = np.shape(sequence)
        if len(shape) != 2:
            raise ValueError(
                f"Sequence {i} of X has {len(shape)} dimension(s), but each sequence "
                "of a list must be a 2-D array of shape (n_timesteps, n_features). "
                "Reshape it with .reshape(-1, 1) if it has a single feature."
            )
        if shape[0] == 0:
            raise ValueError(
                f"Sequence {i} of X is empty (shape={shape}): every sequence needs at "
                "least one row. Leave it out."
            )
        if shape[1] != first[1]:
            raise ValueError(
                f"Sequence {i} of X has {shape[1]} features, but sequence 0 has "
                f"{first[1]}: all sequences must have the same features."
                + swapped_axes_hint([np.shape(sequence) for sequence in X])
            )
    offsets = np.cumsum([0, *(np.shape(sequence)[0] for sequence in X)])
    if all(hasattr(sequence, "iloc") for sequence in X):
        return _read_frames(X, offsets, time_step, gaps)
    if all(hasattr(sequence, "columns") for sequence in X):
        return _stack_polars(X), Layout(RAGGED, offsets)
    return _stack_arrays([np.asarray(sequence) for sequence in X]), Layout(
        RAGGED, offsets
    )


def _stack_arrays(arrays):
    """Stack arrays; refuse numbers beside text, which would become text."""
    first = None  # first sequence of another dtype than object
    for i, array in enumerate(arrays):
        if array.ndim != 2:
            raise TypeError(
                f"Sequence {i} of X is sparse, but dense data is required. Use "
                "'.toarray()' to convert it to a dense numpy array."
            )
        if array.dtype == object:
            continue
        first = i if first is None else first
        if (array.dtype.kind in "UT") != (arrays[first].dtype.kind in "UT"):
            raise ValueError(
                f"Sequence {i} of X has dtype {array.dtype}, but sequence {first} has "
                f"{arrays[first].dtype}: X mixes strings with numbers. Symbols must be "
                "all integers or all strings: cast the sequences, for example with "
                "array.astype(str)."
            )
    return np.concatenate(arrays)


def _read_frames(X, offsets, time_step, gaps):
    """Stack pandas frames into one frame, and find holes in their index."""
    import pandas as pd

    _check_same_columns(X)
    flat = pd.concat(list(X))
    if flat.index.nlevels > 1:
        return flat, Layout(RAGGED, offsets)
    return flat, _cut_at_holes(RAGGED, flat.index, offsets, time_step, gaps)


def _stack_polars(X):
    """Stack polars frames into one frame."""
    import polars as pl

    _check_same_columns(X)
    return pl.concat(list(X), how="vertical_relaxed")


def _check_same_columns(X):
    first = list(X[0].columns)
    for i, frame in enumerate(X):
        if list(frame.columns) != first:
            raise ValueError(
                f"Sequence {i} of X has the columns {list(frame.columns)}, but "
                f"sequence 0 has {first}: all sequences must have the same features "
                "in the same order."
            )


def _cut_at_holes(kind, times, sequence_offsets, time_step, gaps):
    """Layout of a frame's rows, cut into segments at holes in its time index."""
    segments, step = segment_starts(times, sequence_offsets, time_step, gaps)
    offsets = np.append(segments, sequence_offsets[-1])
    layout = Layout(kind, sequence_offsets, offsets, step)
    layout.times = times
    return layout


def _read_rows(X, groups, time_step, gaps):
    """Layout of rows: sequences from groups, from the index, or a single one."""
    refuse_nested(X)
    try:
        n_rows = _num_samples(X)
    except TypeError:
        n_rows = 0  # not an array: validated later
    index = getattr(X, "index", None) if hasattr(X, "iloc") else None
    starts, ids = np.zeros(1, dtype=np.intp), None
    if groups is not None:
        check_same_order(groups, index, "groups")
        groups = _read_groups(groups)
        _check_one_per_row(groups, X, n_rows)
        starts = _contiguous_runs(groups, "groups")
        ids = groups[starts].tolist() if n_rows else None
    time = index
    if getattr(index, "nlevels", 1) > 1:
        if index.nlevels != 2:
            raise ValueError(
                f"X has an index of {index.nlevels} levels {list(index.names)}: "
                "expected two, the sequence and the time within it. Drop the others "
                "with X.droplevel(...)."
            )
        level_starts = _contiguous_runs(
            np.asarray(index.codes[0]), "X's first index level", index.levels[0]
        )
        if groups is not None and not np.isin(starts, level_starts).all():
            row = starts[~np.isin(starts, level_starts)][0]
            raise ValueError(
                f"groups changes at row {row} within a sequence of X's index. An index "
                "of two levels already tells the sequences: pass no groups, or groups "
                "that are constant within each sequence."
            )
        if groups is None:
            check_level_order(index)
        starts, time = level_starts, index.get_level_values(1)
        ids = index.get_level_values(0)[starts].tolist() if n_rows else None
    layout = Layout(ROWS, np.append(starts, n_rows))
    if time is not None and n_rows:
        sequence_offsets = layout.sequence_offsets
        layout = _cut_at_holes(ROWS, time, sequence_offsets, time_step, gaps)
    layout.index, layout.ids = index, ids
    return layout


def _check_one_per_row(groups, X, n_rows):
    try:
        check_consistent_length(X, groups)
    except ValueError as error:
        rows = Layout(ROWS, np.array([0, n_rows]))
        raise ValueError(f"{error}.{lengths_hint(groups, rows, 'groups')}") from error


def _read_groups(groups):
    shape = np.shape(groups)
    if len(shape) != 1 and shape[1:] != (1,):
        raise ValueError(
            "groups should be a 1d array, one sequence id for each sample; got an "
            f"array of shape {shape} instead."
        )
    return column_or_1d(groups)


def _contiguous_runs(ids, name, labels=None):
    """First row of each run of equal ids; an error if an id comes back."""
    if labels is not None and (ids < 0).any():
        row = int(np.flatnonzero(ids < 0)[0])
        raise ValueError(f"{name} is missing at row {row}: every row needs an id.")
    if len(ids) == 0:
        return np.zeros(1, dtype=np.intp)
    starts = np.r_[0, np.flatnonzero(ids[1:] != ids[:-1]) + 1]
    seen = {}
    for row, key in zip(starts.tolist(), ids[starts].tolist(), strict=True):
        if key is None or key != key:
            raise ValueError(
                f"{name} is missing at row {row}: every row needs a sequence id."
            )
        if key in seen:
            label = key if labels is None else labels[key]
            raise ValueError(
                f"{name} must be contiguous, but sequence {label!r}, which began at "
                f"row {seen[key]}, begins again at row {row}. Rows that are shuffled, "
                "interleaved or drawn with replacement are no sequences: sort them by "
                "sequence and time, and split them by whole sequences or in order of "
                "time."
            )
        seen[key] = row
    return starts
