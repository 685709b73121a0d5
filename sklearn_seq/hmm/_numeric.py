"""Base class of the hidden Markov models of numbers: forecasts of moments."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.closed_loop import lay_out
from .._core.docs import documented
from ._base import BaseHMM


@documented
class NumericHMM(BaseHMM):
    """Base of the hidden Markov models of real numbers and of counts."""

    def forecast(self, X, n_steps=1, *, groups=None, return_cov=False):
        """Mean and covariance of the rows that follow each sequence.

        Parameters
        ----------
        %(X)s

        n_steps : int, default=1
            Number of time steps to forecast.

        %(groups)s

        return_cov : bool, default=False
            Whether to return the covariances, too.

        Returns
        -------
        means : ndarray
            Of shape (n_sequences * n_steps, n_features) for rows,
            (n_sequences, n_steps, n_features) for a panel, an object array of arrays
            for a list. The whole distribution is a mixture of the states' emissions,
            with the weights that `forecast_proba` returns.

        covariances : ndarray
            The same with one more axis of length n_features. Only with
            ``return_cov=True``.
        """
        proba, layout = self._forecast_states(X, n_steps, groups)
        moments = self._make_emissions().moments(self.parameters().emission)
        if not return_cov:
            return lay_out(mixture_means(proba, moments[0]), layout)
        means, covariances = mixture_moments(proba, *moments)
        return lay_out(means, layout), lay_out(covariances, layout)


def mixture_means(proba, means):
    """The means that `mixture_moments` returns."""
    return np.einsum("...k,...kd->...d", proba, means)


def mixture_variances(proba, means, covariances):
    """As `mixture_moments`, with variances (..., n_features) instead of covariances."""
    mean = mixture_means(proba, means)
    diagonal = np.diagonal(covariances, axis1=-2, axis2=-1)
    variances = mixture_means(proba, diagonal)
    for k in range(proba.shape[-1]):
        variances += proba[..., k, None] * (means[..., k, :] - mean) ** 2
    return mean, variances


def mixture_moments(proba, means, covariances):
    """Mean m = Σ p μ and covariance Σ p (V + (μ - m)(μ - m)ᵀ) of mixtures over states.

    Parameters
    ----------
    proba : ndarray of shape (..., n_components)
        Weights of the states.
    means : ndarray of shape (n_components, n_features)
        Or with leading axes, for each mixture.
    covariances : ndarray of shape (n_components, n_features, n_features)
        Or with leading axes.

    Returns
    -------
    means : ndarray of shape (..., n_features)
    covariances : ndarray of shape (..., n_features, n_features)
    """
    mean = mixture_means(proba, means)
    deviations = means - mean[..., None, :]
    within = np.einsum("...k,...kij->...ij", proba, covariances)
    weighted = deviations * proba[..., None]
    return mean, within + np.swapaxes(weighted, -1, -2) @ deviations
