"""A recurrent network for real-valued targets."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np
from sklearn.utils.metaestimators import available_if

from .._core.closed_loop import RealLoop
from .._core.docs import documented
from .._core.gaussian import check_squares, continued
from .._core.sklearn_compat import _fit_context
from .._core.standardize import UNCHANGED, StandardizedTargets
from ..base import SequenceRegressor
from ..networks import learns_online
from ..targets import NEXT
from ._rnn import RecurrentModel
from ._rnn_training import RecurrentTraining, only_sample_weight


@documented
class RNNRegressor(
    RecurrentModel, StandardizedTargets, RecurrentTraining, RealLoop, SequenceRegressor
):
    """Recurrent neural network, trained by backpropagation through time.

    Its units remember: their activities are a nonlinear function of the inputs and of
    their own activities one step before, with ``cell="tanh"``

        h[t] = tanh(W x[t] + R h[t-1] + b),

    and the outputs are linear in them. Fitted without y, it predicts the next row;
    fitted with y, it estimates ``y[t]`` from the rows up to t; with one y per
    sequence, from the activities after its last row. It minimises the squared error.

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
        Whether outputs are linear functions of the last layer's activities, or
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
        the last so many, or the last alone. With one y per sequence, it is that of the
        last step, or of each of the last so many: the state must get there and stay.

    truncate : int or "auto", default="auto"
        Number of steps after which gradients are cut off (truncated backpropagation
        through time): long sequences are processed in chunks of so many steps, with
        one update after each, and only the states are carried on. None is never.
        "auto" is 100 if a sequence is longer than 200 steps and all of them have
        targets; not for y per sequence, `target_steps`, "lbfgs" and "hessian-free".

    solver : {"adam", "sgd", "rmsprop", "lbfgs", "hessian-free"}, default="adam"
        How to train: by mini-batches with Adam (Kingma and Ba, 2014), gradient descent
        with momentum, or RMSprop (Tieleman and Hinton, 2012); on all data at once, by
        L-BFGS, or by Hessian-free optimisation (Martens and Sutskever, 2011), which
        learns delays over which gradients vanish.

    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights, divided by the number of targets
        in a batch.

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

    max_iter : int, default=200
        Maximum number of epochs, or iterations of "lbfgs" and "hessian-free".

    tol : float, default=1e-4
        Smallest change of the loss (or validation score), in standard units, that
        counts as progress. For "lbfgs" and "hessian-free", the largest component of
        the gradient at which they stop: to be much smaller for long delays, over
        which gradients vanish.

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
        Whether to standardise columns of X and of y inside the net, to mean 0 and
        standard deviation 1 over the data of the first fit.
        `warm_start` and `partial_fit` keep these moments; constant columns are only
        centred. Predictions, forecasts, densities and `noise_covariance_` are in the
        units of the data. With ``readout="units"``, whose range is fixed, targets are
        not standardised, and without y neither is X.

    %(exogenous_of_regressors)s

    burn_in : int, default=0
        Number of first time steps of each sequence that neither the loss nor the
        score counts as targets. They run through the network all the same.

    %(verbose_of_nets)s

    %(gaps)s

    Attributes
    ----------
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

    noise_covariance_ : ndarray of shape (n_targets, n_targets)
        Mean product of the residuals on the training data.

    loss_curve_ : list of float
        Training loss after each epoch or iteration: half the squared error in standard
        units, summed over outputs and averaged over targets, plus the penalty.

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
    RNNClassifier : The same for symbols and class labels.
    EchoStateRegressor : Recurrent weights that are not learnt.
    MLPSequenceRegressor : A memory of the last few rows only.

    Notes
    -----
    X and y need no scaling: with ``standardize=True`` results do not depend on their
    units. The fitted weights are for standardised data. The net computes in
    float32 if X is float32, and in float64 otherwise.

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
    >>> from sklearn_seq.rnn import RNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.choice([-1.0, 1.0], size=(100, 20, 1))
    >>> y = np.cumsum(X[:, :, 0], axis=1) / 4  # to be remembered all along
    >>> model = RNNRegressor((8,), random_state=0)
    >>> model.fit(X[:80], y[:80]).score(X[80:], y[80:]) > 0.9
    True
    >>> y_pred, states = model.predict(X[80:, :10], return_state=True)
    >>> model.predict(X[80:, 10:], initial_states=states).shape
    (20, 10)
    """

    _parameter_constraints = dict(RecurrentTraining._parameter_constraints)
    _loss = "squared_error"

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
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate_init=0.01,
        momentum=0.9,
        nesterovs_momentum=True,
        max_grad_norm=1.0,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.readout = readout
        self.recurrent_constraint = recurrent_constraint
        self.initial_state = initial_state
        self.init = init
        self.target_steps = target_steps
        self.truncate = truncate
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.max_grad_norm = max_grad_norm
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
    def fit(self, X, y=None, groups=None, *, initial_states=None, **weights) -> Self:
        """Fit the net.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays.

        %(y_of_regressors)s

        %(groups)s

        %(initial_states_of_nets)s

        **weights : dict
            `sample_weight`, array-like of shape (n_samples,): weights of the samples in
            the loss: rows, or the sequences of a panel. It is not in the signature, so
            that tools that resample by weights, as boosting does, do not use it: a time
            step of weight 2 is not the same as two time steps.

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
        self, X, y=None, groups=None, sample_weight=None, initial_states=None
    ) -> Self:
        """Train for one epoch on more data, for data that come as a stream.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. They begin anew in each call, unless
            `initial_states` are given.

        y : array-like, default=None
            Targets as for fit, of the same kind in each call.

        %(groups)s

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the loss: rows, or the sequences of a panel.

        %(initial_states_of_nets)s

        Returns
        -------
        self : object
            The model.
        """
        more = self.__sklearn_is_fitted__()
        read = self._read_more if more else self._read_fit
        sequences, targets = read(X, y, groups)
        self._train(
            X,
            y,
            groups,
            sample_weight,
            initial_states,
            sequences,
            targets,
            more=more,
            add=more,
            epochs=1,
        )
        return self

    def predict(
        self,
        X,
        groups=None,
        *,
        return_std=False,
        return_state=False,
        initial_states=None,
    ):
        """Predict the target of each row from the rows up to it.

        Parameters
        ----------
        X : array-like
            Sequences in any layout: rows of shape (n_timesteps, n_features), a frame
            with an index of two levels, a 3-D array, or a list of 2-D arrays.

        %(groups)s

        return_std : bool, default=False
            Whether to return the predictive standard deviation, too.

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
            In the layout of X. Fitted without y, entry t is the forecast of row
            t + 1 from rows up to t, of shape (n_timesteps, n_targets) for rows;
            fitted with y, entry t estimates ``y[t]`` from rows up to t. For one y per
            sequence, of shape (n_sequences,) or (n_sequences, n_outputs).

        y_std : ndarray
            Standard deviations, in the shape of `y_pred`. Only with
            ``return_std=True``.

        states : ndarray of shape (n_sequences, n_states)
            States after the last row of each sequence; for ``cell="lstm"`` with the
            memory cells, twice as wide as otherwise. Only with ``return_state=True``.
        """
        sequences = self._read_started(X, groups, initial_states)
        predicted = self._predict(sequences, return_std)
        if not return_state:
            return predicted
        predicted = predicted if return_std else (predicted,)
        return *predicted, sequences.final

    # Hooks

    def _learn_units(self, rows, values, kind):
        super()._learn_units(rows, values, kind)
        if self.readout == "units":  # whose range is fixed
            self._target_units = UNCHANGED
            if kind == NEXT:
                self._input_units = UNCHANGED

    def _shapes(self, targets):
        return self.n_features_in_, targets.n_targets, {}

    def _training_targets(self, targets, index):
        values = targets.values[index]
        if targets.known is None or targets.known[index].all():
            return values, None
        return values, targets.known[index].astype(self._net_dtype)

    def _constant_outputs(self, data, weighted):
        """The mean target."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean = _weighted_mean(data.values, data.weights)
        check_squares(mean)
        return mean

    def _remember_fit(self, sequences, targets, weights, add):
        """Measure the noise that is left, and the distribution of a first row."""
        if targets.kind == NEXT:
            first_row = continued(self._first_row if add else None, targets.n_targets)
            self._first_row = first_row.update(targets.values)
        earlier = self._noise if add else None
        noise = continued(earlier, targets.n_targets, centre=False)
        index = self._counted(targets, sequences)
        outputs = self._outputs(sequences)[index - targets.advance]
        known = None if targets.known is None else targets.known[index]
        weights = None if weights is None else weights[index]
        self._noise = noise.update_by_residuals(
            targets.values[index], outputs, known, weights
        )
        self.noise_covariance_ = noise.covariance

    def _outputs(self, sequences):
        return self._from_net(self._network_outputs(sequences))

    def _next_outputs(self, state):
        return self._fed_back(state.outputs)

    def _output_covariance(self, sequences):
        return self.noise_covariance_

    def _first_row_distribution(self):
        return self._first_row.mean, self._first_row.covariance

    def _log_density(self, sequences, targets):
        log_density = super()._log_density(sequences, targets)
        if targets.kind == NEXT:
            rows, outputs = self._continued_outputs(sequences)
            log_density[rows] = self._density(
                targets.values[rows] - self._from_net(outputs), self.noise_covariance_
            )
        return log_density


def _weighted_mean(values, weights):
    """Means of columns, with weights of rows or of entries, or None."""
    if weights is None:
        return values.mean(axis=0)
    weights = weights.reshape(len(weights), -1)
    values = np.where(weights > 0, values, 0)
    sums = np.broadcast_to(weights, values.shape).sum(axis=0, dtype=np.float64)
    return (weights * values).sum(axis=0, dtype=np.float64) / np.maximum(
        sums, np.finfo(np.float64).tiny
    )
