"""Memoryless models of sequences: functions of a few delay taps."""

from ._ar import ARRegressor

__all__ = ["ARRegressor"]
