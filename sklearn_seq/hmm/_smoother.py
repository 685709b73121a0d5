"""Smoothed states, from what the rows before and the rows after tell about each.

What underflowed on the way is below 1e-120 of the sum. If what the rows before and
the rows after tell of a row overlap by far more, paths that were lost do not count.
Otherwise the sequence is left to logarithms.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._groups import make_groups
from ._log_space import smooth_logs
from ._scaled import NONE, Filter, group_panels
from ._short import smooth_short
from ._single import Single

OVERLAP = 0.5 * NONE  # below which what was lost may count


def smooth_groups(startprob, transmat, log_densities, offsets, proba):
    """Smooth all sequences.

    Parameters
    ----------
    startprob, transmat, log_densities, offsets
        The model and the rows.

    proba : ndarray of shape (N, K)
        To be filled in. It may be ``log_densities``.

    Returns
    -------
    transitions : ndarray of shape (K, K)

    log_likelihood : ndarray of shape (N,)
    """
    model = Filter(startprob, transmat, log_densities)
    transitions = np.zeros_like(transmat)
    log_likelihood = np.empty(len(log_densities))
    for group in make_groups(offsets, len(startprob)):
        weights, values, following = group_panels(group, len(startprob), 3)
        if type(group) is Single and not model.can_lose:
            log_size = model.load(group, weights)
            smoothed = smooth_short(transmat, weights[0])
            if smoothed is not None:
                rows = group.rows
                proba[rows], counts, density = smoothed
                log_likelihood[rows] = np.log(density) + log_size[0]
                transitions += counts
                continue
        in_logs = model.run(group, weights, values, log_likelihood)
        group.backward(transmat, weights, following)
        while True:
            for member in in_logs:
                values[..., group.columns_of(member)] = 0.0
                following[..., group.columns_of(member)] = 0.0
            counts, overlap = combine(transmat, group, values, following)
            certain = overlap >= OVERLAP
            if certain.all():
                break
            in_logs |= {
                member
                for member in range(group.n_members)
                if not certain[:, group.columns_of(member)].all()
            }
            group.forward(transmat, weights, values)
        transitions += transmat * counts
        logs = {}
        for member in in_logs:
            rows = group.rows_of(member)
            logs[member], counts, _ = smooth_logs(
                model.log_startprob, model.log_transmat, log_densities[rows]
            )
            transitions += counts
        group.store(values, proba)
        for member, smoothed in logs.items():
            proba[group.rows_of(member)] = smoothed
    return transitions, log_likelihood


def combine(transmat, group, values, following):
    """Turn filtered probabilities into smoothed ones.

    Parameters
    ----------
    transmat : ndarray of shape (K, K)

    group : Single, Chunked or Together

    values : ndarray of shape (n_steps, K, n)
        Filtered probabilities, replaced by smoothed ones.

    following : ndarray of shape (n_steps, K, n)
        What the rows from each on tell of its state.

    Returns
    -------
    counts : ndarray of shape (K, K)
        Expected transitions over the probabilities of the transitions.

    overlap : ndarray of shape (n_steps, n)
        Of what the rows up to and what the rows after each tell of its state. One
        where there are none after it, or nothing is told.
    """
    counts = np.zeros(transmat.shape)
    overlap = np.ones((len(values), values.shape[2]))
    for here, there in group.neighbours():
        filtered, ahead = values[here], following[there]
        joint = transmat @ ahead
        joint *= filtered
        total = np.add.reduce(joint, axis=-2)
        total[total == 0] = 1.0
        overlap[here[0], here[2]] = total
        size = (1 / total)[..., None, :]
        pairs = filtered @ (ahead * size).swapaxes(-1, -2)
        counts += pairs if pairs.ndim == 2 else np.add.reduce(pairs, axis=0)
        np.multiply(joint, size, out=filtered)
    return counts, overlap
