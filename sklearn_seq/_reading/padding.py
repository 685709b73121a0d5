"""Padding: rows at the end of sequences that only fill up a 3-D array."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.user_warning import warn_user
from .containers import as_plain
from .symbols import missing_values


def unpad(X, padding_value=np.nan) -> list[np.ndarray]:
    """Remove the padding at the end of each sequence.

    Some packages store sequences of unequal length in one 3-D array, padded with a
    number or NaN. Here they are a list of 2-D arrays.

    Parameters
    ----------
    X : array-like of shape (n_sequences, n_timesteps, n_features)
        A 3-D array, or a list of 2-D arrays.

    padding_value : object, default=np.nan
        The value of all features in a padding row. NaN also stands for None, pandas' NA
        and masked entries.

    Returns
    -------
    sequences : list of ndarray of shape (n_timesteps_i, n_features)
        Views of X without the rows at the end that hold only `padding_value`. Such
        rows earlier in a sequence are kept.

    Raises
    ------
    ValueError
        If X is not a panel, or a sequence is all padding.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.sequences import unpad
    >>> X = np.array([[[1.0], [2.0], [3.0]], [[4.0], [np.nan], [np.nan]]])
    >>> [x.ravel().tolist() for x in unpad(X)]
    [[1.0, 2.0, 3.0], [4.0]]

    A y with a label for each time step is cut to the same lengths:

    >>> y = np.array([[0, 1, 1], [0, -1, -1]])
    >>> [labels[: len(x)].tolist() for labels, x in zip(y, unpad(X))]
    [[0, 1, 1], [0]]
    """
    sequences = [np.asarray(x) for x in as_plain(X)]
    for i, x in enumerate(sequences):
        if x.ndim != 2:
            raise ValueError(
                f"Sequence {i} of X has {x.ndim} dimension(s), but each must be 2-D, "
                "of shape (n_timesteps, n_features): X is a 3-D array or a list of "
                "2-D arrays."
            )
    lengths = [_length(x, padding_value) for x in sequences]
    if 0 in lengths:
        raise ValueError(
            f"Sequence {lengths.index(0)} of X holds nothing but {padding_value!r}: "
            "every sequence needs at least one row. Leave it out."
        )
    return [x[:length] for x, length in zip(sequences, lengths, strict=True)]


def _length(rows, padding_value):
    """Number of rows up to the last one that is not padding."""
    missing = missing_values(np.array([padding_value], dtype=object))[0]
    padded = missing_values(rows) if missing else rows == padding_value
    known = np.flatnonzero(~padded.all(axis=1))
    return int(known[-1]) + 1 if len(known) else 0


def padded_sequences(rows, layout):
    """Sequences of a 3-D array that end in rows of missing values.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Numbers with NaN, or codes of symbols, -1 where one is missing.
    layout : Layout

    Returns
    -------
    padded : ndarray of int
        Empty for other layouts, and if all sequences end in equally many such rows,
        which then are no padding.
    """
    if layout.kind != "panel":
        return np.empty(0, dtype=np.intp)
    last = _missing(rows[layout.sequence_offsets[1:] - 1]).all(axis=1)
    if last.all():
        known = ~_missing(rows).all(axis=1).reshape(len(last), -1)
        if (known.any(axis=0) == known.all(axis=0)).all():
            last[:] = False
    return np.flatnonzero(last)


def _missing(rows):
    return np.isnan(rows) if rows.dtype.kind == "f" else rows < 0


def warn_of_padding(rows, layout, estimator):
    """Warn of padded sequences, which a model would read as missing values.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        As for `padded_sequences`.
    layout : Layout
    estimator : SequenceEstimator
    """
    padded = padded_sequences(rows, layout)
    if len(padded) < 2:
        return
    warn_user(
        f"{len(padded)} of the {layout.n_samples} sequences of X, the first at "
        f"position {padded[0]}, end in rows that are wholly missing. "
        f"{type(estimator).__name__} counts them as time steps at which nothing was "
        f"seen. {UNPAD}"
    )


UNPAD = (
    "If they only fill the array up, cut them off: "
    "sklearn_seq.sequences.unpad(X, padding_value=np.nan)."
)
