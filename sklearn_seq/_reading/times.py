"""Refuse dates and durations where numbers are expected."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from datetime import date, time, timedelta

import numpy as np

from .containers import SCALARS

TIMES = (date, time, timedelta, np.datetime64, np.timedelta64)


def check_no_times(values, name):
    """Refuse dates and durations, which a cast would turn into huge numbers.

    Parameters
    ----------
    values : array-like
        An array, a frame, a Series, or a list of them or of scalars.
    name : str
        Name of the argument, for errors.
    """
    found = _find_times(values)
    if found is None:
        return
    column, dtype, remedy = found
    where = name if column is None else f"Column {column!r} of {name}"
    raise ValueError(
        f"{where} holds times (dtype {dtype}), where numbers are expected: "
        + remedy.format(name=name, column=column)
    )


NUMBERS = "turn them into numbers, for example the seconds since the first of them"
COLUMN = "drop it, or turn it into numbers, such as the seconds since its first entry"
INDEX = "make it the index ({name}.set_index({column!r})), " + COLUMN


def _find_times(values):
    """Name (or None) and dtype of the first column of times, and a remedy."""
    if hasattr(values, "columns") and hasattr(values, "dtypes"):
        pandas = hasattr(values, "iloc")
        for i, (column, dtype) in enumerate(
            zip(values.columns, values.dtypes, strict=True)
        ):
            cells = values.iloc[:, i] if pandas else values[column]
            if _is_dtype_of_times(dtype) or _are_times(cells):
                return column, dtype, INDEX if pandas else COLUMN
        return None
    if isinstance(values, list | tuple):
        return _find_in_list(values)
    dtype = getattr(values, "dtype", None)
    kind = getattr(dtype, "kind", "O")
    if dtype is None or kind not in "mMO":
        return None
    if kind == "O" and isinstance(values, np.ndarray):
        return _find_in_objects(values)
    if _is_dtype_of_times(dtype) or _are_times(values):
        column = 0 if len(getattr(values, "shape", ())) > 1 else None
        return column, dtype, NUMBERS if column is None else COLUMN
    return None


def _find_in_objects(values):
    if values.ndim == 1:
        return _find_in_list(list(values))
    if not values.size or not _hold_times(set(map(type, values.flat))):
        return None
    columns = values.reshape(-1, values.shape[-1]).T
    column = next(i for i, cells in enumerate(columns) if _are_times(cells))
    return column, values.dtype, COLUMN


def _find_in_list(values):
    kinds = set(map(type, values))
    if SCALARS.issuperset(kinds):
        return None
    if _hold_times(kinds):
        kind = next(kind for kind in kinds if issubclass(kind, TIMES))
        return None, kind.__name__, NUMBERS
    scalars = SCALARS.union(kind for kind in kinds if issubclass(kind, np.generic))
    nested = (value for value in values if type(value) not in scalars)
    return next(filter(None, map(_find_times, nested)), None)


def _is_dtype_of_times(dtype):
    if hasattr(dtype, "is_temporal"):  # polars
        return dtype.is_temporal()
    return getattr(dtype, "kind", "O") in "mM" or str(dtype).startswith("period[")


def _are_times(cells):
    """Whether any of some objects is a time."""
    if str(cells.dtype).lower() != "object":
        return False
    return _hold_times(set(map(type, cells)))


def _hold_times(kinds):
    return any(issubclass(kind, TIMES) for kind in kinds)
