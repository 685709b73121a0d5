"""Shared code of the displays: one sequence of X, its times, axes and styles."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..._core.sklearn_compat import check_matplotlib_support
from ..._reading.containers import as_plain
from ...base import SequenceEstimator
from ...metrics._last_step import last_step
from ...sequences import PANEL, ROWS, read_layout
from ...targets import NEXT


class OneSequence(NamedTuple):
    """One of the sequences of X.

    Attributes
    ----------
    X : array-like
        X with this sequence alone, in the layout of X.
    rows : array-like of shape (n_timesteps, n_features)
        Its rows; with a frame's index and names, if X has them.
    groups : ndarray of shape (n_timesteps,) or None
        Their sequence id, if X came with such.
    in_panel : bool
        Whether `X` is a panel, so that a model's outputs for it are, too.
    """

    X: Any
    rows: Any
    groups: Any
    in_panel: bool

    @property
    def times(self):
        """Times of the rows by a frame's index, otherwise 0, 1, …: (n_timesteps,)."""
        return times_of(self.rows)

    @property
    def time_name(self):
        index = time_index(self.rows)
        return "Time step" if index is None else str(index.name or "Time")

    def only(self, values):
        """A model's outputs for this sequence, without the axis of sequences."""
        return np.asarray(values[0] if self.in_panel else values)


def choose_sequence(X, groups, sequence):
    """The sequence to draw, by its position in X: an OneSequence."""
    X = as_plain(X)
    flat, layout = read_layout(X, groups)
    n_sequences = len(layout.sequence_offsets) - 1
    whole = isinstance(sequence, Integral) and not isinstance(sequence, bool)
    if not whole or not -n_sequences <= sequence < n_sequences:
        raise ValueError(
            f"sequence={sequence!r}: expected the position of one of the "
            f"{n_sequences} sequence(s) of X, an integer from 0 to {n_sequences - 1}."
        )
    sequence = int(sequence) % n_sequences
    begin, end = layout.sequence_offsets[[sequence, sequence + 1]].tolist()
    rows = flat.iloc[begin:end] if hasattr(flat, "iloc") else flat[begin:end]
    if layout.kind == ROWS:
        if groups is not None:
            groups = np.asarray(groups).ravel()[begin:end]
        return OneSequence(rows, rows, groups, False)
    if layout.one_dimensional is not None:
        return OneSequence([rows], rows, None, True)
    alone = X[sequence : sequence + 1] if layout.kind == PANEL else [X[sequence]]
    return OneSequence(alone, rows, None, True)


def read_fitted(estimator, X, groups, sequence):
    """Data of a display of a model and a sequence.

    Parameters
    ----------
    estimator : object
        A fitted model, a pipeline that ends with one, or a search over either.
    X : array-like
        Sequences in any layout.
    groups : array-like of shape (n_samples,) or None
    sequence : int
        Position of the sequence.

    Returns
    -------
    model : object
        The model itself.
    given : OneSequence
        The sequence as it was given.
    seen : OneSequence
        The same sequence as it reaches the model.
    """
    check_is_fitted(estimator)
    given = choose_sequence(X, groups, sequence)
    model, seen = last_step(estimator, given.X, given.groups)
    return model, given, given._replace(X=seen)


def ask(model, method, sequence, *args, **kwargs):
    """Result of a method of a model for an OneSequence."""
    if sequence.groups is not None and isinstance(model, SequenceEstimator):
        kwargs["groups"] = sequence.groups
    return getattr(model, method)(sequence.X, *args, **kwargs)


def check_sequence_model(model, display, remedy):
    """Refuse estimators of other packages, where a display needs to know more."""
    if not isinstance(model, SequenceEstimator):
        raise ValueError(
            f"{display} draws models of sklearn_seq, but got a "
            f"{type(model).__name__}. {remedy}"
        )


def time_index(rows):
    """The time in a frame's index, numbers or dates; None if there is none."""
    if not hasattr(rows, "iloc"):
        return None
    index = rows.index
    if index.nlevels > 1:
        index = index.get_level_values(-1)
    if hasattr(index, "to_timestamp"):
        index = index.to_timestamp()
    if getattr(index, "tz", None) is not None:
        index = index.tz_localize(None)
    return index if index.dtype.kind in "iufM" else None


def times_of(rows):
    index = time_index(rows)
    return np.arange(len(rows)) if index is None else index.to_numpy()


