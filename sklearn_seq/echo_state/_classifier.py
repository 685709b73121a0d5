"""An echo state network for labels and symbols."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np

from .._core.closed_loop import SymbolLoop
from .._core.docs import documented
from .._core.sklearn_compat import StrOptions, _fit_context
from .._reading.labels import MISSING_LABEL
from ..classification import SequenceClassifier
from ..targets import NEXT
from ._base import EchoStateNetwork
from ._class_scores import calibrate


@documented
class EchoStateClassifier(EchoStateNetwork, SymbolLoop, SequenceClassifier):
    """Echo state network for symbols and class labels.

    A fixed random recurrent net, the reservoir, is driven by the rows (symbols are
    coded as indicator vectors), and a linear readout scores the classes. Fitted
    without y, it predicts the next symbol; fitted with y, it estimates the label
    ``y[t]`` from the rows up to t; with one label per sequence, from the average state
    over the sequence.

    Parameters
    ----------
    n_components : int, default=500
        Number of units.

    spectral_radius : float, default=0.9
        Modulus of the largest eigenvalue of the recurrent weights. The larger, the
        longer the memory; well above 1 the echo state property may be lost.

    density : float or "auto", default="auto"
        Share of the recurrent weights that are not zero. "auto" gives each unit ten
        connections.

    leak_rate : float, default=1.0
        Share of a unit's state that is updated at each step: small for slow series.

    input_scaling : float or array-like of shape (n_features,), default=1.0
        The input weights are drawn between plus and minus this; an array has one
        scale for each feature. Small keeps the units in their linear range. With
        `standardize` real inputs have standard deviation 1.

    bias_scaling : float, default=0.2
        The biases are drawn between plus and minus this.

    alpha : float, default=0.1
        Strength of the L2 penalty on the readout's coefficients, as in
        :class:`~sklearn.linear_model.Ridge`.

    direct_connections : bool, default=True
        Whether the latest row is also an input of the readout.

    random_state : int, RandomState instance or None, default=None
        Determines the weights of the reservoir. Pass an int for reproducible results.

    standardize : bool, default=True
        Whether the net sees real-valued X in standard units: columns with mean 0 and
        standard deviation 1 over the data of the first fit, kept by
        `partial_fit`. Symbols are not affected.

    symbols : bool, "auto" or array-like, default="auto"
        Whether X holds symbols (each is then coded as an indicator vector) or real
        numbers. "auto": strings are symbols, and so are integers when y is None. An
        array-like is the alphabet (for several columns a list of alphabets): with it,
        symbols that the training sequences lack are no error in others.

    %(exogenous_of_classifiers)s

    burn_in : int, default=0
        Number of first time steps of each sequence that neither the fit nor the score
        counts as targets: the washout, in which the initial state is forgotten.

    %(missing_label)s

    %(gaps)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; fitted without y, the symbols.

    symbols_ : list of ndarray
        The symbols of each column of X. Only if X holds symbols.

    input_weights_ : ndarray of shape (n_inputs, n_components)
        Weights from the inputs to the units. The inputs are the features or, for
        symbols, the indicators of all columns' symbols, one column after another.

    recurrent_weights_ : sparse array of shape (n_components, n_components)
        Entry (i, j) leads from unit j to unit i.

    biases_ : ndarray of shape (n_components,)
        Biases of the units.

    coef_ : ndarray of shape (n_classes, n_components) or \
            (n_classes, n_components + n_inputs)
        Coefficients of the states and, with direct connections, of the inputs for the
        score of each class.

    intercept_ : ndarray of shape (n_classes,)
        Constant terms.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    %(reservoir_)s

    See Also
    --------
    EchoStateRegressor : The same for real-valued targets.

    Notes
    -----
    The scores are a ridge regression of the class indicators, which estimates class
    probabilities in closed form. They are calibrated by generalised cross-validation
    (Golub, Heath and Wahba, 1979), which estimates scores of new rows: deviations of
    scores from class frequencies are multiplied by the slope of the indicators on these
    scores, and log ratios to the frequencies by 1 / (1 - r), with r the share of the
    indicators' variance that they explain. To first order, this is linear discriminant
    analysis. Scores are at least 0.3 times the class frequency, and one pseudo-count
    is shared by frequency.

    X needs no scaling: with ``standardize=True`` results do not depend on its units.
    The reservoir computes in float32 if X is float32, and in float64 otherwise. As a
    step of a pipeline before the last, the network transforms rows into states.

    References
    ----------
    Jaeger, H. (2001). The "echo state" approach to analysing and training recurrent
    neural networks. GMD Report 148, German National Research Center for Information
    Technology.

    Golub, G. H., Heath, M. and Wahba, G. (1979). Generalized cross-validation as a
    method for choosing a good ridge parameter. Technometrics, 21, 215-223.

    Hastie, T., Tibshirani, R. and Buja, A. (1994). Flexible discriminant analysis by
    optimal scoring. Journal of the American Statistical Association, 89, 1255-1270.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.echo_state import EchoStateClassifier
    >>> X = np.array(list("to be or not to be, that is the question. " * 20))
    >>> X = X.reshape(-1, 1)
    >>> model = EchoStateClassifier(100, random_state=0).fit(X)
    >>> "".join(model.forecast(X[:12], n_steps=10))
    ' to be, th'
    """

    _parameter_constraints = {
        **EchoStateNetwork._parameter_constraints,
        "symbols": ["boolean", StrOptions({"auto"}), "array-like"],
        "missing_label": MISSING_LABEL,
    }

    def __init__(
        self,
        n_components=500,
        *,
        spectral_radius=0.9,
        density="auto",
        leak_rate=1.0,
        input_scaling=1.0,
        bias_scaling=0.2,
        alpha=0.1,
        direct_connections=True,
        random_state=None,
        standardize=True,
        symbols="auto",
        exogenous=None,
        burn_in=0,
        missing_label=None,
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
        self.symbols = symbols
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.missing_label = missing_label
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Draw the reservoir and fit the readout.

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
        sequences, targets = self._read_fit(X, y, groups)
        return self._fit_readout(sequences, targets)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, groups=None, classes=None) -> Self:
        """Fit the readout to more data, on top of those of earlier calls.

        If X holds symbols or ``standardize=False``, calls with whole sequences give the
        same model as fit on all of them, up to rounding. Otherwise the first call sets
        the standardisation, and its data should be typical.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. The reservoir starts anew in each call. Symbols
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
        return self._fit_readout(sequences, targets, more=more)

    def _fit_readout(self, sequences, targets, more=False):
        if not more:
            dtype = np.float64 if self._encoder is not None else sequences.rows.dtype
            self._begin_learning(sequences, targets, len(self.classes_), dtype)
        else:
            self._check_units(*self._learned_from(sequences, targets))
        ridge = self._learn(sequences, targets)
        fit = ridge.solve(self.alpha)
        (triangle,) = ridge.triangles.values()
        with self._all_at_once() as model:
            if targets.kind == NEXT:
                counts = np.bincount(targets.values[:, 0], minlength=len(self.classes_))
                model._counts = counts + (self._counts if more else 1)
                model._first_log_proba = np.log(model._counts / model._counts.sum())
            model.coef_, model.intercept_ = fit.coef, fit.intercept
            model._calibration = calibrate(triangle, fit)
            model._ridge = ridge
            model._remember_targets(targets)
        return self

    def _target_values(self, targets, index):
        """Indicators of the classes."""
        return np.eye(len(self.classes_))[targets.values[index, 0]]

    def _log_proba(self, sequences):
        return self._class_log_proba(self._outputs(sequences))

    def _class_log_proba(self, outputs):
        return self._calibration.log_proba(outputs)

    # Symbols, numbered from one column of X to the next

    def _n_inputs(self):
        return super()._n_inputs() if self._encoder is None else self._n_symbols

    def _input_scaling(self):
        scaling = super()._input_scaling()
        if self._encoder is None or np.ndim(scaling) == 0:
            return scaling
        return np.repeat(scaling, [len(symbols) for symbols in self.symbols_])

    def _inputs(self, sequences):
        if self._encoder is None:
            return super()._inputs(sequences)
        return sequences.rows + self._symbol_offsets()

    def _direct_inputs(self, inputs):
        if self._encoder is None:
            return inputs
        indicators = np.zeros((len(inputs), self._n_symbols))
        indicators[np.arange(len(inputs))[:, None], inputs] = 1.0
        return indicators
