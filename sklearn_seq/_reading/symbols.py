"""Symbols, integers or strings, and their codes."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numbers
import warnings

import numpy as np
from sklearn.preprocessing import OrdinalEncoder


def fit_encoder(rows, symbols):
    """Fit an encoder of the symbols of each column: those in `rows` or an alphabet.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Without missing symbols.
    symbols : str, bool or array-like
        An alphabet, or one for each of several columns; a string or bool means the
        symbols in `rows`.

    Returns
    -------
    encoder : OrdinalEncoder
    """
    if isinstance(symbols, str | bool | np.bool_):
        return OrdinalEncoder(dtype=np.intp).fit(rows)
    alphabets = list(symbols)
    if not alphabets:
        raise ValueError(f"symbols={symbols!r} is an empty alphabet.")
    if rows.shape[1] == 1 and np.ndim(alphabets[0]) == 0:
        alphabets = [alphabets]
    if len(alphabets) != rows.shape[1]:
        raise ValueError(
            f"symbols holds {len(alphabets)} alphabets, but X has {rows.shape[1]} "
            "columns: expected one for each."
        )
    alphabets = [np.unique(np.asarray(alphabet)) for alphabet in alphabets]
    if rows.dtype == object:
        alphabets = [alphabet.astype(object) for alphabet in alphabets]
    encoder = OrdinalEncoder(categories=alphabets, dtype=np.intp)
    try:
        return encoder.fit(rows)
    except ValueError as error:
        raise ValueError(
            f"X holds symbols that the alphabet given as symbols has not: {error}."
        ) from error


def encode(encoder, rows, missing=None):
    """Codes of the symbols, -1 where one is missing; an error for an unknown one."""
    try:
        with np.errstate(invalid="ignore"):  # sums of large values, inf - inf
            codes = encoder.transform(rows)
        if missing is not None:
            codes[missing] = -1
        return codes
    except TypeError as error:  # numbers compared with strings
        raise ValueError(
            f"X has dtype {rows.dtype}, but the training sequences held strings."
        ) from error
    except ValueError as error:
        raise ValueError(
            f"X holds symbols that were not in the training sequences: {error}. "
            "Replace them by a known symbol, fit on sequences that hold them, or "
            "give the whole alphabet as the parameter symbols."
        ) from error


def missing_values(values):
    """Where an array of any shape has None, NaN, NaT or pandas' NA."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype != object:
        return np.zeros(values.shape, dtype=bool)
    return np.frompyfunc(_is_missing, 1, 1)(values).astype(bool)


def _is_missing(value):
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas' NA and arrays have no truth value
        return type(value).__name__ == "NAType"


def read_with_na(read, values):
    """``read(values)``; if pandas' NA makes it fail, with NaN instead."""
    try:
        return read(values)
    except TypeError as error:
        if "NAType" not in str(error):
            raise
    return read(nan_for_missing(values))


def nan_for_missing(values):
    """An array-like as an array of objects with NaN for pandas' NA."""
    values = np.array(values, dtype=object)
    values[missing_values(values)] = np.nan
    return values


def fill_missing(rows, names, encoder=None):
    """Replace missing symbols by known ones, so that rows can be encoded.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
    names : list of str
        Names of the columns.
    encoder : OrdinalEncoder, default=None
        Encoder whose symbols to use; by default the first known ones in `rows`.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_columns)
    missing : ndarray of bool of shape (n_rows, n_columns)
    """
    missing = missing_values(rows)
    if not missing.any():
        return rows, missing
    if encoder is not None:
        known = [symbols[0] for symbols in encoder.categories_]
        text = any(isinstance(symbol, str) for symbol in known)
        known = np.array(known, object if text else rows.dtype)
    else:
        empty = missing.all(axis=0)
        if empty.any():
            name = names[np.flatnonzero(empty)[0]]
            raise ValueError(
                f"Feature {name!r} of X holds no symbol: all are missing. Leave it out."
            )
        known = rows[(~missing).argmax(axis=0), np.arange(rows.shape[1])]
    return integers(np.where(missing, known, rows)), missing


