"""Square-root forms of covariances: factors L with P = L L'.

A covariance that is only ever held by a factor is symmetric and positive semi-definite
by construction, and keeps about twice the digits of one that is updated by subtraction.

References
----------
Potter, J. E. and Stern, R. G. (1963). Statistical filtering of space navigation
measurements. AIAA Guidance and Control Conference.

Kailath, T., Sayed, A. H. and Hassibi, B. (2000). Linear Estimation, chapter 12.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dgerqf, dpotrf

EPS = np.finfo(np.float64).eps
TINY = np.finfo(np.float64).tiny
FIRST_LOOK = 8  # step of the first look at the convergence of the Riccati recursion
CHECK_EVERY = 8  # steps between two looks whether a gap in the data is forgotten
CONVERGED = 1e-14  # relative distance to the steady state that counts as none
NOISY = 1e-13  # a change below this says little about the rate of convergence
STALLED = 2e-14  # a change below this that no longer shrinks is rounding
PATIENCE = 6  # looks without a smaller change


def covariance_factor(covariance):
    """A factor of a symmetric positive semi-definite matrix, singular or not.

    Parameters
    ----------
    covariance : ndarray of shape (n, n)

    Returns
    -------
    factor : ndarray of shape (n, n)
    """
    if not covariance.any():
        return np.zeros_like(covariance)
    factor, failed = dpotrf(covariance, lower=1)
    if (
        not failed
        and (factor.diagonal() ** 2 > 1e3 * EPS * covariance.diagonal()).all()
    ):
        return factor
    scale = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    variances, vectors = np.linalg.eigh(covariance * np.outer(inverse, inverse))
    variances[variances < len(covariance) * EPS] = 0.0
    return scale[:, None] * vectors * np.sqrt(variances)


def square(factor):
    """L L' of a stack of factors, exactly symmetric: shape (..., n, n)."""
    product = factor @ np.swapaxes(factor, -1, -2)
    return 0.5 * (product + np.swapaxes(product, -1, -2))


class RiccatiSteps(NamedTuple):
    """The covariance side of a Kalman filter, one entry per computed step.

    Attributes
    ----------
    predicted : ndarray of shape (n_entries, n, n)
        Factor of the covariance of the state given the rows before.
    innovation : ndarray of shape (n_entries, m, m)
        Upper triangular factor of the covariance of the innovation.
    gain : ndarray of shape (n_entries, n, m)
        Gain of the next prediction, for innovations whitened by that factor.
    """

    predicted: np.ndarray
    innovation: np.ndarray
    gain: np.ndarray

    def followed_by(self, other):
        """The entries of both."""
        return RiccatiSteps(*map(np.concatenate, zip(self, other, strict=True)))


class _Memory:
    """The small results of the last few calls, for threads too."""

    def __init__(self, n_entries, n_bytes):
        self._n_entries, self._n_bytes = n_entries, n_bytes
        self._entries, self._lock = OrderedDict(), Lock()

    def get(self, key):
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key, value, n_bytes):
        if n_bytes > self._n_bytes:
            return
        with self._lock:
            self._entries[key] = value
            while len(self._entries) > self._n_entries:
                self._entries.popitem(last=False)

    def clear(self):
        with self._lock:
            self._entries.clear()


REMEMBERED = _Memory(n_entries=32, n_bytes=1 << 20)


def key_of(*arrays):
    """The arrays as a key for the memory."""
    return tuple((array.shape, array.tobytes()) for array in map(np.asarray, arrays))


