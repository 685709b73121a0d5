"""The parameter `gaps`, and a warning of holes in a frame's time index."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

from .._core.numbers import IntervalWithoutBool
from .._core.sklearn_compat import StrOptions
from .._core.user_warning import warn_user

GAPS = [
    StrOptions({"auto", "ignore"}),
    IntervalWithoutBool(Real, 1, None, closed="left"),
]


def warn_of_holes(layout, estimator):
    """Warn of several holes in a time index, which may be unintended.

    A single hole is no reason: an unshuffled KFold leaves one in its training rows.

    Parameters
    ----------
    layout : Layout
    estimator : SequenceEstimator
    """
    holes = layout.holes
    if len(holes) < 2:
        return
    row, times = int(holes[0]), layout.times
    n_sequences, n_segments = len(layout.sequence_offsets) - 1, len(layout.offsets) - 1
    warn_user(
        f"The time index of X has {len(holes)} holes: {type(estimator).__name__} reads "
        f"{n_sequences} sequence(s) as {n_segments} segments, and starts anew in each. "
        f"The first hole is before row {row}, from {times[row - 1]!s} to "
        f"{times[row]!s}. If rows follow one another regardless of such holes, as over "
        "public holidays or after dropna, set gaps='ignore', or gaps to the number of "
        "median steps beyond which a step is a hole.",
    )
