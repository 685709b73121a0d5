"""Smoothed covariances where sequences share those of the filter, in its coordinates.

The mathematics is that of `smooth_backward`, from one prediction to the one before: of
the state s = a + X e, where X is the factor of the prediction, the factor E of the
covariance of e follows from that of the next row by::

    E E' = F E_next E_next' F' + H H'

where F = M T1 and H = M T2 depend on the filter alone, of which they share the steady
state. A chain of such steps rests, too, where neither it nor the filter moves on.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dgerqf

from ._square_root import REMEMBERED, Convergence, key_of, observe, triangularise

CHUNK = 2048  # matrices that are worked on at a time


class Chain(NamedTuple):
    """Factors E of the rows of some sequences, and the steps between them.

    Attributes
    ----------
    now, then : ndarray of int of shape (n_pairs,)
        Entries of the filter between which each step leads.

    F : ndarray of shape (n_pairs, n, n)

    pair : ndarray of int of shape (n_steps,)
        The step from a row to the next, by time step; of no meaning at the last one.

    factors : ndarray of shape (n_factors, n, n)

    index : callable
        The factor of each row, given its time step and how many rows follow it.
    """

    now: np.ndarray
    then: np.ndarray
    F: np.ndarray
    pair: np.ndarray
    factors: np.ndarray
    index: object


def chain_with_gaps(run):
    """The chain of a single sequence with missing values."""
    entry, predicted = run.entry, run.riccati.predicted
    n_entries = len(predicted)
    following = np.append(entry[1:], entry[-1])
    keys, pair = np.unique(entry * n_entries + following, return_inverse=True)
    now, then = keys // n_entries, keys % n_entries
    F, H = _steps(run, now, then)
    rest = np.flatnonzero((now == run.schedule.usual) & (then == now))
    end = _last_factors(run, entry[-1:])[0]
    factors, index = run_chain(F, H, pair[:-1], rest[0] if len(rest) else -1, end)
    return Chain(now, then, F, pair, factors, lambda step, remaining: index)


def chain_of_complete(run):
    """The chains of sequences without missing values, of which many may be alike.

    From the last row back a chain comes to rest, if the sequence is long enough, before
    it reaches the rows at which the filter was not yet steady. Only those have a chain
    for each length of a sequence, and only where it has not come to rest before them.
    """
    system, lengths = run.problem.system, np.unique(run.group.lengths)
    predicted = run.riccati.predicted[: lengths[-1]]
    last = len(predicted) - 1
    now = np.arange(last + 1)
    then = np.minimum(now + 1, last)
    key = key_of(
        system.transition, system.observation[0], system.noise, predicted, lengths
    )
    known = REMEMBERED.get(key)
    if known is None:
        F, H = _steps(run, now, then)
        ends = _last_factors(run, now)
        # the rows of the steady state, alike in all sequences
        steady = np.full(max(lengths[-1] - 1 - last, 0), last)
        factors, entry = run_chain(F, H, steady, last, ends[last])
        tables, n_tail, starts = [factors], len(factors), {}
        place = np.zeros(lengths[-1] + 1, dtype=np.intp)
        size = n_tail
        for length in lengths:
            # the first row, from the end, of the chain on its way to the beginning
            remaining = min(length - 1 - last, n_tail - 1)
            if remaining in starts:
                place[length] = starts[remaining]
                continue
            begin = min(length - 1, last)
            first = ends[begin] if remaining < 0 else factors[remaining]
            table, _ = run_chain(F, H, np.arange(begin), -1, first)
            tables.append(table)
            # entry of time step t: place - t
            place[length] = starts[remaining] = size + begin
            size += len(table)
        known = F, np.concatenate(tables), n_tail, place
        REMEMBERED.put(key, known, sum(array.nbytes for array in known[:2]))
    F, factors, n_tail, place = known

    def index(step, remaining):
        tail = np.minimum(remaining, n_tail - 1)
        return np.where(step < last, place[step + remaining + 1] - step, tail)

    return Chain(
        now, then, F, np.minimum(np.arange(run.group.n_steps), last), factors, index
    )


def _steps(run, now, then):
    predicted = run.riccati.predicted
    return chain_steps(
        run.problem.system, predicted[now], run.observation[now], predicted[then]
    )


def _last_factors(run, entry):
    """E of last rows, of which nothing but their own observation is known."""
    _, own = observed_factor(run.riccati.predicted[entry], run.observation[entry])
    return np.moveaxis(own, -1, 0)


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
