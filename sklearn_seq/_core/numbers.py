"""Parameter constraints for numbers that refuse True and False."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from .sklearn_compat import Interval


class IntervalWithoutBool(Interval):
    """An interval that holds neither True nor False."""

    def is_satisfied_by(self, val):
        return not isinstance(val, bool) and super().is_satisfied_by(val)


class NumberWithoutBool(Interval):
    """Any number, NaN too, but neither True nor False."""

    def is_satisfied_by(self, val):
        return not isinstance(val, bool) and isinstance(val, self.type)

    def __str__(self):
        return "a number that is no bool"
