"""M-step of Gaussian means and covariances, with their conjugate prior.

The log prior of a component with mean m and covariance Σ is, up to a constant::

    -½ λ (m - μ)ᵀ Σ⁻¹ (m - μ) - ½ ν log|Σ| - ½ tr(Ψ Σ⁻¹)

With the weights γ[t] of the rows in the component and n = Σ γ[t], the M-step is::

    m = (Σ γ[t] x[t] + λ μ) / (n + λ)
    Σ = (Σ γ[t] (x[t] - m)(x[t] - m)ᵀ + λ (m - μ)(m - μ)ᵀ + Ψ) / (n + ν)

Where components share Σ, the sums run over all of them, with ν and Ψ once.

References
----------
Gauvain, J.-L. and Lee, C.-H. (1994). Maximum a posteriori estimation for multivariate
Gaussian mixture observations of Markov chains. IEEE Transactions on Speech and Audio
Processing, 2, 291-298.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._checks import as_numbers, spread
from ._covariances import as_matrices, factorise, floored

EMPTY = 1e-10  # weight in rows, at or below which a component keeps its parameters


class GaussianPrior(NamedTuple):
    """Conjugate prior of the means and covariances of C Gaussian components.

    Attributes
    ----------
    means : ndarray of shape (C, D)
        μ.

    weights : ndarray of shape (C,)
        λ, in rows.

    degrees : float
        ν; of a spherical covariance, the sum over all features.

    scale : ndarray
        Ψ, in the shape of the covariances.
    """

    means: np.ndarray
    weights: np.ndarray
    degrees: float
    scale: np.ndarray

    @classmethod
    def of(cls, settings, shape, n_groups):
        """The prior that a family's settings define.

        Parameters
        ----------
        settings : GaussianEmissions or GaussianMixtureEmissions
        shape : (int, ..., int)
            Shape of the means; the last axis is that of the features.
        n_groups : int
            Number of tied covariances.
        """
        D, kind = shape[-1], settings.covariance_type
        weight = float(settings.covars_weight)
        degrees = max(weight - (D if kind in ("full", "tied") else 1), 0.0)
        numbers = settings.means_prior, settings.means_weight, settings.covars_prior
        if all(isinstance(value, float | int) for value in numbers):
            if not (settings.means_weight or settings.covars_prior or degrees):
                return FLAT
        means = spread(settings.means_prior, "means_prior", shape)
        weights = spread(settings.means_weight, "means_weight", shape[:-1])
        means = np.where(weights[..., None] > 0, means, 0.0)
        scale = scale_matrix(settings.covars_prior, kind, D)
        if kind == "spherical":
            degrees, scale = degrees * D, scale * D
        C = n_groups if kind == "tied" else int(np.prod(shape[:-1]))
        scale = np.broadcast_to(scale, (C, *scale.shape))
        return cls(means.reshape(-1, D), weights.ravel(), degrees, scale)


FLAT = GaussianPrior(np.zeros((1, 1)), np.zeros(1), 0.0, np.zeros(1))  # no prior


def scale_matrix(covars_prior, covariance_type, n_features):
    """Ψ in the shape of one covariance; a number stands for its multiple of I."""
    D = n_features
    value = as_numbers(covars_prior, "covars_prior")
    shape = {"diag": (D,), "spherical": ()}.get(covariance_type, (D, D))
    if value.ndim == 0 and len(shape) == 2:
        return value * np.eye(D)
    if value.shape == shape or value.ndim == 0:
        return np.broadcast_to(value, shape)
    raise ValueError(
        f"covars_prior has shape {value.shape}, but covariances of type "
        f"{covariance_type!r} of {D} features have shape {shape}. Give a number, or an "
        "array of this shape."
    )


def maximise(moments, means, covariances, covariance_type, prior, floor, fixed):
    """M-step: maximise the expected log density plus the log prior.

    Components without weight keep their means and covariances.

    Parameters
    ----------
    moments : Moments
    means : ndarray of shape (C, D)
        Current means.
    covariances : ndarray
        Current covariances.
    covariance_type : {"full", "tied", "diag", "spherical"}
    prior : GaussianPrior
    floor : float
        Smallest eigenvalue of a covariance.
    fixed : collection of str
        "means" and "covariances" if they are fixed.

    Returns
    -------
    means : ndarray of shape (C, D)
    covariances : ndarray
    """
    n, sums = moments.counts, moments.sums
    each = n[:, None] if n.ndim == 1 else n
    if "means" not in fixed:
        total, weighted = each, sums
        if prior is not FLAT:
            total = each + prior.weights[:, None]
            weighted = sums + prior.weights[:, None] * prior.means
        has_data = each > EMPTY
        means = np.where(has_data, weighted / np.where(has_data, total, 1.0), means)
    if "covariances" in fixed:
        return means, covariances
    if covariance_type in ("diag", "spherical"):
        squares = moments.products + means * (n * means - 2 * sums)
        if prior is not FLAT:
            squares += prior.weights[:, None] * np.square(means - prior.means)
        if covariance_type == "spherical":
            squares, n = squares.sum(axis=1), n.sum(axis=1)
    else:
        squares = moments.products
        cross = means[:, :, None] * sums[:, None, :]
        outer = means[:, :, None] * means[:, None, :]
        change = n[:, None, None] * outer - cross - np.swapaxes(cross, 1, 2)
        if prior is not FLAT:
            from_prior = means - prior.means
            outer = from_prior[:, :, None] * from_prior[:, None, :]
            change += prior.weights[:, None, None] * outer
        if covariance_type == "tied":
            n_groups = len(covariances)
            change = change.reshape(-1, n_groups, *change.shape[1:]).sum(axis=0)
            n = n.reshape(-1, n_groups).sum(axis=0)
        squares = squares + change
        n = n[:, None, None]
    has_data = n > EMPTY
    if prior is not FLAT:
        squares, n = squares + prior.scale, n + prior.degrees
    squares = squares / np.where(has_data, n, 1.0)
    squares = floored(squares, covariance_type, floor)
    return means, np.where(has_data, squares, covariances)


def log_prior(means, covariances, covariance_type, prior):
    """Logarithm of the prior, up to a constant."""
    if prior is FLAT:
        return 0.0
    from_prior = means - prior.means
    if covariance_type in ("diag", "spherical"):
        variances = covariances.reshape(len(means), -1)
        distances = (np.square(from_prior) / variances).sum(axis=1)
        logs, traces = np.log(covariances), prior.scale / covariances
    else:
        whitening, logs = factorise(covariances)
        traces = np.einsum("kij,kil,klj->k", whitening, prior.scale, whitening)
        whitening = as_matrices(whitening, covariance_type, means)
        white = np.einsum("ki,kij->kj", from_prior, whitening)
        distances = np.square(white).sum(axis=1)
    total = prior.weights @ distances + prior.degrees * logs.sum() + traces.sum()
    return -0.5 * float(total)
