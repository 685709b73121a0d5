"""Symbols, integers or strings, and their codes."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numbers

import numpy as np
from sklearn.preprocessing import OrdinalEncoder


def fit_encoder(rows, symbols):
    """Number the symbols of each column: those met, or those of a given alphabet.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        None may be missing.
    symbols : str, bool or array-like
        An alphabet, for several columns one for each; a string or bool stands for
        the symbols of `rows`.

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


def encode(encoder, rows):
    """Codes of the symbols; an error for one that the encoder does not know."""
    try:
        with np.errstate(invalid="ignore"):  # sums of large values, inf - inf
            return encoder.transform(rows)
    except TypeError as error:  # numbers cannot be compared with strings
        raise ValueError(
            f"X has dtype {rows.dtype}, but the training sequences held strings."
        ) from error
    except ValueError as error:
        raise ValueError(
            f"X holds symbols that were not in the training sequences: {error}. "
            "Replace them by a known symbol, fit on sequences that hold them, or "
            "give the whole alphabet as the parameter symbols."
        ) from error


def is_text(rows):
    """Whether an array holds strings only; an error if it mixes them with others."""
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
