"""A feed-forward net over delay taps for labels and symbols."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np
from sklearn.utils.metaestimators import available_if

from .._core.docs import documented
from .._core.sklearn_compat import _fit_context
from ..networks import learns_online
from ..networks._estimators import NetworkClassifier
from ..networks._feed_forward import FeedForward
from ._base import TapClassifier
from ._mlp import TapNetwork


@documented
class MLPSequenceClassifier(NetworkClassifier, TapNetwork, TapClassifier):
    """Feed-forward net over the last `n_lags` rows, for symbols and class labels.

    Fitted without y, it predicts the next symbol of a sequence of symbols from the
    last `n_lags`; with `embedding_dim` this is the neural probabilistic language model
    of Bengio et al. (2003): the symbols of all taps share one embedding matrix. Fitted
    with y, it estimates the label ``y[t]`` from the rows up to t; with one label per
    sequence, from the average of the net's log-odds over the sequence. The net
    minimises the cross-entropy.

    Parameters
    ----------
    n_lags : int, default=1
        Number of delay taps: the rows, the latest included, that a prediction is made
        from.

    hidden_layer_sizes : array-like of int, default=(100,)
        Number of units of each hidden layer. ``()`` makes the net linear.

    embedding_dim : int, default=None
        Length of the vector that a symbol is embedded into. None codes symbols as
        indicator vectors.

    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Function of the hidden units.

    solver : {"adam", "sgd", "rmsprop", "lbfgs"}, default="adam"
        How to train: by mini-batches with Adam (Kingma and Ba, 2014), gradient descent
        with momentum, or RMSprop (Tieleman and Hinton, 2012), or by L-BFGS on all data
        at once, which is best for small data sets.

    alpha : float, default=0.0001
        Strength of the L2 penalty on weights and embeddings, divided by the number of
        samples in a batch, as in :class:`~sklearn.neural_network.MLPClassifier`.

    batch_size : int or "auto", default="auto"
        Samples in a mini-batch; "auto" is ``min(200, n_samples)``. Not for "lbfgs".

    learning_rate_init : float, default=0.001
        Step size of the mini-batch solvers.

    momentum : float, default=0.9
        Momentum of ``solver="sgd"``.

    nesterovs_momentum : bool, default=True
        Whether ``solver="sgd"`` uses Nesterov's momentum.

    direct_connections : bool, default=False
        Whether the inputs (embeddings) are also connected to the outputs directly,
        past the hidden layers.

    class_weight : dict or "balanced", default=None
        Weights of the classes in the loss, as in
        :class:`~sklearn.linear_model.LogisticRegression`.

    max_iter : int, default=200
        Maximum number of epochs, or iterations of L-BFGS.

    tol : float, default=1e-4
        Smallest change of the loss (or validation score) that counts as progress. For
        "lbfgs", the largest component of the gradient at which it stops.

    n_iter_no_change : int, default=10
        Number of epochs without progress after which training stops.

    early_stopping : bool, default=False
        Whether to hold out some sequences (of a single one, its last part), to stop
        when the loss on them stops falling, and to keep the best parameters. Not for
        "lbfgs".

    validation_fraction : float, default=0.1
        Share of the training data that `early_stopping` holds out.

    shuffle : bool, default=True
        Whether to visit the samples in a new random order in each epoch.

    warm_start : bool, default=False
        Whether fit starts from the parameters of the last fit.

    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the order of samples and what early stopping
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

    %(burn_in_of_tap_models)s

    %(verbose_of_nets)s

    %(missing_label)s

    %(gaps)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; fitted without y, the symbols.

    symbols_ : list of ndarray
        The symbols of each column of X. Only if X holds symbols.

    embedding_ : ndarray of shape (n_symbols + 1, embedding_dim) or None
        Vector of each symbol (of all columns, one after another), and last of "no
        symbol", which stands before a sequence.

    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. The rows of the first are in the order of
        :class:`~sklearn_seq.preprocessing.DelayTaps`: the latest row first.

    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.

    direct_coef_ : ndarray of shape (n_in, n_classes) or None
        Weights of the direct connections.

    loss_curve_ : list of float
        Training loss after each epoch or iteration: the cross-entropy in nats,
        averaged over samples, plus the penalty.

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
    ARClassifier : The log-linear model over the same taps.
    MLPSequenceRegressor : The same for real-valued targets.

    Notes
    -----
    X needs no scaling: with ``standardize=True`` results do not depend on its units.
    The fitted weights are those from standard units.
    For symbols the net computes in float32; for real numbers in float32 if X is
    float32, and in float64 otherwise. All rows of symbols count in training; rows of
    real numbers only if their taps are complete.

    References
    ----------
    Bengio, Y., Ducharme, R., Vincent, P. and Jauvin, C. (2003). A neural probabilistic
    language model. Journal of Machine Learning Research, 3, 1137-1155.

    Examples
    --------
    >>> from sklearn_seq.autoregressive import MLPSequenceClassifier
    >>> X = "to be or not to be, that is the question. " * 20
    >>> model = MLPSequenceClassifier(
    ...     n_lags=4, hidden_layer_sizes=(32,), embedding_dim=4, max_iter=60,
    ...     learning_rate_init=0.01, random_state=0, tol=0.0
    ... ).fit(X)
    >>> "".join(model.forecast(X[:12], n_steps=10))
    ' to be, th'
    """

    _parameter_constraints = {
        **TapNetwork._parameter_constraints,
        **NetworkClassifier._parameter_constraints,
    }

    def __init__(
        self,
        n_lags=1,
        hidden_layer_sizes=(100,),
        *,
        embedding_dim=None,
        activation="relu",
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.001,
        momentum=0.9,
        nesterovs_momentum=True,
        direct_connections=False,
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
        self.n_lags = n_lags
        self.hidden_layer_sizes = hidden_layer_sizes
        self.embedding_dim = embedding_dim
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.direct_connections = direct_connections
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
    def fit(self, X, y=None, groups=None) -> Self:
        """Fit the net.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays. Symbols
            also as a string, a list of strings, or a list of lists of symbols.

        %(y_of_classifiers)s

        %(groups)s

        Returns
        -------
        self : object
            The fitted model.
        """
        more = self.warm_start and self.__sklearn_is_fitted__()
        sequences, targets = self._read_fit(X, y, groups)
        self._train(X, y, groups, sequences, targets, more=more)
        return self

    @available_if(learns_online)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, groups=None, classes=None) -> Self:
        """Train for one epoch on more data, for data that come as a stream.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. No tap reaches back into an earlier call. Symbols
            must be among those of the first call, or of the parameter `symbols`.

        y : array-like, default=None
            Labels as for fit, of the same kind in each call.

        %(groups)s

        classes : array-like of shape (n_classes,), default=None
            All labels that y will ever hold, for the first call with a y; by default
            those it holds.

        Returns
        -------
        self : object
            The model.
        """
        more = self.__sklearn_is_fitted__()
        sequences, targets = self._read_part(X, y, groups, classes)
        self._train(X, y, groups, sequences, targets, more=more, epochs=1)
        return self

    def _make_network(self, targets):
        n_slots = self.n_lags * self.n_features_in_
        embedding = {}
        if self.embedding_dim is not None:
            embedding = {
                "n_symbols": self._n_symbols,
                "embedding_dim": self.embedding_dim,
            }
        elif self._encodes_symbols():
            n_slots = self.n_lags * self._n_symbols
        return FeedForward(
            n_slots,
            len(self.classes_),
            self._layers(),
            activation=self.activation,
            loss="cross_entropy",
            direct=self.direct_connections,
            **embedding,
        )

    def _fill(self, take, positions, out):
        if not self._encodes_symbols() or self.embedding_dim is not None:
            take(positions, out)
            return
        codes = np.empty((len(positions), self.n_lags * self.n_features_in_), np.intp)
        take(positions, codes)
        row, slot = np.nonzero(codes < self._n_symbols)
        lag = slot // self.n_features_in_
        out[:] = 0
        out[row, codes[row, slot] + lag * self._n_symbols] = 1
