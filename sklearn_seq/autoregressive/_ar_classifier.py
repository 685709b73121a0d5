"""A log-linear model over delay taps: for symbols, a log-linear n-gram."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real
from typing import Self

import numpy as np
from scipy import sparse
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from .._core.callbacks import FitProgress
from .._core.docs import documented
from .._core.sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    _fit_context,
)
from .._core.standardize import UNCHANGED, Standardizer, rows_learned_from
from .._core.verbosity import IterationReport
from .._reading.holes import GAPS
from .._reading.labels import MISSING_LABEL
from ..base import check_counted
from ..targets import NEXT, SEQUENCE
from ._base import TapClassifier
from ._taps import pooled_rows


@documented
class ARClassifier(CallbackSupportMixin, TapClassifier):
    """Multinomial logistic regression on the last `n_lags` rows.

    Fitted without y, it predicts the next symbol of a sequence of symbols: a
    log-linear n-gram of order ``n_lags + 1``, in which the last `n_lags` symbols have
    additive effects,

        log P(x[t+1] = c | x up to t) = intercept[c] + Σ_k coef[c, k, x[t-k]] - log Z.

    Fitted with y, it estimates the label ``y[t]`` from the rows up to t; with one
    label per sequence, from the average taps of the sequence.

    Parameters
    ----------
    n_lags : int, default=1
        Number of delay taps: the rows, the latest included, that a prediction is made
        from.

    C : float, default=1.0
        Inverse of the strength of the L2 penalty on the coefficients, as in
        :class:`~sklearn.linear_model.LogisticRegression`. ``np.inf`` for none. The
        penalty is on coefficients of standardised inputs, see Notes.

    fit_intercept : bool, default=True
        Whether to fit an intercept. Without, inputs are scaled, but not centred.

    class_weight : dict or "balanced", default=None
        Weights of the classes, as in
        :class:`~sklearn.linear_model.LogisticRegression`.

    max_iter : int, default=100
        Maximum number of iterations of the solver (L-BFGS).

    tol : float, default=1e-4
        The solver stops when no component of the gradient is larger.

    symbols : bool, "auto" or array-like, default="auto"
        Whether X holds symbols (each is then coded as an indicator vector) or real
        numbers. "auto": strings are symbols, and so are integers when y is None. An
        array-like is the alphabet (for several columns a list of alphabets): with it,
        symbols that the training sequences lack are no error in others.

    %(exogenous_of_classifiers)s

    %(burn_in_of_tap_models)s

    verbose : int or bool, default=0
        Whether to print a line for each iteration: the cross-entropy in nats and its
        change. With scikit-learn before 1.9 only for the last iteration.

    %(missing_label)s

    %(gaps)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels; fitted without y, the symbols.

    symbols_ : list of ndarray
        The symbols of each column of X, in the order of their indicators. Only if X
        holds symbols.

    coef_ : ndarray of shape (n_classes, n_lags, n_inputs) or (1, n_lags, n_inputs)
        ``coef_[c, k]`` are the effects of the row k steps before the latest on class
        c (with two classes, on ``classes_[1]``). The inputs are the features or, for
        symbols, the indicators of all columns' symbols, one column after another.
        They are in the units of X.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Constant terms.

    n_iter_ : int
        Number of iterations of the solver.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    See Also
    --------
    MLPSequenceClassifier : A feed-forward net over the same taps.
    ARRegressor : The same for real-valued targets.

    Notes
    -----
    Before a sequence's first symbol all indicators are 0, and all rows count in the
    fit. Before a sequence's first row of real numbers, taps are padded with that row,
    and rows with padded taps do not count.

    Columns of real numbers are standardised inside, to mean 0 and standard deviation 1
    over the training rows: predictions do not depend on the units of X, and no scaler
    is needed. `C` and `tol` refer to standardised columns.

    References
    ----------
    Rosenfeld, R. (1996). A maximum entropy approach to adaptive statistical language
    modelling. Computer Speech and Language, 10, 187-228.

    Examples
    --------
    >>> from sklearn_seq.autoregressive import ARClassifier
    >>> model = ARClassifier(n_lags=1).fit("abcabcabcabc")
    >>> model.predict("abc")
    array(['b', 'c', 'a'], dtype='<U1')
    >>> "".join(model.sample(6, X="a", random_state=0)[:, 0])
    'bcabcb'
    """

    _parameter_constraints = {
        "n_lags": [Interval(Integral, 1, None, closed="left")],
        "C": [Interval(Real, 0, None, closed="right")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "symbols": ["boolean", StrOptions({"auto"}), "array-like"],
        "exogenous": [None, str, Integral, "array-like"],
        "burn_in": [Interval(Integral, 0, None, closed="left")],
        "gaps": GAPS,
        "verbose": ["verbose"],
        "missing_label": MISSING_LABEL,
    }

    def __init__(
        self,
        n_lags=1,
        *,
        C=1.0,
        fit_intercept=True,
        class_weight=None,
        max_iter=100,
        tol=1e-4,
        symbols="auto",
        exogenous=None,
        burn_in=0,
        verbose=0,
        missing_label=None,
        gaps="auto",
    ):
        self.n_lags = n_lags
        self.C = C
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.tol = tol
        self.symbols = symbols
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.verbose = verbose
        self.missing_label = missing_label
        self.gaps = gaps

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Fit the model.

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
        from sklearn.linear_model import LogisticRegression  # a third of our import

        sequences, targets = self._read_fit(X, y, groups)
        design, codes, units = self._fit_design(sequences, targets)
        progress = FitProgress(self, self.max_iter, X, y, groups, sequences, targets)
        model = LogisticRegression(
            C=self.C,
            fit_intercept=self.fit_intercept,
            class_weight=self._weights_by_code(codes),
            max_iter=self.max_iter,
            tol=self.tol,
        )
        report = self._report(design, codes)

        def end_iteration(model):
            report(model)
            return progress.iteration(
                lambda: self._fitted(model, targets, design, units)
            )

        if hasattr(model, "set_callbacks") and (progress.watched or self.verbose):
            model.set_callbacks(_Relay(end_iteration))
        # Sparse products do not use BLAS: its threads would only wait.
        threads = 1 if sparse.issparse(design) else None
        with threadpool_limits(threads, user_api="blas"):
            model.fit(design, codes)
        if not hasattr(model, "set_callbacks"):
            report(model, int(model.n_iter_[0]))
        fitted = self._fitted(model, targets, design, units)
        self.coef_, self.intercept_ = fitted["coef_"], fitted["intercept_"]
        self.n_iter_ = int(model.n_iter_[0])
        self._remember_targets(targets)
        progress.end(lambda: fitted)
        return self

    def _report(self, design, codes):
        """A function that prints the loss of a model after an iteration."""
        lines = IterationReport(type(self).__name__, "cross-entropy", "nats")
        n_iter, before = 0, None

        def report(model, last=None):
            nonlocal n_iter, before
            n_iter += 1
            if not self.verbose:
                return
            columns = np.searchsorted(model.classes_, codes)
            log_proba = model.predict_log_proba(design)
            loss = -float(log_proba[np.arange(len(codes)), columns].mean())
            change = None if before is None else loss - before
            lines(last or n_iter, loss, change=change)
            before = loss

        return report

    def _fit_design(self, sequences, targets):
        """Design matrix and class codes of the targets that count, and units.

        Taps of numbers are standardised.
        """
        text = self._encoder is not None
        index = targets.counted(
            sequences.offsets, self.burn_in, 0 if text else self.n_lags - 1
        )
        check_counted(index, self, "learn")
        codes = targets.values[index, 0]
        there = np.unique(codes)
        self._check_classes(self.classes_[there], "among the rows that count")
        if len(there) < len(self.classes_) and targets.kind != NEXT:
            raise ValueError(
                f"The classes {np.delete(self.classes_, there).tolist()} appear only "
                f"in rows that do not count: rows count from burn_in={self.burn_in} "
                f"on, and real-valued ones only with n_lags={self.n_lags} rows up to "
                "them."
            )
        taps = self._taps(sequences)
        if targets.kind == SEQUENCE:
            rows, starts = pooled_rows(sequences.sequence_offsets, self.burn_in)
            counts = np.diff(np.append(starts, len(rows)))
            average = sparse.csr_array(
                (
                    np.repeat(1.0 / counts, counts),
                    np.arange(len(rows)),
                    np.append(starts, len(rows)),
                ),
                shape=(len(starts), len(rows)),
            )
            design = (average @ self._indicators(taps.take(rows)))[index]
        else:
            design = self._indicators(taps.take(index - targets.advance))
        if text:
            return design, codes, UNCHANGED
        units = Standardizer.of(rows_learned_from(sequences, targets, index))
        if not self.fit_intercept:
            units = units.without_centre()
        units = units.columns(np.tile(np.arange(self.n_features_in_), self.n_lags))
        return units.transform(design, np.float64), codes, units

    def _indicators(self, taps):
        """Inputs of the linear model: taps of numbers, indicators of symbols."""
        if self._encoder is None:
            return taps
        n, n_taps = taps.shape
        lags = np.arange(n_taps) // self.n_features_in_
        there = taps < self._n_symbols
        columns = (taps + lags * self._n_symbols)[there]
        ends = np.append(0, np.cumsum(there.sum(axis=1)))
        shape = (n, self.n_lags * self._n_symbols)
        return sparse.csr_array((np.ones(len(columns)), columns, ends), shape=shape)

    def _weights_by_code(self, codes):
        """Class weights by class code, for the codes that occur."""
        there = set(codes.tolist())
        if not isinstance(self.class_weight, dict):
            return self.class_weight
        unknown = set(self.class_weight) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(
                f"class_weight names the classes {sorted(unknown, key=str)}, which are "
                f"not among {self.classes_.tolist()}."
            )
        return {
            code: self.class_weight.get(label, 1.0)
            for code, label in enumerate(self.classes_.tolist())
            if code in there
        }

    def _fitted(self, model, targets, design, units):
        """Fitted attributes from those of a logistic regression on class codes."""
        coef, intercept = model.coef_, np.atleast_1d(model.intercept_)
        seen = getattr(model, "classes_", np.arange(len(self.classes_)))
        if len(seen) < len(self.classes_):
            coef, intercept = self._with_unseen(coef, intercept, seen, design)
        coef, intercept = units.unfold(coef, intercept)
        return {
            "coef_": coef.reshape(len(coef), self.n_lags, -1),
            "intercept_": np.broadcast_to(intercept, len(coef)).astype(float),
            "target_kind_": targets.kind,
            "_one_dimensional": True,
            "_n_targets": 1,
        }

    def _with_unseen(self, coef, intercept, seen, design):
        """Give symbols that were never a target a probability of about 1 / n_rows."""
        if len(seen) == 2:
            coef = np.vstack([-coef, coef]) / 2
            intercept = np.append(-intercept, intercept) / 2
        log_partition = logsumexp(design @ coef.T + intercept, axis=1).mean()
        full = np.zeros((len(self.classes_), coef.shape[1]))
        full[seen] = coef
        biases = np.full(len(full), log_partition - np.log(design.shape[0]))
        biases[seen] = intercept
        return full, biases

    def _map_taps(self, taps):
        coef = self.coef_.reshape(len(self.coef_), -1)
        scores = self._indicators(taps) @ coef.T + self.intercept_
        if scores.shape[1] == 1:
            return np.hstack([np.zeros_like(scores), scores])
        return scores


class _Relay:
    """Callback of the inner logistic regression, which forwards its iterations."""

    def __init__(self, on_iteration):
        self.on_iteration = on_iteration

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.parent is not None and fitted_estimator is not None:
            return self.on_iteration(fitted_estimator)
