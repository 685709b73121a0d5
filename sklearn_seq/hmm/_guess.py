"""Initial guesses for learning a hidden Markov model."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.markov import transition_counts
from ..sequences import steps_within
from .emissions._start import k_means


def initial_guess(rows, offsets, emissions, n_components, *, init, labels, mask, rng):
    """Initial parameters of a run.

    They are drawn at random, or estimated from an assignment of rows to states, with
    Laplace smoothing of first states and transitions.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    offsets : ndarray of int of shape (n_sequences + 1,)
    emissions : object
        A family of emissions.
    n_components : int
        Number of states.
    init : {"kmeans", "segments", "random"}
        How rows without label are assigned: by k-means clustering, by cutting each
        sequence into segments of equal length, or not at all.
    labels : Labels or None
        Rows with a label are assigned to its states, by k-means if there are several.
    mask : ndarray of bool of shape (n_components, n_components) or None
        Transitions that are possible.
    rng : RandomState

    Returns
    -------
    startprob : ndarray of shape (n_components,)
    transmat : ndarray of shape (n_components, n_components)
    emission : NamedTuple of ndarray
    """
    if labels is not None:
        states = labelled_states(rows, labels, rng)
    elif init == "kmeans":
        states = clusters(rows, n_components, rng)
    elif init == "segments":
        states = segments(offsets, n_components)
    else:
        transmat = rng.dirichlet(np.ones(n_components), size=n_components)
        return (
            np.full(n_components, 1 / n_components),
            normalised(transmat, mask),
            emissions.random_guess(rows, n_components, rng),
        )
    startprob, transmat = chain_of(states, offsets, n_components, mask)
    assigned = np.zeros((len(rows), n_components))
    here = np.flatnonzero(states >= 0)
    assigned[here, states[here]] = 1.0
    return startprob, transmat, emissions.guess(rows, assigned, rng)


def labelled_states(rows, labels, rng):
    """A state for each row with a label, -1 for the others."""
    states = np.full(len(rows), -1)
    for code, allowed in enumerate(labels.states):
        index = np.flatnonzero(labels.codes == code)
        choice = np.flatnonzero(allowed)
        if len(index):
            states[index] = choice[clusters(rows[index], len(choice), rng)]
    return states


def clusters(rows, n_clusters, rng):
    """The cluster of each row, by k-means; missing values are set to their mean."""
    if n_clusters == 1:
        return np.zeros(len(rows), dtype=np.intp)
    missing = np.isnan(rows)
    if missing.any():
        sums = np.where(missing, 0.0, rows).sum(axis=0)
        means = sums / np.maximum((~missing).sum(axis=0), 1)
        rows = np.where(missing, means, rows)
    n_clusters = min(n_clusters, len(rows))
    return k_means(rows, n_clusters, rng)


def segments(offsets, n_segments):
    """State of each row: its sequence is cut into segments of equal length."""
    lengths = np.diff(offsets)
    return steps_within(offsets) * n_segments // np.repeat(lengths, lengths)


def chain_of(states, offsets, n_components, mask):
    """Start and transition probabilities from counts of states; -1 is unknown."""
    first = states[offsets[:-1]]
    starts = 1.0 + np.bincount(first[first >= 0], minlength=n_components)
    transitions = 1.0 + transition_counts(states, offsets, n_components)
    return starts / starts.sum(), normalised(transitions, mask)


def normalised(transitions, mask):
    """Transition probabilities without masked ones, normalised to sum to one."""
    if mask is not None:
        transitions = np.where(mask, transitions, 0.0)
    return transitions / transitions.sum(axis=1, keepdims=True)
