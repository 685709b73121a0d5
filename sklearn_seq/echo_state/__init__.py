"""Echo state networks: a fixed random reservoir, of which only the readout learns."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._classifier import EchoStateClassifier
from ._regressor import EchoStateRegressor

__all__ = ["EchoStateClassifier", "EchoStateRegressor"]
