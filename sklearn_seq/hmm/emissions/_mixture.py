"""Emissions that are mixtures of Gaussians."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from ._checks import (
    as_numbers,
    check_array,
    check_covariances,
    check_distributions,
    check_names,
)
from ._columns import Prepared, found_of
from ._conditional import conditional_moments
from ._covariances import as_matrices, n_free
from ._densities import log_densities
from ._gaussian import GaussianEmissions
from ._m_step import EMPTY, FLAT, GaussianPrior, log_prior, maximise
from ._moments import Moments, moments
from ._rows import chunks
from ._standardised import StandardisedEmissions
from ._start import clusters_within, deviates, draw, random_rows

PASSES = 5  # EM iterations over missing values, with given components
SMALLEST = 1e-300  # stands for zero in the log prior


class MixtureParameters(NamedTuple):
    """Parameters of emissions that are mixtures of Gaussians.

    Attributes
    ----------
    weights : ndarray of shape (K, M)

    means : ndarray of shape (K, M, D)

    covariances : ndarray
        (K, M, D, D) if full, (K, D, D) if tied, (K, M, D) if diag, (K, M) if
        spherical.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


@dataclass(frozen=True, eq=False)
class GaussianMixtureEmissions(StandardisedEmissions):
    """A mixture of Gaussian distributions of rows for each state.

    Missing values, NaN, are integrated out. A row without values has the density 1 in
    every state. In flat arrays, component m of state k has index m K + k.

    Parameters
    ----------
    n_mix : int, default=1
        The number of components of a state, M.

    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Tied covariances are shared by the components of a state.

    reg_covar : float, default=1e-6
        Floor of the eigenvalues of covariances; in units in which rows are
        standardised, relative to the variances of the features. At least the level of
        rounding: 1e-9, for variances 1e-12.

    weights_prior : float or array-like of shape (M,) or (K, M), default=1.0
        Dirichlet concentrations of weights, at least 1; 1 is flat.

    means_prior : float or array-like of shape (D,) or (K, M, D), default=0.0
        Prior mean of the means.

    means_weight : float or array-like of shape (M,) or (K, M), default=0.0
        Weight of that prior, in rows; 0 is no prior.

    covars_prior, covars_weight : float or array-like, default=0.0
        Scale and weight of the prior of covariances, as in `GaussianEmissions`.
    """

    n_mix: int = 1
    covariance_type: str = "full"
    reg_covar: float = 1e-6
    weights_prior: float = 1.0
    means_prior: float = 0.0
    means_weight: float = 0.0
    covars_prior: float = 0.0
    covars_weight: float = 0.0

    parameters_type = MixtureParameters
    names = ("weights", "means", "covariances")

    def __post_init__(self):
        prior = as_numbers(self.weights_prior, "weights_prior")
        if not np.size(prior) or not np.min(prior) >= 1:
            raise ValueError(
                f"weights_prior={self.weights_prior!r}, but expected at least 1: "
                "below, the likeliest weights are zeros. Set 1.0 for no prior."
            )

    def log_densities(self, parameters, rows):
        """Log density of each row in each state, of shape (N, K)."""
        return _mix(self._of_components(parameters, rows), len(parameters.weights))

    def evaluate(self, parameters, rows):
        """Log densities, and a function for the sufficient statistics of the E-step.

        Parameters
        ----------
        parameters : MixtureParameters
        rows : ndarray of shape (N, D) or Prepared

        Returns
        -------
        log_densities : ndarray of shape (N, K)
        statistics : callable
            From posterior probabilities of the states (N, K) to sums over rows.
        """
        kind = self.covariance_type
        means, covariances = _flat(parameters, kind)
        rows, found = found_of(rows, kind)
        shares = self._of_components(parameters, rows, found)
        out = _mix(shares, len(parameters.weights))

        def statistics(proba):
            weights = _by_mixture(shares, proba.shape[1]) * proba[:, None, :]
            weights = weights.reshape(shares.shape)
            return tuple(moments(rows, weights, means, covariances, kind, found))

        return out, statistics

    def weights(self, statistics):
        """Expected number of rows in each state: (K,)."""
        return Moments(*statistics).weights.reshape(self.n_mix, -1).sum(axis=0)

    def maximise(self, statistics, parameters, fixed=frozenset()):
        """M-step, with weights ∝ Σ γ[t] + weights_prior - 1 and formulas in `_m_step`.

        States and components without weight keep their parameters.

        Parameters
        ----------
        statistics : tuple of ndarray
        parameters : MixtureParameters
            Current parameters.
        fixed : collection of str
            Names of fixed parameters.

        Returns
        -------
        parameters : MixtureParameters
        """
        sums, kind = Moments(*statistics), self.covariance_type
        weights = parameters.weights
        if "weights" not in fixed:
            n = sums.weights.reshape(weights.shape[::-1]).T
            has_data = n.sum(axis=1, keepdims=True) > EMPTY
            n = n + (np.asarray(self.weights_prior) - 1.0)
            total = np.where(has_data, n.sum(axis=1, keepdims=True), 1.0)
            weights = np.where(has_data, n / total, weights)
        means, covariances = maximise(
            sums,
            *_flat(parameters, kind),
            kind,
            self._prior(parameters.means.shape),
            self.reg_covar,
            fixed,
        )
        return _nested(weights, means, covariances, kind)

    def log_prior(self, parameters):
        """Log prior density, up to a constant."""
        means, covariances = _flat(parameters, self.covariance_type)
        prior = self._prior(parameters.means.shape)
        excess = np.asarray(self.weights_prior) - 1.0
        total = xlogy(excess, np.maximum(parameters.weights, SMALLEST)).sum()
        return float(total) + log_prior(means, covariances, self.covariance_type, prior)

    def guess(self, rows, proba, rng):
        """Initial parameters from probabilities of the states; zero rows do not count.

        The rows of a state are clustered into components, whose weights count one more
        row each.

        Parameters
        ----------
        rows : ndarray of shape (N, D)
        proba : ndarray of shape (N, K)
        rng : RandomState

        Returns
        -------
        parameters : MixtureParameters
            States and components without weight get the overall mean, randomly
            perturbed, and the overall covariance.
        """
        K, M = proba.shape[1], self.n_mix
        parameters, deviations = self._whole(rows, K, rng)
        moved = parameters.means + deviations.reshape(M, K, -1).swapaxes(0, 1)
        parameters = parameters._replace(means=moved)
        weights = clusters_within(rows, proba, M, rng)
        kind = self.covariance_type
        found = Prepared(rows, kind).found
        without = replace(self, weights_prior=1.0)
        for _ in range(PASSES if np.isnan(rows).any() else 1):
            sums = moments(rows, weights, *_flat(parameters, kind), kind, found)
            parameters = without.maximise(sums, parameters)
        n = sums.weights.reshape(M, K).T + 1.0
        return parameters._replace(weights=n / n.sum(axis=1, keepdims=True))

    def random_guess(self, rows, n_components, rng):
        """Random rows for means, overall covariances, and equal weights."""
        parameters, deviations = self._whole(rows, n_components, rng)
        means = random_rows(rows, parameters.means[0, 0], deviations, rng)
        return parameters._replace(means=means.reshape(parameters.means.shape))

    def sample(self, parameters, states, rng):
        """Rows drawn from states.

        Parameters
        ----------
        parameters : MixtureParameters
        states : ndarray of int of shape (N,)
        rng : RandomState

        Returns
        -------
        rows : ndarray of shape (N, D)
        """
        weights = parameters.weights
        bounds = np.cumsum(weights, axis=1)
        bounds /= bounds[:, -1:]
        drawn = rng.uniform(size=(len(states), 1))
        component = (drawn >= bounds[states]).sum(axis=1)
        means, matrices = self._matrices(parameters)
        return draw(means, matrices, component * len(weights) + states, rng)

    def moments(self, parameters):
        """Means (K, D) and covariances (K, D, D) of rows given their state."""
        means, matrices = self._matrices(parameters)
        weights = parameters.weights.T.reshape(1, -1)
        means, covariances = _mixed(
            weights, means[None], matrices[None], len(parameters.weights)
        )
        return means[0], covariances[0]

    def condition(self, parameters, rows, known, unknown, means_only=False):
        """Conditional moments of some features given others, for each state.

        Parameters
        ----------
        parameters : MixtureParameters
        rows : ndarray of shape (N, D)
        known, unknown : array-like of int
            Features; the known ones may have missing values.
        means_only : bool, default=False
            Whether to skip the covariances (None).

        Returns
        -------
        means : ndarray of shape (N, K, n_unknown)
        covariances : ndarray of shape (N, K, n_unknown, n_unknown)
        """
        K = len(parameters.weights)
        alone = np.full(rows.shape, np.nan)
        alone[:, known] = rows[:, known]
        shares = self._of_components(parameters, alone)
        _mix(shares, K)
        means, left = conditional_moments(
            *self._matrices(parameters), rows, known, unknown, means_only
        )
        if means_only:
            return _mixed_means(shares, means, K), None
        return _mixed(shares, means, left if left.ndim == 4 else left[None], K)

    def n_free(self, parameters, fixed=frozenset()):
        """The number of free parameters."""
        K, M, D = parameters.means.shape
        total = 0 if "weights" in fixed else K * (M - 1)
        total += 0 if "means" in fixed else K * M * D
        if "covariances" not in fixed:
            total += n_free(self.covariance_type, K * M, K, D)
        return total

    def check(self, n_components=None, **arrays):
        """Check parameters that users give; as arrays.

        Parameters
        ----------
        n_components : int, default=None
        weights, means, covariances : array-like
            The first given one sets the number of components.

        Returns
        -------
        parameters : MixtureParameters

        Raises
        ------
        ValueError
            If a shape does not fit, a number is not finite, weights do not sum to one,
            or a covariance is not positive definite.
        """
        checked = self._check(n_components, None, None, arrays, "{}")
        return MixtureParameters(**checked)

    def check_some(self, n_components, n_features, **arrays):
        """Check some parameters, to be fixed; as a dict of arrays."""
        form = "fixed[{!r}]"
        return self._check(n_components, self.n_mix, n_features, arrays, form)

    def _check(self, K, M, D, arrays, form):
        check_names(arrays, self.names, form)
        checked = {}
        if "weights" in arrays:
            checked["weights"] = check_distributions(
                arrays["weights"],
                form.format("weights"),
                (K, M),
                "(n_components, n_mix)",
            )
            K, M = checked["weights"].shape
        if "means" in arrays:
            checked["means"] = check_array(
                arrays["means"],
                form.format("means"),
                (K, M, D),
                "(n_components, n_mix, n_features)",
            )
            K, M, D = checked["means"].shape
        if "covariances" in arrays:
            shape, axes = {
                "full": ((K, M, D, D), "(n_components, n_mix, n_features, n_features)"),
                "tied": ((K, D, D), "(n_components, n_features, n_features)"),
                "diag": ((K, M, D), "(n_components, n_mix, n_features)"),
                "spherical": ((K, M), "(n_components, n_mix)"),
            }[self.covariance_type]
            checked["covariances"] = check_covariances(
                arrays["covariances"],
                form.format("covariances"),
                self.covariance_type,
                shape,
                axes,
            )
        return checked

    def _of_components(self, parameters, rows, found=None):
        """Log of weight times density of each component: (N, M K)."""
        kind = self.covariance_type
        out = log_densities(*_flat(parameters, kind), kind, rows, found)
        with np.errstate(divide="ignore"):
            out += np.log(parameters.weights.T).ravel()
        return out

    def _matrices(self, parameters):
        """Means (M K, D) and covariances (M K, D, D) of all components."""
        means, covariances = _flat(parameters, self.covariance_type)
        return means, as_matrices(covariances, self.covariance_type, means)

    def _prior(self, shape):
        K, M, D = shape
        prior = GaussianPrior.of(self, shape, K)
        if prior is FLAT:
            return prior
        means = prior.means.reshape(K, M, D).swapaxes(0, 1).reshape(-1, D)
        weights = prior.weights.reshape(K, M).T.ravel()
        return prior._replace(means=means, weights=weights)

    def _whole(self, rows, K, rng):
        """Equal components with overall moments, and random perturbations (M K, D)."""
        M, kind = self.n_mix, self.covariance_type
        whole = GaussianEmissions(kind, self.reg_covar)
        one = whole.guess(rows, np.ones((len(rows), 1)), rng)
        covariances = one.covariances if kind == "tied" else one.covariances[0]
        shape = (K,) if kind == "tied" else (K, M)
        parameters = MixtureParameters(
            np.full((K, M), 1.0 / M),
            np.tile(one.means, (K, M, 1)),
            np.broadcast_to(covariances, (*shape, *np.shape(covariances))).copy(),
        )
        return parameters, deviates(whole.moments(one)[1], K * M, rng)


