"""Recurrent networks: hidden units with dynamics of their own, trained through time."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._echo_state import EchoStateRegressor
from ._echo_state_classifier import EchoStateClassifier
from ._rnn_classifier import RNNClassifier
from ._rnn_regressor import RNNRegressor

__all__ = [
    "EchoStateClassifier",
    "EchoStateRegressor",
    "RNNClassifier",
    "RNNRegressor",
]
