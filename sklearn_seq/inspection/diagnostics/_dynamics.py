"""Fitted models as dynamical systems: maps of a state, and how tangents move.

A system has a method ``step(states, inputs)``, for states of shape (n, n_states). It
returns the next states and a function that takes tangents of shape
(n, n_directions, n_states) before the step, and those of the inputs or None, to those
after it. An autonomous system has ``step(states)``. Everything is in float64, and
inputs, taps and outputs are in the standard units of a net that standardises.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ..._core.closed_loop import check_next_step
from ..._core.standardize import UNCHANGED
from ...autoregressive import ARRegressor
from ...rnn import RNNClassifier, RNNRegressor
from .._estimators import recurrent_inputs, reservoir_inputs
from ._recurrent import Readout, initial_states, layer_maps, recurrent_readout


class RecurrentSystem:
    """A recurrent network; its states are those of all layers, in the fitted order."""

    def __init__(self, model):
        network = model.network_
        self.layers = layer_maps(model)
        self.slices = network.state_slices
        self.n_states, self.n_inputs = network.n_states, network.layer_sizes[0]
        self.initial = np.empty(self.n_states)
        for i, (h, c) in enumerate(initial_states(model, self.layers)):
            self._set(self.initial, i, h, c)
        last = recurrent_readout(model)
        weights = np.zeros((self.n_states, network.n_outputs))
        weights[self.slices[f"hidden_{network.n_layers - 1}"]] = last.weights
        self.readout = Readout(weights, last.biases)

    def _set(self, states, i, h, c):
        states[..., self.slices[f"hidden_{i}"]] = h
        if c is not None:
            states[..., self.slices[f"cell_{i}"]] = c

    def _get(self, states, i):
        h = states[..., self.slices[f"hidden_{i}"]]
        places = self.slices.get(f"cell_{i}")
        return h, None if places is None else states[..., places]

    def step(self, states, inputs):
        new, slopes, x = np.empty_like(states), [], inputs
        for i, layer in enumerate(self.layers):
            x, c, slope = layer.step(x, *self._get(states, i))
            self._set(new, i, x, c)
            slopes.append(slope)

        def tangent(d_states, d_inputs=None):
            moved = np.empty_like(d_states)
            dx = d_inputs
            if dx is None:
                dx = np.zeros((*d_states.shape[:2], self.n_inputs))
            for i, (layer, slope) in enumerate(zip(self.layers, slopes, strict=True)):
                dx, dc = layer.tangent(slope, dx, *self._get(d_states, i))
                self._set(moved, i, dx, dc)
            return moved

        return new, tangent

    def outputs(self, states, inputs):
        return self.readout(states)


class ReservoirSystem:
    """The reservoir of an echo state network."""

    def __init__(self, model):
        self.W = model.input_weights_.astype(np.float64)
        self.R = model.reservoir_.fastest().recurrent_weights.astype(np.float64)
        self.b = model.biases_.astype(np.float64)
        self.leak_rate = model.reservoir_.leak_rate
        self.n_states = len(self.b)
        self.initial = np.zeros(self.n_states)
        self.direct = model.coef_.shape[1] > self.n_states
        self.readout = Readout(model.coef_.T, model.intercept_)

    def _recur(self, states):
        """Products with the recurrent weights, of the last axis."""
        flat = states.reshape(-1, self.n_states)
        return (self.R @ flat.T).T.reshape(states.shape)

    def step(self, states, inputs):
        squashed = np.tanh(inputs @ self.W + self._recur(states) + self.b)
        slope = (self.leak_rate * (1 - squashed**2))[:, np.newaxis]

        def tangent(d_states, d_inputs=None):
            d = self._recur(d_states)
            if d_inputs is not None:
                d += d_inputs @ self.W
            return slope * d + (1 - self.leak_rate) * d_states

        return self.leak_rate * squashed + (1 - self.leak_rate) * states, tangent

    def outputs(self, states, inputs):
        return self.readout(np.hstack([states, inputs]) if self.direct else states)


class ConstantInput:
    """A system with constant inputs, as an autonomous system."""

    def __init__(self, system, inputs):
        self.system = system
        self.inputs = inputs
        self.n_states = system.n_states

    def _repeat(self, states):
        return np.tile(self.inputs, (len(states), 1))

    def step(self, states):
        return self.system.step(states, self._repeat(states))

    def outputs(self, states):
        return self.system.outputs(states, self._repeat(states))


class FeedbackLoop:
    """A system in closed loop: its outputs are its next inputs.

    Where outputs also depend on the last inputs, these are appended to the states.
    """

    def __init__(self, system):
        self.system = system
        self.direct = getattr(system, "direct", False)
        self.n_inner = system.n_states
        self.n_states = len(system.readout.weights)

    def step(self, states):
        inputs = self.outputs(states)
        inner, move = self.system.step(states[:, : self.n_inner], inputs)

        def tangent(d_states):
            d_inputs = d_states @ self.system.readout.weights
            moved = move(d_states[..., : self.n_inner], d_inputs)
            return np.dstack([moved, d_inputs]) if self.direct else moved

        return np.hstack([inner, inputs]) if self.direct else inner, tangent

    def outputs(self, states):
        return self.system.readout(states)


ACTIVATIONS = {
    "identity": (lambda x: x, np.ones_like),
    "logistic": (lambda x: 0.5 * np.tanh(0.5 * x) + 0.5, lambda h: h * (1 - h)),
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "relu": (lambda x: np.maximum(x, 0), lambda h: (h > 0).astype(np.float64)),
}


class DelayLoop:
    """A model over delay taps in closed loop; states are the taps."""

    def __init__(self, model):
        self.n_features = model.n_features_in_
        if isinstance(model, ARRegressor):
            coef = model.coef_.reshape(len(model.coef_), -1)
            weights, biases, direct = [coef.T], [model.intercept_], None
            activation = "identity"
        else:
            weights, biases, direct = (
                model.coefs_,
                model.intercepts_,
                model.direct_coef_,
            )
            activation = model.network_.activation
        self.weights = [w.astype(np.float64) for w in weights]
        self.biases = [b.astype(np.float64) for b in biases]
        self.direct = None if direct is None else direct.astype(np.float64)
        self.activate, self.slope = ACTIVATIONS[activation]
        self.n_states = len(self.weights[0])

    def _map(self, taps):
        """Outputs, and the slopes of the hidden units."""
        x, slopes = taps, []
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = self.activate(x @ w + b)
            slopes.append(self.slope(x)[:, np.newaxis])
        outputs = x @ self.weights[-1] + self.biases[-1]
        if self.direct is not None:
            outputs += taps @ self.direct
        return outputs, slopes

    def step(self, states):
        kept = self.n_states - self.n_features
        outputs, slopes = self._map(states)

        def tangent(d_states):
            d = d_states
            for w, slope in zip(self.weights[:-1], slopes, strict=True):
                d = d @ w * slope
            d = d @ self.weights[-1]
            if self.direct is not None:
                d += d_states @ self.direct
            return np.dstack([d, d_states[..., :kept]])

        return np.hstack([outputs, states[:, :kept]]), tangent

    def outputs(self, states):
        return self._map(states)[0]


def units_of(model):
    """The units in which a model sees X, and those in which it predicts."""
    return (
        getattr(model, "_input_units", UNCHANGED),
        getattr(model, "_target_units", UNCHANGED),
    )


def rows_of_states(system, states):
    """The part of the states of an autonomous system that are rows, as rows."""
    if isinstance(system, DelayLoop):
        n_lags = system.n_states // system.n_features
        return states.reshape(len(states), n_lags, system.n_features)
    start = system.n_inner if isinstance(system, FeedbackLoop) else system.n_states
    return states[:, np.newaxis, start:]


def is_recurrent(model):
    return isinstance(model, RNNRegressor | RNNClassifier)


def open_system(model, sequences):
    """A recurrent net or a reservoir, and its inputs at all rows."""
    if is_recurrent(model):
        return RecurrentSystem(model), recurrent_inputs(model, sequences)
    return ReservoirSystem(model), reservoir_inputs(model, sequences)


def closed_loop(model, function):
    """The closed loop of a model of the next step."""
    check_next_step(model, function)
    if len(model._target_columns(model.exogenous)) < model.n_features_in_:
        raise ValueError(
            f"{function} lets the model run on by itself, but exogenous="
            f"{model.exogenous!r} are driving inputs that it does not predict. Fit it "
            "without them."
        )
    if hasattr(model, "n_lags"):
        return DelayLoop(model)
    system = RecurrentSystem if is_recurrent(model) else ReservoirSystem
    return FeedbackLoop(system(model))


def lockstep(offsets):
    """Iterate over time steps; rows of the longest sequences come first.

    Yields
    ------
    rows : ndarray of shape (n_active,)
        The rows of the sequences that have not ended.
    """
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = offsets[:-1][order], lengths[order]
    for t in range(lengths[0]):
        yield starts[: np.searchsorted(-lengths, -t)] + t


def visited_states(model, loop, sequences):
    """States of an autonomous system that rows of data drive its model to.

    Parameters
    ----------
    model : estimator
        The fitted model.

    loop : ConstantInput, FeedbackLoop or DelayLoop
        The autonomous system of the model.

    sequences : Sequences
        The data.

    Returns
    -------
    states : ndarray of shape (n_rows, n_states)
        Where a feedback loop keeps the last inputs, these are the rows themselves.
    """
    if isinstance(loop, DelayLoop):
        taps = model._taps(sequences).take(np.arange(sequences.n_rows))
        return taps.astype(np.float64)
    system, inputs = open_system(model, sequences)
    states = np.empty((sequences.n_rows, system.n_states))
    current = np.tile(system.initial, (len(sequences.offsets) - 1, 1))
    for rows in lockstep(sequences.offsets):
        current, _ = system.step(current[: len(rows)], inputs[rows])
        states[rows] = current
    return np.hstack([states, inputs]) if loop.n_states > system.n_states else states
