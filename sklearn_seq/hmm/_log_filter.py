"""Filtered probabilities in logarithms, for classes that follow a Markov chain."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import log_softmax

from .inference import forward


def log_filtered(startprob, transmat, log_densities, offsets):
    """Filtered log probabilities of the states, finite where probabilities underflow.

    Parameters
    ----------
    startprob, transmat, log_densities, offsets
        As for `forward`.

    Returns
    -------
    log_proba : ndarray of shape (N, K)
    """
    proba, log_likelihood = forward(startprob, transmat, log_densities, offsets)
    predicted = np.empty_like(proba)
    predicted[1:] = proba[:-1] @ transmat
    predicted[offsets[:-1]] = startprob
    with np.errstate(divide="ignore"):
        log_proba = np.log(predicted)
    possible = np.isfinite(log_likelihood)
    log_proba[possible] += log_densities[possible]
    return log_softmax(log_proba, axis=1)
