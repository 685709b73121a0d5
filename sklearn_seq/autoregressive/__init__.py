"""Memoryless models of sequences: functions of a few delay taps."""

from ._ar import ARRegressor
from ._ar_classifier import ARClassifier
from ._mlp_classifier import MLPSequenceClassifier
from ._mlp_regressor import MLPSequenceRegressor

__all__ = [
    "ARClassifier",
    "ARRegressor",
    "MLPSequenceClassifier",
    "MLPSequenceRegressor",
]
