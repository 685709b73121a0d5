"""Unconstrained coordinates of free parameters, and the log-likelihood's gradient.

By Fisher's identity it equals the gradient of the expected complete-data log-likelihood
and so follows from the sufficient statistics of an E-step.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._m_step import residual_moments
from ._subspace import spectral_radius, symmetric
from .kalman import Parameters

EPS = np.finfo(np.float64).eps
LEAST = 1e-9  # variance above the floor, where the gradient would be zero


class FactorCoordinates:
    """Free parameters as an unconstrained vector, for one run of learning.

    A covariance F + L L', with the diagonal matrix F of floors, is parametrised by L:
    every vector is a valid model, variances of zero are at finite distance, and
    diagonal and spherical covariances stay so. Coordinates are about 1: the unit of a
    state is what moves the outputs by their standard deviation.

    Parameters
    ----------
    guess : Parameters
    fixed : collection of str
    covariance_type : {"full", "diag", "spherical"}
    floors : Floors
    sizes : Floors
        Variances that have coordinate 1.
    """

    def __init__(self, guess, fixed, covariance_type, floors, sizes):
        free = [name for name in Parameters._fields if name not in fixed]
        self.names = [name for name in free if getattr(guess, name) is not None]
        transition, observation, initial = (np.sqrt(each) for each in sizes)
        inputs = np.ones(
            0 if guess.input_matrix is None else guess.input_matrix.shape[1]
        )
        self._sizes = {
            "transition_matrix": np.outer(transition, 1 / initial),
            "input_matrix": np.outer(transition, inputs),
            "observation_matrix": np.outer(observation, 1 / initial),
            "feedthrough_matrix": np.outer(observation, inputs),
            "initial_state_mean": initial,
        }
        self._factors = {
            "transition_covariance": Factor("full", floors.transition, transition),
            "observation_covariance": Factor(
                covariance_type, floors.observation, observation
            ),
            "initial_state_covariance": Factor("full", floors.initial, initial),
        }

    def to_vector(self, parameters):
        parts = [np.zeros(0)]
        for name in self.names:
            value = getattr(parameters, name)
            if name in self._factors:
                parts.append(self._factors[name].to_vector(value))
            else:
                parts.append((value / self._sizes[name]).ravel())
        return np.concatenate(parts)

    def from_vector(self, vector, parameters):
        """The parameters, or None if they are infinite or their dynamics overflow."""
        if not np.isfinite(vector).all():
            return None
        values = {}
        for name in self.names:
            if name in self._factors:
                part, vector = np.split(vector, [self._factors[name].n_entries])
                values[name] = self._factors[name].from_vector(part)
            else:
                sizes = self._sizes[name]
                part, vector = np.split(vector, [sizes.size])
                values[name] = part.reshape(sizes.shape) * sizes
        if "transition_matrix" in values:
            largest = max(1.0, spectral_radius(parameters.transition_matrix))
            if spectral_radius(values["transition_matrix"]) > largest:
                return None
        return parameters._replace(**values)

    def gradient(self, statistics, parameters):
        """Gradient of the log-likelihood, from the statistics at these parameters."""
        slopes, parts = gradients(statistics, parameters), [np.zeros(0)]
        for name in self.names:
            if name in self._factors:
                value = getattr(parameters, name)
                parts.append(self._factors[name].gradient(slopes[name], value))
            else:
                parts.append((slopes[name] * self._sizes[name]).ravel())
        return np.concatenate(parts)


class Factor:
    """The factor L of a covariance F + L L', as a vector.

    Parameters
    ----------
    covariance_type : {"full", "diag", "spherical"}
        With "full", L is lower triangular; otherwise diagonal.
    floor : ndarray of shape (k,)
        F.
    size : ndarray of shape (k,)
        Standard deviations that have coordinate 1.
    """

    def __init__(self, covariance_type, floor, size):
        self._full = covariance_type == "full"
        self._lower = np.tril_indices(len(floor))
        self._identity = np.eye(len(floor))
        if covariance_type == "spherical":
            floor, size = floor.mean(keepdims=True), size.mean(keepdims=True)
        self._floor, self._size = floor, size
        self.n_entries = len(self._lower[0] if self._full else floor)

    def to_vector(self, covariance):
        if self._full:
            return self._root(covariance)[self._lower]
        variances = np.diagonal(covariance)[: self.n_entries]
        return np.sqrt(np.maximum((variances - self._floor) / self._size**2, LEAST))

    def from_vector(self, vector):
        if not self._full:
            return self._identity * (self._floor + (self._size * vector) ** 2)
        root = np.zeros(self._identity.shape)
        root[self._lower] = vector
        root *= self._size[:, None]
        return symmetric(np.diag(self._floor) + root @ root.T)

    def gradient(self, slope, covariance):
        """Gradient in L, from the one in the entries of the covariance (chain rule)."""
        if self._full:
            root = self._size[:, None] * self._root(covariance)
            return (2 * self._size[:, None] * (slope @ root))[self._lower]
        slope = np.diagonal(slope)
        if self.n_entries < len(slope):
            slope = slope.sum(keepdims=True)
        return 2 * self._size**2 * slope * self.to_vector(covariance)

    def _root(self, covariance):
        """L in units of `size`, with a positive diagonal."""
        above = (covariance - np.diag(self._floor)) / np.outer(self._size, self._size)
        values, vectors = np.linalg.eigh(above)
        root = vectors * np.sqrt(np.maximum(values, LEAST))
        lower = np.linalg.qr(root.T, mode="r").T
        return lower * np.where(np.diagonal(lower) < 0, -1.0, 1.0)


def gradients(statistics, parameters):
    """Derivatives of the log-likelihood in the entries of all parameters.

    Parameters
    ----------
    statistics : Statistics
        Of an E-step with these parameters.
    parameters : Parameters

    Returns
    -------
    slopes : dict of str to ndarray
        By name and in the shape of each parameter. Zero along directions in which a
        covariance is singular.
    """
    sums, p = statistics, parameters
    n = len(p.transition_matrix)
    slopes = {}
    for matrix, inputs, covariance, count, yy, yz, zz in (
        (
            "transition_matrix",
            "input_matrix",
            "transition_covariance",
            sums.n_transitions,
            sums.s_next_s_next,
            sums.s_next_z,
            sums.z_z_transition,
        ),
        (
            "observation_matrix",
            "feedthrough_matrix",
            "observation_covariance",
            sums.n_observed,
            sums.x_x,
            sums.x_z,
            sums.z_z_observed,
        ),
        (
            "initial_state_mean",
            None,
            "initial_state_covariance",
            sums.n_sequences,
            sums.initial_outer,
            sums.initial_sum[:, None],
            np.array([[sums.n_sequences]]),
        ),
    ):
        first, noise = getattr(p, matrix), getattr(p, covariance)
        second = None if inputs is None else getattr(p, inputs)
        coef = first.reshape(len(noise), -1)
        moments = residual_moments(yy, yz, zz, coef, second)
        if second is not None:
            coef = np.hstack([coef, second])
        precision = inverse(noise)
        slope = precision @ (yz - coef @ zz)
        slopes[matrix] = slope[:, :n].reshape(first.shape)
        slopes[inputs] = slope[:, n:]
        slopes[covariance] = precision @ (moments - count * noise) @ precision / 2
    return slopes


def inverse(covariance):
    """Pseudo-inverse of a covariance."""
    variances = np.diagonal(covariance)
    scale = np.sqrt(np.where(variances > 0, variances, 1.0))
    scale = np.outer(scale, scale)
    return np.linalg.pinv(covariance / scale, rcond=EPS, hermitian=True) / scale
