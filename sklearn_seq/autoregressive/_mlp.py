"""Training of a feed-forward net over delay taps."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from .._core.callbacks import FitProgress
from .._core.sklearn_compat import Interval, StrOptions
from .._core.standardize import rows_learned_from
from ..base import check_counted
from ..networks import (
    Objective,
    predict,
    row_taker,
    rows_of_sequences,
    train_lbfgs,
    train_minibatches,
)
from ..networks._estimators import TrainedNetwork
from ..networks._feed_forward import ACTIVATIONS
from ..targets import SEQUENCE
from ._taps import pooled_rows

MAX_BATCH = 200


class TrainingData(NamedTuple):
    """Samples to train on: rows, or sequences over whose rows outputs are averaged.

    take : callable or None
        ``take(positions, out)`` writes taps into `out`.
    positions : ndarray of shape (n_rows,)
        Positions of the taps of each row; without `take`, the rows.
    offsets : ndarray of shape (n_samples + 1,) or None
        With one target per sequence, first row of each.
    index : ndarray of shape (n_samples,)
        Indices of the targets.
    values : ndarray of shape (n_samples, n_targets), or (n_samples,) of int
    weights : ndarray of shape (n_samples,) or (n_samples, n_targets), or None
    """

    take: Callable | None
    positions: np.ndarray
    offsets: np.ndarray | None
    index: np.ndarray
    values: np.ndarray
    weights: np.ndarray | None

    def objective(self, model, gradient, chosen, alpha):
        """The loss of some samples as a function of the model's parameters."""
        positions, offsets = self.positions, None
        if self.offsets is None:
            positions = positions[chosen]
        else:
            rows, offsets = rows_of_sequences(self.offsets, chosen)
            positions = positions[rows]
        return Objective(
            model.network_,
            model._parameters,
            gradient,
            lambda rows, out: model._fill(self.take, positions[rows], out),
            self.values[chosen],
            weights=None if self.weights is None else self.weights[chosen],
            offsets=offsets,
            alpha=alpha,
        )


