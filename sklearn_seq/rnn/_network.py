"""A recurrent network: outputs, loss and gradient as functions of arrays."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import csc_array

from ..networks import LOSSES
from ._gauss_newton import GaussNewtonMixin
from ._initialization import initial_parameters
from ._inputs import LayerInputs, RowInputs
from ._readout import READOUTS
from ._workspace import Workspace
from .bptt import Above, take_final
from .cells import CELLS
from .constraints import project_gates, projection


class RecurrentNetwork(GaussNewtonMixin):
    """The architecture of a network and its passes; it holds no parameters.

    At each time step, a layer's inputs are its own activities one step before and the
    inputs of the network, or the activities of the layer below. Outputs are linear
    functions of the last layer, or activities of some of its units.

    Parameters
    ----------
    n_inputs : int
        The number of real inputs, or of symbols, at each time step.

    n_outputs : int
        The number of outputs: targets, or classes.

    hidden_layer_sizes : sequence of int
        The number of units of each layer, one layer at least.

    cell : {"tanh", "relu", "lstm", "gru"}, default="tanh"
        The kind of units.

    loss : {"squared_error", "cross_entropy"}, default="squared_error"
        The loss that training minimises.

    readout : {"linear", "units"}, default="linear"
        Whether outputs have weights of their own, or are the activities of the first
        `n_outputs` units of the last layer.

    recurrent_constraint : {"symmetric", "antisymmetric", "diagonal"} or array-like \
of shape (n_units, n_units) of int, default=None
        Constraint on the recurrent weights of each layer, or gate. In a pattern,
        entries of equal number share a weight; all layers then have the same size.

    initial_state : "learned" or float, default="learned"
        The states before the first step: parameters, or a number for all.

    n_symbols : int, default=None
        The number of symbols, if the inputs are symbols: codes from 0 to
        ``n_symbols - 1``.

    embedding_dim : int, default=None
        The number of columns of the embedding matrix in which symbols are looked up.

    Attributes
    ----------
    state_slices : dict of str to slice
        Columns of each layer's states, by name: ``"hidden_0"``, ``"cell_0"`` and so on.
        The activities of all layers come first, then the memory cells of an LSTM.
    """

    def __init__(
        self,
        n_inputs,
        n_outputs,
        hidden_layer_sizes,
        *,
        cell="tanh",
        loss="squared_error",
        readout="linear",
        recurrent_constraint=None,
        initial_state="learned",
        n_symbols=None,
        embedding_dim=None,
    ):
        self.n_inputs = n_inputs
        self.n_outputs = n_outputs
        self.hidden_layer_sizes = tuple(hidden_layer_sizes)
        self.cell = cell
        self.loss = loss
        self.readout = readout
        self.recurrent_constraint = recurrent_constraint
        self.initial_state = initial_state
        self.n_symbols = n_symbols
        self.embedding_dim = embedding_dim
        self.state_slices, start = {}, 0
        for kind in CELLS[cell].state_names:
            for i, n in enumerate(self.hidden_layer_sizes):
                self.state_slices[f"{kind}_{i}"] = slice(start, start + n)
                start += n
        self._project = None
        if recurrent_constraint is not None:
            self._project = projection(recurrent_constraint)

    @property
    def n_layers(self):
        """The number of recurrent layers."""
        return len(self.hidden_layer_sizes)

    @property
    def layer_sizes(self):
        """The numbers of inputs to the first layer, hidden units and outputs."""
        n_first = self.n_inputs * (self.embedding_dim or 1)
        return (n_first, *self.hidden_layer_sizes, self.n_outputs)

    @property
    def n_states(self):
        """The number of states of all layers together."""
        return sum(self.hidden_layer_sizes) * len(CELLS[self.cell].state_names)

    @property
    def penalized_shapes(self):
        """The shapes of weights and embeddings."""
        cell, sizes, shapes = CELLS[self.cell], self.layer_sizes, {}
        for i, n in enumerate(self.hidden_layer_sizes):
            shapes[f"input_weights_{i}"] = sizes[i], cell.n_inputs * n
            shapes[f"recurrent_weights_{i}"] = n, cell.n_recurrent * n
        if self.readout == "linear":
            shapes["output_weights"] = sizes[-2:]
        if self.embedding_dim is not None:
            shapes["embedding"] = self.n_symbols, self.embedding_dim
        return shapes

    @property
    def free_shapes(self):
        """The shapes of biases and initial states, which have no penalty."""
        cell, shapes = CELLS[self.cell], {}
        for i, n in enumerate(self.hidden_layer_sizes):
            shapes[f"biases_{i}"] = (cell.n_pre * n,)
        if self.readout == "linear":
            shapes["output_biases"] = (self.n_outputs,)
        if self.initial_state == "learned":
            for name, places in self.state_slices.items():
                shapes[f"initial_{name}"] = (places.stop - places.start,)
        return shapes

    def initialize(
        self, random_state, dtype=np.float64, *, init="orthogonal", gain=1.0
    ):
        """Draw initial parameters.

        Parameters
        ----------
        random_state : RandomState or Generator
            The source of randomness.

        dtype : dtype, default=np.float64
            The type of the parameters.

        init : {"orthogonal", "identity", "gaussian", "glorot_uniform"}, \
