"""Base of the echo state networks: the reservoir, its readout, closed loops."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .._core.docs import documented
from .._core.sklearn_compat import Interval, StrOptions
from .._core.standardize import StandardizedInputs, rows_learned_from
from .._reading.by_name import in_order_of
from .._reading.holes import GAPS
from ..autoregressive._taps import mean_over_sequences, pooled_rows
from ..base import check_counted
from ..preprocessing._frame_output import check_no_frame_output
from ..sequences import ROWS, last_rows
from ..targets import SEQUENCE
from ._reservoir import draw_reservoir, run
from ._ridge import StreamedRidge


@documented
class EchoStateNetwork(
    StandardizedInputs, ClassNamePrefixFeaturesOutMixin, TransformerMixin
):
    """Mixin of the echo state networks.

    A subclass fills the hook ``_target_values(targets, index)``, the regression
    targets, of shape (n, n_outputs).
    """

    _parameter_constraints = {
        **StandardizedInputs._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "spectral_radius": [Interval(Real, 0, None, closed="left")],
        "density": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"})],
        "leak_rate": [Interval(Real, 0, 1, closed="right")],
        "input_scaling": [Interval(Real, 0, None, closed="left"), "array-like"],
        "bias_scaling": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "direct_connections": ["boolean"],
        "random_state": ["random_state"],
        "exogenous": [None, str, Integral, "array-like"],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "gaps": GAPS,
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def input_weights_(self):
        """Weights from the inputs to the units."""
        return self.reservoir_.input_weights

    @property
    def recurrent_weights_(self):
        """Weights from the units to the units."""
        return self.reservoir_.recurrent_weights

    @property
    def biases_(self):
        """Biases of the units."""
        return self.reservoir_.biases

    @property
    def _net_dtype(self):
        return self.reservoir_.biases.dtype

    @property
    def _n_features_out(self):
        return self.reservoir_.n_units

    def transform(self, X, groups=None):
        """States of the reservoir: causal features of each row.

        Parameters
        ----------
        %(X)s

        %(groups)s

        Returns
        -------
        states : ndarray of shape (n_timesteps, n_components)
            In the layout of X: entry t is the state after the rows up to t.
        """
        check_is_fitted(self)
        sequences = self._read_sequences(X, groups)
        if sequences.layout.kind != ROWS:
            check_no_frame_output(self)
        shape = sequences.n_rows, self.reservoir_.n_units
        states = np.empty(shape, dtype=self.reservoir_.biases.dtype)
        for rows, block in self._run(sequences):
            states[rows] = block
        return sequences.layout.restore(states)

    def fit_transform(self, X, y=None, groups=None):
        """Fit to X and y and return the states of the reservoir.

        Parameters
        ----------
        %(X)s

        y : array-like, default=None
            Targets as for fit.

        %(groups)s

        Returns
        -------
        states : ndarray of shape (n_timesteps, n_components)
            In the layout of X.
        """
        return self.fit(X, y, groups=groups).transform(X, groups=groups)

    # Learning

    def _begin_learning(self, sequences, targets, n_outputs, dtype):
        """Draw the reservoir and start an empty regression."""
        n_inputs = self._n_inputs()
        self.reservoir_ = draw_reservoir(
            check_random_state(self.random_state),
            n_inputs,
            self.n_components,
            spectral_radius=self.spectral_radius,
            density=self.density,
            leak_rate=self.leak_rate,
            input_scaling=self._input_scaling(),
            bias_scaling=self.bias_scaling,
        ).astype(dtype)
        self._learn_units(*self._learned_from(sequences, targets))
        n_regressors = self.n_components + n_inputs * self.direct_connections
        self._ridge = StreamedRidge(n_regressors, n_outputs)

    def _learned_from(self, sequences, targets):
        """Rows and targets that are learned from, and their kind."""
        index = targets.counted(sequences.offsets, self.burn_in)
        rows = rows_learned_from(sequences, targets, index)
        return rows, targets.values[index], targets.kind

    def _input_scaling(self):
        if isinstance(self.input_scaling, Real):
            return self.input_scaling
        names = getattr(self, "feature_names_in_", None)
        scaling = in_order_of(names, self.input_scaling, "input_scaling", "features")
        scaling = np.asarray(scaling, dtype=np.float64)
        valid = scaling.shape == (self.n_features_in_,) and np.isfinite(scaling).all()
        if not valid or (scaling < 0).any():
            raise ValueError(
                f"input_scaling={self.input_scaling!r}: expected one number of at "
                f"least 0, or one for each of the {self.n_features_in_} features of X."
            )
        return scaling

    def _n_inputs(self):
        return self.n_features_in_

    def _check_settings_kept(self):
        learnt = self._ridge.n_inputs - self._n_inputs() * self.direct_connections
        if self.n_components != self.reservoir_.n_units or self.n_components != learnt:
            raise ValueError(
                f"partial_fit goes on with the {self.reservoir_.n_units} units and the "
                "connections of the first call, but since then n_components="
                f"{self.n_components!r} and direct_connections="
                f"{self.direct_connections!r} were set. Call fit to begin anew."
            )

    def _learn(self, sequences, targets):
        """The regression, updated by all rows (or sequences) that count."""
        index = targets.counted(sequences.offsets, self.burn_in)
        check_counted(index, self, "learn")
        ridge = copy.deepcopy(self._ridge)

        def add(z, index):
            known = None if targets.known is None else targets.known[index]
            ridge.update(z, self._target_values(targets, index), known)

        if targets.kind == SEQUENCE:
            add(self._mean_regressors(sequences)[index], index)
            return ridge
        target_at = np.full(sequences.n_rows, -1)
        target_at[index - targets.advance] = index
        for rows, z in self._blocks(sequences):
            index = target_at[rows]
            if (index >= 0).any():
                add(z[index >= 0], index[index >= 0])
        return ridge

    def _mean_regressors(self, sequences):
        """Mean regressors of each sequence: (n_sequences, n_regressors)."""
        index, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
        counts = np.diff(np.append(starts, len(index)))
        owner = np.full(sequences.n_rows, -1)
        owner[index] = np.repeat(np.arange(len(starts)), counts)
        means = np.zeros((len(starts), self._ridge.n_inputs))
        for rows, z in self._blocks(sequences):
            there = owner[rows] >= 0
            owners = owner[rows[there]]
            np.add.at(means, owners, z[there] / counts[owners, None])
        return means

    # Forward pass: inputs, states, regressors, outputs

    def _inputs(self, sequences):
        """Inputs of the reservoir for all rows."""
        return self._to_net(sequences.rows)

    def _run(self, sequences):
        return run(self.reservoir_, self._inputs(sequences), sequences.offsets)

    def _blocks(self, sequences):
        """Rows and their regressors, block by block."""
        inputs = self._inputs(sequences)
        for rows, states in run(self.reservoir_, inputs, sequences.offsets):
            yield rows, self._regressors(states, inputs[rows])

    def _regressors(self, states, inputs):
        """Inputs of the readout: states and, with direct connections, inputs."""
        if not self.direct_connections:
            return states
        return np.hstack([states, self._direct_inputs(inputs)])

    def _direct_inputs(self, inputs):
        return inputs

    def _read_out(self, states, inputs):
        """Outputs from states and inputs: shape (n, n_outputs)."""
        return self._regressors(states, inputs) @ self.coef_.T + self.intercept_

    def _outputs(self, sequences):
        """Outputs for all rows (n_rows, n_outputs), or for all sequences."""
        outputs = np.empty((sequences.n_rows, len(self.coef_)))
        for rows, z in self._blocks(sequences):
            outputs[rows] = z @ self.coef_.T + self.intercept_
        if self.target_kind_ != SEQUENCE:
            return outputs
        index, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
        return mean_over_sequences(outputs[index], starts)

    # Closed loops, with state (reservoir, its states, latest inputs)

    @property
    def _remedy(self):
        return (
            "Take fewer steps, or fit with direct_connections=False, a smaller "
            f"input_scaling or a larger alpha (alpha={self.alpha!r})."
        )

    def _final_state(self, sequences):
        last = last_rows(sequences)
        sequence_ending_at = np.full(sequences.n_rows, -1)
        sequence_ending_at[last] = np.arange(len(last))
        states = self.reservoir_.initial_states(len(last))
        for rows, block in self._run(sequences):
            ending = sequence_ending_at[rows] >= 0
            states[sequence_ending_at[rows[ending]]] = block[ending]
        return self.reservoir_.fastest(), states, self._inputs(sequences)[last]

    def _initial_state(self, rows):
        reservoir = self.reservoir_.fastest()
        return self._step((reservoir, reservoir.initial_states(len(rows)), None), rows)

    def _step(self, state, rows):
        reservoir, states, _ = state
        rows = self._to_net(rows)
        return reservoir, reservoir.step(states, reservoir.drive(rows)), rows

    def _next_outputs(self, state):
        _, states, inputs = state
        return self._read_out(states, inputs)
