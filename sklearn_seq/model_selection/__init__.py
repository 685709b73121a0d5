"""Splitters that scikit-learn lacks."""

from ._time_series import TimeSeriesSplitWithContext

__all__ = ["TimeSeriesSplitWithContext"]
