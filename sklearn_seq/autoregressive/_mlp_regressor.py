"""A feed-forward net over delay taps, for real-valued targets."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

from sklearn.utils.metaestimators import available_if

from .._core.docs import documented
from .._core.gaussian import continued
from .._core.sklearn_compat import _fit_context
from .._core.standardize import StandardizedTargets
from ..networks import learns_online
from ..networks._feed_forward import FeedForward
from ._base import TapRegressor
from ._mlp import TapNetwork


@documented
class MLPSequenceRegressor(StandardizedTargets, TapNetwork, TapRegressor):
    """Feed-forward net over the last `n_lags` rows: nonlinear autoregression.

    Fitted without y, it predicts the next row from the last `n_lags` rows; fitted with
    y, it estimates ``y[t]`` from the rows up to t; with one y per sequence, from the
    average of the net's outputs over the sequence. The net minimises the squared
    error.

    Parameters
    ----------
    n_lags : int, default=1
        Number of delay taps: the rows, the latest included, that a prediction is made
        from.

    hidden_layer_sizes : array-like of int, default=(100,)
        Number of units of each hidden layer. ``()`` makes the net linear.

    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Function of the hidden units.

    solver : {"adam", "sgd", "rmsprop", "lbfgs"}, default="adam"
        How to train: by mini-batches with Adam (Kingma and Ba, 2014), gradient descent
        with momentum, or RMSprop (Tieleman and Hinton, 2012), or by L-BFGS on all data
        at once, which is best for small data sets.

    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights, divided by the number of samples in
        a batch, as in :class:`~sklearn.neural_network.MLPRegressor`.

    batch_size : int or "auto", default="auto"
        Samples in a mini-batch; "auto" is ``min(200, n_samples)``. Not for "lbfgs".

    learning_rate_init : float, default=0.001
        Step size of the mini-batch solvers.

    momentum : float, default=0.9
        Momentum of ``solver="sgd"``.

    nesterovs_momentum : bool, default=True
        Whether ``solver="sgd"`` uses Nesterov's momentum.

    direct_connections : bool, default=False
        Whether the taps are also connected directly to the outputs: a linear
        autoregression plus a nonlinear correction.

    max_iter : int, default=200
        Maximum number of epochs, or iterations of L-BFGS.

    tol : float, default=1e-4
        Smallest change of the loss (or validation score), in standard units, that
        counts as progress. For "lbfgs", the largest component of the gradient at which
        it stops.

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
        Whether to standardise columns of X and of y inside the net, to mean 0 and
        standard deviation 1 over the data of the first fit.
        `warm_start` and `partial_fit` keep these moments; constant columns are
        only centred. Predictions, forecasts, densities and `noise_covariance_` are in
        the units of the data.

    %(exogenous_of_regressors)s

    %(burn_in_of_tap_models)s

    %(verbose_of_nets)s

    %(gaps)s

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. The rows of the first are in the order of
        :class:`~sklearn_seq.preprocessing.DelayTaps`: the latest row first.

    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.

    direct_coef_ : ndarray of shape (n_lags * n_features, n_targets) or None
        Weights of the direct connections.

    noise_covariance_ : ndarray of shape (n_targets, n_targets)
        Mean product of the residuals on the training data.

    loss_curve_ : list of float
        Training loss after each epoch or iteration: half the squared error in standard
        units, summed over outputs and averaged over samples, plus the penalty.

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
    ARRegressor : The linear model over the same taps.
    MLPSequenceClassifier : The same for symbols and class labels.

    Notes
    -----
    X and y need no scaling: with ``standardize=True`` results do not depend on their
    units. The fitted weights are for standardised data. The net computes in
    float32 if X is float32, and in float64 otherwise. Before a sequence's first row
    that row is thought repeated; rows whose taps are incomplete in this way get
    predictions, but do not count in training.

    References
    ----------
    Lapedes, A. and Farber, R. (1987). Nonlinear signal processing using neural
    networks. Technical report, Los Alamos National Laboratory.

    Weigend, A. S., Huberman, B. A. and Rumelhart, D. E. (1990). Predicting the future:
    a connectionist approach. International Journal of Neural Systems, 1, 193-209.

    Examples
    --------
    >>> from sklearn_seq.autoregressive import MLPSequenceRegressor
    >>> from sklearn_seq.datasets import load_sunspots
    >>> X, _ = load_sunspots(return_X_y=True)
    >>> model = MLPSequenceRegressor(
    ...     9, (8,), solver="lbfgs", alpha=1.0, max_iter=1000, random_state=0
    ... ).fit(X[:221])
    >>> model.score(X[212:]) > 0.8
    True
    """

    _parameter_constraints = dict(TapNetwork._parameter_constraints)

    def __init__(
        self,
        n_lags=1,
        hidden_layer_sizes=(100,),
        *,
        activation="relu",
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.001,
        momentum=0.9,
        nesterovs_momentum=True,
        direct_connections=False,
        max_iter=200,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        shuffle=True,
        warm_start=False,
        random_state=None,
        standardize=True,
        exogenous=None,
        burn_in=0,
        verbose=0,
        gaps="auto",
    ):
        self.n_lags = n_lags
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.direct_connections = direct_connections
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.warm_start = warm_start
        self.random_state = random_state
        self.standardize = standardize
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.verbose = verbose
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Fit the net.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays.

        %(y_of_regressors)s

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
    def partial_fit(self, X, y=None, groups=None) -> Self:
        """Train for one epoch on more data, for data that come as a stream.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. No tap reaches back into an earlier call.

        y : array-like, default=None
            Targets as for fit, of the same kind in each call.

        %(groups)s

        Returns
        -------
        self : object
            The model.
        """
        more = self.__sklearn_is_fitted__()
        read = self._read_more if more else self._read_fit
        sequences, targets = read(X, y, groups)
        self._train(X, y, groups, sequences, targets, more=more, add=more, epochs=1)
        return self

    def _remember_fit(self, sequences, targets, add=False):
        """Measure the noise that is left, and the distribution of a first row."""
        self._remember_first_row(targets, more=add)
        earlier = self._noise if add else None
        noise = continued(earlier, targets.n_targets, centre=False)
        index = targets.counted(sequences.offsets, self.burn_in, self.n_lags - 1)
        outputs = self._within_range(self._outputs, sequences)[index - targets.advance]
        known = None if targets.known is None else targets.known[index]
        self._noise = noise.update_by_residuals(targets.values[index], outputs, known)
        self.noise_covariance_ = noise.covariance

    def _outputs(self, sequences):
        return self._from_net(super()._outputs(sequences))

    def _next_outputs(self, taps):
        return self._fed_back(super()._next_outputs(taps))

    def _make_network(self, targets):
        return FeedForward(
            self.n_lags * self.n_features_in_,
            targets.n_targets,
            self._layers(),
            activation=self.activation,
            loss="squared_error",
            direct=self.direct_connections,
        )

    def _training_targets(self, targets, index):
        values = targets.values[index]
        if targets.known is None:
            return values, None
        return values, targets.known[index].astype(self._net_dtype)
