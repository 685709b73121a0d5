"""Sequences without an axis of features: strings, symbols, 1-D arrays."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.docs import documented

STRINGS, SYMBOLS, NUMBERS = "strings", "symbols", "numbers"


@documented
def as_columns(X, *, symbols=False, fitting=False, one_dimensional=False):
    """1-D sequences as 2-D arrays of one column; other X unchanged.

    A string is a sequence of characters. A list (tuple, Series, 1-D array of objects
    or strings) of strings, or of lists of symbols, is a list of sequences, and so is
    a list of lists or 1-D arrays of numbers of unequal length. Those of equal length
    are the rows of one 2-D array, as everywhere in scikit-learn, unless a parameter
    says otherwise.

    Parameters
    ----------
    %(X)s

    symbols : bool, default=False
        Whether integers are symbols, so that 1-D arrays of equal length are sequences.

    fitting : bool, default=False
        Whether X is for fit, which refuses lists of equally many integers if they may
        be symbols.

    one_dimensional : bool, default=False
        Whether the model was fitted to 1-D sequences: then those of equal length are
        sequences, too.

    Returns
    -------
    X : array-like
        With an axis of features.

    found : {"strings", "symbols", "numbers"} or None
        Content of the 1-D sequences; None if X is returned unchanged.
    """
    if isinstance(X, str):
        return characters([X])[0], STRINGS
    items = _items(X)
    if not items:
        return X, None
    if isinstance(items[0], bytes):
        raise ValueError(
            f"Sequence 0 of X is {items[0]!r}: bytes are no text. Decode them, for "
            "example with [string.decode() for string in X]."
        )
    if any(isinstance(item, str) for item in items):
        _check_all_strings(items)
        return characters(items), STRINGS
    if not all(_is_1d(item) for item in items):
        return X, None
    if any(_holds_strings(item) for item in items):
        return _columns(items), SYMBOLS
    if len({len(item) for item in items}) == 1 and not one_dimensional:
        if not symbols or not _are_sequences(items, fitting):
            return X, None
    return _columns(items), NUMBERS


def characters(strings):
    """Strings as columns of their characters: a list of (n_characters, 1) arrays."""
    lengths = [len(string) for string in strings]
    if 0 in lengths:
        raise ValueError(
            f"Sequence {lengths.index(0)} of X is an empty string: every sequence "
            "needs at least one symbol. Leave it out, for example with "
            "[string for string in X if string]."
        )
    every = np.array(["".join(strings)]).view("U1").reshape(-1, 1)
    return np.split(every, np.cumsum(lengths)[:-1])


def check_1d_sequences(layout, estimator, *, fitting):
    """Refuse 1-D sequences that an estimator cannot read, or that are ambiguous.

    Parameters
    ----------
    layout : Layout
    estimator : SequenceEstimator
    fitting : bool
        Whether X is for fit.
    """
    found = layout.one_dimensional
    if found is None:
        return
    name = type(estimator).__name__
    if found != NUMBERS and not estimator._takes_strings:
        raise ValueError(
            f"X holds strings, but {name} takes no text, only real numbers (could not "
            "convert string to float). For sequences of symbols use CategoricalHMM or "
            "one of the classifiers ARClassifier, MLPSequenceClassifier, "
            "HMMClassifier, RNNClassifier and EchoStateClassifier."
        )
    if not fitting:
        n_features = getattr(estimator, "n_features_in_", 1)
        if n_features != 1:
            raise ValueError(
                f"X has 1 features, but {name} is expecting {n_features} features as "
                "input. A string, a list of symbols and a 1-D array are each a "
                "sequence of one feature; for rows of several columns pass a 2-D "
                "array, such as np.array(X, dtype=object)."
            )
    known = not fitting and (found == STRINGS or estimator._fitted_to_1d)
    if layout.kind != "rows" and layout.n_samples == layout.n_rows > 1 and not known:
        raise ValueError(
            f"X holds {layout.n_samples} sequences, each of one symbol only, which is "
            "ambiguous. If they are one sequence together, pass [X], or ''.join(X) if "
            "X is a list of characters. If they are sequences of one symbol each, pass "
            "np.array(X).ravel()[:, None, None]."
        )


def _items(X):
    """The items of a list, tuple, Series or 1-D object array, or None."""
    if isinstance(X, list | tuple):
        return X
    if len(getattr(X, "shape", ())) != 1 or not hasattr(X, "__array__"):
        return None
    values = np.asarray(X)
    return list(values) if values.dtype.kind in "OUST" else None


def _check_all_strings(items):
    for i, item in enumerate(items):
        if not isinstance(item, str):
            first = next(j for j, other in enumerate(items) if isinstance(other, str))
            raise ValueError(
                f"Sequence {first} of X is a string, but sequence {i} is {item!r}: "
                "expected strings only, each a sequence of characters, or only lists "
                "of symbols. Leave out what is missing, for example with [string for "
                "string in X if isinstance(string, str)]."
            )


def _is_1d(item):
    if isinstance(item, list | tuple):
        return not item or isinstance(item[0], str | float) or np.ndim(item[0]) == 0
    return len(getattr(item, "shape", ())) == 1


def _holds_strings(item):
    kind = getattr(getattr(item, "dtype", None), "kind", "O")
    if kind != "O":
        return kind in "UT"
    return any(issubclass(kind, str) for kind in set(map(type, item)))


def _are_sequences(items, fitting):
    """Whether items of equal length are sequences of integers that are symbols."""
    if not all(isinstance(item, list | tuple) for item in items):
        return True
    length = len(items[0])
    if length <= 1 or np.asarray(items).dtype.kind not in "iubO":
        return False
    if fitting:
        raise ValueError(
            f"X is a list of {len(items)} lists of {length} integers each, which are "
            "symbols here, and is ambiguous: pass np.asarray(X) if each list is a row "
            f"of {length} columns, or [np.asarray(x) for x in X] if each is a "
            "sequence."
        )
    return True


def _columns(items):
    """Each item as an array of one column; pandas Series keep their index."""
    if all(hasattr(item, "iloc") for item in items):
        return [item.to_frame(0) for item in items]
    return [_as_array(item).reshape(-1, 1) for item in items]


def _as_array(item):
    """A 1-D array; a list of mixed types becomes an object array."""
    if isinstance(item, list | tuple) and _holds_strings(item):
        if not all(isinstance(value, str) for value in item):
            array = np.empty(len(item), dtype=object)
            array[:] = item
            return array
    return np.asarray(item)
