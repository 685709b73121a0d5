"""The order of the levels of a frame's index: (sequence, time)."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import re

import numpy as np

from .._core.user_warning import warn_user

ISO_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?([ T].*)?$")
# Text that may be a time: a date, a time of day, a number, a weekday or a month.
TEXT_OF_TIME = re.compile(
    r"[+-]?\d|(mon|tue|wed|thu|fri|sat|sun"
    r"|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    re.IGNORECASE,
)
NAMES_OF_TIMES = frozenset(("time", "date", "timestamp", "datetime", "t"))
NAMES_WITHIN = NAMES_OF_TIMES | {
    *("year", "quarter", "month", "week", "day", "hour", "minute", "second"),
    *("step", "timestep", "time_step", "period"),
}
SWAP = "X.swaplevel().sort_index() (and a y in the same order)"
KEEP = (
    "If the first level does tell the sequences, pass X.reset_index(drop=True) with "
    "groups=X.index.get_level_values(0)."
)


def check_level_order(index):
    """Refuse an index (time, id) where (sequence, time) is expected.

    Parameters
    ----------
    index : pandas MultiIndex of two levels
        Its first level is contiguous.

    Raises
    ------
    ValueError
        If the second level repeats and holds text that cannot be times; if it holds
        text and the first level holds times; or if the names of the levels say that
        the first holds times and the second does not.

    Warns
    -----
    UserWarning
        If the first level holds times and the second fewer different numbers: these
        may be ids, or steps counted from each time.
    """
    times, second = index.levels[0], index.levels[1]
    n_times, n_ids = (len(np.unique(codes)) for codes in index.codes)
    if n_ids == len(index) or n_times < 2:
        return
    text = _is_text(second)
    in_first = _are_times(times) or _look_like_times(times)
    if _named_in_reverse(index) and not _are_times(second):
        in_first = text = True
    if text and (in_first or not _may_be_times(second)):
        raise ValueError(
            f"X's index has {'times' if in_first else 'values'} in its first level "
            f"({index[0][0]!s}, …) and in its second one ids that come again "
            f"({index[0][1]!r}, …): read as (sequence, time), each of the first level "
            f"would be a sequence of its own. Pass {SWAP}. {KEEP}"
        )
    if second.dtype.kind in "iuf" and n_ids < n_times and _are_times(times):
        warn_user(
            f"X's index has {n_times} times in its first level, which are read as as "
            f"many sequences, and {n_ids} numbers in its second, which are read as "
            f"time. If those are ids, pass {SWAP}. {KEEP}"
        )


def _named_in_reverse(index):
    """Whether the names say that the first level, not the second, holds times."""
    first, second = (str(name or "").lower() for name in index.names)
    return first in NAMES_OF_TIMES and second != "" and second not in NAMES_WITHIN


def _may_be_times(level):
    """Whether a level of text may hold times."""
    return all(TEXT_OF_TIME.match(str(value)) for value in level)


def _is_text(level):
    return _kind_of(level) in ("string", "mixed")


def _are_times(level):
    """Whether a level holds timestamps, durations, periods or dates."""
    return _kind_of(level) in (
        *("datetime64", "datetime", "date", "timedelta64", "timedelta", "period"),
    )


def _look_like_times(level):
    """Whether a level holds years as numbers, or dates as text."""
    if level.dtype.kind in "iu":
        return bool(level.min() >= 1500 and level.max() <= 2200)
    return _is_text(level) and all(
        isinstance(value, str) and ISO_DATE.match(value) for value in level
    )


def _kind_of(level):
    import pandas as pd

    level = getattr(level, "categories", level)
    return pd.api.types.infer_dtype(level, skipna=True)
