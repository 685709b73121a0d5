"""Sequence models for scikit-learn.

Five families of sequence models behind one interface, so that the model is a
hyperparameter. Estimators live in one subpackage for each family and can be imported
from here, too.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from .autoregressive import (
    ARClassifier,
    ARRegressor,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
)

__all__ = [
    "ARClassifier",
    "ARRegressor",
    "MLPSequenceClassifier",
    "MLPSequenceRegressor",
]

__version__ = "0.1.0.dev0"
