"""Scorers that pass groups on to sequence models."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.metadata_routing import (
    UNCHANGED,
    MetadataRequest,
    get_routing_for_object,
)
from sklearn.utils.validation import check_is_fitted

from .._core.docs import documented
from .._core.sklearn_compat import _BaseScorer, _routing_enabled
from ..base import SequenceEstimator, check_counted
from ..targets import NEXT, next_step_targets
from ._last_step import last_step
from ._symbols import bits_per_symbol, flat_values, perplexity


@documented
class SequenceScorer(_BaseScorer):
    """A scorer of sequence models that passes `groups` on to them.

    It is called as ``scorer(estimator, X, y=None, *, groups=None,
    sample_weight=None)`` and is taken wherever scikit-learn takes ``scoring``. With
    ``enable_metadata_routing=True`` it requests `groups` by default, so that
    ``params={"groups": groups}`` reaches it, too.

    Parameters
    ----------
    name : str
        The name that it is shown by.

    score_func : callable
        From a fitted model, X and y as the model sees them, `groups` and
        `sample_weight` to the score; greater is better.

    response_method : str
        The method of the estimator that makes the score.
    """

    def __init__(self, name, score_func, response_method):
        super().__init__(score_func, 1, {}, response_method)
        self._name = name
        self.__doc__ = score_func.__doc__

    def __repr__(self):
        return self._name

    def __call__(self, estimator, X, y=None, *, groups=None, sample_weight=None):
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : object
            A fitted model, a pipeline that ends with one, or a search over either.

        %(X)s

        y : array-like, default=None
            The targets; None for the next step, where they are X itself.

        %(groups)s

        %(sample_weight)s

        Returns
        -------
        score : float
            Greater is better.
        """
        return self._score(
            None, estimator, X, y, groups=groups, sample_weight=sample_weight
        )

    def _score(
        self, method_caller, estimator, X, y=None, *, groups=None, sample_weight=None
    ):
        model, X = last_step(estimator, X, groups)
        return self._score_func(model, X, y, groups, sample_weight)

    def set_score_request(self, *, groups=UNCHANGED, sample_weight=UNCHANGED):
        """Set which metadata the scorer requests, and under which names.

        Parameters
        ----------
        groups : str, True, False or None, default=UNCHANGED
            As everywhere in scikit-learn; True from the start.

        sample_weight : str, True, False or None, default=UNCHANGED
            As everywhere in scikit-learn; None from the start.

        Returns
        -------
        self : SequenceScorer
            The updated scorer. Use a ``copy.copy`` of it to leave the scorer of the
            module as it was.
        """
        if not _routing_enabled():
            raise RuntimeError(
                "This method is only available when metadata routing is enabled. You "
                "can enable it using sklearn.set_config(enable_metadata_routing=True)."
            )
        requests = self._get_metadata_request()
        for name, alias in {"groups": groups, "sample_weight": sample_weight}.items():
            if alias is not UNCHANGED:
                requests.score.add_request(param=name, alias=alias)
        self._metadata_request = requests
        return self

    def _get_metadata_request(self):
        if hasattr(self, "_metadata_request"):
            return get_routing_for_object(self._metadata_request)
        requests = MetadataRequest(owner=self)
        requests.score.add_request(param="groups", alias=True)
        requests.score.add_request(param="sample_weight", alias=None)
        return requests


