"""A feed-forward network: outputs, loss and gradient as functions of arrays.

Inputs are real numbers, or symbols that are looked up in one embedding matrix shared by
all slots (Bengio, Ducharme, Vincent and Jauvin, 2003, A neural probabilistic language
model). In their notation, with x the inputs or the concatenated embeddings,
``y = b + W x + U tanh(d + H x)``: hidden layers H and U, direct connections W.
"""

import numpy as np
from scipy.linalg.blas import get_blas_funcs
from scipy.sparse import csc_array

from ..optim import LOSSES, ParameterVector, gaussian, glorot_uniform

# Activations work in place. A derivative multiplies `delta` by the slope, which it finds
# from the activation; it may overwrite the activation. `scratch` is like the activation.


def _identity(activation, scratch):
    pass


def _identity_derivative(activation, delta):
    pass


def _logistic(activation, scratch):
    np.multiply(activation, 0.5, out=activation)
    np.tanh(activation, out=activation)
    np.multiply(activation, 0.5, out=activation)
    np.add(activation, 0.5, out=activation)


def _logistic_derivative(activation, delta):
    np.multiply(delta, activation, out=delta)
    np.subtract(1, activation, out=activation)
    np.multiply(delta, activation, out=delta)


def _tanh(activation, scratch):
    np.tanh(activation, out=activation)


def _tanh_derivative(activation, delta):
    np.multiply(activation, activation, out=activation)
    np.subtract(1, activation, out=activation)
    np.multiply(delta, activation, out=delta)


def _relu(activation, scratch):
    scratch.fill(0)  # three times as fast as the maximum of an array and a number
    np.maximum(activation, scratch, out=activation)


def _relu_derivative(activation, delta):
    np.greater(activation, 0, out=activation)
    np.multiply(delta, activation, out=delta)


ACTIVATIONS = {
    "identity": (_identity, _identity_derivative),
    "logistic": (_logistic, _logistic_derivative),
    "tanh": (_tanh, _tanh_derivative),
    "relu": (_relu, _relu_derivative),
}


class FeedForward:
    """The shape of a network and what it computes; it holds no parameters.

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
        What training minimises.

    n_symbols : int, default=None
        The number of symbols, if the inputs are symbols: codes from 0 to
        ``n_symbols``. The last stands for what precedes the sequence; it has an
        embedding of its own.

    embedding_dim : int, default=None
        The number of columns of the embedding matrix.

    direct : bool, default=False
        Whether inputs are also connected to the outputs directly, past the hidden
        layers. (Without hidden layers they are anyway.)
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
        sizes = self.layer_sizes
        fans = list(zip(sizes[:-1], sizes[1:], strict=True))
        shapes = {f"weights_{i}": shape for i, shape in enumerate(fans)}
        if self.direct:
            shapes["direct"] = (sizes[0], self.n_outputs)
        if self.embedding_dim is not None:
            shapes["embedding"] = (self.n_symbols + 1, self.embedding_dim)
        penalized = list(shapes)
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
            Memory to work in, overwritten by the next call that uses it.

        Returns
        -------
        outputs : ndarray of shape (n_rows, n_outputs) or (n_sequences, n_outputs)
        """
        work = Workspace(self, parameters.dtype) if workspace is None else workspace
        work.resize(len(inputs))
        function, _ = ACTIVATIONS[self.activation]
        x = self._features(parameters, inputs, work)

        below = x
        for i, hidden in enumerate(work.hidden):
            np.dot(below, parameters[f"weights_{i}"], out=hidden)
            np.add(hidden, parameters[f"biases_{i}"], out=hidden)
            function(hidden, work.deltas[i])
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
        work = Workspace(self, parameters.dtype) if workspace is None else workspace
        normalizer = len(targets) if normalizer is None else normalizer
        outputs = self.forward(parameters, inputs, offsets=offsets, workspace=work)
        loss = LOSSES[self.loss](outputs, targets, outputs, weights, normalizer)
        if offsets is not None:
            lengths = _lengths(offsets, outputs.dtype)
            work.outputs[:] = np.repeat(outputs / lengths, np.diff(offsets), axis=0)
        self._backpropagate(parameters, gradient, inputs, work)

        if alpha:
            shrunk, target = parameters.penalized_flat, gradient.penalized_flat
            loss += 0.5 * alpha / normalizer * float(np.dot(shrunk, shrunk))
            axpy = get_blas_funcs("axpy", (shrunk,))
            axpy(shrunk, target, a=alpha / normalizer)
        return loss

    def _backpropagate(self, parameters, gradient, inputs, work):
        """Turn ``work.outputs``, the derivative by the outputs, into the gradient."""
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
            delta_x = np.dot(delta, parameters["weights_0"].T)
            if self.direct:
                np.dot(work.outputs, parameters["direct"].T, out=work.embedded)
                np.add(delta_x, work.embedded, out=delta_x)
            delta_x = delta_x.reshape(-1, self.embedding_dim)
            # As in the lookup, codes are clipped: the product would not check them.
            np.clip(inputs.ravel(), 0, self.n_symbols, out=work.one_hot.indices)
            gradient["embedding"][:] = work.one_hot @ delta_x