default="orthogonal"
            How the recurrent weights of each gate are drawn, before they are made to
            satisfy the constraint: a random orthogonal matrix (Saxe et al., 2014),
            the identity (Le, Jaitly and Hinton, 2015, for rectified units), normal
            with variance ``1 / n_units``, or uniform (Glorot and Bengio, 2010). Other
            weights are always drawn from the last, embeddings and learned initial
            states from a normal distribution, these of standard deviation 0.1. Biases
            are zero, except those of forget gates, which are one.

        gain : float, default=1.0
            A factor of the recurrent weights.

        Returns
        -------
        parameters : ParameterVector
            For each layer i ``"input_weights_i"`` of shape (n_below, n_inputs *
            n_units), ``"recurrent_weights_i"`` of shape (n_units, n_recurrent *
            n_units) and ``"biases_i"`` of shape (n_pre * n_units,), with as many
            blocks of columns as the cell has gates, in its order; further, unless
            absent, ``"output_weights"`` of shape (n_units, n_outputs),
            ``"output_biases"`` of shape (n_outputs,), ``"embedding"`` of shape
            (n_symbols, embedding_dim), ``"initial_hidden_i"`` and
            ``"initial_cell_i"`` of shape (n_units,).
        """
        return initial_parameters(self, random_state, dtype, init, gain)

    def constrain(self, vector):
        """Project parameters, or a gradient, to the constraint, in place.

        Parameters
        ----------
        vector : ParameterVector
        """
        if self._project is not None:
            for i in range(self.n_layers):
                project_gates(self._project, vector[f"recurrent_weights_{i}"])

    def workspace(self, dtype):
        """Return a workspace for parameters of type `dtype`."""
        return Workspace(self, dtype)

    def forward(
        self,
        parameters,
        inputs,
        packing,
        *,
        initial=None,
        final=False,
        keep=False,
        workspace=None,
    ):
        """Compute the outputs: predictions, or logits.

        Parameters
        ----------
        parameters : ParameterVector
            As made by `initialize`.

        inputs : ndarray of shape (n_rows, n_inputs)
            The inputs in packed order: real numbers, or with embeddings integers from
            0 to ``n_symbols - 1``, which are not checked.

        packing : Packing
            How the rows of the batch are ordered.

        initial : ndarray of shape (n_sequences, n_given), default=None
            The states before the first step, as from `final_states`, in the order of
            the batch. NaN, and columns beyond `n_given`, stand for the network's own
            initial states.

        final : bool, default=False
            Whether to compute the outputs of the last step of each sequence only.

        keep : bool, default=False
            Whether to keep what a backward pass needs in the workspace.

        workspace : Workspace, default=None
            Buffers, overwritten by the next call that uses them.

        Returns
        -------
        outputs : ndarray of shape (n_rows, n_outputs) or (n_sequences, n_outputs)
            In packed order, or with `final` in the order of the batch.
        """
        work = workspace or self.workspace(parameters.dtype)
        work.start(packing, keep)
        rows = inputs
        if self.embedding_dim is not None:
            rows = work.embedded = self._embed(parameters["embedding"], inputs, work)
        below = RowInputs(packing.runs, rows)
        before = self._initial_states(parameters, initial, work)
        for i, layer in enumerate(work.layers):
            layer.set_weights(*self._weights(parameters, i))
            layer.forward(below, before[i])
            below = LayerInputs(layer)

        n_targets = packing.n_sequences if final else packing.n_rows
        work.outputs = work.memory.array("outputs", (n_targets, self.n_outputs))
        hidden = self._top_blocks(work)
        if final:
            hidden = work.final_hidden = self._final(hidden, work)
            self._readout.forward(parameters, hidden, work.outputs)
        else:
            for (_, outputs), blocks in zip(self._runs(work), hidden, strict=True):
                self._readout.forward(parameters, blocks.swapaxes(1, 2), outputs)
        return work.outputs

    @property
    def _readout(self):
        return READOUTS[self.readout]

    def _top_blocks(self, work):
        """The activities of the last layer after each step, run by run."""
        layer = work.layers[-1]
        return [layer.activities(k) for k in range(len(layer.runs))]

    def _final(self, blocks, work):
        """Values after the last step of each sequence, in the order of the batch."""
        packing = work.packing
        final = np.empty((self.layer_sizes[-2], packing.n_sequences), work.dtype)
        take_final(packing.runs, blocks, final)
        return unsort(packing, final)

    def _runs(self, work):
        """Each run with its outputs, of shape (n_steps, size, n_outputs)."""
        for run in work.packing.runs:
            rows = work.outputs[run.start : run.stop]
            yield run, rows.reshape(run.n_steps, run.size, -1)

    @staticmethod
    def _weights(parameters, i):
        names = "input_weights", "recurrent_weights", "biases"
        return tuple(parameters[f"{name}_{i}"] for name in names)

    def _embed(self, embedding, inputs, work):
        """The embeddings of the symbols, side by side: inputs of the first layer."""
        shape = *inputs.shape, self.embedding_dim
        symbols = work.memory.array("embedded", shape)
        embedding.take(inputs, axis=0, out=symbols, mode="clip")
        return symbols.reshape(len(inputs), -1)

    def _initial_states(self, parameters, initial, work):
        """The states before the first step: per layer, (n_units, n_sequences) each."""
        n_sequences = work.packing.n_sequences
        states = work.memory.array("initial", (self.n_states, n_sequences))
        states[:] = self._own_initial_states(parameters)[:, np.newaxis]
        work.unset = None
        if initial is not None:
            given = initial[work.packing.order].T
            work.unset = np.ones(states.shape, bool)
            np.isnan(given, out=work.unset[: len(given)])
            np.copyto(states[: len(given)], given, where=~work.unset[: len(given)])
        return self._by_layer(states)

    def _own_initial_states(self, parameters):
        if self.initial_state != "learned":
            return np.full(self.n_states, self.initial_state, parameters.dtype)
        names = [f"initial_{name}" for name in self.state_slices]
        return np.concatenate([parameters[name] for name in names])

    def _by_layer(self, states):
        """Split (n_states, ...) by layer, then by kind of state."""
        slices = self.state_slices
        return [
            [states[slices[f"{kind}_{i}"]] for kind in CELLS[self.cell].state_names]
            for i in range(self.n_layers)
        ]

    def hidden_states(self, workspace):
        """The activities of all units at all steps of the last forward pass.

        Parameters
        ----------
        workspace : Workspace
            What `forward` worked in.

        Returns
        -------
        hidden : ndarray of shape (n_rows, n_units)
            In packed order, the units of all layers side by side.
        """
        n_units = sum(self.hidden_layer_sizes)
        hidden = np.empty((workspace.packing.n_rows, n_units), workspace.dtype)
        for i, layer in enumerate(workspace.layers):
            columns = self.state_slices[f"hidden_{i}"]
            for k, run in enumerate(workspace.packing.runs):
                rows = hidden[run.start : run.stop, columns]
                rows[:] = layer.activities(k).swapaxes(1, 2).reshape(rows.shape)
        return hidden

    def final_states(self, workspace):
        """The states after the last step of each sequence of the last forward pass.

        Parameters
        ----------
        workspace : Workspace
            What `forward` worked in.

        Returns
        -------
        states : ndarray of shape (n_sequences, n_states)
            In the order of the batch; see `state_slices` for the columns.
        """
        packing = workspace.packing
        final = np.empty((self.n_states, packing.n_sequences), workspace.dtype)
        for layer, states in zip(workspace.layers, self._by_layer(final), strict=True):
            layer.final_states(states)
        return unsort(packing, final)

    def loss_and_gradient(
        self,
        parameters,
        gradient,
        inputs,
        packing,
        targets,
        *,
        weights=None,
        final=False,
        initial=None,
        alpha=0.0,
        normalizer=None,
        workspace=None,
    ):
        """Compute the loss and its gradient by backpropagation through time.

        Given initial states are constants: no gradient flows beyond them.

        Parameters
        ----------
        parameters : ParameterVector
            As made by `initialize`.

        gradient : ParameterVector
            Receives the gradient, made to satisfy the constraint.

        inputs, packing, final, initial, workspace
            As in `forward`.

        targets : ndarray of shape (n_targets, n_outputs), or (n_targets,) of int
            One per row in packed order, or with `final` one per sequence in the order
            of the batch: numbers, or the indices of classes.

        weights : ndarray of shape (n_targets,) or (n_targets, n_outputs), default=None
            The weights of targets, 0 where there is none.

        alpha : float, default=0.0
            The strength of the penalty ``0.5 * alpha / normalizer`` times the squared
            norm of weights and embeddings.

        normalizer : float, default=None
            The divisor of the weighted sum of losses, by default ``n_targets``.

        Returns
        -------
        loss : float
            The weighted mean of the losses plus the penalty.
        """
        work = workspace or self.workspace(parameters.dtype)
        normalizer = len(targets) if normalizer is None else normalizer
        outputs = self.forward(
            parameters,
            inputs,
            packing,
            initial=initial,
            final=final,
            keep=True,
            workspace=work,
        )
        loss = LOSSES[self.loss](outputs, targets, outputs, weights, normalizer)
        self._backpropagate(parameters, gradient, inputs, final, work)
        if alpha:
            strength = alpha / normalizer
            flat = parameters.penalized_flat
            gradient.penalized_flat += strength * flat
            loss += 0.5 * strength * float(np.dot(flat, flat))
        self.constrain(gradient)
        return loss

    def _backpropagate(self, parameters, gradient, inputs, final, work):
        """Turn ``work.outputs``, the derivative in the outputs, into the gradient."""
        rows, d_inputs = inputs, None
        if self.embedding_dim is not None:
            rows = work.embedded
            d_inputs = work.scratch.array("d_embedded", rows.shape)
        layers = work.layers
        below = [RowInputs(work.packing.runs, rows, d_inputs)]
        below += [LayerInputs(layer) for layer in layers[:-1]]
        above = self._above(parameters, gradient, final, work)
        for i in reversed(range(self.n_layers)):
            input_weights, recurrent_weights, _ = self._weights(parameters, i)
            into = self._weights(gradient, i)
            d_initial, by_readout = layers[i].backward(
                recurrent_weights, input_weights, above, below[i], into
            )
            if self.initial_state == "learned":
                self._add_initial_gradient(gradient, i, d_initial, work)
            if len(by_readout):
                self._readout.set_gradient(gradient, by_readout)
            if i:
                no_outputs = np.empty((len(input_weights), 0), work.dtype)
                above = Above(no_outputs, [], layers[i - 1].d_hidden)
        if self.embedding_dim is not None:
            self._add_embedding_gradient(gradient, inputs, d_inputs)

    def _above(self, parameters, gradient, final, work):
        """Derivatives of the loss in what the readout computes: see `Above`."""
        n_units, n_outputs = self.layer_sizes[-2:]
        weights = self._readout.weights(parameters, n_units, n_outputs)
        if not final:
            return Above(weights, [outputs for _, outputs in self._runs(work)])
        delta, hidden = work.outputs, work.final_hidden
        by_readout = np.column_stack([np.dot(delta.T, hidden), delta.sum(axis=0)])
        self._readout.set_gradient(gradient, by_readout)
        by_final = np.dot(weights, delta[work.packing.order].T)
        return Above(weights[:, :0], [], by_final=by_final)

    def _add_initial_gradient(self, gradient, i, d_initial, work):
        kinds = CELLS[self.cell].state_names
        for kind, derivative in zip(kinds, d_initial, strict=True):
            if work.unset is not None:
                derivative = derivative * work.unset[self.state_slices[f"{kind}_{i}"]]
            derivative.sum(axis=1, out=gradient[f"initial_{kind}_{i}"])

    def _add_embedding_gradient(self, gradient, inputs, d_inputs):
        """Sum the derivatives in the embedding of each symbol."""
        # As in the lookup, codes are clipped: the product would not check them.
        codes = np.clip(inputs.ravel(), 0, self.n_symbols - 1)
        one_hot = csc_array(
            (np.ones(codes.size, d_inputs.dtype), codes, np.arange(codes.size + 1)),
            (self.n_symbols, codes.size),
        )
        gradient["embedding"][:] = one_hot @ d_inputs.reshape(-1, self.embedding_dim)


def unsort(packing, columns):
    """Columns in packed order, (n, n_sequences), to rows in the order of the batch."""
    rows = np.empty(columns.T.shape, columns.dtype)
    rows[packing.order] = columns.T
    return rows
