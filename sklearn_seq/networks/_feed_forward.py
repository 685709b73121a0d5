"""A feed-forward network: outputs, loss and gradient as functions of arrays.

Inputs are real numbers, or symbols that are looked up in one embedding matrix shared by
all slots (Bengio, Ducharme, Vincent and Jauvin, 2003, A neural probabilistic language
model). In their notation, with x the inputs or the concatenated embeddings,
``y = b + W x + U tanh(d + H x)``: hidden layers H and U, direct connections W.
"""

from math import prod

import numpy as np
from scipy.sparse import csc_array

from . import LOSSES, ParameterVector, gaussian, glorot_uniform

# Activation functions work in place; `zeros` is an array of zeros of their shape. A
# derivative multiplies `delta` by the slope, and may overwrite `activation`.


def _identity(activation, zeros):
    pass


def _identity_derivative(activation, delta):
    pass


def _logistic(activation, zeros):
    np.multiply(activation, 0.5, out=activation)
    np.tanh(activation, out=activation)
    np.multiply(activation, 0.5, out=activation)
    np.add(activation, 0.5, out=activation)


def _logistic_derivative(activation, delta):
    np.multiply(delta, activation, out=delta)
    np.subtract(1, activation, out=activation)
    np.multiply(delta, activation, out=delta)


def _tanh(activation, zeros):
    np.tanh(activation, out=activation)


def _tanh_derivative(activation, delta):
    np.multiply(activation, activation, out=activation)
    np.subtract(1, activation, out=activation)
    np.multiply(delta, activation, out=delta)


def _relu(activation, zeros):
    # Three times as fast as the maximum of an array and a number.
    np.maximum(activation, zeros, out=activation)


def _relu_derivative(activation, delta):
    np.multiply(delta, activation > 0, out=delta)


ACTIVATIONS = {
    "identity": (_identity, _identity_derivative),
    "logistic": (_logistic, _logistic_derivative),
    "tanh": (_tanh, _tanh_derivative),
    "relu": (_relu, _relu_derivative),
}