def _lengths(offsets, dtype):
    return np.diff(offsets)[:, np.newaxis].astype(dtype)


class Workspace:
    """Memory for one batch, kept for the next.

    Parameters
    ----------
    network : FeedForward
        The network whose layers need room.

    dtype : dtype
        The type of its parameters.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, n_inputs)
        A place for a batch of inputs, real numbers or symbol codes.

    outputs : ndarray of shape (n_rows, n_outputs)
        The outputs, later the derivative of the loss by the outputs.

    hidden, deltas : lists of ndarray of shape (n_rows, n_units)
        The activations of each hidden layer, and the derivatives by their inputs.
    """

    def __init__(self, network, dtype):
        self.network = network
        self.dtype = dtype
        self.n_rows = self._capacity = 0

    def resize(self, n_rows):
        """Make all arrays `n_rows` long, and keep them if they are already."""
        if n_rows == self.n_rows:
            return
        if n_rows > self._capacity:
            self._allocate(n_rows)
        self.n_rows = n_rows
        for name, value in self._arrays.items():
            rows = [a[:n_rows] for a in value] if name in _LISTS else value[:n_rows]
            setattr(self, name, rows)
        if self.network.embedding_dim is not None:
            n_codes = n_rows * self.network.n_inputs
            self.one_hot = csc_array(
                (
                    np.ones(n_codes, self.dtype),
                    np.zeros(n_codes, np.intp),
                    np.arange(n_codes + 1),
                ),
                shape=(self.network.n_symbols + 1, n_codes),
            )

    def _allocate(self, n_rows):
        network, dtype = self.network, self.dtype
        sizes = network.layer_sizes
        embeds = network.embedding_dim is not None
        self._capacity = n_rows
        self._arrays = {
            "inputs": np.empty((n_rows, network.n_inputs), np.intp if embeds else dtype),
            "embedded": np.empty((n_rows, sizes[0] if embeds else 0), dtype),
            "hidden": [np.empty((n_rows, size), dtype) for size in sizes[1:-1]],
            "deltas": [np.empty((n_rows, size), dtype) for size in sizes[1:-1]],
            "outputs": np.empty((n_rows, sizes[-1]), dtype),
            "direct": np.empty((n_rows, sizes[-1] if network.direct else 0), dtype),
            "ones": np.ones(n_rows, dtype),
        }


_LISTS = ("hidden", "deltas")


