"""Training of recurrent networks."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from .._core.callbacks import FitProgress
from .._core.sklearn_compat import Interval, StrOptions
from ..base import check_counted
from ..networks import OPTIMIZERS, train_hessian_free, train_lbfgs, train_minibatches
from ..networks._estimators import TrainedNetwork
from ..targets import SEQUENCE
from ._curvature import GaussNewton
from ._initialization import INITIALIZERS
from ._network import RecurrentNetwork
from ._readout import READOUTS
from ._training_data import TrainingData
from .cells import CELLS
from .constraints import CONSTRAINTS

MAX_BATCH = 32  # sequences
LONG = 200  # steps beyond which sequences are learnt in chunks
CHUNK = 100  # steps of a chunk


class RecurrentTraining(TrainedNetwork):
    """Mixin of the recurrent networks: training.

    A subclass fills the hooks ``_loss``, the name of a loss, ``_shapes(targets)``,
    arguments of the network for inputs and outputs, ``_training_targets(targets,
    index)``, targets and their weights, and ``_constant_outputs(data, weighted)``, the
    best constant outputs; `weighted`: samples have weights, and no data follow.
    """

    _parameter_constraints = {
        **TrainedNetwork._parameter_constraints,
        "cell": [StrOptions(set(CELLS))],
        "readout": [StrOptions(set(READOUTS))],
        "recurrent_constraint": [StrOptions(set(CONSTRAINTS)), "array-like", None],
        "initial_state": [
            StrOptions({"learned"}),
            Interval(Real, None, None, closed="neither"),
        ],
        "init": [StrOptions(set(INITIALIZERS))],
        "target_steps": [
            StrOptions({"last"}),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        "truncate": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        "solver": [StrOptions({"lbfgs", "hessian-free", *OPTIMIZERS})],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    }

    # The network

    def _layers(self):
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if sizes.ndim != 1 or sizes.size == 0 or sizes.dtype.kind not in "iu":
            valid = False
        else:
            valid = (sizes >= 1).all()
        if not valid:
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r}: expected integers of "
                "at least 1, one for each recurrent layer, at least one."
            )
        return tuple(sizes.tolist())

    def _make_network(self, targets):
        layers = self._layers()
        n_inputs, n_outputs, symbols = self._shapes(targets)
        if self.readout == "units" and n_outputs > layers[-1]:
            raise ValueError(
                f"readout='units' takes the {n_outputs} outputs from the units of the "
                f"last layer, but hidden_layer_sizes={self.hidden_layer_sizes!r} gives "
                f"it only {layers[-1]}. Use a larger layer, or readout='linear'."
            )
        return RecurrentNetwork(
            n_inputs,
            n_outputs,
            layers,
            cell=self.cell,
            loss=self._loss,
            readout=self.readout,
            recurrent_constraint=self._constraint(layers),
            initial_state=self.initial_state,
            **symbols,
        )

    def _constraint(self, layers):
        """The constraint on the recurrent weights; a pattern is checked."""
        constraint = self.recurrent_constraint
        if constraint is None or isinstance(constraint, str):
            return constraint
        pattern = np.asarray(constraint)
        n = layers[0]
        if (
            pattern.dtype.kind not in "iu"
            or pattern.shape != (n, n)
            or set(layers) != {n}
        ):
            raise ValueError(
                f"recurrent_constraint has shape {pattern.shape} and dtype "
                f"{pattern.dtype}, but a pattern of shared weights must be an array of "
                f"integers of shape (n_units, n_units), here {(n, n)}, all layers "
                f"being of the same size; hidden_layer_sizes="
                f"{self.hidden_layer_sizes!r}."
            )
        return pattern

    def _begin_training(self, targets, sequences, more):
        """A new network, or with `more` that of the last fit."""
        network = self._make_network(targets)
        if not more:
            self._random_state = check_random_state(self.random_state)
            dtype = self._training_dtype(sequences)
            self._parameters = network.initialize(
                self._random_state, dtype, init=self.init
            )
            self._optimizer = None
        elif _kind_of(network) != _kind_of(self.network_):
            raise ValueError(
                "warm_start and partial_fit go on with the net of the last fit, of "
                f"layers {self.network_.layer_sizes} and cell={self.network_.cell!r}, "
                f"but these data and parameters ask for layers {network.layer_sizes} "
                f"and cell={network.cell!r}. Call fit with warm_start=False."
            )
        else:
            network.constrain(self._parameters)
        self.network_ = network

    # Training

    def _train(
        self,
        X,
        y,
        groups,
        sample_weight,
        initial_states,
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
        self._begin_training(targets, sequences, more)
        sequences = self._start(sequences, initial_states)
        weights = self._step_weights(sample_weight, sequences, targets.kind)
        data, held_out = self._training_data(sequences, targets, weights), None
        if self.early_stopping and self.solver in OPTIMIZERS and epochs is None:
            data, held_out = self._split(data)
        rows, values = data.of_rows(sequences.rows), data.values[data.counted()]
        units = self._check_units if more else self._learn_units
        units(rows, values, targets.kind)
        inputs = self._taker(self._inputs(sequences))
        data = self._as_learned(data, inputs)
        held_out = held_out and self._as_learned(held_out, inputs)
        if not more and self.readout == "linear":
            # Initial predictions are the best constants.
            weighted = sample_weight is not None and epochs is None
            self._parameters["output_biases"][:] = self._constant_outputs(
                data, weighted
            )
        max_iter = epochs or self.max_iter
        progress = FitProgress(self, max_iter, X, y, groups, sequences, targets)
        self._run_training(
            lambda hook: self._minimize(data, held_out, max_iter, hook, epochs is None),
            progress,
            sequences,
            targets,
            weights,
            more=more,
            add=add,
        )

    def _minimize(self, data, held_out, max_iter, end_iteration, to_end):
        """Train with `solver`."""
        truncate = self._steps_of_chunks(data)
        network, parameters = self.network_, self._parameters
        gradient = parameters.zeros_like()
        if self.solver in OPTIMIZERS:
            return self._train_stochastically(
                data, held_out, gradient, truncate, max_iter, end_iteration, to_end
            )
        objective = data.objective(network, parameters, gradient, self.alpha)
        if self.solver == "lbfgs":
            return train_lbfgs(
                objective.full,
                parameters,
                gradient,
                max_iter=max_iter,
                tol=self.tol,
                on_iteration_end=end_iteration,
            )
        return train_hessian_free(
            objective.full,
            GaussNewton(objective),
            parameters,
            gradient,
            max_iter=max_iter,
            tol=self.tol,
            on_iteration_end=end_iteration,
            loss=lambda: data.loss(network, parameters, self.alpha),
        )

    def _train_stochastically(
        self, data, held_out, gradient, truncate, max_iter, end_iteration, to_end
    ):
        network, parameters = self.network_, self._parameters
        validation_score = None
        if held_out is not None:

            def validation_score():
                return -held_out.loss(network, parameters)

        objective = data.objective(network, parameters, gradient, self.alpha)
        batches = self._batches(data.n_segments, MAX_BATCH)
        if truncate is not None:
            batches = objective.chunks(batches, truncate)
        return train_minibatches(
            objective,
            parameters,
            gradient,
            self._prepare_optimizer(),
            batches,
            max_iter=max_iter,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            max_gradient_norm=self.max_grad_norm,
            validation_score=validation_score,
            on_epoch_end=end_iteration,
            warn=to_end,
            keep_best_on_divergence=True,
        )

    def _steps_of_chunks(self, data):
        """Number of steps of truncated backpropagation; None for no truncation."""
        if self.truncate is None:
            return None
        whole = self.solver not in OPTIMIZERS or self.target_steps is not None
        whole = whole or data.final
        longest = int(np.diff(data.offsets).max())
        if self.truncate == "auto":
            return None if whole or longest <= LONG else CHUNK
        if whole:
            why = (
                f"solver={self.solver!r} takes all data at once"
                if self.solver not in OPTIMIZERS
                else "the targets stand at the end of sequences, far from where "
                "errors must reach"
            )
            raise ValueError(
                f"truncate={self.truncate!r} cuts sequences into chunks, but {why}. "
                "Set truncate=None."
            )
        if self.truncate > longest:
            raise ValueError(
                f"truncate={self.truncate!r} is longer than the longest sequence, of "
                f"{longest} step(s). Set a smaller number, or None to let gradients "
                "flow through whole sequences."
            )
        return self.truncate

    # Data

    def _training_data(self, sequences, targets, weights):
        """Targets of all rows (or sequences) that count, before standardisation."""
        index = self._counted(targets, sequences)
        check_counted(index, self, "learn")
        self._check_target_steps(sequences, targets)
        offsets, final = sequences.offsets, False
        initial = sequences.initial_of_segments()
        rows = index - targets.advance
        if targets.kind == SEQUENCE:
            segments = sequences.last_segments[index]
            if self.target_steps in (None, "last"):
                final, rows = True, segments
            else:
                steps = np.arange(-self.target_steps, 0)
                rows = (offsets[segments + 1][:, None] + steps).ravel()
                index = np.repeat(index, self.target_steps)
        values, own_weights = self._training_targets(targets, index)
        if weights is not None:
            weights = weights[index].astype(self._parameters.dtype)
            if own_weights is None:
                own_weights = weights
            else:
                own_weights = (own_weights.T * weights).T
        n = len(offsets) - 1 if final else sequences.n_rows
        values, own_weights = _spread(
            values, own_weights, rows, n, self._parameters.dtype
        )
        starts = offsets[:-1]
        owners = np.searchsorted(sequences.sequence_offsets, starts, "right") - 1
        if own_weights is not None and not own_weights.any():
            raise ValueError(
                "sample_weight is zero wherever there is a target: there is nothing "
                "to learn from. At least one sample must have a positive weight."
            )
        data = TrainingData(
            None,
            None,
            offsets,
            values,
            own_weights,
            final,
            initial,
            owners,
        )
        return data.with_targets_only()

    def _as_learned(self, data, inputs):
        """Data with inputs, and targets as the net is trained on."""
        return data._replace(inputs=inputs, values=self._learned_values(data.values))

    def _check_target_steps(self, sequences, targets):
        """Refuse sequences shorter than `target_steps`."""
        if self.target_steps in (None, "last"):
            return
        lengths = np.diff(sequences.offsets)
        if targets.kind == SEQUENCE:
            lengths = lengths[sequences.last_segments]
        n_targets = lengths - targets.advance
        if (n_targets < self.target_steps).any():
            i = int(np.argmax(n_targets < self.target_steps))
            raise ValueError(
                f"target_steps={self.target_steps!r} is more than the "
                f"{n_targets[i]} step(s) with a target of sequence {i}, which has "
                f"{lengths[i]} row(s). Set a smaller number, or leave the sequence out."
            )

    def _split(self, data):
        """Training data and held-out data.

        Whole sequences are held out; of a single sequence, its last part.
        """
        held_out = self._held_out(data.owners)
        if held_out is not None:
            return (
                data.subset(np.flatnonzero(~held_out)),
                data.subset(np.flatnonzero(held_out)),
            )
        counted = data.counted()
        n = int(np.ceil(self.validation_fraction * len(counted)))
        if data.final or n == len(counted):
            n_sequences = len(np.unique(data.owners))
            raise ValueError(
                f"early_stopping=True, but {n_sequences} sequence(s) with "
                f"{len(counted)} target(s) cannot be split by validation_fraction="
                f"{self.validation_fraction!r}. Use more or longer sequences, or "
                "early_stopping=False."
            )
        cut = counted[-n]
        return data.until(cut), data.judged_from(cut)


def _kind_of(network):
    """Properties that two networks must share to share parameters."""
    shapes = network.penalized_shapes | network.free_shapes
    return shapes, network.cell, network.readout


def _spread(values, weights, places, n, dtype):
    """Values and weights at the positions `places` of n, with weight 0 elsewhere."""
    if weights is None and len(places) == n:
        all_values = np.empty_like(values)
        all_values[places] = values
        return all_values, None
    shape = () if weights is None else weights.shape[1:]
    all_weights = np.zeros((n, *shape), dtype)
    all_weights[places] = 1 if weights is None else weights
    all_values = np.zeros((n, *values.shape[1:]), values.dtype)
    all_values[places] = values
    return all_values, all_weights


def only_sample_weight(estimator, weights):
    """The `sample_weight` among keyword arguments of fit; refuse others."""
    unknown = sorted(set(weights) - {"sample_weight"})
    if unknown:
        raise TypeError(
            f"{type(estimator).__name__}.fit() got an unexpected keyword argument "
            f"{unknown[0]!r}"
        )
    return weights.get("sample_weight")
