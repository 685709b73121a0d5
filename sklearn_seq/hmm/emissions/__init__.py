"""Emissions of hidden Markov models: distributions of a row given its state."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._categorical import CategoricalEmissions
from ._gaussian import GaussianEmissions
from ._mixture import GaussianMixtureEmissions
from ._poisson import PoissonEmissions

__all__ = [
    "CategoricalEmissions",
    "GaussianEmissions",
    "GaussianMixtureEmissions",
    "PoissonEmissions",
]