class FeedForward:
    """The architecture of a network and its passes; it holds no parameters.

    Parameters
    ----------
    n_inputs : int
        The number of real inputs, or of symbol slots.

    n_outputs : int
        The number of outputs: targets, or classes.

    hidden_layer_sizes : sequence of int, default=()
        The number of units of each hidden layer. Without any, the network is linear.

    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        The function of the hidden units.

    loss : {"squared_error", "cross_entropy"}, default="squared_error"
        The loss that training minimises.

    n_symbols : int, default=None
        The number of symbols, if the inputs are symbols: codes from 0 to
        ``n_symbols``. The last one is padding before a sequence, with an embedding of
        its own.

    embedding_dim : int, default=None
        The number of columns of the embedding matrix.

    direct : bool, default=False
        Whether inputs are also connected directly to the outputs. (Without hidden
        layers they always are.)
    """

    def __init__(
        self,
        n_inputs,
        n_outputs,
        hidden_layer_sizes=(),
        *,
        activation="relu",
        loss="squared_error",
        n_symbols=None,
        embedding_dim=None,
        direct=False,
    ):
        self.n_inputs = n_inputs
        self.n_outputs = n_outputs
        self.hidden_layer_sizes = tuple(hidden_layer_sizes)
        self.activation = activation
        self.loss = loss
        self.n_symbols = n_symbols
        self.embedding_dim = embedding_dim
        self.direct = direct and len(self.hidden_layer_sizes) > 0

    @property
    def layer_sizes(self):
        """The numbers of inputs to the first layer, hidden units and outputs."""
        n_first = self.n_inputs * (self.embedding_dim or 1)
        return (n_first, *self.hidden_layer_sizes, self.n_outputs)

    @property
    def penalized_shapes(self):
        """The shapes of weights and embeddings: all parameters except biases."""
        sizes = self.layer_sizes
        shapes = {f"weights_{i}": sizes[i : i + 2] for i in range(len(sizes) - 1)}
        if self.direct:
            shapes["direct"] = (sizes[0], self.n_outputs)
        if self.embedding_dim is not None:
            shapes["embedding"] = (self.n_symbols + 1, self.embedding_dim)
        return shapes

    def initialize(self, random_state, dtype=np.float64):
        """Draw initial parameters.

        Weights and biases are drawn as in scikit-learn's multilayer perceptron,
        embeddings from a normal distribution; direct connections start at zero.

        Parameters
        ----------
        random_state : RandomState or Generator
            The source of randomness.

        dtype : dtype, default=np.float64
            The type of the parameters.

        Returns
        -------
        parameters : ParameterVector
            ``"weights_i"`` of shape (layer_sizes[i], layer_sizes[i + 1]) and
            ``"biases_i"`` of shape (layer_sizes[i + 1],) for each layer i, with
            embeddings ``"embedding"`` of shape (n_symbols + 1, embedding_dim), with
            direct connections ``"direct"`` of shape (layer_sizes[0], n_outputs).
        """
        shapes = self.penalized_shapes
        penalized = tuple(shapes)
        fans = [shapes[f"weights_{i}"] for i in range(len(self.layer_sizes) - 1)]
        shapes.update((f"biases_{i}", shape[1:]) for i, shape in enumerate(fans))
        parameters = ParameterVector(shapes, penalized=penalized, dtype=dtype)

        factor = 2.0 if self.activation == "logistic" else 6.0
        for i, shape in enumerate(fans):
            for name in (f"weights_{i}", f"biases_{i}"):
                parameters[name][:] = glorot_uniform(
                    shapes[name], random_state, factor=factor, fans=shape
                )
        if self.embedding_dim is not None:
            parameters["embedding"][:] = gaussian(shapes["embedding"], random_state)
        return parameters

    def workspace(self, dtype):
        """Return a workspace for parameters of type `dtype`."""
        return Workspace(self, dtype)

    def forward(self, parameters, inputs, *, offsets=None, workspace=None):
        """Compute the outputs: predictions, or logits.

        Parameters
        ----------
        parameters : ParameterVector
            As made by `initialize`.

        inputs : ndarray of shape (n_rows, n_inputs)
            Real numbers, or with embeddings integers from 0 to ``n_symbols``, which are
            not checked.

        offsets : ndarray of shape (n_sequences + 1,), default=None
            If given, rows ``offsets[k]`` to ``offsets[k + 1]`` belong to sequence k,
            which has at least one row, and outputs are averaged over each sequence.

        workspace : Workspace, default=None
            Buffers, overwritten by the next call that uses them.

        Returns
        -------
        outputs : ndarray of shape (n_rows, n_outputs) or (n_sequences, n_outputs)
        """
        work = workspace or Workspace(self, parameters.dtype)
        work.resize(len(inputs))
        function, _ = ACTIVATIONS[self.activation]
        x = self._features(parameters, inputs, work)

        below = x
        for i, hidden in enumerate(work.hidden):
            np.dot(below, parameters[f"weights_{i}"], out=hidden)
            np.add(hidden, parameters[f"biases_{i}"], out=hidden)
            function(hidden, work.zeros[i])
            below = hidden
        last = len(work.hidden)
        outputs = np.dot(below, parameters[f"weights_{last}"], out=work.outputs)
        np.add(outputs, parameters[f"biases_{last}"], out=outputs)
        if self.direct:
            np.dot(x, parameters["direct"], out=work.direct)
            np.add(outputs, work.direct, out=outputs)
        if offsets is None:
            return outputs
        sums = np.add.reduceat(outputs, offsets[:-1], axis=0)
        return np.divide(sums, _lengths(offsets, sums.dtype), out=sums)

    def _features(self, parameters, inputs, work):
        """The inputs of the first layer: real numbers, or concatenated embeddings."""
        if self.embedding_dim is None:
            return inputs
        symbols = work.embedded.reshape(*inputs.shape, self.embedding_dim)
        parameters["embedding"].take(inputs, axis=0, out=symbols, mode="clip")
        return work.embedded

    def loss_and_gradient(
        self,
        parameters,
        gradient,
        inputs,
        targets,
        *,
        weights=None,
        offsets=None,
        alpha=0.0,
        normalizer=None,
        workspace=None,
    ):
        """Compute the loss and its gradient by backpropagation.

        Parameters
        ----------
        parameters : ParameterVector
            As made by `initialize`.

        gradient : ParameterVector
            Receives the gradient.

        inputs, offsets, workspace
            As in `forward`.

        targets : ndarray of shape (n_targets, n_outputs), or (n_targets,) of int
            One per row, or with `offsets` one per sequence: numbers, or the indices of
            classes.

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
        work = workspace or Workspace(self, parameters.dtype)
        normalizer = len(targets) if normalizer is None else normalizer
        outputs = self.forward(parameters, inputs, offsets=offsets, workspace=work)
        loss = LOSSES[self.loss](outputs, targets, outputs, weights, normalizer)
        if offsets is not None:
            lengths = _lengths(offsets, outputs.dtype)
            work.outputs[:] = np.repeat(outputs / lengths, np.diff(offsets), axis=0)
        self._backpropagate(parameters, gradient, inputs, work)

        if alpha:
            loss += _penalize(parameters, gradient, alpha / normalizer, work)
        return loss

    def _backpropagate(self, parameters, gradient, inputs, work):
        """Turn ``work.outputs``, the derivative in the outputs, into the gradient."""
        _, derivative = ACTIVATIONS[self.activation]
        embeds = self.embedding_dim is not None
        x = work.embedded if embeds else inputs
        delta = work.outputs
        for i in reversed(range(len(work.hidden) + 1)):
            below = work.hidden[i - 1] if i else x
            np.dot(below.T, delta, out=gradient[f"weights_{i}"])
            np.dot(work.ones, delta, out=gradient[f"biases_{i}"])
            if i:
                delta_below = work.deltas[i - 1]
                np.dot(delta, parameters[f"weights_{i}"].T, out=delta_below)
                derivative(below, delta_below)
                delta = delta_below
        if self.direct:
            np.dot(x.T, work.outputs, out=gradient["direct"])
        if embeds:
            delta_x = np.dot(delta, parameters["weights_0"].T, out=work.embedded)
            if self.direct:
                delta_x += np.dot(work.outputs, parameters["direct"].T)
            delta_x = delta_x.reshape(-1, self.embedding_dim)
            # Clip codes as in the lookup: the sparse product does not check them.
            np.clip(inputs.ravel(), 0, self.n_symbols, out=work.one_hot.indices)
            gradient["embedding"][:] = work.one_hot @ delta_x


def _penalize(parameters, gradient, strength, work):
    """Add the gradient of the penalty ``0.5 * strength * |w|²``; return its value."""
    weights, slope = parameters.penalized_flat, gradient.penalized_flat
    pull = np.multiply(weights, strength, out=work.penalty)
    np.add(slope, pull, out=slope)
    np.multiply(pull, weights, out=pull)
    return 0.5 * float(np.add.reduce(pull))


def _lengths(offsets, dtype):
    return np.diff(offsets)[:, np.newaxis].astype(dtype)


class Workspace:
    """Buffers for one batch, reused for the next.

    Parameters
    ----------
    network : FeedForward
        The network whose layers need room.

    dtype : dtype
        The type of its parameters.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, n_inputs)
        Buffer for inputs: real numbers, or symbol codes.

    embedded : ndarray of shape (n_rows, n_inputs * embedding_dim)
        The embeddings of the symbols.

    one_hot : csc_array of shape (n_symbols + 1, n_rows * n_inputs)
        Its product sums the derivatives in the embedding of each symbol.

    hidden, deltas : lists of ndarray of shape (n_rows, n_units)
        The activations of each hidden layer, and derivatives in its pre-activations.

    zeros : list of ndarray of shape (n_rows, n_units)
        Zeros, read-only.

    outputs : ndarray of shape (n_rows, n_outputs)
        The outputs, later the derivative of the loss in the outputs.

    direct : ndarray of shape (n_rows, n_outputs)
        The part of the outputs from direct connections.

    ones : ndarray of shape (n_rows,)
        Ones, to sum over rows by a product.

    penalty : ndarray of shape (n_penalized,)
        The derivative of the L2 penalty.
    """

    def __init__(self, network, dtype):
        self.network = network
        self.dtype = dtype
        self.n_rows = self._capacity = 0
        n_penalized = sum(map(prod, network.penalized_shapes.values()))
        self.penalty = np.empty(n_penalized, dtype)

    def resize(self, n_rows):
        """Resize all arrays to `n_rows`; allocate only if they have to grow."""
        if n_rows == self.n_rows:
            return
        if n_rows > self._capacity:
            self._allocate(n_rows)
        self.n_rows = n_rows
        self.inputs, self.outputs, self.ones = (a[:n_rows] for a in self._always)
        self.hidden = [a[:n_rows] for a in self._hidden]
        self.deltas = [a[:n_rows] for a in self._deltas]
        self.zeros = [a[:n_rows] for a in self._zeros]
        if self.network.direct:
            self.direct = self._direct[:n_rows]
        if self.network.embedding_dim is not None:
            self.embedded = self._embedded[:n_rows]
            n_codes = self.inputs.size
            shape = self.network.n_symbols + 1, n_codes
            codes = np.zeros(n_codes, np.intp)
            self.one_hot = csc_array(
                (np.ones(n_codes, self.dtype), codes, np.arange(n_codes + 1)), shape
            )

    def _allocate(self, n_rows):
        self._capacity = n_rows
        network = self.network
        embeds = network.embedding_dim is not None
        n_first, *n_units, n_outputs = network.layer_sizes

        def empty(n_columns, dtype=self.dtype):
            return np.empty((n_rows, n_columns), dtype)

        self._always = (
            empty(network.n_inputs, np.intp if embeds else self.dtype),
            empty(n_outputs),
            np.ones(n_rows, self.dtype),
        )
        self._hidden = [empty(n) for n in n_units]
        self._deltas = [empty(n) for n in n_units]
        self._zeros = [np.zeros((n_rows, n), self.dtype) for n in n_units]
        if network.direct:
            self._direct = empty(n_outputs)
        if embeds:
            self._embedded = empty(n_first)
