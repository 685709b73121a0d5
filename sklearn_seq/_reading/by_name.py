"""Arguments with an index or column names: matched by name, not by position."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from difflib import get_close_matches


def in_order_of(names, values, argument, what):
    """Entries of a pandas Series, or rows of a frame, in the order of names.

    Other values, and those with a default index (0, 1, …), are returned as they are.

    Parameters
    ----------
    names : sequence or None
        Names of what the entries are for; None if there are none.

    values : array-like

    argument : str
        Name of the argument, for errors.

    what : str
        Plural noun for the names, for errors.
    """
    index = getattr(values, "index", None) if hasattr(values, "iloc") else None
    if names is None or index is None:
        return values
    names, given = list(names), list(index)
    only_counts = given == list(range(len(given))) and set(given) != set(names)
    if given == names or only_counts:
        return values
    for name in names:
        if given.count(name) != 1:
            raise ValueError(
                f"{argument} {lacks(name, given)}, one of the {what}"
                f"{did_you_mean(name, given)}. Its index holds {some(given)}, but "
                f"expected {some(names)}, in any order. Pass {argument}.to_numpy() if "
                f"it is in the order of the {what}."
            )
    return values.iloc[[given.index(name) for name in names]]


def column_labels(X):
    """Labels of a pandas frame's columns if none is a string, otherwise None."""
    columns = getattr(X, "columns", None) if hasattr(X, "iloc") else None
    labels = None if columns is None else list(columns)
    if not labels or any(isinstance(label, str) for label in labels):
        return None
    return labels


def check_column_labels(X, fitted, estimator):
    """Refuse a frame whose column labels differ from those in fit.

    Only for labels that are not strings: scikit-learn compares those that are.

    Parameters
    ----------
    X : array-like
    fitted : list or None
        The labels in fit, as returned by `column_labels`.
    estimator : estimator
    """
    labels = column_labels(X)
    if labels is None or fitted is None or len(labels) != len(fitted):
        return
    if labels != fitted:
        raise ValueError(
            f"X has the columns {some(labels)}, but {type(estimator).__name__} was "
            f"fitted with {some(fitted)}. Reorder them with X[{some(fitted)}], or pass "
            "X.to_numpy() if they are the same features in the same order."
        )


def lacks(name, given):
    return f"{'holds twice' if name in given else 'lacks'} {name!r}"


def closest(name, given):
    """The closest of the given names as a string; None if none is close."""
    near = get_close_matches(str(name), [str(other) for other in given], n=1)
    return near[0] if near else None


def did_you_mean(name, given):
    """The question "Did you mean …?" with the closest of the given names."""
    near = None if name in given else closest(name, given)
    return "" if near is None else f" (did you mean {near!r}?)"


def some(items, most=10):
    """The first of some items, as a string."""
    shown = ", ".join(repr(item) for item in items[:most])
    return f"[{shown}{', …' if len(items) > most else ''}]"
