"""Splitting in time, within sequences, with the context that models need."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator
from numbers import Integral

import numpy as np
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils import indexable

from ..sequences import ROWS, read_layout


class TimeSeriesSplitWithContext(TimeSeriesSplit):
    """Split sequences in time; test windows bring the rows before them along.

    A model that knows only the rows of a test window has no past at its beginning:
    delay taps are incomplete, states are what they were assumed at the start of a
    sequence. Here each test set begins `burn_in` rows before the window that is
    tested. An estimator with the same `burn_in` reads those rows, which lie in its
    past, and scores exactly the rows of the window.

    With `groups`, or a frame with an index of two levels (sequence, time), each
    sequence is split in time for itself, and a fold takes the k-th window of every
    sequence: models are trained on the beginnings of all sequences and tested on how
    these go on. Without, the rows are one sequence, and apart from the context the
    splits are those of :class:`~sklearn.model_selection.TimeSeriesSplit`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits. Must be at least 2.

    max_train_size : int, default=None
        Maximum number of training rows of a sequence, the latest of them. None takes
        all.

    test_size : int, default=None
        Number of rows of the window tested, without its context, of each sequence.
        Defaults to ``n_rows // (n_splits + 1)`` of each sequence's own n_rows.

    gap : int, default=0
        Number of rows to leave out between the end of the training rows and the
        beginning of the window tested.

    burn_in : int, default=0
        Number of rows of context that a test set brings along before its window. They
        may be training rows, or those of the gap. A next-step model with
        ``n_lags`` delay taps has them complete from ``burn_in=n_lags`` on.

    See Also
    --------
    sklearn.model_selection.GroupKFold : Splits by whole sequences.

    Notes
    -----
    Rows of a sequence stay in order and contiguous, in training and in test sets. A
    sequence that is too short for the splits is an error; it is neither dropped nor
    given to the training rows alone.

    The estimator has to have the same `burn_in`, which then also leaves the first
    `burn_in` targets of each training sequence out of the loss. With ``burn_in=0``, a
    next-step model scores one row less than the window, whose first row it could
    forecast from none.

    An estimator counts `burn_in` anew behind a hole in a frame's time index.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.model_selection import TimeSeriesSplitWithContext
    >>> cv = TimeSeriesSplitWithContext(n_splits=2, test_size=3, burn_in=2)
    >>> cv
    TimeSeriesSplitWithContext(burn_in=2, gap=0, max_train_size=None, n_splits=2,
                  test_size=3)
    >>> X = np.arange(10.0)[:, None]
    >>> for train, test in cv.split(X):
    ...     print(train, test)
    [0 1 2 3] [2 3 4 5 6]
    [0 1 2 3 4 5 6] [5 6 7 8 9]

    Two sequences of five rows:

    >>> cv = TimeSeriesSplitWithContext(n_splits=2, burn_in=1)
    >>> groups = ["a"] * 5 + ["b"] * 5
    >>> for train, test in cv.split(X, groups=groups):
    ...     print(train, test)
    [0 1 2 5 6 7] [2 3 7 8]
    [0 1 2 3 5 6 7 8] [3 4 8 9]

    There must be rows to serve as context:

    >>> next(TimeSeriesSplitWithContext(n_splits=4, burn_in=3).split(X))
    Traceback (most recent call last):
    ...
    ValueError: burn_in=3 rows of context before the first test window, but ...
    """

    __metadata_request__split = {"groups": True}

    def __init__(
        self,
        n_splits=5,
        *,
        max_train_size=None,
        test_size=None,
        gap=0,
        burn_in=0,
    ):
        super().__init__(
            n_splits, max_train_size=max_train_size, test_size=test_size, gap=gap
        )
        self.burn_in = burn_in
        for name, least in {
            "max_train_size": 1,
            "test_size": 1,
            "gap": 0,
            "burn_in": 0,
        }.items():
            value = getattr(self, name)
            if value is None and name in ("max_train_size", "test_size"):
                continue
            if not isinstance(value, Integral) or value < least:
                raise ValueError(
                    f"{name}={value!r}: expected an integer of at least {least}."
                )

    def split(self, X, y=None, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Generate indices of training and test rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, ...)
            Rows in order of time, within each sequence. Of a frame, the index is read.

        y : array-like of shape (n_rows,), default=None
            Ignored, present for API consistency.

        groups : array-like of shape (n_rows,), default=None
            The sequence to which each row belongs.

        Yields
        ------
        train : ndarray
            Indices of the training rows.

        test : ndarray
            Indices of the test rows, context included.

        Raises
        ------
        ValueError
            If X is a panel, if the rows of a sequence are not contiguous or not in
            order of time, or if a sequence is too short for the splits or for the
            context.
        """
        X, y, groups = indexable(X, y, groups)
        _, layout = read_layout(X, groups)
        if layout.kind != ROWS:
            raise ValueError(
                f"{type(self).__name__} splits rows in time, but the samples of a "
                "panel (a 3-D array or a list of 2-D arrays) are whole sequences. "
                "Split those with KFold or GroupKFold, or pass rows with groups."
            )
        offsets = layout.sequence_offsets.tolist()
        spans = list(zip(offsets[:-1], offsets[1:], strict=True))
        sequences = [self._split_sequence(*span, len(spans) > 1) for span in spans]
        for folds in zip(*sequences, strict=True):
            trains, tests = zip(*folds, strict=True)
            yield np.concatenate(trains), np.concatenate(tests)

    def _split_sequence(self, start, stop, several):
        """Training and test rows of one sequence, for each split."""
        where = f" of the sequence of rows {start} to {stop - 1}" if several else ""
        try:
            folds = list(super().split(np.empty(stop - start)))
        except ValueError as error:
            raise ValueError(
                f"Too few rows{where}: {error} Use fewer splits, a smaller test_size "
                "or gap, or leave out what is too short."
            ) from error
        first = folds[0][1][0]
        if first < self.burn_in:
            raise ValueError(
                f"burn_in={self.burn_in} rows of context before the first test window, "
                f"but there are only {first} rows before that{where}. Use a smaller "
                "burn_in, fewer splits or a smaller test_size."
            )
        return [
            (train + start, np.arange(test[0] - self.burn_in, test[-1] + 1) + start)
            for train, test in folds
        ]
