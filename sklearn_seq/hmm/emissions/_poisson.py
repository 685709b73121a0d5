"""Poisson emissions: counts."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy

from ._checks import check_array, check_names, spread
from ._m_step import EMPTY
from ._rows import chunks
from ._units import Natural

LARGEST = 1e18  # largest rate with exact integer counts
SMALLEST_RATE = 1e-10  # smallest rate that is learned
SMALLEST = 1e-300  # stands for zero in the log prior
TABLE_SIZE = 1 << 12  # counts whose log factorials are looked up


class PoissonParameters(NamedTuple):
    """Parameters of Poisson emissions.

    Attributes
    ----------
    rates : ndarray of shape (K, D)
        Mean counts.
    """

    rates: np.ndarray


@dataclass(frozen=True, eq=False)
class PoissonEmissions:
    """Poisson counts, with a rate for each feature in each state; independent.

    Missing counts are NaN. A rate of zero is exact: only the count 0 is possible.
    Learned rates are at least 1e-10, so that no state excludes a count for good.

    Parameters
    ----------
    rates_prior : float or array-like of shape (D,) or (K, D), default=0.0
        Pseudo-counts. The prior of a rate is a gamma distribution of shape
        ``rates_prior + 1`` and rate `rates_weight`.

    rates_weight : float or array-like of shape (D,) or (K, D), default=0.0
        The number of rows of these pseudo-counts; 0 is no prior.
    """

    rates_prior: float = 0.0
    rates_weight: float = 0.0

    parameters_type = PoissonParameters
    names = ("rates",)

    def standardise(self, rows):
        """Rows, emissions and units: there is nothing to standardise."""
        return rows, self, Natural()

    def log_densities(self, parameters, rows):
        """Log probability of each row in each state, of shape (N, K)."""
        rates = parameters.rates
        K, D = rates.shape
        out = np.empty((len(rows), K))
        possible = rates > 0
        logs = np.log(np.where(possible, rates, 1.0))
        coefficients = np.hstack([logs, -rates, -np.ones((K, D))]).T
        zeros = np.argwhere(~possible)
        for piece in chunks(len(rows), 3 * D + K):
            counts = rows[piece]
            known = ~np.isnan(counts)
            counts = np.where(known, counts, 0.0)
            columns = np.hstack([counts, known, _log_factorials(counts)])
            part = out[piece]
            np.matmul(columns, coefficients, out=part)
            for k, d in zeros:
                part[counts[:, d] > 0, k] = -np.inf
        return out

    def prepare(self, rows):
        """Rows unchanged: no preparation is needed."""
        return rows

    def evaluate(self, parameters, rows):
        """Log probabilities, and a function for statistics, as GaussianEmissions."""

        def statistics(proba):
            return _sums(rows, proba)

        return self.log_densities(parameters, rows), statistics

    def weights(self, statistics):
        """Expected number of rows in each state: (K,)."""
        return statistics[0]

    def maximise(self, statistics, parameters, fixed=frozenset()):
        """M-step: λ = (Σ γ[t] x[t] + rates_prior) / (Σ γ[t] + rates_weight).

        States without weight keep their rates.

        Parameters
        ----------
        statistics : tuple of ndarray
        parameters : PoissonParameters
            Current parameters.
        fixed : collection of str
            Names of fixed parameters.

        Returns
        -------
        parameters : PoissonParameters
        """
        if "rates" in fixed:
            return parameters
        _, n, sums = statistics
        has_data = n > EMPTY
        prior, weight = self._prior(sums.shape)
        totals = np.where(has_data, n + weight, 1.0)
        rates = np.maximum((sums + prior) / totals, SMALLEST_RATE)
        return PoissonParameters(np.where(has_data, rates, parameters.rates))

    def log_prior(self, parameters):
        """Log prior density, up to a constant."""
        rates = parameters.rates
        prior, weight = self._prior(rates.shape)
        logs = xlogy(prior, np.maximum(rates, SMALLEST))
        with np.errstate(over="ignore"):  # then the density is zero
            return float((logs - weight * rates).sum())

    def _prior(self, shape):
        """Pseudo-counts and their numbers of rows, both of shape (K, D)."""
        return (
            spread(self.rates_prior, "rates_prior", shape),
            spread(self.rates_weight, "rates_weight", shape),
        )

    def guess(self, rows, proba, rng):
        """Initial parameters from probabilities of the states; zero rows do not count.

        Overall rates count as one more row, so that no count is excluded. States
        without weight get randomly perturbed overall rates.
        """
        _, n, sums = _sums(rows, proba)
        overall = _overall(rows)
        moved = _moved(overall, len(n), rng)
        return PoissonParameters((sums + np.where(n > EMPTY, overall, moved)) / (n + 1))

    def random_guess(self, rows, n_components, rng):
        """Draws from gamma distributions about overall rates."""
        return PoissonParameters(_moved(_overall(rows), n_components, rng))

    def sample(self, parameters, states, rng):
        """Rows of counts drawn from states (N,)."""
        if parameters.rates.max() > LARGEST:
            raise ValueError(
                f"rates_ of up to {parameters.rates.max():.3g} are too large to draw "
                f"counts: expected at most {LARGEST:.3g}."
            )
        return rng.poisson(parameters.rates[states]).astype(np.float64)

    def moments(self, parameters):
        """Means (K, D) and covariances (K, D, D) of rows given their state."""
        rates = parameters.rates
        return rates, rates[:, :, None] * np.eye(rates.shape[1])

    def condition(self, parameters, rows, known, unknown, means_only=False):
        """Conditional moments of some features given others, for each state.

        Features are independent, so that the known ones do not matter; with
        `means_only` the covariances are None.

        Returns
        -------
        means : ndarray of shape (N, K, n_unknown)
        covariances : ndarray of shape (K, n_unknown, n_unknown)
        """
        rates = parameters.rates[:, np.asarray(unknown, dtype=np.intp)]
        means = np.repeat(rates[None], len(rows), axis=0)
        if means_only:
            return means, None
        return means, rates[:, :, None] * np.eye(rates.shape[1])

    def n_free(self, parameters, fixed=frozenset()):
        """The number of free parameters."""
        return 0 if "rates" in fixed else parameters.rates.size

    def check(self, n_components=None, **arrays):
        """Check parameters that users give; as arrays.

        Parameters
        ----------
        n_components : int, default=None
        rates : array-like of shape (K, D)

        Returns
        -------
        parameters : PoissonParameters

        Raises
        ------
        ValueError
            If the shape does not fit, or a rate is negative or not finite.
        """
        return PoissonParameters(**self._check(n_components, None, arrays, "{}"))

    def check_some(self, n_components, n_features, **arrays):
        """Check some parameters, to be fixed; as a dict of arrays."""
        return self._check(n_components, n_features, arrays, "fixed[{!r}]")

    def _check(self, K, D, arrays, form):
        check_names(arrays, self.names, form)
        if "rates" not in arrays:
            return {}
        name = form.format("rates")
        rates = check_array(arrays["rates"], name, (K, D), "(n_components, n_features)")
        if (rates < 0).any():
            place = tuple(np.argwhere(rates < 0)[0].tolist())
            raise ValueError(
                f"{name} has the value {rates[place]:.6g} at {place}, but expected at "
                "least 0: rates are mean counts. Raise it."
            )
        return {"rates": rates}


def _log_factorials(counts):
    if counts.max(initial=0.0) < TABLE_SIZE:
        table = gammaln(np.arange(1.0, 1.0 + TABLE_SIZE))
        return table[counts.astype(np.intp)]
    return gammaln(counts + 1.0)


def _sums(rows, proba):
    """Weights of states (K,), and weights and sums of counts (K, D) by feature."""
    D, K = rows.shape[1], proba.shape[1]
    total = np.zeros((2 * D, K))
    for piece in chunks(len(rows), 3 * D):
        known = ~np.isnan(rows[piece])
        columns = np.hstack([known, np.where(known, rows[piece], 0.0)])
        total += columns.T @ proba[piece]
    return proba.sum(axis=0), total[:D].T, total[D:].T


def _overall(rows):
    """Mean counts, none of them zero: half a count is added."""
    _, n, sums = _sums(rows, np.ones((len(rows), 1)))
    return ((sums + 0.5) / (n + 1.0))[0]


def _moved(rates, n, rng):
    """Random perturbations of rates, none of them zero."""
    return rates * (0.1 + 0.9 * rng.gamma(2.0, 0.5, size=(n, rates.size)))
