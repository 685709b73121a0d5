"""Units in which to learn, and unconstrained coordinates of parameters."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import reduce
from operator import mul
from typing import NamedTuple

import numpy as np

from .._core.gaussian import check_squares
from ._m_step import above
from ._subspace import spectral_radius, symmetric
from .kalman import Parameters

EXPONENT = 1000  # largest exponent of a unit: its inverse is finite
SMALLEST_SPREAD = 1e-4  # of a feature, relative to its root mean square


def variances(X):
    """Variances of the known values, with a floor for rounding: (n_features,).

    Of a single value, its square, because models have no constant term.
    """
    known = ~np.isnan(X)
    counts = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, X, 0.0)
    means = filled.sum(axis=0) / counts
    squares = np.where(known, X - means, 0.0) ** 2
    spread = squares.sum(axis=0) / counts
    size = (filled**2).sum(axis=0) / counts
    spread = np.where(counts > 1, np.maximum(spread, SMALLEST_SPREAD**2 * size), size)
    return np.where(spread > 0, spread, 1.0)


class Units(NamedTuple):
    """Units of outputs and inputs: powers of two, so that conversion is exact.

    Attributes
    ----------
    x : ndarray of shape (n_features,)
    u : ndarray of shape (n_inputs,)
    """

    x: np.ndarray
    u: np.ndarray

    @classmethod
    def of(cls, X, U):
        """Root mean squares of the data, rounded to powers of two."""
        return cls(_unit(X), np.ones(0) if U is None else _unit(U))

    def log_density(self, X):
        """Log Jacobian: to add to the log-likelihood in these units."""
        return -float((~np.isnan(X)).sum(axis=0) @ np.log(self.x))

    def apply(self, named):
        """Parameters in these units, from a dict in the original ones."""
        with np.errstate(over="ignore", invalid="ignore"):
            converted = self._convert(named, 1 / self.x, self.u)
        for name, value in converted.items():
            if value is not None and not np.isfinite(value).all():
                raise ValueError(
                    f"{name}={named[name].tolist()} is beyond floating point in the "
                    "units of the data, which are too small or too large beside it. "
                    "Scale X and y, for example with "
                    "sklearn.preprocessing.StandardScaler."
                )
        return converted

    def undo(self, parameters):
        """Parameters in the original units."""
        with np.errstate(over="ignore"):
            named = self._convert(parameters._asdict(), self.x, 1 / self.u)
        for value in named.values():
            check_squares(np.zeros(0) if value is None else value)
        return Parameters(**named)

    @staticmethod
    def _convert(named, x, u):
        factors = {
            "observation_matrix": (x[:, None],),
            "observation_covariance": (x[:, None], x),
            "input_matrix": (u,),
            "feedthrough_matrix": (x[:, None], u),
        }
        return {
            name: value if value is None else reduce(mul, factors.get(name, ()), value)
            for name, value in named.items()
        }


def _unit(rows):
    largest = np.nanmax(np.abs(rows), axis=0, initial=0.0)
    largest = np.where(largest > 0, largest, 1.0)
    mean_square = np.nansum((rows / largest) ** 2, axis=0)
    mean_square /= np.maximum((~np.isnan(rows)).sum(axis=0), 1)
    root = np.where(mean_square > 0, largest * np.sqrt(mean_square), 1.0)
    root = np.maximum(root, np.finfo(np.float64).tiny)
    return np.exp2(np.clip(np.round(np.log2(root)), -EXPONENT, EXPONENT))


class Coordinates:
    """Free parameters as an unconstrained vector, for SQUAREM.

    A covariance is represented by its matrix logarithm: every vector is a valid model,
    and diagonal and spherical covariances stay so.

    Parameters
    ----------
    fixed : collection of str
    """

    def __init__(self, fixed):
        self.names = [name for name in Parameters._fields if name not in fixed]

    def to_vector(self, parameters):
        parts = []
        for name in self.names:
            value = getattr(parameters, name)
            if name.endswith("covariance"):
                value = of_eigenvalues(value, np.log)
            if value is not None:
                parts.append(value.ravel())
        return np.concatenate(parts) if parts else np.zeros(0)

    def from_vector(self, vector, parameters, floors, covariance_type):
        """The parameters, or None if they are infinite or their dynamics overflow."""
        values = {}
        for name in self.names:
            value = getattr(parameters, name)
            if value is None:
                continue
            part, vector = np.split(vector, [value.size])
            values[name] = part.reshape(value.shape)
            if name.endswith("covariance"):
                values[name] = of_eigenvalues(values[name], np.exp)
            if not np.isfinite(values[name]).all():
                return None
        if "transition_matrix" in values:
            largest = max(1.0, spectral_radius(parameters.transition_matrix))
            if spectral_radius(values["transition_matrix"]) > largest:
                return None
        return above(floors, parameters._replace(**values), values, covariance_type)


def of_eigenvalues(matrix, function):
    """A function of a symmetric matrix; diagonal matrices stay diagonal."""
    diagonal = np.diagonal(matrix)
    with np.errstate(all="ignore"):  # non-finite results are refused later
        if np.array_equal(matrix, np.diag(diagonal)):
            return np.diag(function(diagonal))
        values, vectors = np.linalg.eigh(matrix)
        return symmetric((vectors * function(values)) @ vectors.T)