class Objective:
    """The loss of a network on one data set, in mini-batches or as a whole.

    Inputs are gathered batch by batch, so that overlapping windows over a long series
    need never be stacked.

    Parameters
    ----------
    network : FeedForward
        The network.

    parameters, gradient : ParameterVector
        Where its parameters are read and its gradient is written.

    inputs : ndarray of shape (n_rows, n_inputs) or callable
        The inputs, which may be a strided view of overlapping windows, or
        ``take(rows, out)``, which writes those of the given rows into `out`.

    targets : ndarray of shape (n_targets, n_outputs), or (n_targets,) of int
        As in `FeedForward.loss_and_gradient`.

    weights : ndarray of shape (n_targets,) or (n_targets, n_outputs), default=None
        The weights of targets, 0 where there is none. A batch's losses are divided by
        its number of targets times the mean of all weights, so that a batch with few
        known targets counts for less.

    offsets : ndarray of shape (n_targets + 1,), default=None
        With one target per sequence, where the rows of each sequence begin and end.

    alpha : float, default=0.0
        The strength of the L2 penalty.

    block_size : int, default=500
        The number of rows that `full` handles at once: as many as the cache holds.
    """

    def __init__(
        self,
        network,
        parameters,
        gradient,
        inputs,
        targets,
        *,
        weights=None,
        offsets=None,
        alpha=0.0,
        block_size=500,
    ):
        self.network = network
        self.parameters = parameters
        self.gradient = gradient
        self.take = inputs if callable(inputs) else row_taker(inputs)
        self.targets = targets
        self.weights = weights
        self.mean_weight = 1.0 if weights is None else float(np.mean(weights))
        self.offsets = offsets
        self.alpha = alpha
        self.block_size = block_size
        self._workspace = Workspace(network, parameters.dtype)

    def __call__(self, indices):
        """The loss of the targets at `indices`; its gradient goes to ``gradient``."""
        normalizer = len(indices) * self.mean_weight
        return self._loss_and_gradient(indices, normalizer, self.alpha)

    def full(self):
        """The loss of all targets; its gradient goes to ``gradient``."""
        n_targets = len(self.targets)
        total_loss, total_gradient = 0.0, np.zeros(self.gradient.flat.shape)
        for start, stop in blocks(n_targets, self.offsets, self.block_size):
            total_loss += self._loss_and_gradient(
                np.arange(start, stop),
                n_targets * self.mean_weight,
                self.alpha if start == 0 else 0.0,
            )
            total_gradient += self.gradient.flat
        self.gradient.flat[:] = total_gradient
        return total_loss

    def _loss_and_gradient(self, indices, normalizer, alpha):
        rows, offsets = rows_of_sequences(self.offsets, indices)
        work = self._workspace
        work.resize(len(rows))
        self.take(rows, work.inputs)
        return self.network.loss_and_gradient(
            self.parameters,
            self.gradient,
            work.inputs,
            self.targets.take(indices, axis=0),
            weights=None if self.weights is None else self.weights.take(indices, axis=0),
            offsets=offsets,
            alpha=alpha,
            normalizer=normalizer,
            workspace=work,
        )


def predict(network, parameters, inputs, n_rows, *, offsets=None, block_size=500):
    """Compute a network's outputs for a whole data set, block by block.

    Parameters
    ----------
    network : FeedForward
        The network.

    parameters : ParameterVector
        Its parameters.

    inputs : ndarray of shape (n_rows, n_inputs) or callable
        As in `Objective`.

    n_rows : int
        The number of rows.

    offsets : ndarray of shape (n_sequences + 1,), default=None
        With one output per sequence, where the rows of each begin and end.

    block_size : int, default=500
        The number of rows handled at once.

    Returns
    -------
    outputs : ndarray of shape (n_rows, n_outputs) or (n_sequences, n_outputs)
        Predictions, or logits.
    """
    take = inputs if callable(inputs) else row_taker(inputs)
    n_targets = n_rows if offsets is None else len(offsets) - 1
    outputs = np.empty((n_targets, network.n_outputs), parameters.dtype)
    work = Workspace(network, parameters.dtype)
    for start, stop in blocks(n_targets, offsets, block_size):
        rows, block_offsets = rows_of_sequences(offsets, np.arange(start, stop))
        work.resize(len(rows))
        take(rows, work.inputs)
        outputs[start:stop] = network.forward(
            parameters, work.inputs, offsets=block_offsets, workspace=work
        )
    return outputs


def row_taker(array):
    """Return ``take(rows, out)``, which copies rows of `array` into `out`.

    ``ndarray.take`` is the fastest, but it would first copy the whole of a strided view.
    """
    if array.flags.c_contiguous:
        return lambda rows, out: array.take(rows, axis=0, out=out, mode="clip")
    return lambda rows, out: np.copyto(out, array[rows])


def rows_of_sequences(offsets, sequences):
    """The rows of the given sequences, and where each begins and ends among them.

    Without `offsets`, the sequences are the rows.
    """
    if offsets is None:
        return sequences, None
    starts = offsets[sequences]
    lengths = offsets[sequences + 1] - starts
    new_offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(new_offsets[-1]) + np.repeat(starts - new_offsets[:-1], lengths)
    return rows, new_offsets


def blocks(n_targets, offsets, block_size):
    """Divide targets into blocks of up to `block_size` rows, whole sequences each."""
    start = 0
    while start < n_targets:
        if offsets is None:
            stop = min(start + block_size, n_targets)
        else:
            n_whole = np.searchsorted(offsets, offsets[start] + block_size, "right") - 1
            stop = max(start + 1, int(n_whole))
        yield start, stop
        start = stop
