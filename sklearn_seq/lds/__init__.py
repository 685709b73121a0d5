"""Linear dynamical systems: hidden states of real numbers with linear dynamics."""

from ._classifier import LDSClassifier
from ._lds import LinearDynamicalSystem
from ._regressor import LDSRegressor

__all__ = ["LDSClassifier", "LDSRegressor", "LinearDynamicalSystem"]
