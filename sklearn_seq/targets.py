"""What a model learns to predict: next steps, a y per step, or one per sequence."""

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
    """Target values and how they line up with the outputs of a model.

    Parameters
    ----------
    kind : {"next", "step", "sequence"}
        "next": the target of row t is row t + 1 of the same segment. "step": row t
        has a target of its own. "sequence": each sequence has one target.

    values : ndarray of shape (n_rows, n_targets) or (n_sequences, n_targets)
        What is to be predicted. For "next", the predicted columns of X itself.

    known : ndarray of bool of the same shape, default=None
        Which values are there; None if all are.

    one_dimensional : bool, default=False
        Whether y had one dimension less (no axis of outputs), so that predictions
        have one less, too.

    ahead : int, default=0
        How many steps behind row t its target lies in time: 1 where a y that is X
        advanced by one step is given to a model of the next step.

    Attributes
    ----------
    advance : int
        The output at row t is the forecast of ``values[t + advance]``.
    """

    def __init__(self, kind, values, known=None, one_dimensional=False, ahead=0):
        self.kind = kind
        self.values = values
        self.known = known
        self.one_dimensional = one_dimensional
        self.advance = int(kind == NEXT)
        self.ahead = ahead

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
        return Targets(self.kind, self.values[:, [i]], known, ahead=self.ahead)

    def counted(self, offsets, burn_in=0, context=0):
        """Rows (or sequences) whose targets count, as a sorted index.

        Parameters
        ----------
        offsets : ndarray of shape (n_segments + 1,)
            Where segments begin.

        burn_in : int, default=0
            Targets in the first `burn_in` steps of each segment do not count.

        context : int, default=0
            Targets with fewer than `context` rows before the output's row do not
            count.

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
            first = max(burn_in - self.ahead, self.advance + context)
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
    """All numbers of runs ``starts[i] <= t < stops[i]``, one run after another."""
    lengths = stops - starts
    first = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return first + np.arange(len(first))


def runs_of(index):
    """Runs of consecutive numbers in a sorted index: first, and one past the last."""
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
    """Target values in a network's precision; an error if they are beyond its range."""
    with np.errstate(over="ignore"):
        cast = values.astype(dtype, copy=False)
    if np.isinf(cast).any():
        raise ValueError(
            f"y has values of up to {np.nanmax(np.abs(values)):.3g}, which is beyond "
            f"the range of {dtype}, the dtype of X. Scale y, or cast X to float64."
        )
    return cast


def read_targets(y, layout, kind=None, numeric=True):
    """Line y up with the packed rows or the sequences of X.

    Parameters
    ----------
    y : array-like
        For rows of shape (n_rows,) or (n_rows, n_outputs). For panels one value for
        each sequence, (n_sequences,) or (n_sequences, n_outputs), or one for each
        time step: a list of arrays, (n_sequences, n_timesteps) or
        (n_sequences, n_timesteps, n_outputs). A 2-D y whose second dimension is the
        number of time steps is read as one value for each time step. In a list, None
        stands for a sequence whose time steps have none.

    layout : Layout
        The layout of X.

    kind : {"step", "sequence"}, default=None
        The kind that a model was fitted with, which settles the ambiguous case.

    numeric : bool, default=True
        Whether y holds real numbers, NaN for "no target here", or class labels, None,
        NaN or pandas.NA for "no label here".

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
    """Whether y is a list of arrays: also of 1-D ones, even if of equal length."""
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
    """Flatten an array y for a panel, telling per step from per sequence."""
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
