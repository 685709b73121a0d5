"""Smoothed covariances of one long sequence with gaps, in the filter's coordinates.

The mathematics is that of `smooth_backward`, from one prediction to the one before: of
the state s = a + X e, where X is the factor of the prediction, the factor E of the
covariance of e follows from that of the next row by::

    E E' = F E_next E_next' F' + H H'

where F = M T1 and H = M T2 depend on the filter alone, of which they share the steady
state. A chain of such steps rests, too, where neither it nor the filter moves on.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg.lapack import dgerqf

from ._square_root import Convergence, observe, triangularise

CHUNK = 2048  # matrices that are worked on at a time


def chain_steps(system, predicted, observation, following):
    """The steps of a chain, for a stack of predictions.

    Parameters
    ----------
    system : System

    predicted : ndarray of shape (n_stack, n, n)
        Factors X of the covariances before a row.

    observation : ndarray of shape (n_stack, m, n)
        Whitened, of that row.

    following : ndarray of shape (n_stack, n, n)
        Factors of the covariances before the next row, in whose coordinates the chain
        arrives.

    Returns
    -------
    F, H : ndarray of shape (n_stack, n, n)
    """
    n = predicted.shape[1]
    F, H = np.empty((2, *predicted.shape))
    for start in range(0, len(predicted), CHUNK):
        there = slice(start, start + CHUNK)
        factor, own = observed_factor(predicted[there], observation[there])
        array = np.zeros((2 * n, 2 * n, factor.shape[2]))
        array[:n, :n] = np.einsum("ij,jkb->ikb", system.transition, factor)
        array[:n, n:] = system.noise[:, :, None]
        array[n:, :n] = own
        reached = triangularise(array, n)
        steps = np.moveaxis(array[n:], -1, 0)
        reached = np.moveaxis(reached, -1, 0)
        F[there] = steps[:, :, :n] @ change_of_factor(reached, following[there])
        H[there] = steps[:, :, n:]
    return F, H


def observed_factor(predicted, observation):
    """Factors X M given a row, and M: shape (n, n, n_stack)."""
    n = predicted.shape[1]
    both = np.empty((2 * n, n, len(predicted)))
    both[:n] = np.moveaxis(predicted, 0, -1)
    both[n:] = np.eye(n)[:, :, None]
    factor, carried = both[:n], both[n:]
    updates = []
    observe(factor, np.moveaxis(observation, 0, -1), updates)
    for _, variance, weights in updates:
        seen = np.einsum("kjb,jb->kb", carried, weights)
        seen *= variance + np.sqrt(variance)
        carried -= seen[:, None] * weights
    return factor, carried


def change_of_factor(old, new):
    """Orthogonal W such that L W is the other factor of the same covariance.

    Both are made triangular, their rows in the order in which they add most to the
    span of those before, so that rounding changes no more than small columns.

    Parameters
    ----------
    old, new : ndarray of shape (n_stack, n, n)

    Returns
    -------
    change : ndarray of shape (n_stack, n, n)
    """
    n = old.shape[1]
    # rows of the one and of the other, and what carries the rotation of each
    both = np.concatenate([new, old, np.broadcast_to(np.eye(n), new.shape)], axis=1)
    both = np.ascontiguousarray(np.moveaxis(both, 0, -1))
    first = np.concatenate([both[:n], both[2 * n :]])
    other = np.concatenate([both[n : 2 * n], both[2 * n :]])
    for i in range(n):
        rest = np.einsum("rjb,rjb->rb", first[i:n, i:], first[i:n, i:])
        largest = i + rest.argmax(axis=0)
        for rows in (first, other):
            _swap(rows, i, largest)
            triangularise(rows[i:, i:], 1)
    signs = np.einsum("iib,iib->ib", first[:n], other[:n])
    signs = np.where(signs < 0, -1.0, 1.0)
    return np.einsum("ikb,kb,jkb->bij", other[n:], signs, first[n:])


def _swap(rows, i, other):
    """Swap row i with row other[b] of each matrix b of a stack."""
    stack = np.arange(len(other))
    kept = rows[i].copy()
    rows[i] = rows[other, :, stack].T
    rows[other, :, stack] = kept.T


def run_chain(F, H, pair, usual, last):
    """Factors E of one sequence, from its last row to its first.

    Parameters
    ----------
    F, H : ndarray of shape (n_pairs, n, n)

    pair : ndarray of int of shape (n_steps - 1,)
        Which step leads from each row but the last to the next.

    usual : int
        The step of the steady state of the filter, in which the chain may rest.

    last : ndarray of shape (n, n)
        E of the last row.

    Returns
    -------
    factors : ndarray of shape (n_entries, n, n)

    entry : ndarray of int of shape (n_steps,)
        Entry of each row.
    """
    n, n_steps = len(last), len(pair) + 1
    others = np.flatnonzero(pair != usual)
    # the row before which the chain may rest up to here, -1 for the beginning
    stops = np.append(others, -1)[np.searchsorted(others, np.arange(n_steps - 1)) - 1]
    pair, stops = pair.tolist(), stops.tolist()
    F, H = np.swapaxes(F, 1, 2).copy(), np.swapaxes(H, 1, 2)
    order = np.arange(n)
    lower = (order[:, None] >= order).astype(np.float64)
    array = np.empty((2 * n, n))
    columns, mixed = array.T, array[n:]
    factor = last.T
    kept = [factor]
    entry = np.zeros(n_steps, dtype=np.intp)
    t, rested = n_steps - 2, 0
    while t >= 0:
        k = pair[t]
        array[:n] = H[k]
        np.dot(factor, F[k], out=mixed)
        dgerqf(columns, overwrite_a=1)
        previous, factor = factor, mixed * lower
        entry[t] = len(kept)
        kept.append(factor)
        if k != usual:
            rested = 0
        else:
            if rested == 0:
                watch = Convergence(previous.T)
            rested += 1
            if rested == watch.next_look and watch.converged(rested, previous, factor):
                entry[stops[t] + 1 : t] = entry[t]
                t, rested = stops[t] + 1, 0
        t -= 1
    return np.swapaxes(np.array(kept), 1, 2), entry
