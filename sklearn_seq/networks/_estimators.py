"""Mixins of the networks: training runs, symbols, class weights."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
from numbers import Integral, Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from threadpoolctl import threadpool_limits

from .._core.sklearn_compat import CallbackSupportMixin, Interval, StrOptions
from .._core.standardize import StandardizedInputs
from .._core.verbosity import IterationReport
from .._reading.holes import GAPS
from .._reading.labels import MISSING_LABEL
from ._interrupts import train_until_interrupt
from ._optimizers import OPTIMIZERS
from ._training import ShuffledBatches

SMALL_NET = 200_000  # parameters below which BLAS threads do not pay


class TrainedNetwork(StandardizedInputs, CallbackSupportMixin):
    """Mixin of the networks: settings, mini-batches and training runs.

    A family keeps its `ParameterVector` in ``_parameters``, its source of randomness in
    ``_random_state``, and its last optimiser, or None, in ``_optimizer``.
    """

    _parameter_constraints = {
        **StandardizedInputs._parameter_constraints,
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "solver": [StrOptions({"lbfgs", *OPTIMIZERS})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "gaps": GAPS,
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "shuffle": ["boolean"],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "exogenous": [None, str, Integral, "array-like"],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
    }

    def _training_dtype(self, sequences):
        return np.float32 if self._encodes_symbols() else sequences.rows.dtype

    @property
    def _net_dtype(self):
        return self._parameters.dtype

    def _optimizer_settings(self):
        settings = {"learning_rate_init": self.learning_rate_init}
        if self.solver == "sgd":
            settings["momentum"] = self.momentum
            settings["nesterovs_momentum"] = self.nesterovs_momentum
        return settings

    def _prepare_optimizer(self):
        """The optimiser of the last fit, or a new one, with the current settings."""
        settings = self._optimizer_settings()
        make = OPTIMIZERS[self.solver]
        if type(self._optimizer) is not make:
            self._optimizer = make(self._parameters.flat, **settings)
        for name, value in settings.items():
            setattr(self._optimizer, name, value)
        return self._optimizer

    def _batches(self, n_samples, auto):
        """Mini-batches of `batch_size` samples; `auto` if that is "auto"."""
        size = auto if self.batch_size == "auto" else self.batch_size
        random_state = self._random_state if self.shuffle else None
        return ShuffledBatches(n_samples, min(size, n_samples), random_state)

    def _held_out(self, owners):
        """Mask of the samples held out; None if there are too few sequences.

        Parameters
        ----------
        owners : ndarray of int of shape (n_samples,)
            The sequence of each sample. Whole sequences are held out.
        """
        sequences = np.unique(owners)
        n_held_out = int(np.ceil(self.validation_fraction * len(sequences)))
        if n_held_out == len(sequences):
            return None
        chosen = self._random_state.permutation(sequences)[:n_held_out]
        return np.isin(owners, chosen)

    def _run_training(
        self, minimize, progress, sequences, targets, *weights, more, add
    ):
        """Train, and set the fitted attributes at the end.

        Parameters
        ----------
        minimize : callable
            ``minimize(end_iteration)`` trains, and returns a `TrainingResult`.
        progress : FitProgress
        sequences, targets, *weights
            Arguments of `_remember_fit`.
        more : bool
            Whether to continue the loss curve of the last fit.
        add : bool
            Whether the data are added to those of earlier calls.
        """

        def fitted():
            model = copy.copy(self)
            model._parameters = copy.deepcopy(self._parameters)
            model._remember_targets(targets)
            model._remember_fit(sequences, targets, *weights, add=False)
            return vars(model)

        earlier = self.loss_curve_ if more else []
        report = self._report(earlier)

        def end_iteration(n_iter, loss, validation_score):
            report(n_iter, loss, validation_score)
            return progress.iteration(fitted)

        threads = 1 if self._parameters.flat.size < SMALL_NET else None
        with threadpool_limits(threads, user_api="blas"):
            result = train_until_interrupt(minimize, self._parameters, end_iteration)
            with self._all_at_once() as model:
                model.loss_curve_ = earlier + result.loss_curve
                model.loss_ = model.loss_curve_[-1]
                model.n_iter_ = len(model.loss_curve_)
                model.validation_scores_ = result.validation_scores or None
                model._remember_targets(targets)
                model._remember_fit(sequences, targets, *weights, add=add)
        progress.end(lambda: vars(self))

    def _report(self, earlier):
        """The printer of iterations, numbered on from an earlier fit."""
        unit = "nats" if hasattr(self, "classes_") else ""
        lines = IterationReport(type(self).__name__, "loss", unit)
        before = earlier[-1] if earlier else None

        def report(n_iter, loss, validation_score):
            nonlocal before
            if self.verbose:
                lines(
                    len(earlier) + n_iter,
                    loss,
                    change=None if before is None else loss - before,
                    validation_score=validation_score,
                )
            before = loss

        return report

    def _remember_fit(self, sequences, targets, *weights, add):
        """Set statistics of the training data; with `add`, over all calls."""


class NetworkClassifier:
    """Mixin of the classifiers: symbols, their embedding, and weights of classes.

    In a class definition it precedes the mixins of a family and `SequenceClassifier`.
    """

    _parameter_constraints = {
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "symbols": ["boolean", StrOptions({"auto"}), "array-like"],
        "missing_label": MISSING_LABEL,
    }

    @property
    def embedding_(self):
        """Vectors of the symbols."""
        embeds = self.network_.embedding_dim is not None
        return self._parameters["embedding"] if embeds else None

    def _read_fit(self, X, y, groups, classes=None, first_of_many=False):
        """As in `SequenceClassifier`; a warm start requires the same classes."""
        more = self.warm_start and self.__sklearn_is_fitted__()
        earlier = self.classes_ if more else None
        sequences, targets = super()._read_fit(X, y, groups, classes, first_of_many)
        if more and not np.array_equal(earlier, self.classes_):
            raise ValueError(
                f"warm_start=True goes on with the classes {earlier.tolist()}, but the "
                f"data have {self.classes_.tolist()}. Call fit with warm_start=False."
            )
        return sequences, targets

    def _are_symbols(self, rows, y):
        integers = rows.dtype.kind in "iub"
        if self.embedding_dim is not None and self.symbols is False:
            raise ValueError(
                f"embedding_dim={self.embedding_dim!r} embeds symbols, but "
                "symbols=False. Set embedding_dim=None for real-valued inputs."
            )
        if super()._are_symbols(rows, y):
            return True
        if self.embedding_dim is not None and not integers:
            raise ValueError(
                f"embedding_dim={self.embedding_dim!r} embeds symbols, but X has dtype "
                f"{rows.dtype}: symbols are integers or strings. Cast X, for example "
                "with X.astype(int), or set embedding_dim=None."
            )
        return self.embedding_dim is not None

    def _training_targets(self, targets, index):
        codes = targets.values[index, 0]
        if self.class_weight is None:
            return codes, None
        return codes, self._class_weights(codes)[codes].astype(self._parameters.dtype)

    def _class_weights(self, codes):
        """Weight of each class: (n_classes,)."""
        there = np.unique(codes)
        weights = np.ones(len(self.classes_))
        weights[there] = compute_class_weight(
            self.class_weight, classes=self.classes_[there], y=self.classes_[codes]
        )
        return weights
