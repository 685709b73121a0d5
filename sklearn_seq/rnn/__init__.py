"""Recurrent networks: hidden units with dynamics of their own, trained through time."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._rnn_classifier import RNNClassifier
from ._rnn_regressor import RNNRegressor

__all__ = ["RNNClassifier", "RNNRegressor"]
