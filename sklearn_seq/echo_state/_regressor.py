"""An echo state network for real-valued targets."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np

from .._core.closed_loop import RealLoop
from .._core.docs import documented
from .._core.gaussian import check_squares, continued
from .._core.sklearn_compat import _fit_context
from .._core.standardize import StandardizedTargets
from ..base import SequenceRegressor
from ..targets import NEXT
from ._base import EchoStateNetwork


@documented
class EchoStateRegressor(
    StandardizedTargets, EchoStateNetwork, RealLoop, SequenceRegressor
):
    """Echo state network: a fixed random recurrent net and a linear readout.

    The units of the reservoir are driven by the input and by each other through
    weights that are drawn once and not learnt; their state is an echo of the rows so
    far,

        s[t] = (1 - leak_rate) s[t-1] + leak_rate tanh(W x[t] + R s[t-1] + b),

    with s[-1] = 0 before the first row. Only the linear map from the state to the
    target is learnt, by ridge regression: in closed form, in one pass over the data.

    Fitted without y, it predicts the next row; fitted with y, it estimates ``y[t]``
    from the rows up to t; with one y per sequence, from the average state over the
    sequence.

    Parameters
    ----------
    n_components : int, default=500
        Number of units.

    spectral_radius : float, default=0.9
        Modulus of the largest eigenvalue of the recurrent weights R. The larger, the
        longer the memory; well above 1 the echo state property may be lost.

    density : float or "auto", default="auto"
        Share of the recurrent weights that are not zero. "auto" gives each unit ten
        connections.

    leak_rate : float, default=1.0
        Share of a unit's state that is updated at each step: small for slow series.

    input_scaling : float or array-like of shape (n_features,), default=1.0
        The input weights W are drawn between plus and minus this; an array has one
        scale for each feature. Small keeps the units in their linear range. With
        `standardize` inputs have standard deviation 1.

    bias_scaling : float, default=0.2
        The biases b are drawn between plus and minus this.

    alpha : float, default=1e-6
        Strength of the L2 penalty on the readout's coefficients, as in
        :class:`~sklearn.linear_model.Ridge`.

    direct_connections : bool, default=True
        Whether the latest row is also an input of the readout.

    random_state : int, RandomState instance or None, default=None
        Determines the weights of the reservoir. Pass an int for reproducible results.

    standardize : bool, default=True
        Whether to standardise columns of X and of y inside the net, to mean 0 and
        standard deviation 1 over the data of the first fit.
        `partial_fit` keeps these moments; constant columns are only centred.
        Predictions, forecasts, densities and `noise_covariance_` are in the units of
        the data.

    %(exogenous_of_regressors)s

    burn_in : int, default=0
        Number of first time steps of each sequence that neither the fit nor the score
        counts as targets: the washout, in which the initial state is forgotten.

    %(gaps)s

    Attributes
    ----------
    input_weights_ : ndarray of shape (n_features, n_components)
        W, transposed.

    recurrent_weights_ : sparse array of shape (n_components, n_components)
        R: entry (i, j) leads from unit j to unit i.

    biases_ : ndarray of shape (n_components,)
        b.

    coef_ : ndarray of shape (n_targets, n_components) or \
            (n_targets, n_components + n_features)
        Coefficients of the states and, with direct connections, of the features.

    intercept_ : ndarray of shape (n_targets,)
        Constant term.

    noise_covariance_ : ndarray of shape (n_targets, n_targets)
        Covariance of the errors to expect on new rows: the mean product of the
        residuals, corrected by generalised cross-validation for the degrees of freedom
        that the readout has taken.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    %(reservoir_)s

    See Also
    --------
    EchoStateClassifier : The same for symbols and class labels.

    Notes
    -----
    X and y need no scaling: with ``standardize=True`` results do not depend on their
    units. The fitted weights are for standardised data. `spectral_radius`,
    `leak_rate`, `input_scaling` and `alpha` are what to search over (Lukoševičius,
    2012). The reservoir computes in float32 if X is float32, and
    in float64 otherwise; the readout is found in float64, by triangulation of the
    states block by block, in memory that does not grow with the number of rows.
    As a step of a pipeline before the last, the network transforms rows into states.

    References
    ----------
    Jaeger, H. (2001). The "echo state" approach to analysing and training recurrent
    neural networks. GMD Report 148, German National Research Center for Information
    Technology.

    Jaeger, H., Lukoševičius, M., Popovici, D. and Siewert, U. (2007). Optimization and
    applications of echo state networks with leaky-integrator neurons. Neural Networks,
    20, 335-352.

    Lukoševičius, M. (2012). A practical guide to applying echo state networks. In
    Neural Networks: Tricks of the Trade, Springer, 659-686.

    Golub, G. H., Heath, M. and Wahba, G. (1979). Generalized cross-validation as a
    method for choosing a good ridge parameter. Technometrics, 21, 215-223.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_mackey_glass
    >>> from sklearn_seq.echo_state import EchoStateRegressor
    >>> X = make_mackey_glass(2000, random_state=0)
    >>> model = EchoStateRegressor(200, burn_in=100, random_state=0).fit(X[:1500])
    >>> model.score(X[1500:]) > 0.9999
    True
    >>> model.forecast(X[:1500], n_steps=50).shape
    (50, 1)
    """

    _parameter_constraints = dict(EchoStateNetwork._parameter_constraints)

    def __init__(
        self,
        n_components=500,
        *,
        spectral_radius=0.9,
        density="auto",
        leak_rate=1.0,
        input_scaling=1.0,
        bias_scaling=0.2,
        alpha=1e-6,
        direct_connections=True,
        random_state=None,
        standardize=True,
        exogenous=None,
        burn_in=0,
        gaps="auto",
    ):
        self.n_components = n_components
        self.spectral_radius = spectral_radius
        self.density = density
        self.leak_rate = leak_rate
        self.input_scaling = input_scaling
        self.bias_scaling = bias_scaling
        self.alpha = alpha
        self.direct_connections = direct_connections
        self.random_state = random_state
        self.standardize = standardize
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Draw the reservoir and fit the readout.

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
        sequences, targets = self._read_fit(X, y, groups)
        return self._fit_readout(sequences, targets)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, groups=None) -> Self:
        """Fit the readout to more data, on top of those of earlier calls.

        With ``standardize=False``, calls with whole sequences give the same model as
        fit on all of them, up to rounding. Otherwise the first call sets the
        standardisation, and its data should be typical.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. The reservoir starts anew in each call.

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
        return self._fit_readout(sequences, targets, more=more)

    def _fit_readout(self, sequences, targets, more=False):
        if not more:
            dtype = sequences.rows.dtype
            self._begin_learning(sequences, targets, targets.n_targets, dtype)
        else:
            self._check_units(*self._learned_from(sequences, targets))
        ridge = self._learn(sequences, targets)
        fit = ridge.solve(self.alpha)
        with self._all_at_once() as model:
            model.coef_, model.intercept_ = fit.coef, fit.intercept
            model.noise_covariance_ = self._noise_covariance(ridge, fit)
            if targets.kind == NEXT:
                earlier = self._first_row if more else None
                first_row = continued(earlier, targets.n_targets)
                model._first_row = first_row.update(targets.values)
            model._ridge = ridge
            model._remember_targets(targets)
        return self

    def _target_values(self, targets, index):
        return self._target_units.transform(targets.values[index], np.float64)

    def _noise_covariance(self, ridge, fit):
        deviation = np.ones(ridge.n_targets) * self._target_units.deviation
        with np.errstate(over="ignore"):
            covariance = ridge.error_covariance(fit) * deviation
            covariance *= deviation[:, np.newaxis]
        check_squares(covariance)
        return covariance

    def _outputs(self, sequences):
        return self._from_net(super()._outputs(sequences))

    def _output_covariance(self, sequences):
        return self.noise_covariance_

    def _first_row_distribution(self):
        return self._first_row.mean, self._first_row.covariance

    def _next_outputs(self, state):
        return self._fed_back(super()._next_outputs(state))
