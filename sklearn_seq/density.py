"""Base class of the generative models of sequences."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import inspect

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ._core.docs import documented
from ._reading.misread import check_ignored_y
from .base import SequenceEstimator, check_counted
from .targets import STEP

__all__ = ["SequenceDensity"]


@documented
class SequenceDensity(SequenceEstimator):
    """Base of the generative models: a density of sequences; y is ignored.

    A family fills the hooks ``_log_likelihood(sequences)``, the log density of each
    row given the earlier ones of its sequence, of shape (n_rows,), and
    ``_n_parameters()``, the number of free parameters.
    """

    def score_samples(self, X, y=None, groups=None) -> np.ndarray:
        """Log density of each row given the earlier ones of its sequence.

        Parameters
        ----------
        %(X)s

        y : Ignored
            Not used, present for API consistency by convention.

        %(groups)s

        Returns
        -------
        log_density : ndarray
            In nats, one entry for each row, in the layout of X; 0 for a row that is
            wholly missing. Its sum over a sequence is the sequence's log-likelihood.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        check_ignored_y(y, sequences.layout)
        return sequences.layout.restore(self._log_likelihood(sequences))

    def score(self, X, y=None, sample_weight=None, groups=None) -> float:
        """Mean log-likelihood per time step.

        Parameters
        ----------
        %(X)s

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the mean: rows, or the sequences of a panel, each
            for all its steps.

        %(groups)s

        Returns
        -------
        score : float
            In nats, over all rows that are not among the first `burn_in` of their
            sequence.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        check_ignored_y(y, sequences.layout)
        weights = self._step_weights(sample_weight, sequences, STEP)
        counted = sequences.steps() >= self.burn_in
        if weights is not None:
            counted &= weights != 0
            weights = weights[counted]
        check_counted(np.flatnonzero(counted), self, "score")
        values = self._log_likelihood(sequences)[counted]
        with np.errstate(over="ignore"):
            return float(np.average(values, weights=weights))

    def aic(self, X, groups=None):
        """Akaike's information criterion on X.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        aic : float
            The lower the better.
        """
        check_is_fitted(self)
        total = self._total(self._read_sequences(X, groups))
        return 2 * self._n_parameters() - 2 * total

    def bic(self, X, groups=None):
        """Bayesian information criterion on X, its rows counted as samples.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        bic : float
            The lower the better.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        total = self._total(sequences)
        return float(self._n_parameters() * np.log(sequences.n_rows)) - 2 * total

    def _refuse_parameters_set_by_hand(self):
        """Refuse a model whose fitted attributes were set by hand."""
        if hasattr(self, "n_features_in_"):
            return
        names = inspect.signature(self.from_parameters).parameters
        given = [f"{name}_" for name in names if f"{name}_" in vars(self)]
        if given:
            name = type(self).__name__
            raise NotFittedError(
                f"This {name} instance is not fitted yet: {given[0]} was set by hand, "
                f"which makes no model. Take {name}.from_parameters(...) for one of "
                "known parameters, or fit with init={...} to learn from them on."
            )

    def _total(self, sequences):
        """Log-likelihood of all rows; -inf if it overflows."""
        with np.errstate(over="ignore"):
            return float(self._log_likelihood(sequences).sum())