@documented
def next_step_r2(estimator, X, y, groups, sample_weight):
    """R² of the forecasts of the next step (of y, where there is one).

    The same as the estimator's own ``score(X, y, sample_weight, groups)``, but also
    at the end of a pipeline and in multimetric scoring, and an error for classifiers,
    whose ``score`` is something else. At the end of a pipeline any regressor of rows
    will do, given y: `groups` still reach the transformers before it.

    Parameters
    ----------
    estimator : object
        A fitted regressor, a pipeline that ends with one, or a search over either.

    %(X)s

    y : array-like, default=None
        The targets; None for the next step, where they are X itself.

    %(groups)s

    %(sample_weight)s

    Returns
    -------
    score : float
        R² over all rows with a known target that are not among the first `burn_in` of
        their sequence; no target lies across a boundary.

    Raises
    ------
    TypeError
        If the estimator is no regressor.

    ValueError
        If no target counts, or if a regressor of rows is given no y.

    Examples
    --------
    >>> import numpy as np
    >>> import sklearn
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.metrics import next_step_r2_scorer
    >>> X = np.sin(np.arange(60.0))[:, None]
    >>> groups = np.repeat(["a", "b"], 30)
    >>> model = make_pipeline(StandardScaler(), ARRegressor(n_lags=2)).fit(X)
    >>> round(next_step_r2_scorer(model, X, groups=groups), 3)
    0.972
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     scores = cross_val_score(
    ...         model,
    ...         X,
    ...         cv=GroupKFold(2),
    ...         scoring=next_step_r2_scorer,
    ...         params={"groups": groups},
    ...     )
    >>> scores.round(3)
    array([0.993, 0.951])
    """
    if not is_regressor(estimator):
        raise TypeError(
            "next_step_r2_scorer needs a regressor, but got "
            f"{type(estimator).__name__}. For other models there is "
            "mean_log_likelihood_scorer, and for classifiers their own score "
            "(scoring=None)."
        )
    metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
    if isinstance(estimator, SequenceEstimator):
        return estimator.score(X, y, groups=groups, **metadata)
    if y is None:
        raise ValueError(
            f"next_step_r2_scorer needs y for {type(estimator).__name__}, which is no "
            "sequence model and cannot take its targets from X."
        )
    return estimator.score(X, y, **metadata)


@documented
def mean_log_likelihood(estimator, X, y, groups, sample_weight):
    """Mean log-likelihood of a time step given the earlier ones, in nats.

    The mean of the estimator's `score_samples` over the time steps that the model
    predicts: all of those with a known target that are not among the first `burn_in`
    of their sequence. Without y, the first row of each sequence has no past to be
    predicted from, and does not count; what models assume about it is no forecast.
    Each time step counts alike, however long its sequence.

    For a pipeline, it is the density of what the last step sees: a scaler that
    divides by s adds log(s) for each predicted feature. Compare pipelines with the
    same transformers.

    Parameters
    ----------
    estimator : object
        A fitted model with `score_samples`, a pipeline that ends with one, or a search
        over either.

    %(X)s

    y : array-like, default=None
        The targets of a model that was fitted with y.

    %(groups)s

    %(sample_weight)s

    Returns
    -------
    score : float
        Nats per time step, or per sequence where that is what has a target.

    Raises
    ------
    TypeError
        If the estimator is no sequence model with `score_samples`.

    ValueError
        If no target counts.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.datasets import make_ar_process
    >>> from sklearn_seq.metrics import mean_log_likelihood_scorer
    >>> X = make_ar_process(500, random_state=0)
    >>> model = ARRegressor(n_lags=2).fit(X[:400])
    >>> score = mean_log_likelihood_scorer(model, X[400:])
    >>> bool(np.isclose(score, model.score_samples(X[400:])[1:].mean()))
    True
    """
    values, weights = counted_log_likelihoods(estimator, X, y, groups, sample_weight)
    return float(np.average(values, weights=weights))


@documented
def neg_bits_per_symbol(estimator, X, y, groups, sample_weight):
    """Mean log probability of a symbol given the earlier ones, to base 2.

    The negative of `bits_per_symbol`, so that greater is better, over the symbols
    that the model predicts: those with a known label that are not among the first
    `burn_in` of their sequence, nor, without y, the first of it.

    Parameters
    ----------
    estimator : object
        A fitted classifier or generative model of symbols, a pipeline that ends with
        one, or a search over either.

    %(X)s

    y : array-like, default=None
        The labels of a model that was fitted with y.

    %(groups)s

    %(sample_weight)s

    Returns
    -------
    score : float
        Minus the number of bits per symbol; minus infinity if a symbol occurred that
        had probability 0.

    Raises
    ------
    TypeError
        If the estimator is a regressor, or no sequence model with `score_samples`.

    ValueError
        If no symbol counts.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.autoregressive import ARClassifier
    >>> from sklearn_seq.metrics import neg_bits_per_symbol_scorer
    >>> X = np.random.default_rng(0).integers(2, size=(1000, 1))  # fair coin
    >>> model = ARClassifier().fit(X[:800])
    >>> round(neg_bits_per_symbol_scorer(model, X[800:]), 1)
    -1.0
    """
    check_models_symbols(estimator, "neg_bits_per_symbol_scorer")
    values, weights = counted_log_likelihoods(estimator, X, y, groups, sample_weight)
    return -bits_per_symbol(values, sample_weight=weights)


