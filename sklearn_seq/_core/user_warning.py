"""Warnings that point to a line of the user's code."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import sys
import warnings

OURS = ("sklearn_seq", "sklearn", "numpy", "joblib", "contextlib")


def warn_user(message):
    """Issue a UserWarning that points to the first caller outside this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in OURS:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