class Riccati:
    """The array algorithm of the filter.

    One orthogonal transformation a step, from the right::

        [ A L   N   0 ]        [ 0   L'   G ]
        [ C L   0   I ]  ->    [ 0   0    S ]

    where P = L L' becomes P' = A P A' + Q - A P C' (I + C P C')^-1 C P A' = L' L'',
    Q = N N', the covariance of the innovation is S S', and G the gain for whitened
    innovations. The observation noise is white: C is whitened beforehand.

    Parameters
    ----------
    onto : ndarray of shape (n_patterns, n + m, n)
        [A; C], one per pattern of missing values.

    before, after : ndarray of shape (n_patterns, n + m, q)
        The other columns, before and after those of L: for the accuracy of the
        transformation the largest columns should come last. Any of the three may have
        one entry for all patterns.

    m : int
    """

    def __init__(self, onto, before, after, m):
        self.m, self.n = m, onto.shape[2]
        size = self.n + m
        start = before.shape[2]
        self.mixed = slice(start, start + self.n)
        # the array is held transposed, in C order: its rows are columns for LAPACK
        self.onto = np.ascontiguousarray(np.swapaxes(onto, 1, 2))
        n_rest = max(len(before), len(after))
        self.rest = np.zeros((n_rest, start + self.n + after.shape[2], size))
        self.rest[:, :start] = np.swapaxes(before, 1, 2)
        self.rest[:, start + self.n :] = np.swapaxes(after, 1, 2)
        order = np.arange(size)
        self.lower = (order[:, None] >= order).astype(np.float64)

    def _new_store(self, n_steps):
        return np.empty((n_steps, self.n + self.m, self.n + self.m))

    def _entries(self, predicted, store):
        """Entry k: the prediction before step k, the innovation and gain of step k."""
        n = self.n
        return RiccatiSteps(
            predicted,
            np.swapaxes(store[:, n:, n:], 1, 2),
            np.swapaxes(store[:, n:, :n], 1, 2),
        )

    def run(self, first, n_steps):
        """From factor `first`, until the steady state or for n_steps.

        They depend on the model alone: a model that is asked about one series after
        another computes them once.

        Returns
        -------
        steps : RiccatiSteps
            Read-only. The last entry also holds for all later steps.
        """
        key = key_of(self.onto[0], self.rest[0], first)
        known = REMEMBERED.get(key)
        if known is None or (len(known[0].gain) < n_steps and not known[1]):
            known = self._run(first, n_steps)
            REMEMBERED.put(key, known, sum(array.nbytes for array in known[0]))
        return RiccatiSteps(*(array[:n_steps] for array in known[0]))

    def _run(self, first, n_steps):
        """The steps, and whether they came to the steady state."""
        n = self.n
        onto, rest = self.onto[0], self.rest[0]
        array = np.empty_like(rest)
        mixed, triangle, columns = array[self.mixed], array[-len(self.lower) :], array.T
        store = self._new_store(min(n_steps, 64))
        factor = first.T
        watch = Convergence(first)
        copy, multiply, lower = np.copyto, np.multiply, self.lower
        size, done, steady = len(lower), 0, False
        while done < n_steps and not steady:
            stop = min(watch.next_look, n_steps)
            while len(store) < stop:
                store = np.concatenate([store, self._new_store(len(store))])
            fresh = store[done:stop]
            for latest, following in zip(fresh, fresh[:, :n, :n], strict=True):
                copy(array, rest)
                factor.dot(onto, mixed)
                dgerqf(columns, 3 * size, 1)
                multiply(triangle, lower, latest)
                previous, factor = factor, following
            done = stop
            if done == watch.next_look:
                steady = watch.converged(done, previous, factor)
        predicted = np.empty((done, n, n))
        predicted[0] = first
        predicted[1:] = np.swapaxes(store[: done - 1, :n, :n], 1, 2)
        steps = self._entries(predicted, store[:done])
        for array in steps:
            array.flags.writeable = False
        return steps, steady

    def run_patterns(self, first, codes, steady=None):
        """From factor `first`, step t with the matrices of pattern codes[t].

        Parameters
        ----------
        first : ndarray of shape (n, n)
        codes : ndarray of int of shape (n_steps,)
        steady : ndarray of shape (n, n), default=None
            Factor of the steady state of pattern 0. Where it has been reached the
            recursion rests until the next step of another pattern.

        Returns
        -------
        steps : RiccatiSteps
            Entries computed.
        entry : ndarray of int of shape (n_steps,)
            The entry of each step, -1 for the steady state.
        """
        n, n_steps = self.n, len(codes)
        n_patterns = max(len(self.onto), len(self.rest))
        onto = list(np.broadcast_to(self.onto, (n_patterns, *self.onto.shape[1:])))
        rest = list(np.broadcast_to(self.rest, (n_patterns, *self.rest.shape[1:])))
        array = np.empty_like(self.rest[0])
        mixed, triangle, columns = array[self.mixed], array[-len(self.lower) :], array.T
        others = np.append(np.flatnonzero(codes), n_steps)
        following = others[np.searchsorted(others, np.arange(n_steps))].tolist()
        codes = codes.tolist()
        store = self._new_store(min(n_steps, 64))
        predicted = []
        entry = np.full(n_steps, -1)
        goal = None if steady is None else square(steady)
        factor, t, run = first.T, 0, 0
        while t < n_steps:
            if codes[t]:
                run = 0
            elif goal is not None and run % CHECK_EVERY == CHECK_EVERY - 1:
                if _relative_change(factor.T @ factor, goal, TINY) <= CONVERGED:
                    factor, t, run = steady.T, following[t], 0
                    continue
            k = len(predicted)
            if k == len(store):
                store = np.concatenate([store, self._new_store(len(store))])
            predicted.append(factor)
            np.copyto(array, rest[codes[t]])
            np.dot(factor, onto[codes[t]], out=mixed)
            dgerqf(columns, overwrite_a=1)
            factor = np.multiply(triangle, self.lower, out=store[k])[:n, :n]
            entry[t] = k
            run += 1
            t += 1
        k = len(predicted)
        steps = self._entries(np.swapaxes(np.array(predicted), 1, 2), store[:k])
        return steps, entry


