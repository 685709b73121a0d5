"""Learning systems that predict outputs from the inputs alone (open loop).

The likelihood measures one-step predictions, corrected by each observed output. Systems
of equal likelihood may differ much in open loop, above all where the inputs include
earlier outputs. So the open-loop predictions on the training rows decide whether
another start is tried, and which system is kept.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._core.user_warning import warn_user
from ._states import filtered_means
from ._subspace import spectral_radius
from .kalman import filter_states

SLACK = 0.01  # of the outputs' variance that a system may explain less than regression


def driven_outputs(parameters, inputs, offsets):
    """Open-loop means of the outputs, given the inputs alone: (N, n_outputs)."""
    states = filtered_means(*_unseen(parameters, inputs, offsets))
    return _seen(parameters, states, inputs)


def driven_states(parameters, inputs, offsets):
    """As `driven_outputs`, and covariances of the states (N, n, n)."""
    filtered = filter_states(*_unseen(parameters, inputs, offsets))
    return _seen(parameters, filtered.means, inputs), filtered.covariances


def _seen(parameters, states, inputs):
    C, D = parameters.observation_matrix, parameters.feedthrough_matrix
    return states @ C.T + inputs @ D.T


def _unseen(parameters, inputs, offsets):
    """Arguments of the filter for a system with C = 0: it never corrects the state."""
    # Cheaper than marking all outputs as missing.
    unseeing = parameters._replace(
        observation_matrix=np.zeros((1, len(parameters.transition_matrix))),
        observation_covariance=np.eye(1),
        feedthrough_matrix=None,
    )
    return unseeing, np.zeros((len(inputs), 1)), offsets, inputs


def learn_open_loop(learn_from, starts, on_iteration, observed, inputs, offsets):
    """The best system of several starts, by its open-loop predictions.

    The first one that explains about as much of the outputs as their regression on the
    inputs of the same row (a system without dynamics) is accepted.

    Parameters
    ----------
    learn_from : callable
        ``learn_from(init, on_iteration, **settings) -> EMResult``, see `learn`.
    starts : list
        Values of `init`, in the order in which they are tried.
    on_iteration : callable
        ``on_iteration(parameters) -> bool``; if it returns True, learning ends.
    observed : ndarray of shape (n_rows, n_outputs)
        Centred; NaN is missing.
    inputs : ndarray of shape (n_rows, n_inputs)
    offsets : ndarray of int of shape (n_sequences + 1,)

    Returns
    -------
    result : EMResult

    Warns
    -----
    ConvergenceWarning
        The one of the system that is returned.
    UserWarning
        If its transition matrix is fixed and unstable, or if its predictions are worse
        than the means of the outputs.
    """
    stopped = False

    def watch(parameters):
        nonlocal stopped
        stopped = bool(on_iteration(parameters))
        return stopped

    with np.errstate(over="ignore", invalid="ignore"):
        enough = unexplained(observed, regressed(observed, inputs)) + SLACK
    best, least = None, np.inf
    for init in starts:
        result = learn_from(init, watch, stable=True, warn=False)
        with np.errstate(over="ignore", invalid="ignore"):
            means = driven_outputs(result.parameters, inputs, offsets)
            share = unexplained(observed, means)
        if best is None or share < least:
            best, least = result, share
        if stopped or least <= enough:
            break
    if best.trouble:
        warnings.warn(best.trouble, ConvergenceWarning, stacklevel=3)
    warn_of_open_loop(best.parameters, least)
    return best


def regressed(observed, inputs):
    """Least-squares predictions of the outputs from the inputs of the same row."""
    predicted = np.empty(observed.shape)
    for i, column in enumerate(observed.T):
        known = ~np.isnan(column)
        coef = np.linalg.lstsq(inputs[known], column[known], rcond=None)[0]
        predicted[:, i] = inputs @ coef
    return predicted


def unexplained(observed, predicted):
    """Mean squared errors relative to those of predicting 0, over the outputs."""
    known = ~np.isnan(observed)
    largest = np.abs(np.where(known, observed, 0.0)).max(axis=0)
    moving = largest > 0
    if not moving.any():
        return 0.0
    known, largest = known[:, moving], largest[moving]
    errors, values = (
        np.where(known, each[:, moving], 0.0) / largest
        for each in (observed - predicted, observed)
    )
    share = (errors**2).sum(axis=0) / (values**2).sum(axis=0)
    return np.inf if np.isnan(share).any() else share.mean()


def warn_of_open_loop(parameters, share):
    radius = spectral_radius(parameters.transition_matrix)
    if radius > 1.0 + 1e-8:
        warn_user(
            f"fixed['transition_matrix'] has an eigenvalue of modulus {radius:.6g}: "
            "the system does not see the outputs that it predicts, which grow without "
            "bound. Scale it down to at most 1.",
        )
    elif share > 1.0:
        warn_user(
            f"The system predicts the outputs that it was learned from worse than "
            f"their mean does (R² = {1 - share:.3g}), from whichever start. Lower "
            "n_components, raise max_iter or n_init, or use ARRegressor.",
        )
