"""Training data of a recurrent network."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..networks import LOSSES, rows_of_sequences
from ._objective import SequenceObjective, predict


class TrainingData(NamedTuple):
    """Segments of sequences with a target for each row, or for each segment.

    Attributes
    ----------
    inputs : callable or None
        ``inputs(rows, out)`` writes the inputs of some rows of X into `out`.

    rows : ndarray of shape (n_rows,) or None
        The rows of X; None for all.

    offsets : ndarray of shape (n_segments + 1,)
        Rows ``offsets[i]`` to ``offsets[i + 1] - 1`` are segment i.

    values : ndarray of shape (n, n_targets), or (n,) of int
        The targets of all rows, or with `final` of all segments.

    weights : ndarray of shape (n,) or (n, n_targets), or None
        Their weights, 0 where there is no target.

    final : bool
        Whether only the last row of each segment has a target.

    initial : ndarray of shape (n_segments, n_given) or None
        The states before each segment.

    owners : ndarray of shape (n_segments,)
        The sequence of each segment.
    """

    inputs: Callable | None
    rows: np.ndarray | None
    offsets: np.ndarray
    values: np.ndarray
    weights: np.ndarray | None
    final: bool
    initial: np.ndarray | None
    owners: np.ndarray

    @property
    def n_segments(self):
        return len(self.offsets) - 1

    def take(self, positions, out):
        """Write the inputs of some rows into `out`."""
        self.inputs(positions if self.rows is None else self.rows[positions], out)

    def of_rows(self, values):
        """Select the values of these rows from those of all rows of X."""
        return values if self.rows is None else values[self.rows]

    def counted(self):
        """Sorted indices of the targets with positive weight."""
        if self.weights is None:
            return np.arange(len(self.values))
        return np.flatnonzero(self.weights.reshape(len(self.weights), -1).any(axis=1))

    def with_targets_only(self):
        """The data without segments that have no target."""
        segments = counted = self.counted()
        if not self.final:
            segments = np.searchsorted(self.offsets, counted, "right") - 1
        return self.subset(np.unique(segments))

    def subset(self, segments):
        """The data of some segments."""
        if np.array_equal(segments, np.arange(self.n_segments)):
            return self
        rows, offsets = rows_of_sequences(self.offsets, segments)
        index = segments if self.final else rows
        return self._replace(
            rows=rows if self.rows is None else self.rows[rows],
            offsets=offsets,
            values=self.values[index],
            weights=None if self.weights is None else self.weights[index],
            initial=None if self.initial is None else self.initial[segments],
            owners=self.owners[segments],
        )

    def until(self, row):
        """The data before a row."""
        n = int(np.searchsorted(self.offsets, row))
        return self._replace(
            rows=np.arange(row) if self.rows is None else self.rows[:row],
            offsets=np.append(self.offsets[:n], row),
            values=self.values[:row],
            weights=None if self.weights is None else self.weights[:row],
            initial=None if self.initial is None else self.initial[:n],
            owners=self.owners[:n],
        )

    def judged_from(self, row):
        """All rows, with only the targets from a row on."""
        weights = self.weights
        if weights is None:
            weights = np.ones(len(self.values))
        weights = weights.copy()
        weights[:row] = 0
        return self._replace(weights=weights)

    def objective(self, network, parameters, gradient, alpha):
        """The loss as a function of the parameters, with its gradient."""
        return SequenceObjective(
            network,
            parameters,
            gradient,
            self.take,
            self.offsets,
            self.values,
            weights=self.weights,
            final=self.final,
            initial=self.initial,
            alpha=alpha,
        )

    def loss(self, network, parameters, alpha=0.0):
        """The loss of all targets, without its gradient."""
        outputs = predict(
            network,
            parameters,
            self.take,
            self.offsets,
            final=self.final,
            initial=self.initial,
        ).outputs
        normalizer = float(len(self.values))
        if self.weights is not None:
            normalizer *= float(np.mean(self.weights))
        loss = LOSSES[network.loss](
            outputs, self.values, outputs, self.weights, normalizer
        )
        flat = parameters.penalized_flat
        return loss + 0.5 * alpha / normalizer * float(np.dot(flat, flat))
