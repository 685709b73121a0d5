"""One system on one data set: the means, the innovations and what follows from them."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import math
from functools import cached_property

import numpy as np

from ._missing import filter_forward
from ._recurrence import Buffers, ManySteps, Schedule, product, split_sequences
from ._square_root import filter_steps, observe
from ._system import missing_patterns, whiten_rows, whiten_system

# sequences with missing values that are filtered side by side: at most, at least, and
# the rows of them, whose factors and rotations are kept for the smoother
MAX_BATCH, MIN_BATCH, BATCH_ROWS = 1024, 64, 100_000


class Problem:
    """A system, data for it, and the covariances that all sequences share.

    Parameters
    ----------
    parameters : Parameters

    X : ndarray of shape (N, m)

    offsets : ndarray of int of shape (n_sequences + 1,)

    U : ndarray of shape (N, p), or None

    Attributes
    ----------
    system : System

    observed : ndarray of bool of shape (n_patterns, m)
        Patterns of missing values, the first without any.

    codes : ndarray of int of shape (N,), or None
        Pattern of each row; None if nothing is missing.

    first_missing : ndarray of int of shape (n_sequences,), or None
        First row with a missing value of each sequence, its end if there is none.

    groups : list of Steps
        Sequences that are dealt with together.

    forward : RiccatiSteps
        Covariances of complete data.

    sums : ndarray of shape (m,)
        By which log densities follow from squared innovations.
    """

    def __init__(self, parameters, X, offsets, U):
        p = parameters._replace(
            **{
                name: np.asarray(value, dtype=np.float64)
                for name, value in parameters._asdict().items()
                if value is not None
            }
        )
        given = [value.ravel() for value in p if value is not None]
        if not math.isfinite(np.concatenate(given).sum()):
            for name, value in p._asdict().items():
                if value is not None and not math.isfinite(value.sum()):
                    raise ValueError(f"The {name} must be finite.")
        self.parameters = p
        self.X = np.ascontiguousarray(X, dtype=np.float64)
        self.U = None if U is None else np.ascontiguousarray(U, dtype=np.float64)
        self.offsets = np.asarray(offsets, dtype=np.intp)
        self.n_rows, self.n_states = len(X), len(p.transition_matrix)
        self.observed, self.codes = missing_patterns(self.X)
        self.first_missing = None
        if self.codes is not None:
            self.first_missing = _first_true(self.codes > 0, self.offsets)
        self.system = whiten_system(p, self.observed)
        self.sums = np.full(self.X.shape[1], -0.5)

    @cached_property
    def groups(self):
        return split_sequences(self.offsets)

    @cached_property
    def n_steps(self):
        return max((group.n_steps for group in self.groups), default=0)

    @cached_property
    def riccati(self):
        return filter_steps(self.system)

    @cached_property
    def forward(self):
        return self.riccati.run(self.system.initial_factor, self.n_steps)

    def rows(self, steps, there, buffers):
        """Observations less D u, 0 where missing, and B u, at some positions."""
        p = self.parameters
        x = steps.take(self.X, there, buffers)
        drive = None
        if self.U is not None:
            u = steps.take(self.U, there, buffers)
            if p.feedthrough_matrix is not None:
                x = x - product(u, p.feedthrough_matrix)
            if p.input_matrix is not None:
                drive = product(u, p.input_matrix)
        if self.codes is not None:
            x = np.where(np.isnan(x), 0.0, x)
        return x, drive

    def is_steady(self, steps):
        """Whether a Riccati recursion came to its steady state."""
        return len(steps.gain) < self.n_steps

    def parts_with_gaps(self, group):
        """Sequences of a group that miss values, some at a time."""
        if self.codes is None or group.single:
            return
        ends = self.offsets[group.members + 1]
        members = group.members[self.first_missing[group.members] < ends]
        size = int(np.clip(BATCH_ROWS // group.n_steps, MIN_BATCH, MAX_BATCH))
        for start in range(0, len(members), size):
            yield ManySteps(self.offsets, members[start : start + size])

    def after_gap(self, part):
        """Which positions are at or after the first missing value of their sequence."""
        step = np.repeat(np.arange(part.n_steps), np.diff(part.starts))
        member = np.arange(len(step)) - part.starts[step]
        return part.rows >= self.first_missing[part.members][member]

    def filter_gaps(self, part, keep_factors=False, keep_updates=False):
        """Filter sequences that miss values.

        Returns
        -------
        forward : Forward

        codes : ndarray of int of shape (n_positions,)
        """
        rows, drive = self.rows(part, slice(0, len(part.rows)), Buffers(False))
        codes = self.codes[part.rows]
        white = whiten_rows(self.system, rows, codes)
        forward = filter_forward(
            self.system, part, white, codes, drive, keep_factors, keep_updates
        )
        forward.log_density[:] -= self.system.constant[codes]
        return forward, codes


def _first_true(flags, offsets):
    """Position of the first true flag of each sequence, its end where none is."""
    places = np.append(np.flatnonzero(flags), len(flags))
    return np.minimum(places[np.searchsorted(places, offsets[:-1])], offsets[1:])


class Run:
    """Predicted means and innovations of a group of sequences.

    A group of several sequences is taken to be complete; a single sequence has its
    own covariances from its first missing value on.

    Parameters
    ----------
    problem : Problem

    group : Steps

    Attributes
    ----------
    riccati : RiccatiSteps
        Table of covariances and gains.

    entry : ndarray of int of shape (n_steps,)
        Entry of each step in the tables.

    schedule : Schedule

    observation : ndarray of shape (n_entries, m, n)
        C, of the whitened observations.

    has_gaps : bool
        Whether it is a single sequence with missing values.

    whitener : ndarray of shape (n_entries, m, m)
        S^-1, where S S' is the covariance of the innovation.
    """

    def __init__(self, problem, group):
        self.problem, self.group = problem, group
        self.has_gaps = False
        if group.single and problem.codes is not None:
            first = problem.first_missing[group.members[0]]
            self.has_gaps = bool(first < group.rows.stop)
        system = problem.system
        self.riccati, patterns, self.entry, usual = _covariances(problem, group)
        self.observation = system.observation[patterns]
        self.whitener = np.linalg.inv(self.riccati.innovation)
        self.white_observation = self.whitener @ self.observation
        gain = self.riccati.gain @ self.whitener
        closed_loop = system.transition - gain @ self.observation
        # what a row adds to the next prediction, and to its innovation
        self.received = np.concatenate([gain, self.whitener], axis=1)
        self.received = self.received @ system.whitener[patterns]
        self.schedule = Schedule(group.starts, self.entry, usual, closed_loop)
        diagonal = np.diagonal(self.riccati.innovation, axis1=1, axis2=2)
        self.log_scale = np.log(np.abs(diagonal)) @ (-2.0 * problem.sums)
        self.log_scale += system.constant[patterns]

    def pieces(self):
        """The filter, piece by piece; what it yields lasts until the next piece.

        Yields
        ------
        there : slice
            Positions of the piece.

        schedule : Schedule
            Of the piece.

        predicted : ndarray of shape (n_piece, n)
            Means of the states given the rows before.

        innovations : ndarray of shape (n_piece, m)
            Whitened: of covariance I.
        """
        n = self.problem.n_states
        state = self.problem.system.initial_mean
        for there, schedule in self.schedule.pieces():
            rows, drive = self.problem.rows(self.group, there, schedule.buffers)
            received = schedule.apply("received", self.received, rows)
            inputs, innovations = received[:, :n], received[:, n:]
            if drive is not None:
                inputs += drive
            predicted, state = schedule.forward(inputs, state)
            innovations -= schedule.apply("expected", self.white_observation, predicted)
            yield there, schedule, predicted, innovations

    def log_density(self, schedule, innovations):
        """Log density of the rows of a piece given the earlier ones."""
        squares = schedule.buffers("squares", *innovations.shape)
        np.square(innovations, out=squares)
        density = squares @ self.problem.sums
        constant = self.log_scale[schedule.entry]
        if not schedule.single:
            constant = np.repeat(constant, np.diff(schedule.starts), axis=0)
        density -= constant
        return density

    def filter_gain(self):
        """Gain of the filtered mean for whitened innovations: (n_entries, n, m)."""
        predicted = self.riccati.predicted
        seen = self.white_observation @ predicted
        return predicted @ np.swapaxes(seen, 1, 2)

    def filtered_factors(self):
        """Factors of the covariances given the rows, too: (n_entries, n, n)."""
        factor = np.array(np.moveaxis(self.riccati.predicted, 0, -1), order="C")
        observed = np.moveaxis(self.observation, 0, -1)
        return np.moveaxis(observe(factor, observed), -1, 0)


def _covariances(problem, group):
    """Table, pattern of each entry, entry of each step, the usual entry."""
    forward = problem.forward
    last = len(forward.gain) - 1
    entry = np.minimum(np.arange(group.n_steps), last)
    patterns = np.zeros(last + 1, dtype=np.intp)
    usual = min(last, group.n_steps - 1)
    if problem.codes is None or not group.single:
        return forward, patterns, entry, usual
    codes = problem.codes[group.rows]
    first = int(problem.first_missing[group.members[0]]) - group.rows.start
    if first == len(codes):
        return forward, patterns, entry, usual
    # from the first missing value on, the sequence has covariances of its own
    steady = forward.predicted[last] if problem.is_steady(forward) else None
    own, own_entry = problem.riccati.run_patterns(
        forward.predicted[min(first, last)], codes[first:], steady
    )
    entry[first:] = np.where(own_entry < 0, last, own_entry + last + 1)
    own_patterns = codes[first:][own_entry >= 0]
    patterns = np.concatenate([patterns, own_patterns])
    return forward.followed_by(own), patterns, entry, usual
