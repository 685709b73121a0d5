"""Gaussian emissions."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ._checks import check_array, check_covariances, check_names
from ._columns import Prepared, found_of
from ._conditional import conditional_moments
from ._covariances import as_matrices, n_free
from ._densities import log_densities
from ._m_step import GaussianPrior, log_prior, maximise
from ._moments import Moments, moments
from ._standardised import StandardisedEmissions
from ._start import deviates, draw, overall, random_rows

PASSES = 5  # EM iterations over missing values, with given states


class GaussianParameters(NamedTuple):
    """Parameters of Gaussian emissions.

    Attributes
    ----------
    means : ndarray of shape (K, D)

    covariances : ndarray
        (K, D, D) if full, (D, D) if tied, (K, D) if diag, (K,) if spherical.
    """

    means: np.ndarray
    covariances: np.ndarray


@dataclass(frozen=True, eq=False)
class GaussianEmissions(StandardisedEmissions):
    """Gaussian emissions: x[t] ~ N(m, Σ) with the mean and covariance of its state.

    Missing values, NaN, are integrated out. A row without values has the density 1 in
    every state.

    Parameters
    ----------
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        As in scikit-learn's `GaussianMixture`.

    reg_covar : float, default=1e-6
        Floor of the eigenvalues of covariances; in units in which rows are
        standardised, relative to the variances of the features. At least the level of
        rounding: 1e-9, for variances 1e-12.

    means_prior : float or array-like of shape (D,) or (K, D), default=0.0
        Prior mean of the means.

    means_weight : float or array-like of shape (K,), default=0.0
        Weight of that prior, in rows; 0 is no prior.

    covars_prior : float or array-like, default=0.0
        Scale of the prior of the covariances: for matrices inverse Wishart, of shape
        (D, D), where a number stands for its multiple of the identity; for variances
        inverse gamma, of shape (D,) or a number.

    covars_weight : float, default=0.0
        Weight of that prior: the excess over D (for variances, over 1) counts in rows.
    """

    covariance_type: str = "full"
    reg_covar: float = 1e-6
    means_prior: float = 0.0
    means_weight: float = 0.0
    covars_prior: float = 0.0
    covars_weight: float = 0.0

    parameters_type = GaussianParameters
    names = ("means", "covariances")

    def log_densities(self, parameters, rows):
        """Log density of each row in each state, of shape (N, K)."""
        means, covariances = self._components(parameters)
        return log_densities(means, covariances, self.covariance_type, rows)

    def evaluate(self, parameters, rows):
        """Log densities, and a function for the sufficient statistics of the E-step.

        Parameters
        ----------
        parameters : GaussianParameters
        rows : ndarray of shape (N, D) or Prepared

        Returns
        -------
        log_densities : ndarray of shape (N, K)
        statistics : callable
            From posterior probabilities of the states (N, K) to sums over rows.
        """
        means, covariances = self._components(parameters)
        kind = self.covariance_type
        rows, found = found_of(rows, kind)

        def statistics(proba):
            return tuple(moments(rows, proba, means, covariances, kind, found))

        return log_densities(means, covariances, kind, rows, found), statistics

    def weights(self, statistics):
        """Expected number of rows in each state: (K,)."""
        return Moments(*statistics).weights

    def maximise(self, statistics, parameters, fixed=frozenset()):
        """M-step, with the formulas in `_m_step`.

        States without weight keep their parameters.

        Parameters
        ----------
        statistics : tuple of ndarray
        parameters : GaussianParameters
            Current parameters.
        fixed : collection of str
            Names of fixed parameters.

        Returns
        -------
        parameters : GaussianParameters
        """
        means, covariances = self._components(parameters)
        means, covariances = maximise(
            Moments(*statistics),
            means,
            covariances,
            self.covariance_type,
            self._prior(means.shape),
            self.reg_covar,
            fixed,
        )
        return GaussianParameters(means, self._stored(covariances))

    def log_prior(self, parameters):
        """Log prior density, up to a constant."""
        means, covariances = self._components(parameters)
        prior = self._prior(means.shape)
        return log_prior(means, covariances, self.covariance_type, prior)

    def guess(self, rows, proba, rng):
        """Initial parameters from probabilities of the states; zero rows do not count.

        Parameters
        ----------
        rows : ndarray of shape (N, D)
        proba : ndarray of shape (N, K)
        rng : RandomState

        Returns
        -------
        parameters : GaussianParameters
            States without weight get the overall mean, randomly perturbed, and the
            overall covariance.
        """
        K = proba.shape[1]
        whole = self._whole(rows)
        means = np.repeat(whole.means, K, axis=0)
        means += deviates(as_matrices(*self._typed(whole)), K, rng)
        parameters = self._repeated(whole, means)
        return self._improved(rows, np.asarray(proba, dtype=np.float64), parameters)

    def random_guess(self, rows, n_components, rng):
        """Random rows for means, and overall covariances."""
        whole = self._whole(rows)
        deviation = deviates(as_matrices(*self._typed(whole)), n_components, rng)
        means = random_rows(rows, whole.means[0], deviation, rng)
        return self._repeated(whole, means)

    def sample(self, parameters, states, rng):
        """Rows drawn from states.

        Parameters
        ----------
        parameters : GaussianParameters
        states : ndarray of int of shape (N,)
        rng : RandomState

        Returns
        -------
        rows : ndarray of shape (N, D)
        """
        return draw(*self.moments(parameters), states, rng)

    def moments(self, parameters):
        """Means (K, D) and covariances (K, D, D) of rows given their state."""
        means, covariances = self._components(parameters)
        return means, as_matrices(covariances, self.covariance_type, means)

    def condition(self, parameters, rows, known, unknown, means_only=False):
        """Conditional moments of some features given others, for each state.

        Parameters
        ----------
        parameters : GaussianParameters
        rows : ndarray of shape (N, D)
        known, unknown : array-like of int
            Features; the known ones may have missing values.
        means_only : bool, default=False
            Whether to skip the covariances (None).

        Returns
        -------
        means : ndarray of shape (N, K, n_unknown)
        covariances : ndarray of shape (K, n_unknown, n_unknown)
            Or (N, K, n_unknown, n_unknown) with missing values among known features.
        """
        means, covariances = self.moments(parameters)
        return conditional_moments(means, covariances, rows, known, unknown, means_only)

    def n_free(self, parameters, fixed=frozenset()):
        """The number of free parameters."""
        K, D = parameters.means.shape
        total = 0 if "means" in fixed else K * D
        if "covariances" not in fixed:
            total += n_free(self.covariance_type, K, 1, D)
        return total

    def check(self, n_components=None, **arrays):
        """Check parameters that users give; as arrays.

        Parameters
        ----------
        n_components : int, default=None
        means, covariances : array-like

        Returns
        -------
        parameters : GaussianParameters

        Raises
        ------
        ValueError
            If a shape does not fit, a number is not finite, or a covariance is not
            positive definite.
        """
        checked = self._check(n_components, None, arrays, "{}")
        return GaussianParameters(**checked)

    def check_some(self, n_components, n_features, **arrays):
        """Check some parameters, to be fixed; as a dict of arrays."""
        return self._check(n_components, n_features, arrays, "fixed[{!r}]")

    def _check(self, K, D, arrays, form):
        check_names(arrays, self.names, form)
        checked = {}
        if "means" in arrays:
            name = form.format("means")
            checked["means"] = check_array(
                arrays["means"], name, (K, D), "(n_components, n_features)"
            )
            K, D = checked["means"].shape
        if "covariances" in arrays:
            shape, axes = {
                "full": ((K, D, D), "(n_components, n_features, n_features)"),
                "tied": ((D, D), "(n_features, n_features)"),
                "diag": ((K, D), "(n_components, n_features)"),
                "spherical": ((K,), "(n_components,)"),
            }[self.covariance_type]
            checked["covariances"] = check_covariances(
                arrays["covariances"],
                form.format("covariances"),
                self.covariance_type,
                shape,
                axes,
            )
        return checked

    def _components(self, parameters):
        """Means and covariances as those of components; a tied one has a group axis."""
        means, covariances = parameters
        if self.covariance_type == "tied":
            covariances = covariances[None]
        return means, covariances

    def _stored(self, covariances):
        return covariances[0] if self.covariance_type == "tied" else covariances

    def _typed(self, parameters):
        means, covariances = self._components(parameters)
        return covariances, self.covariance_type, means

    def _prior(self, shape):
        return GaussianPrior.of(self, shape, 1)

    def _whole(self, rows):
        """Overall mean and covariance, as the parameters of a single state."""
        parameters = GaussianParameters(*overall(rows, self.covariance_type))
        flat = GaussianEmissions(self.covariance_type, self.reg_covar)
        return flat._improved(rows, np.ones((len(rows), 1)), parameters)

    def _repeated(self, whole, means):
        covariances = whole.covariances
        if self.covariance_type != "tied":
            covariances = np.repeat(covariances, len(means), axis=0)
        return GaussianParameters(means, covariances)

    def _improved(self, rows, proba, parameters):
        """Parameters after an M-step; after several with missing values."""
        kind = self.covariance_type
        found = Prepared(rows, kind).found
        for _ in range(PASSES if np.isnan(rows).any() else 1):
            means, covariances = self._components(parameters)
            sums = moments(rows, proba, means, covariances, kind, found)
            parameters = self.maximise(sums, parameters)
        return parameters