def times_ahead(times, n_steps):
    """The next `n_steps` times, at the pace of those given: (n_steps,)."""
    dates = times.dtype.kind == "M"
    ahead = np.arange(1, n_steps + 1)
    if len(times) < 2:
        return times[-1] + ahead * (np.timedelta64(1, "D") if dates else 1)
    steps = np.diff(times)
    calendar = _calendar_dates(times, ahead) if dates and np.ptp(steps) else None
    return times[-1] + ahead * steps.min() if calendar is None else calendar


def _calendar_dates(times, ahead):
    """Dates at a steady pace in months or working days; None if there is none."""
    days, months = times.astype("datetime64[D]"), times.astype("datetime64[M]")
    if np.ptp(times - days):
        return None
    month_steps = np.diff(months.astype(np.int64))
    if month_steps[0] > 0 and not np.ptp(month_steps):
        later = months[-1] + ahead * month_steps[0]
        since, until = days - months.astype(days.dtype), (months + 1).astype(days.dtype)
        if not np.ptp(since):
            return later.astype(days.dtype) + since[-1] + (times - days)[-1]
        if (until - days == np.timedelta64(1, "D")).all():
            return (later + 1).astype(days.dtype) - 1 + (times - days)[-1]
    if np.is_busday(days).all() and (np.busday_count(days[:-1], days[1:]) == 1).all():
        return np.busday_offset(days[-1], ahead) + (times - days)[-1]
    return None


def time_edges(times):
    """Edges of the intervals about the times, half-way between: (n + 1,)."""
    if times.dtype.kind == "M":
        times = times.astype("datetime64[ns]")
    middle = times[:-1] + np.diff(times) / 2
    half = np.diff(times)[[0, -1]] / 2 if len(times) > 1 else None
    if half is None:
        one = np.timedelta64(1, "D") if times.dtype.kind == "M" else 1.0
        half = np.array([one, one]) / 2
    return np.concatenate([times[:1] - half[0], middle, times[-1:] + half[1]])


def choose_features(names, features, what="column"):
    """Positions of the features asked for, by position or name; None for all."""
    names = list(names)
    if features is None:
        return list(range(len(names)))
    if isinstance(features, str | Integral):
        features = [features]
    positions = []
    for feature in features:
        if feature in names:
            positions.append(names.index(feature))
        elif isinstance(feature, Integral) and -len(names) <= feature < len(names):
            positions.append(int(feature) % len(names))
        else:
            raise ValueError(
                f"There is no {what} {feature!r} to draw: expected positions from 0 "
                f"to {len(names) - 1}, or names among {names[:20]}."
            )
    return positions


def as_columns(values, name):
    """Finite-or-missing numbers, (n,) or (n, n_columns), as (n, n_columns)."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"{name} has shape {np.shape(values)}: expected (n_timesteps,) or "
            "(n_timesteps, n_columns), of one sequence."
        )
    return array


def begin_plot(display, ax):
    """The axes to draw on: those given, or new ones."""
    check_matplotlib_support(f"{type(display).__name__}.plot")
    import matplotlib.pyplot as plt

    return plt.subplots()[1] if ax is None else ax


def end_plot(display, ax, **labels):
    """Record where a display was drawn, and name the axes."""
    ax.set(**labels)
    display.ax_, display.figure_ = ax, ax.figure
    return display


def style(kind, given, **defaults):
    """Keyword arguments of an artist: the user's, whatever alias, over the defaults.

    Parameters
    ----------
    kind : {"line", "patch", "collection", "text"}
        The artist, whose aliases (such as ``c`` for ``color``) are told apart.
    given : dict or None
    **defaults : dict
    """
    from matplotlib import cbook, collections, lines, patches, text

    artists = {
        "line": lines.Line2D,
        "patch": patches.Patch,
        "collection": collections.Collection,
        "text": text.Text,
    }
    return {**defaults, **cbook.normalize_kwargs(given, artists[kind])}


def state_names(model, n_states):
    """Names of a model's hidden states: labels, where the states belong to them."""
    classes = getattr(model, "classes_", None)
    if classes is None or model.target_kind_ == NEXT or n_states % len(classes):
        return [str(k) for k in range(n_states)]
    each = n_states // len(classes)
    if each == 1:
        return [str(label) for label in classes]
    return [f"{label}/{k}" for label in classes for k in range(each)]


def standard_deviations(covariances):
    """Square roots of the diagonals: (..., n) of (..., n, n)."""
    return np.sqrt(np.diagonal(covariances, axis1=-2, axis2=-1))