@documented
def neg_perplexity(estimator, X, y, groups, sample_weight):
    """Minus the perplexity of the symbols given the earlier ones.

    The negative of `perplexity`, so that greater is better, over the symbols that the
    model predicts: those with a known label that are not among the first `burn_in` of
    their sequence, nor, without y, the first of it.

    Parameters
    ----------
    estimator : object
        A fitted classifier or generative model of symbols, a pipeline that ends with
        one, or a search over either.

    %(X)s

    y : array-like, default=None
        The labels of a model that was fitted with y.

    %(groups)s

    %(sample_weight)s

    Returns
    -------
    score : float
        At most -1; minus infinity if a symbol occurred that had probability 0.

    Raises
    ------
    TypeError
        If the estimator is a regressor, or no sequence model with `score_samples`.

    ValueError
        If no symbol counts.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.autoregressive import ARClassifier, ARRegressor
    >>> from sklearn_seq.metrics import neg_perplexity_scorer
    >>> X = np.random.default_rng(0).integers(2, size=(1000, 1))  # fair coin
    >>> model = ARClassifier().fit(X[:800])
    >>> round(neg_perplexity_scorer(model, X[800:]), 1)
    -2.0
    >>> neg_perplexity_scorer(ARRegressor().fit(X), X)
    Traceback (most recent call last):
    ...
    TypeError: neg_perplexity_scorer needs a model of symbols, but got the regressor ...
    """
    check_models_symbols(estimator, "neg_perplexity_scorer")
    values, weights = counted_log_likelihoods(estimator, X, y, groups, sample_weight)
    return -perplexity(values, sample_weight=weights)


def counted_log_likelihoods(model, X, y, groups, sample_weight):
    """Log-likelihoods of the targets that count, and their weights or None."""
    if not isinstance(model, SequenceEstimator) or not hasattr(model, "score_samples"):
        raise TypeError(
            f"{type(model).__name__} is no sequence model with score_samples: its "
            "log-likelihood is not known."
        )
    check_is_fitted(model)
    sequences = model.read_sequences(X, groups)
    if hasattr(model, "_score_targets"):
        targets = model._score_targets(y, sequences)
    else:  # a density of the rows themselves
        targets = next_step_targets(sequences, np.arange(sequences.rows.shape[1]))
    index = targets.counted(sequences.offsets, getattr(model, "burn_in", 0))
    if targets.kind == NEXT:
        values = targets.values[index]
        missing = np.isnan(values) if values.dtype.kind == "f" else values < 0
        index = index[~missing.all(axis=1)]
    check_counted(index, model, "score")
    args = () if y is None else (y,)
    values = flat_values(model.score_samples(X, *args, groups=groups))
    weights = model._step_weights(sample_weight, sequences, targets.kind)
    return values[index], None if weights is None else weights[index]


def check_models_symbols(model, name):
    if is_regressor(model):
        raise TypeError(
            f"{name} needs a model of symbols, but got the regressor "
            f"{type(model).__name__}, whose score_samples are log densities. Use "
            "mean_log_likelihood_scorer."
        )


next_step_r2_scorer = SequenceScorer("next_step_r2_scorer", next_step_r2, "predict")
mean_log_likelihood_scorer = SequenceScorer(
    "mean_log_likelihood_scorer", mean_log_likelihood, "score_samples"
)
neg_bits_per_symbol_scorer = SequenceScorer(
    "neg_bits_per_symbol_scorer", neg_bits_per_symbol, "score_samples"
)
neg_perplexity_scorer = SequenceScorer(
    "neg_perplexity_scorer", neg_perplexity, "score_samples"
)
