"""Likely mistakes: lengths passed as y, swapped axes, the target within X."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np

from .._core.sklearn_compat import _num_samples
from .._core.user_warning import warn_user
from .containers import as_plain

N_PROBES = 16  # rows that are compared first, of all features


def lengths_hint(values, layout, name):
    """Hint for an error about `values` of wrong length that may be sequence lengths.

    Parameters
    ----------
    values : array-like
    layout : Layout
        Layout of X.
    name : str
        Name of the argument.

    Returns
    -------
    hint : str
        Empty unless X holds rows, and `values` integers that sum to their number.
    """
    if layout.kind != "rows":
        return ""
    lengths = np.array(values, dtype=object)
    if lengths.ndim != 1 or not all(_is_length(length) for length in lengths):
        return ""
    if sum(lengths) != layout.n_rows:
        return ""
    return (
        f" {name} holds integers that sum to the number of rows, as the lengths of "
        f"sequences do. Lengths do not belong there: pass "
        "groups=np.repeat(np.arange(len(lengths)), lengths)."
    )


def _is_length(value):
    return isinstance(value, Integral) and not isinstance(value, bool) and value > 0


def check_ignored_y(y, layout):
    """Refuse an ignored y whose length does not fit X.

    Parameters
    ----------
    y : array-like or None
    layout : Layout
        Of X.
    """
    if y is None:
        return
    y = as_plain(y)
    n = _num_samples(y)
    if n != layout.n_samples:
        what = "time steps" if layout.kind == "rows" else "sequences"
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: y, which is "
            f"ignored, has {n} entries, but X has {layout.n_samples} {what}."
            + lengths_hint(y, layout, "y")
        )


def swapped_axes_hint(shapes):
    """Hint for sequences with equal first axes but unequal second ones."""
    if len({shape[0] for shape in shapes}) > 1:
        return ""
    return (
        f" All have {shapes[0][0]} rows: if these are features (channels), as in "
        "arrays of shape (instance, channel, time), pass [x.T for x in X]."
    )


def warn_of_swapped_axes(layout, flat):
    """Warn of sequences with far more features than time steps.

    Parameters
    ----------
    layout : Layout
    flat : array-like of shape (n_rows, n_features)
    """
    if layout.kind == "rows" or flat.shape[1] < 20 or not layout.n_samples:
        return
    n_features = flat.shape[1]
    n_timesteps = np.median(np.diff(layout.sequence_offsets))
    if n_features <= 5 * n_timesteps:
        return
    swap = "np.swapaxes(X, 1, 2)" if layout.kind == "panel" else "[x.T for x in X]"
    warn_user(
        f"The sequences of X have {n_timesteps:.0f} time steps of {n_features} "
        "features: X is read as (sequence, time, feature). If it holds (instance, "
        f"channel, time), as in some other packages, pass {swap}."
    )


def warn_of_rows_in_a_list(X, layout):
    """Warn of a list of 1-D arrays that are longer than the list.

    Parameters
    ----------
    X : array-like
    layout : Layout
        Of X.
    """
    if layout.kind != "rows" or not isinstance(X, list | tuple) or not X:
        return
    shape = getattr(X[0], "shape", None)
    if shape is None or len(shape) != 1 or shape[0] <= len(X):
        return
    warn_user(
        f"X is a list of {len(X)} 1-D arrays of length {shape[0]}, which is read as "
        f"{len(X)} time steps of {shape[0]} features. If each is a sequence of one "
        "feature, pass [x.reshape(-1, 1) for x in X]; if each is a row, np.asarray(X)."
    )


def warn_of_target_in_X(rows, targets, known, estimator):
    """Warn if a target equals a feature of the same row.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    targets : ndarray of shape (n_rows, n_targets)
    known : ndarray of bool of the same shape, or None
        Which targets are known; None if all are.
    estimator : SequenceEstimator
    """
    for i, target in enumerate(targets.T):
        there = slice(None) if known is None else known[:, i]
        j = _equal_column(rows, target, there)
        if j is None:
            continue
        name = estimator._input_names()[j]
        which = "y" if targets.shape[1] == 1 else f"Column {i} of y"
        warn_user(
            f"{which} is feature {name!r} of X at the same row, from which "
            f"{type(estimator).__name__} may read it. To predict the next step, fit "
            "without y, or with y from a later row and X without its last ones "
            "(X[:-1], y[1:]); otherwise leave that feature out of X."
        )
        return


def _equal_column(rows, target, there):
    """The first column that is not constant and equals the target, or None."""
    index = np.arange(len(target))[there]
    if len(index) < 2 or (_is_text(rows) != _is_text(target)):
        return None
    probes = index[np.linspace(0, len(index) - 1, N_PROBES).astype(np.intp)]
    if rows.dtype.kind == "f":
        with np.errstate(over="ignore"):  # overflow: in no column
            target = target.astype(rows.dtype)
    same = np.asarray(rows[probes] == target[probes, None], dtype=bool)
    for j in np.flatnonzero(same.all(axis=0)):
        column = rows[there, j]
        if np.array_equal(column, target[there]) and (column != column[0]).any():
            return j
    return None


def _is_text(values):
    if values.dtype != object:
        return values.dtype.kind in "UST"
    return any(isinstance(value, str) for value in values.flat)
