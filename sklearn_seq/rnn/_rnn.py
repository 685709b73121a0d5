"""Base of the recurrent networks: outputs, states and closed loops."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._core.docs import documented
from .._core.packing import Packing
from ..base import check_range
from ..networks import row_taker, rows_of_sequences
from ..preprocessing._frame_output import check_no_frame_output
from ..sequences import ROWS
from ..targets import SEQUENCE
from ._objective import predict
from ._states import StatefulSequences, check_initial_states
from ._workspace import Workspace


class ClosedLoopState(NamedTuple):
    """State of a closed loop.

    Attributes
    ----------
    outputs : ndarray of shape (n_sequences, n_outputs)
        The prediction of the next rows.

    states : ndarray of shape (n_sequences, n_states) or None
        The states of the network; None for its own initial states.

    work : Workspace
        Buffers for one step.
    """

    outputs: np.ndarray | None
    states: np.ndarray | None
    work: Workspace


@documented
class RecurrentModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Mixin of the recurrent networks: methods of a fitted one.

    Combine it with a `ClosedLoop` and a base of regressors or classifiers.
    """

    __metadata_request__fit = {"sample_weight": None}

    _remedy = "Take fewer steps, or fit with a larger alpha."

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    # Fitted attributes

    def _of_layers(self, name):
        layers = range(self.network_.n_layers)
        return [self._parameters[f"{name}_{i}"] for i in layers]

    @property
    def input_weights_(self):
        """Weights of each layer from its inputs."""
        return self._of_layers("input_weights")

    @property
    def recurrent_weights_(self):
        """Weights of each layer from its own units."""
        return self._of_layers("recurrent_weights")

    @property
    def biases_(self):
        """Biases of each layer."""
        return self._of_layers("biases")

    @property
    def coef_(self):
        """Weights of the readout."""
        linear = self.network_.readout == "linear"
        return self._parameters["output_weights"].T if linear else None

    @property
    def intercept_(self):
        """Biases of the readout."""
        linear = self.network_.readout == "linear"
        return self._parameters["output_biases"] if linear else None

    @property
    def initial_state_(self):
        """States before a sequence's first row."""
        return self.network_._own_initial_states(self._parameters)

    @property
    def _n_features_out(self):
        return self.network_.hidden_layer_sizes[-1]

    # Passes through the network

    def _read_sequences(self, X, groups, *, reset=False):
        return StatefulSequences(super()._read_sequences(X, groups, reset=reset))

    def _read_started(self, X, groups, initial_states):
        """Sequences that start in given states, or in the network's own."""
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        return self._start(sequences, initial_states)

    def _start(self, sequences, initial_states):
        initial = check_initial_states(
            initial_states,
            sequences.n_sequences,
            self.network_,
            self._parameters.dtype,
            sequences.layout.ids,
        )
        return StatefulSequences(sequences, initial)

    def _inputs(self, sequences):
        """Rows as in closed loops: symbols are numbered."""
        return sequences.rows

    def _taker(self, rows):
        """A function ``take(positions, out)`` that writes inputs of the network."""
        return row_taker(np.ascontiguousarray(self._to_net(rows)))

    def _pass_through(self, sequences, *, final=False, hidden=False):
        """Forward pass: outputs and, with `hidden`, activities; sets final states.

        With `final`, outputs are those of the last row of each sequence.
        """
        take, offsets = self._taker(self._inputs(sequences)), sequences.offsets
        initial, last = sequences.initial_of_segments(), sequences.last_segments
        if final and len(last) < len(offsets) - 1:
            rows, offsets = rows_of_sequences(offsets, last)
            every = take

            def take(positions, out):
                every(rows[positions], out)

            initial = None if initial is None else initial[last]
            last = np.arange(len(last))
        with np.errstate(over="ignore", invalid="ignore"):
            predictions = predict(
                self.network_,
                self._parameters,
                take,
                offsets,
                final=final,
                initial=initial,
                return_hidden=hidden,
            )
        check_range(predictions.outputs, self)
        sequences.final = predictions.states[last]
        return predictions

    def _network_outputs(self, sequences):
        """Outputs for all rows (n_rows, n_outputs), or for all sequences."""
        final = self.target_kind_ == SEQUENCE
        return self._pass_through(sequences, final=final).outputs

    def _counted(self, targets, sequences):
        index = super()._counted(targets, sequences)
        if targets.kind == SEQUENCE or self.target_steps is None:
            return index
        n_steps = 1 if self.target_steps == "last" else self.target_steps
        last = np.repeat(sequences.offsets[1:], np.diff(sequences.offsets)) - n_steps
        return index[index >= last[index] - targets.horizon + targets.advance]

    def _continued_outputs(self, sequences):
        """Predictions of first rows from given initial states.

        Returns
        -------
        rows : ndarray of shape (n,)
            First rows of sequences with given states of the last layer.

        outputs : ndarray of shape (n, n_outputs)
        """
        network, initial = self.network_, sequences.initial
        starts = sequences.sequence_offsets[:-1]
        n_outputs = network.n_outputs
        if initial is None:
            return starts[:0], np.empty((0, n_outputs), self._parameters.dtype)
        top = network.state_slices[f"hidden_{network.n_layers - 1}"]
        given = ~np.isnan(initial[:, top]).any(axis=1)
        outputs = np.empty((int(given.sum()), n_outputs), self._parameters.dtype)
        network._readout.forward(self._parameters, initial[given, top], outputs)
        return starts[given], outputs

    # Methods

    def score(
        self, X, y=None, sample_weight=None, groups=None, *, initial_states=None
    ) -> float:
        """Score of the predictions: R² of a regressor, accuracy of a classifier.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            The targets; None for next-step prediction, where they are X itself. NaN
            (for labels also None, pandas.NA and `missing_label`) means "no target
            here". A model fitted without y also takes X advanced by one step: its
            entry t is held against the forecast made at row t.

        %(sample_weight)s

        %(groups)s

        initial_states : array-like of shape (n_sequences, n_units), default=None
            States of the units before each sequence, as in `predict`.

        Returns
        -------
        score : float
            Over all rows (or sequences) with a known target, without the first
            `burn_in` of each sequence; with `target_steps`, over its last so many.
        """
        sequences = self._read_started(X, groups, initial_states)
        return self._score(sequences, y, sample_weight)

    def score_samples(
        self, X, y=None, groups=None, *, initial_states=None
    ) -> np.ndarray:
        """Log predictive density, or probability, of each target.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            The targets of a model that was fitted with y.

        %(groups)s

        initial_states : array-like of shape (n_sequences, n_units), default=None
            States of the units before each sequence, as in `predict`.

        Returns
        -------
        log_density : ndarray
            In nats, one entry for each row (for each sequence if it has one target),
            in the layout of X. Fitted without y, entry t is the log density (for
            symbols the log probability) of row t given the earlier rows of its
            sequence. For the first row it is given the initial state of the last layer
            or, without one, under a Gaussian fitted to the training rows (for symbols,
            Laplace-smoothed frequencies). Fitted with y, entry t is that of ``y[t]``
            given the rows of X up to t, and 0 where there is no target.
        """
        return self._score_samples(self._read_started(X, groups, initial_states), y)

    def transform(self, X, groups=None, *, initial_states=None):
        """Activities of the last layer: causal features of each row.

        Parameters
        ----------
        %(X)s

        %(groups)s

        initial_states : array-like of shape (n_sequences, n_units), default=None
            States of the units before each sequence, as in `predict`.

        Returns
        -------
        activities : ndarray of shape (n_timesteps, n_units_of_last_layer)
            In the layout of X: entry t is given the rows up to t.
        """
        sequences = self._read_started(X, groups, initial_states)
        if sequences.layout.kind != ROWS:
            check_no_frame_output(self)
        hidden = self._pass_through(sequences, hidden=True).hidden
        last_layer = np.ascontiguousarray(hidden[:, -self._n_features_out :])
        return sequences.layout.restore(last_layer)

    def fit_transform(self, X, y=None, groups=None):
        """Fit to X and y and return the activities of the last layer.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            Targets as for fit.

        %(groups)s

        Returns
        -------
        activities : ndarray of shape (n_timesteps, n_units_of_last_layer)
            In the layout of X.
        """
        return self.fit(X, y, groups=groups).transform(X, groups=groups)

    def forecast(
        self,
        X,
        n_steps=1,
        *,
        future_exogenous=None,
        groups=None,
        initial_states=None,
    ) -> np.ndarray:
        """Run on closed-loop from the end of each sequence.

        Parameters
        ----------
        %(X)s

        n_steps : int, default=1
            Number of time steps to forecast.

        future_exogenous : array-like of shape (n_steps, n_inputs) or \
                (n_sequences, n_steps, n_inputs), default=None
            The driving inputs of the steps to come; the last one is not used. A frame
            is read by the names of its columns, and by its sequences if its index has
            two levels, sequence and time.

        %(groups)s

        initial_states : array-like of shape (n_sequences, n_units), default=None
            States of the units before each sequence, as in `predict`.

        Returns
        -------
        forecast : ndarray
            The `n_steps` rows that follow each sequence: for rows of shape
            (n_sequences * n_steps, n_targets), for a panel of shape
            (n_sequences, n_steps, n_targets), for a list an object array of arrays.
            For symbols the most probable one at each step, without the last axis.
        """
        self._check_loop(n_steps, "forecast")
        sequences = self._read_started(X, groups, initial_states)
        return self._forecast(sequences, n_steps, future_exogenous)

    # Closed loops

    def _final_state(self, sequences):
        outputs = self._pass_through(sequences, final=True).outputs
        return self._loop_state(outputs, sequences.final)

    def _initial_state(self, rows):
        return self._step(self._loop_state(rows, None), rows)

    def _loop_state(self, outputs, states):
        work = self.network_.workspace(self._parameters.dtype)
        work.resize(Packing(np.ones(len(outputs), np.intp)))
        return ClosedLoopState(outputs, states, work)

    def _next_outputs(self, state):
        return state.outputs

    def _step(self, state, rows):
        work, network = state.work, self.network_
        self._taker(rows)(np.arange(len(rows)), work.inputs)
        outputs = network.forward(
            self._parameters,
            work.inputs,
            work.packing,
            initial=state.states,
            workspace=work,
        )
        return ClosedLoopState(outputs.copy(), network.final_states(work), work)
