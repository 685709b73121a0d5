"""Markov chains: checks, counts, stationary distribution, draws."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from bisect import bisect_right

import numpy as np
from sklearn.utils.validation import check_array

CLOSE = 1e-6  # how far from 1 the sum of given probabilities may be


def check_probabilities(values, name, shape):
    """Check probabilities given by a user: each row must sum to one.

    Parameters
    ----------
    values : array-like
    name : str
        Name of the parameter, for errors.
    shape : tuple of (int or None)
        The expected shape; None is any length.

    Returns
    -------
    values : ndarray of float64
        Its rows sum to one up to rounding.
    """
    array = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    fits = array.ndim == len(shape) and all(
        n is None or n == m for n, m in zip(shape, array.shape, strict=True)
    )
    if not fits:
        wanted = str(tuple("n" if n is None else n for n in shape)).replace("'", "")
        raise ValueError(
            f"{name} has shape {array.shape}, but expected {wanted}: probabilities, "
            "one for each state."
        )
    if (array < 0).any():
        raise ValueError(
            f"{name} has a negative entry, {array.min():.6g}: probabilities lie "
            "between 0 and 1."
        )
    totals = array.sum(axis=-1, keepdims=True)
    wrong = np.abs(totals - 1) > CLOSE
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        where = f" (row {row})" if array.ndim > 1 else ""
        raise ValueError(
            f"{name} must sum to 1{' in each row' if array.ndim > 1 else ''}, but "
            f"sums to {totals.ravel()[row]:.10g}{where}. Divide it by its sums: "
            "values / values.sum(axis=-1, keepdims=True)."
        )
    exact = np.abs(totals - 1) <= 4 * np.finfo(np.float64).eps
    return np.where(exact, array, array / totals)


def transition_counts(states, offsets, n_states):
    """Number of transitions from each state to each other within sequences.

    Parameters
    ----------
    states : ndarray of int of shape (n_rows,)
        -1 is unknown.
    offsets : ndarray of int of shape (n_sequences + 1,)
        The rows at which sequences begin, and the number of rows.
    n_states : int

    Returns
    -------
    counts : ndarray of float of shape (n_states, n_states)
    """
    inside = np.ones(len(states), dtype=bool)
    inside[offsets[:-1]] = False
    inside[1:] &= (states[1:] >= 0) & (states[:-1] >= 0)
    here = np.flatnonzero(inside)
    pairs = states[here - 1] * n_states + states[here]
    counts = np.bincount(pairs, minlength=n_states * n_states)
    return counts.reshape(n_states, n_states).astype(np.float64)


def stationary_distribution(startprob, transmat):
    """Stationary distribution π = π A that a chain reaches from the given start.

    Parameters
    ----------
    startprob : ndarray of shape (n_states,)
    transmat : ndarray of shape (n_states, n_states)

    Returns
    -------
    distribution : ndarray of shape (n_states,)
        Depends on the start only if the chain is reducible. Of a periodic chain, the
        average over the period.
    """
    # The lazy chain (I + A) / 2 has the same stationary distribution and no period, so
    # that its powers converge; 2**64 steps are enough.
    power = 0.5 * (np.eye(len(transmat)) + transmat)
    for _ in range(64):
        power = power @ power
        power /= power.sum(axis=1, keepdims=True)
    return startprob @ power


def draw_chains(startprob, transmat, uniform):
    """Draw states from uniform numbers of shape (n_sequences, n_timesteps).

    By inverse transform sampling: the next state is the first whose cumulative
    probability exceeds the uniform number.
    """
    cumulated = np.cumsum(np.vstack([transmat, startprob]), axis=1)
    cumulated /= cumulated[:, -1:]  # exactly 1 at the end, above every uniform number
    states = np.empty(uniform.shape, dtype=int)
    current = np.full(len(uniform), len(transmat))  # the row of startprob
    if len(uniform) == 1:
        states[0] = _draw_chain(cumulated.tolist(), uniform[0].tolist())
        return states
    for t, numbers in enumerate(uniform.T):
        current = (cumulated[current] <= numbers[:, np.newaxis]).sum(axis=1)
        states[:, t] = current
    return states


def _draw_chain(cumulated, uniform):
    """One chain in plain Python, which is faster than arrays of length one."""
    states, current = [], -1
    for number in uniform:
        current = bisect_right(cumulated[current], number)
        states.append(current)
    return states
