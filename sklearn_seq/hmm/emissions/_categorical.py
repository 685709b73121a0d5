"""Categorical emissions: symbols."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.special import xlogy

from ._checks import check_distributions, check_names
from ._m_step import EMPTY
from ._rows import chunks
from ._units import Natural

SMALLEST = 1e-300  # stands for zero in the log prior


class CategoricalParameters(NamedTuple):
    """Parameters of categorical emissions.

    Attributes
    ----------
    emissionprob : tuple of ndarray of shape (K, n_symbols)
        Probabilities of the symbols of each column.
    """

    emissionprob: tuple


@dataclass(frozen=True, eq=False)
class CategoricalEmissions:
    """Categorical distribution of symbols in each state; columns are independent.

    Rows are codes from 0, and -1 is missing. A probability of zero is exact.

    Parameters
    ----------
    n_symbols : tuple of int, default=()
        The number of symbols of each column. If empty, the highest code plus one.

    emissionprob_prior : float, default=1.0
        Dirichlet concentration, at least 1; 1 is flat.
    """

    n_symbols: tuple = ()
    emissionprob_prior: float = 1.0

    parameters_type = CategoricalParameters
    names = ("emissionprob",)

    def __post_init__(self):
        if not np.min(self.emissionprob_prior) >= 1:
            raise ValueError(
                f"emissionprob_prior={self.emissionprob_prior!r}, but expected at "
                "least 1: below, the likeliest probabilities are zeros. Set 1.0 for no "
                "prior."
            )

    def standardise(self, rows):
        """Rows, emissions and units: there is nothing to standardise."""
        return rows, self, Natural()

    def log_densities(self, parameters, rows):
        """Log probability of each row in each state, of shape (N, K)."""
        tables = [_logs(table) for table in parameters.emissionprob]
        K = len(parameters.emissionprob[0])
        out = np.empty((len(rows), K))
        codes = np.asarray(rows, dtype=np.intp)
        for piece in chunks(len(rows), 2 * K):
            part = out[piece]
            part[:] = tables[0][codes[piece, 0]]
            for d in range(1, len(tables)):
                part += tables[d][codes[piece, d]]
        return out

    def prepare(self, rows):
        """Rows unchanged: no preparation is needed."""
        return rows

    def evaluate(self, parameters, rows):
        """Log probabilities, and a function for statistics, as GaussianEmissions."""
        sizes = [table.shape[1] for table in parameters.emissionprob]

        def statistics(proba):
            return _counts(rows, proba, sizes)

        return self.log_densities(parameters, rows), statistics

    def weights(self, statistics):
        """Expected number of rows in each state: (K,)."""
        return statistics[0]

    def maximise(self, statistics, parameters, fixed=frozenset()):
        """M-step: p[c] ∝ Σ γ[t] 1{x[t] = c} + emissionprob_prior - 1.

        States without weight keep their probabilities.

        Parameters
        ----------
        statistics : tuple of ndarray
        parameters : CategoricalParameters
            Current parameters.
        fixed : collection of str
            Names of fixed parameters.

        Returns
        -------
        parameters : CategoricalParameters
        """
        if "emissionprob" in fixed:
            return parameters
        tables = []
        for counts, table in zip(statistics[1:], parameters.emissionprob, strict=True):
            has_data = counts.sum(axis=1, keepdims=True) > EMPTY
            counts = counts + (self.emissionprob_prior - 1.0)
            totals = counts.sum(axis=1, keepdims=True)
            shares = counts / np.where(has_data, totals, 1.0)
            tables.append(np.where(has_data, shares, table))
        return CategoricalParameters(tuple(tables))

    def log_prior(self, parameters):
        """Log prior density, up to a constant."""
        if np.all(self.emissionprob_prior == 1.0):
            return 0.0
        return float(
            sum(
                xlogy(self.emissionprob_prior - 1.0, np.maximum(table, SMALLEST)).sum()
                for table in parameters.emissionprob
            )
        )

    def guess(self, rows, proba, rng):
        """Initial parameters from probabilities of the states; zero rows do not count.

        Overall frequencies count as one more row, so that no symbol is excluded. States
        without weight get randomly perturbed overall frequencies.
        """
        counts = _counts(rows, proba, self._sizes(rows))
        tables = []
        for column, frequencies in zip(counts[1:], self._overall(rows), strict=True):
            there = column.sum(axis=1, keepdims=True) > EMPTY
            moved = _moved(frequencies, len(column), rng)
            column = column + np.where(there, frequencies, moved)
            tables.append(column / column.sum(axis=1, keepdims=True))
        return CategoricalParameters(tuple(tables))

    def random_guess(self, rows, n_components, rng):
        """Draws from Dirichlet distributions about overall frequencies."""
        return CategoricalParameters(
            tuple(_moved(each, n_components, rng) for each in self._overall(rows))
        )

    def sample(self, parameters, states, rng):
        """Rows of codes drawn from states (N,)."""
        rows = np.empty((len(states), len(parameters.emissionprob)), dtype=np.intp)
        for d, table in enumerate(parameters.emissionprob):
            drawn = rng.uniform(size=len(states))
            bounds = np.cumsum(table, axis=1)
            bounds /= bounds[:, -1:]
            for k in np.unique(states):
                here = states == k
                rows[here, d] = np.searchsorted(bounds[k], drawn[here], side="right")
        return rows

    def n_free(self, parameters, fixed=frozenset()):
        """The number of free parameters."""
        if "emissionprob" in fixed:
            return 0
        return sum(
            len(table) * (table.shape[1] - 1) for table in parameters.emissionprob
        )

    def check(self, n_components=None, **arrays):
        """Check parameters that users give; as arrays.

        Parameters
        ----------
        n_components : int, default=None
        emissionprob : array-like of shape (K, n_symbols), or sequence of them
            One for each column.

        Returns
        -------
        parameters : CategoricalParameters

        Raises
        ------
        ValueError
            If a shape does not fit, or probabilities do not sum to one.
        """
        return CategoricalParameters(**self._check(n_components, None, arrays, "{}"))

    def check_some(self, n_components, n_features, **arrays):
        """Check some parameters, to be fixed; as a dict."""
        return self._check(n_components, n_features, arrays, "fixed[{!r}]")

    def _check(self, K, D, arrays, form):
        check_names(arrays, self.names, form)
        if "emissionprob" not in arrays:
            return {}
        tables, name = arrays["emissionprob"], form.format("emissionprob")
        several = isinstance(tables, list | tuple) and len(tables) > 0
        alone = not several or np.ndim(tables[0]) < 2
        tables = [tables] if alone else tables
        if D is None:
            D = len(self.n_symbols) or len(tables)
        if len(tables) != D:
            raise ValueError(
                f"{name} has {len(tables)} table(s), but there are {D} column(s). Give "
                "a list with a table (n_components, n_symbols) for each."
            )
        checked = []
        for d, table in enumerate(tables):
            table = check_distributions(
                table,
                name if alone else f"{name}[{d}]",
                (K, self.n_symbols[d] if self.n_symbols else None),
                "(n_components, n_symbols)",
            )
            K = len(table)
            checked.append(table)
        return {"emissionprob": tuple(checked)}

    def _sizes(self, rows):
        if len(self.n_symbols):
            return self.n_symbols
        return tuple(np.maximum(np.max(rows, axis=0), 0) + 1)

    def _overall(self, rows):
        """Frequencies of the symbols of each column; none is zero."""
        counts = _counts(rows, np.ones((len(rows), 1)), self._sizes(rows))
        shares = [column[0] + 1.0 / column.size for column in counts[1:]]
        return [share / share.sum() for share in shares]


def _logs(table):
    """Log probabilities (n_symbols + 1, K); the last row is for missing symbols."""
    with np.errstate(divide="ignore"):
        return np.vstack([np.log(table.T), np.zeros(len(table))])


def _counts(rows, proba, sizes):
    """Weights of states (K,), and expected counts (K, n_symbols) for each column."""
    counts = [proba.sum(axis=0)]
    ones, ends = np.ones(len(rows)), np.arange(len(rows) + 1)
    for d, size in enumerate(sizes):
        codes = np.where(rows[:, d] < 0, size, rows[:, d])
        indicators = csr_array((ones, codes, ends), shape=(len(rows), size + 1))
        counts.append(np.ascontiguousarray((indicators.T @ proba)[:-1].T))
    return tuple(counts)


def _moved(frequencies, n, rng):
    """Random perturbations of frequencies, none of them zero."""
    draws = rng.dirichlet(frequencies * frequencies.size, size=n)
    return 0.9 * draws + 0.1 * frequencies
