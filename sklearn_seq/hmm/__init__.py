"""Hidden Markov models: discrete hidden states, exact inference by recursion."""

from ._categorical import CategoricalHMM
from ._classifier import HMMClassifier
from ._gaussian import GaussianHMM
from ._gmm import GMMHMM
from ._poisson import PoissonHMM
from ._regressor import HMMRegressor

__all__ = [
    "CategoricalHMM",
    "GMMHMM",
    "GaussianHMM",
    "HMMClassifier",
    "HMMRegressor",
    "PoissonHMM",
]
