"""Memoryless models of sequences: functions of a few delay taps."""

from ._ar import ARRegressor
from ._ar_classifier import ARClassifier

__all__ = ["ARClassifier", "ARRegressor"]
