"""Targets: the next row of X, a y for each time step, or a y for each sequence."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.validation import check_array

from ._reading.aligned import check_same_order
from ._reading.containers import as_plain
from ._reading.labels import label_arrays, of_one_kind
from ._reading.misread import lengths_hint
from ._reading.symbols import read_with_na
from ._reading.times import check_no_times
from .sequences import PANEL, RAGGED, ROWS, is_ragged

__all__ = ["Targets", "next_step_targets", "read_targets"]

NEXT, STEP, SEQUENCE = "next", "step", "sequence"


class Targets:
    """Target values, and which output of a model predicts each.

    Parameters
    ----------
    kind : {"next", "step", "sequence"}
        "next": the target of row t is row t + 1 of the same segment. "step": row t
        has a target of its own. "sequence": each sequence has one target.

    values : ndarray of shape (n_rows, n_targets) or (n_sequences, n_targets)
        The targets. For "next", the predicted columns of X.

    known : ndarray of bool of the same shape, default=None
        Which values are not missing; None if all are known.

    one_dimensional : bool, default=False
        Whether y had no axis of outputs; then predictions have none either.

    horizon : {0, 1}, default=None
        How many time steps after row t the target of its output lies: 1 for a model of
        the next step, also where y is X already advanced by one step. None is
        `advance`.

    Attributes
    ----------
    advance : {0, 1}
        The target of the output at row t is ``values[t + advance]``: 1 for "next". A y
        that is X advanced by one step has advance 0 and horizon 1.
    """

    def __init__(self, kind, values, known=None, one_dimensional=False, horizon=None):
        self.kind = kind
        self.values = values
        self.known = known
        self.one_dimensional = one_dimensional
        self.advance = int(kind == NEXT)
        self.horizon = self.advance if horizon is None else horizon

    @property
    def n_targets(self):
        return self.values.shape[1]

    def known_together(self):
        """Whether all outputs of a row are known, or none."""
        return self.known is None or bool(
            (self.known.all(axis=1) == self.known.any(axis=1)).all()
        )

    def output(self, i):
        """The targets of one output."""
        known = None if self.known is None else self.known[:, [i]]
        return Targets(self.kind, self.values[:, [i]], known, horizon=self.horizon)

    def counted(self, offsets, burn_in=0, context=0):
        """Rows (or sequences) whose targets enter the loss or score, sorted.

        Parameters
        ----------
        offsets : ndarray of shape (n_segments + 1,)
            Rows ``offsets[i]:offsets[i + 1]`` are segment i.

        burn_in : int, default=0
            Targets in the first `burn_in` steps of each segment do not count.

        context : int, default=0
            Targets of outputs with fewer than `context` earlier rows in their segment
            do not count.

        Returns
        -------
        index : ndarray of shape (n_counted,)
            Indices into `values` with at least one known target.
        """
        return indices_of(*self.runs(offsets, burn_in, context))

    def runs(self, offsets, burn_in=0, context=0):
        """The same as `counted`, as runs of rows ``starts[i]:stops[i]``."""
        if self.kind == SEQUENCE:
            starts, stops = np.array([0]), np.array([len(self.values)])
        else:
            first = max(burn_in - self.horizon + self.advance, self.advance + context)
            starts, stops = offsets[:-1] + first, offsets[1:]
            longer = starts < stops
            starts, stops = starts[longer], stops[longer]
        if self.known is None or not len(starts):
            return starts, stops
        edges = np.zeros(len(self.values) + 1, dtype=np.int8)
        edges[starts] += 1
        edges[stops] -= 1
        counted = np.cumsum(edges[:-1], dtype=np.int8).astype(bool)
        return runs_of(np.flatnonzero(counted & self.known.any(axis=1)))


def indices_of(starts, stops):
    """The integers of all ranges ``starts[i]:stops[i]``, one range after another."""
    lengths = stops - starts
    first = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return first + np.arange(len(first))


def runs_of(index):
    """Starts and stops of the runs of consecutive integers in a sorted index."""
    if not len(index):
        return index, index
    gaps = np.flatnonzero(np.diff(index) != 1)
    return index[np.r_[0, gaps + 1]], index[np.r_[gaps, len(index) - 1]] + 1


def next_step_targets(sequences, columns, allow_nan=False):
    """The targets of a model fitted without y: the input advanced by one step."""
    rows = sequences.rows
    values = rows if len(columns) == rows.shape[1] else rows[:, columns]
    missing = np.isnan(values) if allow_nan else np.False_
    return Targets(NEXT, values, ~missing if missing.any() else None)


def as_precise_as(values, dtype):
    """Target values cast to a network's dtype; an error if they overflow it."""
    with np.errstate(over="ignore"):
        cast = values.astype(dtype, copy=False)
    if np.isinf(cast).any():
        raise ValueError(
            f"y has values of up to {np.nanmax(np.abs(values)):.3g}, which is beyond "
            f"the range of {dtype}, the dtype of X. Scale y, or cast X to float64."
        )
    return cast