def plain_integers(frame):
    """pandas extension integers and bools without NA as NumPy's; others unchanged."""
    if not (hasattr(frame, "iloc") and hasattr(frame, "columns")):
        return frame
    if not frame.columns.is_unique:
        return frame
    dtypes = {
        name: dtype.numpy_dtype
        for name, dtype in frame.dtypes.items()
        if not isinstance(dtype, np.dtype)
        and getattr(dtype, "kind", "O") in "iub"
        and hasattr(dtype, "numpy_dtype")
        and not frame[name].hasnans
    }
    return frame.astype(dtypes) if dtypes else frame


def integers(rows):
    """Cast real numbers without a fraction to integers; others unchanged."""
    if rows.dtype == object and not holds_text(rows):
        rows = np.array(rows.tolist())  # lets NumPy find the dtype
    if rows.dtype.kind != "f" or np.isnan(rows).any() or not are_whole(rows):
        return rows
    return rows.astype(np.intp)


def are_whole(rows):
    """Whether all real numbers are integers or NaN."""
    if rows.dtype.kind != "f":
        return True
    with np.errstate(invalid="ignore", over="ignore"):
        rows = rows.astype(np.float64, copy=False)
        whole = (np.abs(rows) < 2.0**53) & (rows == np.floor(rows))
    return bool((whole | np.isnan(rows)).all())


def warn_of_single_symbols(codes, encoder, names):
    """Warn of a column in which (nearly) every symbol occurs once.

    Parameters
    ----------
    codes : ndarray of int of shape (n_rows, n_columns)
        -1 where a symbol is missing.
    encoder : OrdinalEncoder
    names : list of str
        Names of the columns.
    """
    for column, symbols, name in zip(codes.T, encoder.categories_, names, strict=True):
        counts = np.bincount(column[column >= 0])
        n_rows, n_different = counts.sum(), np.count_nonzero(counts)
        n_once = np.count_nonzero(counts == 1)
        if n_rows < 10 or n_once < max(0.9 * n_different, 0.5 * n_rows):
            continue
        remedy = "Symbols come again; for measurements use a model of real numbers."
        if isinstance(symbols[0], str) and max(map(len, symbols)) > 1:
            remedy = (
                "If each is a sequence of characters, pass them as a list of strings, "
                "such as X[:, 0].tolist() or frame[name].tolist()."
            )
        warnings.warn(
            f"{n_once} of the {n_different} symbols of feature {name!r} of X occur "
            f"only once in {n_rows} rows: little can be learnt of them. {remedy}",
            UserWarning,
            stacklevel=5,
        )


def holds_text(rows):
    """Whether an array holds at least one string."""
    if rows.dtype != object:
        return rows.dtype.kind in "UST"
    return any(isinstance(value, str) for value in rows.ravel())


def is_text(rows):
    """Whether an array holds only strings; an error if it mixes types."""
    if rows.dtype.kind in "UST":
        return True
    if rows.dtype != object:
        return False
    strings = np.array([isinstance(value, str) for value in rows.ravel()])
    if strings.any() and not strings.all():
        place = int(np.flatnonzero(~strings)[0])
        row, column = divmod(place, rows.shape[1])
        value = rows[row, column]
        if not isinstance(value, numbers.Real) or value != value:
            raise ValueError(
                f"X holds strings and, at row {row}, column {column}, {value!r}: "
                "symbols must be all integers or all strings, and none missing. "
                "argument must be a string or a number of one kind."
            )
        raise ValueError(
            f"X mixes strings with numbers: {value!r} at row {row}, column {column}. "
            "Symbols must be all integers or all strings: cast X, for example with "
            "X.astype(str)."
        )
    return bool(strings.any())
