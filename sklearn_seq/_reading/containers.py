"""Containers of other packages as NumPy arrays and frames: masks, Dask, xarray."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator, Mapping, MappingView, Set

import numpy as np
import scipy.sparse

SCALARS = frozenset((str, bytes, int, float, bool, type(None)))
PLAIN = SCALARS | {np.ndarray}


def as_plain(X, *, masks=True):
    """Convert masked arrays, Dask collections and xarray arrays.

    Parameters
    ----------
    X : array-like
        An array, a frame, or a list of either; of any package.

    masks : bool, default=True
        Whether masked entries become missing values: NaN among numbers, else None.

    Returns
    -------
    X : array-like
        X itself if there is nothing to convert.
    """
    if type(X) is np.ndarray and (X.dtype != object or X.ndim != 1):
        return X
    if isinstance(X, list | tuple) or type(X) is np.ndarray:
        if PLAIN.issuperset(map(type, X)):
            return X
        if not any(_is_foreign(item, masks) for item in X):
            return X
        items = [as_plain(item, masks=masks) for item in X]
        if not isinstance(X, np.ndarray):
            return items
        out = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            out[i] = item
        return out
    if _is_dask(X):
        X = X.compute()
    if _is_data_array(X):
        X = X.to_pandas() if X.ndim == 2 else X.values
    if hasattr(X, "to_frame") and len(getattr(X, "shape", ())) == 1:
        return _list_of_sequences(X)
    if masks and isinstance(X, np.ma.MaskedArray):
        return _filled(X)
    return X


def _list_of_sequences(series):
    """A Series of sequences as a list; any other Series unchanged."""
    dtype = series.dtype
    if hasattr(dtype, "is_nested"):  # polars
        return [_array_of(x) for x in series] if dtype.is_nested() else series
    if getattr(dtype, "kind", "O") != "O":
        return series
    items = series.tolist()
    first = next((item for item in items if item is not None), None)
    several = isinstance(first, list | tuple) or len(getattr(first, "shape", ())) > 0
    return items if several else series


def _array_of(item):
    """An entry of a polars Series of lists or arrays, or None."""
    if not hasattr(item, "to_numpy"):
        return item
    return np.array(item.to_list()) if item.dtype.is_nested() else item.to_numpy()


def check_container(X, name):
    """Refuse dicts, sets, generators and empty lists.

    Parameters
    ----------
    X : object
    name : str
        Name of the argument, for errors.
    """
    sparse = scipy.sparse.issparse(X)  # dok_array is a dict
    if not sparse and isinstance(X, Mapping | Set | MappingView | Iterator):
        values = f"{name}.values()" if isinstance(X, Mapping) else name
        raise TypeError(
            f"{name} is of type {type(X).__name__}: expected an array, a frame or a "
            f"list of them. Pass a list, for example list({values})."
        )
    if isinstance(X, list | tuple) and not X:
        raise ValueError(
            f"{name} holds no sequences: Expected 2D array, got 1D array of length 0 "
            "instead. At least one sequence or row is needed."
        )


def _is_foreign(item, masks):
    if type(item) in PLAIN:
        return False
    if isinstance(item, list | tuple):  # only if it holds arrays
        if not item or type(item[0]) in SCALARS:
            return False
        return any(_is_foreign(part, masks) for part in item)
    masked = masks and isinstance(item, np.ma.MaskedArray)
    return masked or _is_dask(item) or _is_data_array(item)


def _is_dask(X):
    return hasattr(X, "__dask_graph__") and hasattr(X, "compute")


def _is_data_array(X):
    return hasattr(X, "coords") and isinstance(getattr(X, "dims", None), tuple)


def _filled(X):
    mask = np.ma.getmaskarray(X)
    if not mask.any():
        return X.data
    if X.dtype.kind in "iu":
        X = X.astype(np.float64)
    elif X.dtype.kind not in "fc":
        X = X.astype(object)
    values = np.array(X.data)
    values[mask] = None if values.dtype == object else np.nan
    return values if values.ndim else values[()]


def check_unmasked(values, name):
    """Refuse masked entries where no value may be missing.

    Parameters
    ----------
    values : array-like
    name : str
        Name of the argument, for errors.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        place = int(np.flatnonzero(np.ma.getmaskarray(values))[0])
        raise ValueError(
            f"{name} is masked at position {place}: every sample needs a value. Give "
            f"it one, for example with {name}.filled(0)."
        )


def check_axis_of_time(X):
    """Refuse an xarray array whose time axis is not where X has it."""
    if not _is_data_array(X) or len(X.dims) < 2 or "time" not in X.dims:
        return
    if X.dims[-2] != "time":
        other = next(name for name in reversed(X.dims) if name != "time")
        raise ValueError(
            f"X has the dimensions {X.dims}, but time steps are expected on the last "
            f"but one. Pass X.transpose(..., 'time', {other!r})."
        )


def refuse_nested(X):
    """Refuse a table whose cells hold whole series: it has no rows for time steps.

    Parameters
    ----------
    X : array-like
        Rows.
    """
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        row, rows = _first_row(X), "X.to_numpy()"
    elif hasattr(X, "columns") and hasattr(X, "rows"):  # polars
        row, rows = (X.row(0) if len(X) else ()), "X.rows()"
    elif isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and len(X):
        row, rows = X[0], "X"
    else:
        return
    for column, cell in enumerate(row):
        if isinstance(cell, list | tuple) or len(getattr(cell, "shape", ())) == 1:
            raise ValueError(
                f"The cells of X hold sequences: row 0, column {column} is a "
                f"{type(cell).__name__} of length {len(cell)}, where one number was "
                "expected. Pass a list of 2-D arrays, one for each row of X: "
                "[np.column_stack([np.asarray(cell) for cell in row]) for row in "
                f"{rows}]."
            )


def _first_row(frame):
    of_objects = any(dtype.kind == "O" for dtype in frame.dtypes)
    return frame.iloc[0] if of_objects and len(frame) else ()