def read_targets(y, layout, kind=None, numeric=True):
    """Targets from y, checked against the rows and sequences of X.

    Parameters
    ----------
    y : array-like
        For rows of shape (n_rows,) or (n_rows, n_outputs). For panels one value for
        each sequence, (n_sequences,) or (n_sequences, n_outputs), or one for each
        time step: a list of arrays, (n_sequences, n_timesteps) or
        (n_sequences, n_timesteps, n_outputs). A 2-D y whose second dimension is the
        number of time steps is read as one value for each time step. In a list, None
        stands for a sequence without targets.

    layout : Layout
        The layout of X.

    kind : {"step", "sequence"}, default=None
        The kind in fit, which decides where y could be read as either.

    numeric : bool, default=True
        Whether y holds real numbers, with NaN for "no target here"; otherwise class
        labels, with None, NaN or pandas.NA for "no label here".

    Returns
    -------
    targets : Targets

    Raises
    ------
    ValueError
        If y fits neither reading, or contains infinity.
    """
    y = as_plain(y, masks=numeric)
    check_same_order(y, layout.index, "y")
    if numeric:
        check_no_times(y, "y")
    else:
        y = label_arrays(y)
    if layout.kind == ROWS:
        if is_ragged(y):
            raise ValueError(
                f"y is a list of {len(y)} arrays, but X holds rows. Pass "
                "np.concatenate(y), and tell the sequences by groups; or pass X as a "
                "list of arrays, too."
            )
        flat, kind = y, STEP
    elif _holds_arrays(y):
        flat, kind = _stack_ragged(y, layout, numeric), STEP
    else:
        flat, kind = _read_panel_y(y, layout, kind)
    values = read_with_na(lambda values: _check_values(values, numeric), flat)
    expected = layout.n_rows if kind == STEP else layout.n_samples
    if values.ndim > 2:
        raise ValueError(
            f"Found array with dim {np.ndim(y)}: y has one axis too many. Expected one "
            "target, or one row of targets, for each time step or sequence."
        )
    if len(values) != expected:
        what = "time steps" if kind == STEP else "sequences"
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"y has {len(values)} entries, but X has {expected} {what}."
            + lengths_hint(y, layout, "y")
        )
    one_dimensional = values.ndim == 1
    values = values.reshape(expected, -1)
    known = None
    if numeric and np.isnan(values).any():
        known = ~np.isnan(values)
        if not known.any():
            raise ValueError(
                "Input y contains NaN only. NaN in y means that a row has no target; "
                "at least one must have one."
            )
    return Targets(kind, values, known, one_dimensional)


def _holds_arrays(y):
    """Whether y is a list of arrays, one for each sequence."""
    objects = isinstance(y, np.ndarray) and y.dtype == object and y.ndim == 1
    if not objects and not isinstance(y, list | tuple):
        return False
    known = [values for values in y if values is not None]
    if not known or np.ndim(known[0]) == 0:
        return False
    return objects or len(known) < len(y) or is_ragged(y)


def _stack_ragged(y, layout, numeric):
    lengths = np.diff(layout.sequence_offsets)
    if len(y) != len(lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{len(lengths)}, {len(y)}] sequences in X and y."
        )
    k = next(i for i, values in enumerate(y) if values is not None)
    first = np.asarray(y[k])
    nothing = np.asarray(np.nan if numeric else None)
    arrays = [
        np.asarray(values)
        if values is not None
        else np.broadcast_to(nothing, (length, *first.shape[1:]))
        for values, length in zip(y, lengths, strict=True)
    ]
    for i, (values, length) in enumerate(zip(arrays, lengths, strict=True)):
        if values.ndim == 0 or len(values) != length:
            raise ValueError(
                f"Sequence {i} of X has {length} time steps, but its y has shape "
                f"{values.shape}: expected one target for each time step, or for y as "
                "a whole one target for each sequence."
            )
        if values.shape[1:] != first.shape[1:]:
            raise ValueError(
                f"The y of sequence {i} has shape {values.shape}, but that of sequence "
                f"{k} {first.shape}: all sequences must have the same outputs."
            )
    return np.concatenate(arrays if numeric else of_one_kind(arrays))


def _read_panel_y(y, layout, kind):
    """An array y of a panel, flat if it has one target for each time step; its kind."""
    y = np.asarray(y) if not hasattr(y, "shape") else y
    n_sequences = layout.n_samples
    if not n_sequences:
        raise ValueError(
            "Found array with 0 sample(s): X holds no sequence, while a minimum of 1 "
            "is required."
        )
    lengths = np.diff(layout.sequence_offsets)
    equal = layout.kind == PANEL or (
        layout.kind == RAGGED and (lengths == lengths[0]).all()
    )
    per_step = equal and y.ndim >= 2 and y.shape[1] == lengths[0]
    if y.ndim == 3 and not per_step:
        raise ValueError(
            f"y has shape {y.shape}, but the sequences of X have "
            f"{sorted(set(lengths.tolist()))} time steps."
        )
    if len(y) != n_sequences:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{n_sequences}, {len(y)}] sequences in X and y."
        )
    if per_step and not (kind == SEQUENCE and y.ndim == 2):
        y = np.asarray(y)
        return y.reshape(layout.n_rows, *y.shape[2:]), STEP
    return y, SEQUENCE


def _check_values(y, numeric):
    """Values of y, checked; NaN stands for a missing target."""
    with np.errstate(invalid="ignore"):  # sums of large values, inf - inf
        return check_array(
            y,
            ensure_2d=False,
            dtype=[np.float64, np.float32] if numeric else None,
            ensure_all_finite="allow-nan" if numeric else False,
            allow_nd=True,
            input_name="y",
        )
