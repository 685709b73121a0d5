"""Class labels: read without conversion, missing ones found, and encoded."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np

from .._core.numbers import NumberWithoutBool
from .._core.user_warning import warn_user
from ..sequences import object_array

MISSING_LABEL = [NumberWithoutBool(Real, None, None, closed="neither"), str, None]


def label_arrays(y):
    """Labels as NumPy arrays, without a conversion that changes them.

    ``np.asarray`` turns NaN beside strings into a string and integers beside NaN into
    floats, and drops a mask. Here such labels stay objects, and a mask becomes None.

    Parameters
    ----------
    y : array-like
        Labels, or a list (tuple, 1-D object array) with the labels of each sequence;
        None for a sequence without labels.

    Returns
    -------
    y : ndarray
        Labels; a 1-D object array of arrays and None if sequences have unequal lengths
        or no labels. Anything that is not array-like is returned as it is.
    """
    nested = isinstance(y, list | tuple)
    if not nested and not _is_object_vector(y):
        return _one_array(y)
    first = next((item for item in y if item is not None), None)
    if np.ndim(first) == 0:
        return _one_array(y)
    arrays = [None if item is None else _one_array(item) for item in y]
    shapes = {None if array is None else np.shape(array) for array in arrays}
    if nested and None not in shapes and len(shapes) == 1:
        return np.stack(of_one_kind(arrays))
    return object_array(arrays)


def of_one_kind(arrays):
    """Arrays to be concatenated: cast to object if only some hold numbers."""
    if len({array.dtype.kind for array in arrays}) == 1:
        return arrays
    return [array.astype(object) for array in arrays]


def _is_object_vector(y):
    return isinstance(y, np.ndarray) and y.dtype == object and y.ndim == 1


def _one_array(y):
    if isinstance(y, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(y)
        if not mask.any():
            return y.data
        labels = y.data.astype(object)
        labels[mask] = None
        return labels
    if hasattr(y, "iloc"):  # pandas: extension dtypes have pandas.NA
        dtypes = y.dtypes if hasattr(y, "columns") else [y.dtype]
        own = any(not isinstance(dtype, np.dtype) for dtype in dtypes)
        return y.to_numpy(dtype=object) if own else y.to_numpy()
    if hasattr(y, "null_count") and hasattr(y, "to_list") and y.null_count():
        return np.array(y.to_list(), dtype=object)  # polars
    if isinstance(y, list | tuple):
        return _from_list(y)
    return np.asarray(y) if hasattr(y, "__array__") else y


def _from_list(y):
    labels = np.asarray(y)
    if labels.dtype.kind in "iub":
        return labels
    objects = np.array(y, dtype=object)
    changed = (
        any(not isinstance(label, str) for label in objects.ravel())
        if labels.dtype.kind == "U"
        else (labels != labels).any()
        if labels.dtype.kind == "f"
        else labels.dtype == object
    )
    return objects if changed else labels


def known_labels(values, missing_label=None):
    """Labels, and which of them are missing.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Labels; None, NaN and pandas.NA are missing.

    missing_label : object, default=None
        A further value that means "no label".

    Returns
    -------
    labels : ndarray of shape (n,)
        Numbers in an object array are returned as an array of numbers. Missing labels
        are replaced by an arbitrary known one.

    missing : ndarray of bool of shape (n,)
        Where the label is missing.
    """
    is_object = values.dtype == object
    if is_object:
        missing = np.array([_is_missing(value) for value in values], dtype=bool)
    else:
        missing = values != values
    if not _is_missing(missing_label):
        there = np.flatnonzero(~missing)
        missing[there] = values[there] == missing_label
    if missing.all():
        return values, missing
    known = values[~missing]
    if is_object:
        _check_not_mixed(values, missing)
        numbers = np.array(known.tolist())
        known = numbers if numbers.dtype.kind in "iufb" else known
    labels = np.full(len(values), known[0], dtype=known.dtype)
    labels[~missing] = known
    return labels, missing


def warn_of_missing_label(values, labels, missing_label):
    """Warn of a `missing_label` of another type than the labels.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Labels as given.
    labels : ndarray of shape (n,)
        The known ones.
    missing_label : object
    """
    if _is_missing(missing_label):
        return
    first = labels[0]
    if not isinstance(first, str | Real | np.bool_):
        return
    if isinstance(first, str) == isinstance(missing_label, str):
        return
    if values.dtype == object and any(
        not _is_missing(value) and value == missing_label for value in values
    ):
        return
    warn_user(
        f"missing_label={missing_label!r} is of type {type(missing_label).__name__}, "
        f"but the labels are like {first!r} of type {type(first).__name__}: none can "
        "equal it, so that all are read as labels. Give missing_label the type of the "
        "labels."
    )


def _is_missing(value):
    if value is None or value is np.ma.masked:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA has no truth value
        return True


def _check_not_mixed(values, missing):
    there = np.flatnonzero(~missing)
    text = np.array([isinstance(value, str) for value in values[there]])
    if text.any() and not text.all():
        string, other = there[text][0], there[~text][0]
        raise ValueError(
            f"y mixes strings with other labels: {values[string]!r} at position "
            f"{string}, {values[other]!r} at position {other}. Cast the labels, for "
            "example with str, or name the value that means that there is none by the "
            f"parameter missing_label (missing_label={values[other]!r})."
        )


def encode_labels(labels, missing, classes):
    """Index of each label in `classes`; −1 if missing, n_classes if unknown."""
    codes = np.full(len(labels), -1, dtype=np.intp)
    known = labels[~missing]
    if isinstance(known[0], str) != isinstance(classes[0], str):
        raise ValueError(
            f"y holds labels of dtype {labels.dtype}, but the classes are "
            f"{classes[:5].tolist()} of dtype {classes.dtype}."
        )
    places = np.searchsorted(classes, known)
    inside = np.minimum(places, len(classes) - 1)
    codes[~missing] = np.where(classes[inside] == known, inside, len(classes))
    return codes
