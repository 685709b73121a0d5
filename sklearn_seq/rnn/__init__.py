"""Recurrent networks by backpropagation through time, and echo state networks."""

from ._echo_state import EchoStateRegressor
from ._echo_state_classifier import EchoStateClassifier

__all__ = ["EchoStateClassifier", "EchoStateRegressor"]
