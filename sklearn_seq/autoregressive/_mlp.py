"""Training of a feed-forward net over delay taps."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
from collections.abc import Callable
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from threadpoolctl import threadpool_limits

from .._callbacks import FitProgress
from ..base import check_counted
from ..optim import (
    OPTIMIZERS,
    Objective,
    ShuffledBatches,
    predict,
    row_taker,
    rows_of_sequences,
    train_lbfgs,
    train_minibatches,
    train_until_interrupt,
)
from ..targets import NEXT, SEQUENCE
from ._network import ACTIVATIONS
from ._taps import pooled_rows

MAX_BATCH = 200
SMALL_NET = 200_000  # parameters below which BLAS threads cost more than they bring


class TrainingData(NamedTuple):
    """Samples to train on: rows, or sequences over whose rows outputs are averaged.

    take : callable
        ``take(positions, out)`` writes taps into `out`.
    positions : ndarray of shape (n_rows,)
        Where the taps of each row are.
    offsets : ndarray of shape (n_samples + 1,) or None
        With one target per sequence, where the rows of each begin.
    index : ndarray of shape (n_samples,)
        Which targets these are.
    values : ndarray of shape (n_samples, n_targets), or (n_samples,) of int
    weights : ndarray of shape (n_samples,) or (n_samples, n_targets), or None
    """

    take: Callable
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
            model._network,
            model._parameters,
            gradient,
            lambda rows, out: model._fill(self.take, positions[rows], out),
            self.values[chosen],
            weights=None if self.weights is None else self.weights[chosen],
            offsets=offsets,
            alpha=alpha,
        )


class TapNetwork(CallbackSupportMixin):
    """Mixin of the feed-forward nets over delay taps.

    A subclass fills the hooks ``_make_network(targets)``, ``_training_targets(targets,
    index)``, the values to learn and their weights, and ``_training_dtype(sequences)``.
    """

    _parameter_constraints = {
        "n_lags": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", *OPTIMIZERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "direct_connections": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "shuffle": ["boolean"],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "exogenous": [None, str, Integral, "array-like"],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
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

        With `more`, go on from where the last fit ended; with `epochs`, for so many
        epochs and without regard to convergence; with `add`, these data come on top of
        those of earlier calls.
        """
        network = self._make_network(targets)
        if not more:
            self._random_state = check_random_state(self.random_state)
            dtype = self._training_dtype(sequences)
            self._parameters = network.initialize(self._random_state, dtype)
            self._optimizer = None
        elif network.penalized_shapes != self._network.penalized_shapes:
            raise ValueError(
                "warm_start and partial_fit go on with the net of the last fit, of "
                f"layers {self._network.layer_sizes}, but these data and parameters "
                f"ask for layers {network.layer_sizes}. Call fit with warm_start=False."
            )
        self._network = network
        data = self._training_data(sequences, targets)
        max_iter = epochs or self.max_iter
        progress = FitProgress(self, max_iter, X, y, groups, sequences, targets)

        def fitted():
            model = copy.copy(self)
            model._parameters = copy.deepcopy(self._parameters)
            model._remember_targets(targets)
            model._remember_fit(sequences, targets)
            return vars(model)

        def end_iteration(n_iter, loss):
            return progress.iteration(fitted)

        threads = 1 if self._parameters.flat.size < SMALL_NET else None
        with threadpool_limits(threads, user_api="blas"):
            result = train_until_interrupt(
                lambda hook: self._minimize(sequences, data, max_iter, hook, epochs),
                self._parameters,
                end_iteration,
            )
        earlier = self.loss_curve_ if more else []
        with self._all_at_once() as model:
            model.loss_curve_ = earlier + result.loss_curve
            model.loss_ = model.loss_curve_[-1]
            model.n_iter_ = len(model.loss_curve_)
            model.validation_scores_ = result.validation_scores or None
            model._remember_targets(targets)
            model._remember_fit(sequences, targets, add=add)
        progress.end(lambda: vars(self))

    def _remember_fit(self, sequences, targets, add=False):
        """Set what is measured on the training data, with `add` that of all calls."""

    def _minimize(self, sequences, data, max_iter, end_iteration, epochs):
        """Train by the chosen solver."""
        if self.solver == "lbfgs":
            gradient = self._parameters.zeros_like()
            everything = np.arange(len(data.values))
            objective = data.objective(self, gradient, everything, self.alpha)
            return train_lbfgs(
                objective.full,
                self._parameters,
                gradient,
                max_iter=max_iter,
                tol=self.tol,
                on_iteration_end=end_iteration,
            )
        return self._train_stochastically(
            sequences, data, max_iter, end_iteration, epochs is None
        )

    def _train_stochastically(self, sequences, data, max_iter, end_iteration, to_end):
        gradient = self._parameters.zeros_like()
        learn, validation_score = np.arange(len(data.values)), None
        if self.early_stopping and to_end:
            learn, held_out = self._split(sequences, data)
            judge = data.objective(self, gradient, held_out, 0.0)

            def validation_score():
                return -judge.full()

        if self._optimizer is None:
            kwargs = {"learning_rate_init": self.learning_rate_init}
            if self.solver == "sgd":
                kwargs["momentum"] = self.momentum
                kwargs["nesterovs_momentum"] = self.nesterovs_momentum
            self._optimizer = OPTIMIZERS[self.solver](self._parameters.flat, **kwargs)
        size = MAX_BATCH if self.batch_size == "auto" else self.batch_size
        batches = ShuffledBatches(
            len(learn),
            min(size, len(learn)),
            self._random_state if self.shuffle else None,
        )
        return train_minibatches(
            data.objective(self, gradient, learn, self.alpha),
            self._parameters,
            gradient,
            self._optimizer,
            batches,
            max_iter=max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            validation_score=validation_score,
            on_epoch_end=end_iteration,
            warn=to_end,
        )

    def _training_data(self, sequences, targets):
        """The taps and targets of all rows (or sequences) that count."""
        context = 0 if self._encodes_symbols() else self.n_lags - 1
        index = targets.counted(sequences.offsets, self.burn_in, context)
        check_counted(index, self, "learn")
        taps = self._taps(sequences)
        rows, offsets = index - targets.advance, None
        if targets.kind == SEQUENCE:
            pooled, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
            ends = np.append(starts, len(pooled))
            chosen, offsets = rows_of_sequences(ends, index)
            rows = pooled[chosen]
        values, weights = self._training_targets(targets, index)
        return TrainingData(
            row_taker(taps.windows), taps.places[rows], offsets, index, values, weights
        )

    def _read_more(self, X, y, groups):
        """Further data for a model that is fitted, with targets of the same kind."""
        sequences = self._read_sequences(X, groups)
        if y is not None and self._kind == NEXT:
            raise ValueError(
                f"This {type(self).__name__} was first fitted without y, to predict "
                "the next step: partial_fit takes no y."
            )
        targets = self._score_targets(y, sequences)
        if hasattr(self, "classes_"):
            self._check_labels_seen(targets)
        return sequences, targets

    def _taps(self, sequences):
        if not self._encodes_symbols():
            rows = sequences.rows.astype(self._parameters.dtype, copy=False)
            sequences = sequences.with_rows(rows)
        return super()._taps(sequences)

    def _encodes_symbols(self):
        return False

    def _fill(self, take, positions, out):
        """Write the inputs at some positions into `out`."""
        take(positions, out)

    def _split(self, sequences, data):
        """Samples to learn from, and samples held out.

        Whole sequences are held out; of a single sequence, its last part.
        """
        n = len(data.index)
        owner = data.index
        if data.offsets is None:
            owner = np.searchsorted(sequences.sequence_offsets, data.index, "right")
        owners = np.unique(owner)
        n_held_out = int(np.ceil(self.validation_fraction * len(owners)))
        if n_held_out < len(owners):
            chosen = self._random_state.permutation(owners)[:n_held_out]
            held_out = np.isin(owner, chosen)
        else:
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
            self._network,
            self._parameters,
            lambda rows, out: self._fill(take, rows, out),
            len(taps),
        )

    @property
    def direct_coef_(self):
        """Weights of the direct connections; None without."""
        return self._parameters["direct"] if self._network.direct else None

    @property
    def coefs_(self):
        """Weights of each layer."""
        n_layers = len(self._network.layer_sizes) - 1
        return [self._parameters[f"weights_{i}"] for i in range(n_layers)]

    @property
    def intercepts_(self):
        """Biases of each layer."""
        n_layers = len(self._network.layer_sizes) - 1
        return [self._parameters[f"biases_{i}"] for i in range(n_layers)]