def _relative_change(new, old, floor):
    """Largest change of a covariance, relative to its standard deviations."""
    scale = np.sqrt(old.diagonal() + floor)
    return float((np.abs(new - old) / (scale * scale[:, None])).max())


class Convergence:
    """Whether the recursion has reached its steady state, or the floor of rounding.

    The change per step shrinks by a rate rho^2 a step, so that the distance still to
    go is change * rate / (1 - rate). Rotating modes make the rate fluctuate: the
    slowest of three looks counts.
    """

    def __init__(self, first):
        # variances below this share of the first ones count as none
        self.floor = EPS**2 * np.einsum("ij,ij->i", first, first).max() + TINY
        self.next_look = FIRST_LOOK
        self.previous, self.last_look = 0.0, 0
        self.rates = []
        self.smallest = np.inf
        self.waited = 0

    def converged(self, step, before, after):
        """Look at the factors L' before and after a step; sets the next look."""
        change = _relative_change(after.T @ after, before.T @ before, self.floor)
        if not 0 < change < np.inf:
            return True  # arrived, or out of range
        if self.previous > NOISY:
            elapsed = step - self.last_look
            rate = min((change / self.previous) ** (1 / elapsed), 1 - EPS)
            self.rates = [rate, *self.rates[:2]]
        self.previous, self.last_look = change, step
        rate = max(self.rates, default=1 - EPS)
        if change * rate / (1 - rate) <= CONVERGED:
            return True
        if change < self.smallest:
            self.smallest, self.waited = change, 0
        else:
            self.waited += 1
        if self.waited >= PATIENCE and self.smallest <= STALLED:
            return True
        # when the rate promises the end, but soon enough to notice that it is off
        goal = max(CONVERGED * (1 - rate) / rate, EPS)
        promised = math.log(min(goal / change, 1.0)) / math.log(rate)
        self.next_look = step + int(min(max(promised, 4), max(8, step)))
        return False


def filter_steps(system):
    """The Riccati recursion of the filter: P before a row to P before the next.

    Parameters
    ----------
    system : System

    Returns
    -------
    riccati : Riccati
    """
    noise, observation = system.noise, system.observation
    n_patterns, m, n = observation.shape
    onto = np.empty((n_patterns, n + m, n))
    onto[:, :n], onto[:, n:] = system.transition, observation
    before = np.zeros((1, n + m, n + m))
    before[0, :n, :n] = noise
    before[0, n:, n:] = np.eye(m)
    return Riccati(onto, before, np.empty((1, n + m, 0)), m)


def triangularise(array, n=None):
    """Lower triangular L with L L' = G G' for a stack of G, by Householder reflections.

    Parameters
    ----------
    array : ndarray of shape (n + r, p, n_stack)
        G, p >= n, and below it rows that are transformed along with it. Overwritten.

    n : int, default=None
        Rows of G; None for all.

    Returns
    -------
    factor : ndarray of shape (n, n, n_stack)
        A view of `array`.
    """
    n = len(array) if n is None else n
    for i in range(n):
        row = array[i, i:]
        length = np.sqrt(np.einsum("jb,jb->b", row, row))
        first = np.copysign(length, row[0])
        row[0] += first
        scale = first * row[0]
        np.divide(1.0, scale, out=scale, where=scale > TINY)
        if i + 1 < len(array):
            below = array[i + 1 :, i:]
            weights = np.einsum("rjb,jb->rb", below, row)
            weights *= scale
            below -= weights[:, None] * row
        np.negative(first, out=row[0])
        row[1:] = 0.0
    return array[:n, :n]


def observe(factor, observed, gains=None):
    """Condition states on scalar observations c's + e, e ~ N(0, 1), one after another.

    Parameters
    ----------
    factor : ndarray of shape (n, n, n_stack)
        Factors of the covariances. Overwritten by those given the observations.
    observed : iterable of ndarray of shape (n, n_stack) or (n, 1)
        The vectors c. A zero vector observes nothing.
    gains : list, default=None
        Receives, for every observation, its gain (n, n_stack), the variance v of its
        innovation (n_stack,), and the vector w (n, n_stack) by which the factor L
        becomes L (I - (v + sqrt(v)) w w').

    Returns
    -------
    factor : ndarray of shape (n, n, n_stack)
    """
    for c in observed:
        seen = np.einsum("kjb,kb->jb", factor, c)
        variance = np.einsum("jb,jb->b", seen, seen)
        variance += 1.0
        gain = np.einsum("kjb,jb->kb", factor, seen)
        seen /= variance + np.sqrt(variance)
        factor -= gain[:, None] * seen
        if gains is not None:
            gain /= variance
            gains.append((gain, variance, seen))
    return factor