def _flat(parameters, covariance_type):
    """Means and covariances of all components, flat with the states last."""
    covariances = parameters.covariances
    if covariance_type != "tied":
        covariances = covariances.swapaxes(0, 1)
        covariances = covariances.reshape(-1, *covariances.shape[2:])
    D = parameters.means.shape[2]
    return parameters.means.swapaxes(0, 1).reshape(-1, D), covariances


def _nested(weights, means, covariances, covariance_type):
    """The inverse of `_flat`."""
    K, M = weights.shape

    def nested(array):
        return array.reshape(M, K, *array.shape[1:]).swapaxes(0, 1).copy()

    if covariance_type != "tied":
        covariances = nested(covariances)
    return MixtureParameters(weights, nested(means), covariances)


def _by_mixture(values, n_states):
    """Values of components (N, M K) as (N, M, K)."""
    return values.reshape(len(values), values.shape[1] // n_states, n_states)


def _mix(logs, n_states):
    """Log densities of states, by log-sum-exp over their components.

    In place, ``logs`` becomes the posterior probabilities of components given the
    state; all zero where a state has density 0.
    """
    values = _by_mixture(logs, n_states)
    out = np.empty((len(values), n_states))
    for piece in chunks(len(values), logs.shape[1]):
        here = values[piece]
        top = here.max(axis=1)
        top[top == -np.inf] = 0.0
        here -= top[:, None, :]
        np.exp(here, out=here)
        totals = here.sum(axis=1)
        here /= np.where(totals > 0, totals, 1.0)[:, None, :]
        with np.errstate(divide="ignore"):
            np.add(np.log(totals), top, out=out[piece])
    return out


def _mixed_means(shares, means, n_states):
    """The means that `_mixed` returns."""
    means = means.reshape(means.shape[0], -1, n_states, means.shape[2])
    return np.einsum("nmk,nmkd->nkd", _by_mixture(shares, n_states), means)


def _mixed(shares, means, covariances, n_states):
    """Moments of mixtures, from those of components with weights `shares`.

    Parameters
    ----------
    shares : ndarray of shape (N, M K)
    means : ndarray of shape (N, M K, D)
    covariances : ndarray of shape (N or 1, M K, D, D)
    n_states : int

    Returns
    -------
    means : ndarray of shape (N, K, D)
    covariances : ndarray of shape (N, K, D, D)
    """
    mean = _mixed_means(shares, means, n_states)
    shares = _by_mixture(shares, n_states)
    shape = means.shape[0], -1, n_states, means.shape[2]
    means = means.reshape(shape)
    covariances = covariances.reshape(len(covariances), *shape[1:], shape[3])
    deviations = means - mean[:, None]
    within = np.einsum(
        "nmk,nmkde->nkde",
        shares,
        np.broadcast_to(covariances, (len(shares), *covariances.shape[1:])),
    )
    weighted = shares[..., None] * deviations
    return mean, within + np.einsum("nmkd,nmke->nkde", weighted, deviations)
