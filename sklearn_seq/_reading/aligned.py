"""Refuse y or groups whose index has the labels of X in another order."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause


def check_same_order(values, index, name):
    """Refuse a Series or frame that holds the labels of X's index in another order.

    An index with other labels is ignored: rows match by position, as in scikit-learn.

    Parameters
    ----------
    values : array-like
    index : pandas Index or None
        The index of X.
    name : str
        Name of the argument, for errors.
    """
    other = getattr(values, "index", None) if hasattr(values, "iloc") else None
    if index is None or other is None or len(other) != len(index):
        return
    if other is index or other.nlevels != index.nlevels or other.equals(index):
        return
    swap = ""
    if not _same_labels(other, index):
        if other.nlevels != 2:
            return
        other, swap = other.swaplevel(), ".swaplevel()"
        if other.equals(index) or not _same_labels(other, index):
            return
    row = int((other != index).argmax())
    raise ValueError(
        f"{name} has the labels of X's index in another order: row {row} of X is "
        f"{index[row]!s}, that of {name} {other[row]!s}. Rows are matched by position: "
        f"pass {name}{swap}.loc[X.index], or {name}.to_numpy() if it is in X's order."
    )


def _same_labels(other, index):
    if not (index.is_unique and other.is_unique):
        return False
    return bool(other.isin(index).all())
