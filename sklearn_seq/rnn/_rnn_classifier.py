"""A recurrent network for labels and symbols."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np
from scipy.special import log_softmax
from sklearn.utils.metaestimators import available_if

from .._core.closed_loop import SymbolLoop
from .._core.docs import documented
from .._core.sklearn_compat import _fit_context
from ..classification import SequenceClassifier
from ..networks import learns_online
from ..networks._estimators import NetworkClassifier
from ..targets import NEXT
from ._rnn import RecurrentModel
from ._rnn_training import RecurrentTraining, only_sample_weight

WEIGHTLESS = 1e-8  # counts that a class begins with whose samples all weigh nothing


@documented
class RNNClassifier(
    NetworkClassifier, RecurrentModel, RecurrentTraining, SymbolLoop, SequenceClassifier
):
    """Recurrent neural network for symbols and class labels.

    Its units remember: their activities are a nonlinear function of the inputs and of
    their own activities one step before, and the log-odds of the classes are linear in
    them. Fitted without y, it predicts the next symbol of a sequence of symbols;
    fitted with y, it estimates the label ``y[t]`` from the rows up to t; with one
    label per sequence, from the activities after its last row. It minimises the
    cross-entropy by backpropagation through time.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(32,)
        Number of units of each recurrent layer; the first sees the inputs, each
        other one the units of the layer below.

    cell : {"tanh", "relu", "lstm", "gru"}, default="tanh"
        Kind of units: simple ones (Elman, 1990), saturating or rectified; long
        short-term memory (Hochreiter and Schmidhuber, 1997, with forget gates); gated
        recurrent units (Cho et al., 2014). Gated ones learn longer delays.

    readout : {"linear", "units"}, default="linear"
        Whether outputs are linear functions of the last layer's activities, or (as
        log-odds)
        themselves the activities of its first units.

    recurrent_constraint : {"symmetric", "antisymmetric", "diagonal"} or array-like \
            of shape (n_units, n_units) of int, default=None
        What the recurrent weights of each layer, and of each gate, must satisfy. In a
        pattern, places with the same number share one weight.

    initial_state : "learned" or float, default="learned"
        States of all units before the first row: learned with the weights, or this
        number for all.

    init : {"orthogonal", "identity", "gaussian", "glorot_uniform"}, \
            default="orthogonal"
        How the recurrent weights are drawn: a random orthogonal matrix for each gate
        (Saxe et al., 2014), the identity (Le et al., 2015, for ``cell="relu"``), or
        independent normal or uniform numbers of variance ``1 / n_units``.

    target_steps : int or "last", default=None
        Which steps of each sequence have a target in loss and score: all by default,
        the last so many, or the last alone. With one label per
        sequence, it is that of the last step, or of each of the last so many: the
        state must get there and stay.

    truncate : int or "auto", default="auto"
        Number of steps after which gradients are cut off (truncated backpropagation
        through time): long sequences are processed in chunks of so many steps, with
        one update after each, and only the states are carried on. None is never.
        "auto" is 100 if a sequence is longer than 200 steps and all of them have
        targets; not for label per sequence, `target_steps`, "lbfgs" and "hessian-free".

    embedding_dim : int, default=None
        Length of the vector that a symbol is embedded into. None codes symbols as
        indicator vectors.

    solver : {"adam", "sgd", "rmsprop", "lbfgs", "hessian-free"}, default="adam"
        How to train: by mini-batches with Adam (Kingma and Ba, 2014), gradient descent
        with momentum, or RMSprop (Tieleman and Hinton, 2012); on all data at once, by
        L-BFGS, or by Hessian-free optimisation (Martens and Sutskever, 2011), which
        learns delays over which gradients vanish.

    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights and embeddings, divided by the
        number of targets in a batch.

    batch_size : int or "auto", default="auto"
        Sequences in a mini-batch; "auto" is ``min(32, n_sequences)``. Not for "lbfgs"
        and "hessian-free".

    learning_rate_init : float, default=0.01
        Step size of the mini-batch solvers.

    momentum : float, default=0.9
        Momentum of ``solver="sgd"``.

    nesterovs_momentum : bool, default=True
        Whether ``solver="sgd"`` uses Nesterov's momentum.

    max_grad_norm : float, default=1.0
        The mini-batch solvers clip the norm of gradients to this (Pascanu et al.,
        2013). None is no clipping.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the loss, as in
        :class:`~sklearn.linear_model.LogisticRegression`.

    max_iter : int, default=200
        Maximum number of epochs, or iterations of "lbfgs" and "hessian-free".

    tol : float, default=1e-4
        Smallest change of the loss (or validation score) that counts as progress. For
        "lbfgs" and "hessian-free", the largest component of the gradient at which
        they stop: to be much smaller for long delays, over which gradients vanish.

    n_iter_no_change : int, default=10
        Number of epochs without progress after which training stops.

    early_stopping : bool, default=False
        Whether to hold out some sequences (of a single one, its last part), to stop
        when the loss on them stops falling, and to keep the best parameters. For the
        mini-batch solvers.

    validation_fraction : float, default=0.1
        Share of the training data that `early_stopping` holds out.

    shuffle : bool, default=True
        Whether to visit the sequences in a new random order in each epoch.

    warm_start : bool, default=False
        Whether fit starts from the parameters of the last fit.

    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the order of sequences and what early stopping
        holds out. Pass an int for reproducible results.

    standardize : bool, default=True
        Whether the net sees real-valued X in standard units: columns with mean 0 and
        standard deviation 1 over the data of the first fit, kept by `warm_start` and
        `partial_fit`. Symbols are not affected.

    symbols : bool, "auto" or array-like, default="auto"
        Whether X holds symbols or real numbers. "auto": strings are symbols, and so
        are integers when y is None or `embedding_dim` is given. An array-like is the
        alphabet (for several columns a list of alphabets): with it, symbols that the
        training sequences lack are no error in others.

    %(exogenous_of_classifiers)s

    burn_in : int, default=0
        Number of first time steps of each sequence that neither the loss nor the
        score counts as targets. They run through the network all the same.

    %(verbose_of_nets)s

    %(missing_label)s

    %(gaps)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; fitted without y, the symbols.

    symbols_ : list of ndarray
        The symbols of each column of X. Only if X holds symbols.

    embedding_ : ndarray of shape (n_symbols, embedding_dim) or None
        Vector of each symbol (of all columns, one after another).

    input_weights_ : list of ndarray of shape (n_in, n_gates * n_units)
        Weights of each layer from the inputs or the layer below.

    recurrent_weights_ : list of ndarray of shape (n_units, n_gates * n_units)
        Weights of each layer from its own units.

    biases_ : list of ndarray of shape (n_biases,)
        Biases of each layer.

    coef_ : ndarray of shape (n_outputs, n_units) or None
        Weights of the readout; None with ``readout="units"``.

    intercept_ : ndarray of shape (n_outputs,) or None
        Biases of the readout.

    initial_state_ : ndarray of shape (n_states,)
        States before the first row: the activities of all layers, for
        ``cell="lstm"`` followed by the memory cells of all layers.

    loss_curve_ : list of float
        Training loss after each epoch or iteration: the cross-entropy in nats,
        averaged over targets,
        plus the penalty.

    loss_ : float
        The last of them.

    validation_scores_ : list of float or None
        Minus the loss on held-out data after each epoch, with `early_stopping`.

    n_iter_ : int
        Number of epochs or iterations.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    %(network_)s

    See Also
    --------
    RNNRegressor : The same for real-valued targets.
    EchoStateClassifier : Recurrent weights that are not learnt.
    MLPSequenceClassifier : A memory of the last few rows only.

    Notes
    -----
    X needs no scaling: with ``standardize=True`` results do not depend on its units.
    The fitted weights are those from standard units. For symbols the net computes in
    float32; for real numbers in float32 if X is float32, and in float64 otherwise.

    Blocks of weights stand in the order of the gates: for "lstm" output, input,
    forget gate and candidate; for "gru" reset gate, update gate and candidate (for
    recurrent weights candidate, reset gate and update gate; for biases the recurrent
    bias of the candidate stands first), the reset gate acting on the product with the
    recurrent weights.

    A single long sequence is processed step by step. To train faster, cut it into a
    panel of shorter ones, which are processed side by side.

    If the loss becomes infinite or rises tenfold, training stops with a
    ``ConvergenceWarning``, and the parameters of the best epoch are kept.

    References
    ----------
    Werbos, P. J. (1990). Backpropagation through time: what it does and how to do it.
    Proceedings of the IEEE, 78, 1550-1560.

    Elman, J. L. (1990). Finding structure in time. Cognitive Science, 14, 179-211.

    Hochreiter, S. and Schmidhuber, J. (1997). Long short-term memory. Neural
    Computation, 9, 1735-1780.

    Cho, K., van Merrienboer, B., Gulcehre, C., Bahdanau, D., Bougares, F., Schwenk, H.
    and Bengio, Y. (2014). Learning phrase representations using RNN encoder-decoder
    for statistical machine translation. EMNLP, 1724-1734.

    Martens, J. and Sutskever, I. (2011). Learning recurrent neural networks with
    Hessian-free optimization. ICML, 1033-1040.

    Pascanu, R., Mikolov, T. and Bengio, Y. (2013). On the difficulty of training
    recurrent neural networks. ICML, 1310-1318.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.rnn import RNNClassifier
    >>> text = "to be or not to be, that is the question. "
    >>> X = np.array(list(text * 30)).reshape(30, -1, 1)
    >>> model = RNNClassifier((32,), random_state=0).fit(X)
    >>> "".join(model.forecast(X[:1, :12], n_steps=10)[0])
    ' to be, th'
    """

    _parameter_constraints = {
        **RecurrentTraining._parameter_constraints,
        **NetworkClassifier._parameter_constraints,
    }
    _loss = "cross_entropy"

    def __init__(
        self,
        hidden_layer_sizes=(32,),
        *,
        cell="tanh",
        readout="linear",
        recurrent_constraint=None,
        initial_state="learned",
        init="orthogonal",
        target_steps=None,
        truncate="auto",
        embedding_dim=None,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.01,
        momentum=0.9,
        nesterovs_momentum=True,
        max_grad_norm=1.0,
        class_weight=None,
        max_iter=200,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        shuffle=True,
        warm_start=False,
        random_state=None,
        standardize=True,
        symbols="auto",
        exogenous=None,
        burn_in=0,
        verbose=0,
        missing_label=None,
        gaps="auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.readout = readout
        self.recurrent_constraint = recurrent_constraint
        self.initial_state = initial_state
        self.init = init
        self.target_steps = target_steps
        self.truncate = truncate
        self.embedding_dim = embedding_dim
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.max_grad_norm = max_grad_norm
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.random_state = random_state
        self.standardize = standardize
        self.symbols = symbols
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.verbose = verbose
        self.missing_label = missing_label
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None, *, initial_states=None, **weights) -> Self:
        """Fit the net.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays. Symbols
            also as a string, a list of strings, or a list of lists of symbols.

        %(y_of_classifiers)s

        %(groups)s

        %(initial_states_of_nets)s

        **weights : dict
            `sample_weight`, array-like of shape (n_samples,): weights of the samples in
            the loss, rows or the sequences of a panel. It is no argument of its own,
            because a time step of weight 2 is not a time step twice: what resamples
            by weights, as boosting does, must not take it for that.

        Returns
        -------
        self : object
            The fitted model.
        """
        more = self.warm_start and self.__sklearn_is_fitted__()
        sequences, targets = self._read_fit(X, y, groups)
        self._train(
            X,
            y,
            groups,
            only_sample_weight(self, weights),
            initial_states,
            sequences,
            targets,
            more=more,
        )
        return self

    @available_if(learns_online)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X,
        y=None,
        groups=None,
        classes=None,
        sample_weight=None,
        initial_states=None,
    ) -> Self:
        """Train for one epoch on more data, for data that come as a stream.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. They begin anew in each call, unless
            `initial_states` are given. Symbols must be among those of the first call,
            or of the parameter `symbols`.

        y : array-like, default=None
            Labels as for fit, of the same kind in each call.

        %(groups)s

        classes : array-like of shape (n_classes,), default=None
            All labels that y will ever hold, for the first call with a y; by default
            those it holds.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss: rows, or the sequences of a panel.

        %(initial_states_of_nets)s

        Returns
        -------
        self : object
            The model.
        """
        more = self.__sklearn_is_fitted__()
        sequences, targets = self._read_part(X, y, groups, classes)
        self._train(
            X,
            y,
            groups,
            sample_weight,
            initial_states,
            sequences,
            targets,
            more=more,
            epochs=1,
        )
        return self

    def predict(self, X, groups=None, *, return_state=False, initial_states=None):
        """Predict the most probable class for each row from the rows up to it.

        Parameters
        ----------
        %(X)s

        %(groups)s

        return_state : bool, default=False
            Whether to return the states after each sequence, too, so that a stream of
            data can be continued by passing them on as `initial_states`.

        initial_states : array-like of shape (n_sequences, n_units), default=None
            States of the units before each sequence, in the order in which sequences
            first appear in X: the activities of all layers side by side, for
            ``cell="lstm"`` optionally followed by the memory cells. NaN, or None,
            leaves states to the model (`initial_state_`).

        Returns
        -------
        y_pred : ndarray
            Labels, in the layout of X without its last axis: entry t is the label of
            row t, or without y the symbol expected at row t + 1. For one label per
            sequence, of shape (n_sequences,).

        states : ndarray of shape (n_sequences, n_states)
            States after the last row of each sequence; for ``cell="lstm"`` with the
            memory cells, twice as wide as otherwise. Only with ``return_state=True``.
        """
        sequences = self._read_started(X, groups, initial_states)
        predicted = self._predict(sequences)
        return (predicted, sequences.final) if return_state else predicted

    def predict_proba(self, X, groups=None, *, initial_states=None) -> np.ndarray:
        """Probability of each class for each row, from the rows up to it.

        Parameters
        ----------
        %(X)s

        %(groups)s

        initial_states : array-like of shape (n_sequences, n_units), default=None
            States of the units before each sequence, as in `predict`.

        Returns
        -------
        proba : ndarray
            In the layout of X, the last axis over the classes in the order of
            `classes_`. For one label per sequence, (n_sequences, n_classes).
        """
        return self._predict_proba(self._read_started(X, groups, initial_states))

    def predict_log_proba(self, X, groups=None, *, initial_states=None) -> np.ndarray:
        """Logarithm of `predict_proba`, in nats.

        Parameters
        ----------
        %(X)s

        %(groups)s

        initial_states : array-like of shape (n_sequences, n_units), default=None
            States of the units before each sequence, as in `predict`.

        Returns
        -------
        log_proba : ndarray
            In the shape of `predict_proba`.
        """
        return self._predict_log_proba(self._read_started(X, groups, initial_states))

    # Hooks

    def _shapes(self, targets):
        n_inputs, n_classes = self.n_features_in_, len(self.classes_)
        if self.embedding_dim is not None:
            embedding = {
                "n_symbols": self._n_symbols,
                "embedding_dim": self.embedding_dim,
            }
            return n_inputs, n_classes, embedding
        if self._encodes_symbols():
            n_inputs = self._n_symbols
        return n_inputs, n_classes, {}

    def _inputs(self, sequences):
        if not self._encodes_symbols():
            return sequences.rows
        return sequences.rows + self._symbol_offsets()

    def _taker(self, rows):
        if not self._encodes_symbols() or self.embedding_dim is not None:
            return super()._taker(rows)

        def take(positions, out):
            out[:] = 0
            np.put_along_axis(out, rows[positions], 1, axis=1)

        return take

    def _constant_outputs(self, data, weighted):
        """Log frequencies of the classes, each counted once more.

        A class whose samples have been given the weight zero is as good as ruled out,
        so that no input brings it back.
        """
        weights = data.weights
        if weights is not None:
            weights = weights / weights.mean(dtype=np.float64)
        counts = np.bincount(data.values, weights, minlength=len(self.classes_))
        counts = counts + np.where(weighted & (counts == 0), WEIGHTLESS, 1.0)
        return np.log(counts / counts.sum())

    def _class_log_proba(self, outputs):
        return log_softmax(outputs, axis=1)

    def _log_proba(self, sequences):
        return self._class_log_proba(self._network_outputs(sequences))

    def _log_density(self, sequences, targets):
        log_proba = super()._log_density(sequences, targets)
        if targets.kind == NEXT:
            rows, outputs = self._continued_outputs(sequences)
            codes = targets.values[rows, 0]
            continued = self._class_log_proba(outputs)
            log_proba[rows] = continued[np.arange(len(rows)), codes]
        return log_proba