class TapNetwork(TrainedNetwork):
    """Mixin of the feed-forward nets over delay taps.

    A subclass fills the hooks ``_make_network(targets)`` and
    ``_training_targets(targets, index)``, the values to learn and their weights.
    """

    _parameter_constraints = {
        **TrainedNetwork._parameter_constraints,
        "n_lags": [Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "direct_connections": ["boolean"],
    }

    def _layers(self):
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if sizes.size == 0:
            return ()
        if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or (sizes < 1).any():
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r}: expected integers of "
                "at least 1, one for each hidden layer; () for none."
            )
        return tuple(sizes.tolist())

    def _train(
        self,
        X,
        y,
        groups,
        sequences,
        targets,
        *,
        more=False,
        add=False,
        epochs=None,
    ):
        """Fit to all targets that count.

        `more`: continue from the parameters of the last fit. `epochs`: train for so
        many epochs, without a test of convergence. `add`: the data are added to those
        of earlier calls.
        """
        network = self._make_network(targets)
        if not more:
            self._random_state = check_random_state(self.random_state)
            dtype = self._training_dtype(sequences)
            self._parameters = network.initialize(self._random_state, dtype)
            self._optimizer = None
        elif network.penalized_shapes != self.network_.penalized_shapes:
            raise ValueError(
                "warm_start and partial_fit go on with the net of the last fit, of "
                f"layers {self.network_.layer_sizes}, but these data and parameters "
                f"ask for layers {network.layer_sizes}. Call fit with warm_start=False."
            )
        self.network_ = network
        data = self._training_data(sequences, targets)
        learn, held_out = np.arange(len(data.values)), None
        if self.early_stopping and self.solver != "lbfgs" and epochs is None:
            learn, held_out = self._split(sequences, data)
        rows = rows_learned_from(sequences, targets, data.index[learn])
        units = self._check_units if more else self._learn_units
        units(rows, data.values[learn], targets.kind)
        data = self._as_learned(data, sequences)
        max_iter = epochs or self.max_iter
        progress = FitProgress(self, max_iter, X, y, groups, sequences, targets)
        self._run_training(
            lambda hook: self._minimize(data, learn, held_out, max_iter, hook, epochs),
            progress,
            sequences,
            targets,
            more=more,
            add=add,
        )

    def _minimize(self, data, learn, held_out, max_iter, end_iteration, epochs):
        """Train with `solver`."""
        gradient = self._parameters.zeros_like()
        objective = data.objective(self, gradient, learn, self.alpha)
        if self.solver == "lbfgs":
            return train_lbfgs(
                objective.full,
                self._parameters,
                gradient,
                max_iter=max_iter,
                tol=self.tol,
                on_iteration_end=end_iteration,
            )
        validation_score = None
        if held_out is not None:
            judge = data.objective(self, gradient, held_out, 0.0)

            def validation_score():
                return -judge.full()

        return train_minibatches(
            objective,
            self._parameters,
            gradient,
            self._prepare_optimizer(),
            self._batches(len(learn), MAX_BATCH),
            max_iter=max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            validation_score=validation_score,
            on_epoch_end=end_iteration,
            warn=epochs is None,
        )

    def _training_data(self, sequences, targets):
        """Targets of all rows (or sequences) that count, before standardisation."""
        context = 0 if self._encodes_symbols() else self.n_lags - 1
        index = targets.counted(sequences.offsets, self.burn_in, context)
        check_counted(index, self, "learn")
        rows, offsets = index - targets.advance, None
        if targets.kind == SEQUENCE:
            pooled, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
            ends = np.append(starts, len(pooled))
            chosen, offsets = rows_of_sequences(ends, index)
            rows = pooled[chosen]
        values, weights = self._training_targets(targets, index)
        return TrainingData(None, rows, offsets, index, values, weights)

    def _as_learned(self, data, sequences):
        """Data with taps, and targets as the net is trained on."""
        taps = self._taps(sequences)
        return data._replace(
            take=row_taker(taps.windows),
            positions=taps.places[data.positions],
            values=self._learned_values(data.values),
        )

    def _taps(self, sequences):
        return super()._taps(sequences.with_rows(self._to_net(sequences.rows)))

    def _initial_state(self, rows):
        return super()._initial_state(self._to_net(rows))

    def _step(self, taps, rows):
        return super()._step(taps, self._to_net(rows))

    def _fill(self, take, positions, out):
        """Write the inputs at some positions into `out`."""
        take(positions, out)

    def _split(self, sequences, data):
        """Training samples and held-out samples.

        Whole sequences are held out; of a single sequence, its last part.
        """
        n = len(data.index)
        owners = data.index
        if data.offsets is None:
            owners = np.searchsorted(sequences.sequence_offsets, data.index, "right")
        held_out = self._held_out(owners)
        if held_out is None:
            held_out = np.arange(n) >= n - int(np.ceil(self.validation_fraction * n))
        if held_out.all():
            raise ValueError(
                f"early_stopping=True, but {n} sample(s) cannot be split by "
                f"validation_fraction={self.validation_fraction!r}. Use longer "
                "sequences, or early_stopping=False."
            )
        return np.flatnonzero(~held_out), np.flatnonzero(held_out)

    def _map_taps(self, taps):
        take = row_taker(taps)
        return predict(
            self.network_,
            self._parameters,
            lambda rows, out: self._fill(take, rows, out),
            len(taps),
        )

    @property
    def direct_coef_(self):
        """Weights of the direct connections; None without."""
        return self._parameters["direct"] if self.network_.direct else None

    @property
    def coefs_(self):
        """Weights of each layer."""
        n_layers = len(self.network_.layer_sizes) - 1
        return [self._parameters[f"weights_{i}"] for i in range(n_layers)]

    @property
    def intercepts_(self):
        """Biases of each layer."""
        n_layers = len(self.network_.layer_sizes) - 1
        return [self._parameters[f"biases_{i}"] for i in range(n_layers)]
