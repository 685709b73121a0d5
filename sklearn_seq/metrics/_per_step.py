"""Scikit-learn's metrics for one target at each time step, in every layout."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial, wraps

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import (
    get_scorer,
    make_scorer,
    mean_absolute_error,
    root_mean_squared_error,
)
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._core.docs import documented
from .._core.sklearn_compat import _BaseScorer
from .._reading.labels import known_labels, label_arrays, of_one_kind
from ..base import SequenceEstimator, check_counted, step_weights
from ..sequences import ROWS, read_layout
from ..targets import SEQUENCE, read_targets
from ._scorers import SequenceScorer

RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function")
TO_MINIMISE = ("_error", "_loss", "_deviance")


def flatten_steps(
    y_true, y_pred, *, missing_label=None
) -> tuple[np.ndarray, np.ndarray]:
    """Flatten labels and predictions for the metrics of scikit-learn.

    Parameters
    ----------
    y_true : array-like
        A label (or a target) for each time step: of shape (n_timesteps,) or
        (n_sequences, n_timesteps), or a list with an array for each sequence, or None
        for a sequence without. NaN, None, pandas.NA and masked entries mean that a
        step has none.

    y_pred : array-like
        Results of `predict` or `predict_proba`, in the same layout.

    missing_label : int, float or str, default=None
        A value in `y_true`, such as −1, that also means that a step has no label.

    Returns
    -------
    y_true : ndarray of shape (n_labels,)
        The known labels.

    y_pred : ndarray of shape (n_labels,) or (n_labels, n_classes)
        The predictions of their steps.

    Raises
    ------
    ValueError
        If `y_true` and `y_pred` differ in their numbers of sequences or time steps.

    See Also
    --------
    per_step_scorer : For cross-validation; also of the next step, and after `burn_in`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import confusion_matrix
    >>> from sklearn_seq.autoregressive import ARClassifier
    >>> from sklearn_seq.metrics import flatten_steps
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 1)) for n in (30, 20, 25)]
    >>> y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    >>> model = ARClassifier(C=100).fit(X, y)
    >>> confusion_matrix(*flatten_steps(y, model.predict(X)))
    array([[33,  1],
           [ 0, 41]])
    """
    y_true = label_arrays(y_true)
    nested = y_true.ndim > 1 or any(isinstance(part, np.ndarray) for part in y_true)
    parts = y_true if nested else [y_true]
    outputs = list(y_pred) if nested else [y_pred]
    if len(parts) != len(outputs):
        raise ValueError(
            f"y_true has {len(parts)} sequences, but y_pred has {len(outputs)}."
        )
    true, predicted = [], []
    for i, (labels, output) in enumerate(zip(parts, outputs, strict=True)):
        if labels is None:
            continue
        output = np.atleast_1d(output)
        if len(labels) != len(output):
            raise ValueError(
                f"Sequence {i} of y_true has {len(labels)} entries, but that of y_pred "
                f"has {len(output)}: expected one prediction for each."
            )
        true.append(np.ravel(labels))
        predicted.append(output)
    labels = np.concatenate(of_one_kind(true))
    known, missing = known_labels(labels, missing_label)
    return known[~missing], np.concatenate(predicted)[~missing]


class Steps:
    """Adapter of a fitted model to scikit-learn's scorers: one row for each target.

    Parameters
    ----------
    model : object
        A fitted classifier or regressor.

    X : array-like
        Sequences, to predict from.

    arguments : dict
        Further arguments of its methods.

    rows : ndarray of int of shape (n_targets,)
        For each target, the index of its output among those of all sequences. Scorers
        get positions in `rows`, of shape (n, 1), for X.

    join : bool
        Whether the outputs are a list by sequence.

    output : int, default=None
        The output to score, of a regressor with several.
    """

    def __init__(self, model, X, arguments, rows, join, output=None):
        self._model = model
        self._call = X, arguments
        self._rows = rows
        self._join = join
        self._output = output

    def __sklearn_tags__(self):
        return get_tags(self._model)

    def __getattr__(self, name):
        if name.startswith("__") or name == "_model":
            raise AttributeError(name)
        attribute = getattr(self._model, name)
        if name not in RESPONSES:
            return attribute

        @wraps(attribute)  # scorers ask for its name
        def respond(positions):
            X, arguments = self._call
            outputs = attribute(X, **arguments)
            if self._join:
                outputs = np.concatenate(list(outputs))
            outputs = np.asarray(outputs)[self._rows[np.ravel(positions)]]
            if self._output is not None and outputs.ndim == 2:
                return outputs[:, self._output]
            return outputs

        return respond


def score_steps(scorer, model, X, y, groups, sample_weight):
    """Score of a scikit-learn scorer on the targets that count."""
    if not is_classifier(model) and not is_regressor(model):
        raise TypeError(
            f"A per-step scorer needs a classifier or a regressor, but got "
            f"{type(model).__name__}. For generative models there is "
            "mean_log_likelihood_scorer."
        )
    find = _targets_of if isinstance(model, SequenceEstimator) else _targets_of_other
    targets, index, layout, true = find(model, X, y, groups)
    check_counted(index, model, "score")
    arguments = {}
    if groups is not None and isinstance(model, SequenceEstimator):
        arguments["groups"] = groups
    weights = step_weights(sample_weight, layout, targets.kind)
    join = layout.kind != ROWS and targets.kind != SEQUENCE
    positions = np.arange(len(index))[:, None]

    def score(output, known=slice(None)):
        steps = Steps(model, X, arguments, index - targets.advance, join, output)
        values = true if output is None else true[:, output]
        metadata = {} if weights is None else {"sample_weight": weights[index][known]}
        return scorer(steps, positions[known], values[known], **metadata)

    if true.ndim == 1:
        return score(None)
    if true.shape[1] == 1:
        return score(0)
    if targets.known is None or targets.known[index].all():
        return score(None)
    known = targets.known[index].T
    return float(
        np.mean([score(i, known[i]) for i in range(len(known)) if known[i].any()])
    )


def _targets_of(model, X, y, groups):
    """Targets of a sequence model, which of them count, and their values."""
    check_is_fitted(model)
    sequences = model.read_sequences(X, groups)
    targets = model._score_targets(y, sequences)
    index = model._counted(targets, sequences)
    if not is_classifier(model):
        true = targets.values
    elif y is None:
        true = model.classes_[targets.values[:, 0]]
    else:
        true, _, _ = model._read_labels(y, sequences.layout, targets.kind)
    return targets, index, sequences.layout, true[index]


def _targets_of_other(model, X, y, groups):
    """As `_targets_of`, for other models, such as ensembles of sequence models."""
    if y is None:
        raise ValueError(
            f"A per-step scorer needs y for {type(model).__name__}, which is no "
            "sequence model and cannot take its targets from X."
        )
    _, layout = read_layout(X, groups)
    targets = read_targets(y, layout, numeric=is_regressor(model))
    true = targets.values
    if is_classifier(model):
        true, missing = known_labels(true[:, 0])
        targets.known = ~missing[:, None]
    index = targets.counted(layout.offsets)
    return targets, index, layout, true[index]


def per_step_scorer(scoring) -> SequenceScorer:
    """Make a scorer of scikit-learn count time steps, of sequences in any layout.

    Scikit-learn's scorers need a flat y, call `predict` without `groups`, and know
    neither missing targets nor `burn_in`. The scorer that this function returns hands
    them the targets that count, all sequences one after another, and what the model
    predicts there:

    - one target for each time step, or one for each sequence, in every layout;
    - without y the next step, never across a boundary, as in the model's own `score`;
    - no step without a target (NaN, None, `missing_label`), and none of the first
      `burn_in` of a sequence;
    - with the weight of its sample, if `sample_weight` is given.

    Parameters
    ----------
    scoring : str, scorer or metric
        A name of :func:`~sklearn.metrics.get_scorer_names`, such as "f1_macro" or
        "neg_mean_absolute_error", a scorer of :func:`~sklearn.metrics.make_scorer`,
        or a function of y_true and y_pred whose name ends in "_score" (greater is
        better), "_error", "_loss" or "_deviance" (the scorer is minus the metric).

    Returns
    -------
    scorer : SequenceScorer
        To be called as ``scorer(estimator, X, y=None, *, groups=None,
        sample_weight=None)``, and to be passed as `scoring`, also as a value of a
        dict. With metadata routing it requests `groups`.

    Raises
    ------
    TypeError
        If `scoring` is none of these.

    See Also
    --------
    neg_next_step_mae_scorer : The mean absolute error of forecasts.
    neg_next_step_rmse_scorer : The root of their mean squared error.
    flatten_steps : For metrics outside of cross-validation.

    Notes
    -----
    At the end of a pipeline the targets of the next step are those that the last step
    sees: errors are in the units of its input. With a y, they are in the units of y.

    If a time step has some of several targets, the score is the mean of the scores of
    each.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn_seq.autoregressive import ARClassifier
    >>> from sklearn_seq.metrics import per_step_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 1)) for n in (30, 20, 25, 20)]
    >>> y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    >>> scorer = per_step_scorer("f1_macro")
    >>> scorer
    per_step_scorer('f1_macro')
    >>> cross_val_score(ARClassifier(C=100), X, y, cv=2, scoring=scorer).round(2)
    array([1.  , 0.98])
    """
    if isinstance(scoring, SequenceScorer):
        return scoring
    if isinstance(scoring, str):
        scorer = get_scorer(scoring)
    elif isinstance(scoring, _BaseScorer):
        scorer = scoring
    else:
        scorer = _from_metric(scoring)
    name = getattr(scoring, "__name__", repr(scoring))
    made = SequenceScorer(
        f"per_step_scorer({name})", partial(score_steps, scorer), "predict"
    )
    made.__doc__ = f"{name} over the time steps that count: see per_step_scorer."
    return made


def _from_metric(metric):
    name = getattr(metric, "__name__", "")
    if callable(metric) and name.endswith("_score"):
        return make_scorer(metric)
    if callable(metric) and name.endswith(TO_MINIMISE):
        return make_scorer(metric, greater_is_better=False)
    raise TypeError(
        f"scoring={metric!r}: expected the name of a scorer of scikit-learn, a scorer, "
        "or a metric whose name ends in _score, _error, _loss or _deviance. Make a "
        "scorer of any other function by sklearn.metrics.make_scorer, with "
        "greater_is_better."
    )


@documented
def neg_next_step_mae(estimator, X, y, groups, sample_weight):
    """Minus the mean absolute error of the forecasts of the next step.

    Of y, where there is one. Over all rows with a known target that are not among the
    first `burn_in` of their sequence; no target lies across a boundary. Averaged over
    targets.

    At the end of a pipeline, without a y, errors are in the units that the last step
    sees: compare pipelines with the same scaler.

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
        At most 0, in the units of the targets.

    Raises
    ------
    TypeError
        If the estimator is no regressor.

    ValueError
        If no target counts, or if a regressor of rows is given no y.

    Examples
    --------
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.datasets import load_sunspots
    >>> from sklearn_seq.metrics import neg_next_step_mae_scorer
    >>> X, _ = load_sunspots(return_X_y=True)
    >>> model = ARRegressor(n_lags=9).fit(X[:200])
    >>> round(neg_next_step_mae_scorer(model, X[200:]))
    -13
    """
    return _next_step_error(
        mean_absolute_error,
        "neg_next_step_mae_scorer",
        estimator,
        X,
        y,
        groups,
        sample_weight,
    )


@documented
def neg_next_step_rmse(estimator, X, y, groups, sample_weight):
    """Minus the root mean squared error of the forecasts of the next step.

    Of y, where there is one. Over all rows with a known target that are not among the
    first `burn_in` of their sequence; no target lies across a boundary. Averaged over
    targets.

    At the end of a pipeline, without a y, errors are in the units that the last step
    sees: compare pipelines with the same scaler.

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
        At most 0, in the units of the targets.

    Raises
    ------
    TypeError
        If the estimator is no regressor.

    ValueError
        If no target counts, or if a regressor of rows is given no y.

    Examples
    --------
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.datasets import load_sunspots
    >>> from sklearn_seq.metrics import neg_next_step_rmse_scorer
    >>> X, _ = load_sunspots(return_X_y=True)
    >>> model = ARRegressor(n_lags=9).fit(X[:200])
    >>> round(neg_next_step_rmse_scorer(model, X[200:]))
    -17
    """
    return _next_step_error(
        root_mean_squared_error,
        "neg_next_step_rmse_scorer",
        estimator,
        X,
        y,
        groups,
        sample_weight,
    )


def _next_step_error(metric, name, estimator, X, y, groups, sample_weight):
    if not is_regressor(estimator):
        raise TypeError(
            f"{name} needs a regressor, but got {type(estimator).__name__}. For other "
            "models there is mean_log_likelihood_scorer, and per_step_scorer for "
            "classifiers."
        )
    scorer = make_scorer(metric, greater_is_better=False)
    return score_steps(scorer, estimator, X, y, groups, sample_weight)


neg_next_step_mae_scorer = SequenceScorer(
    "neg_next_step_mae_scorer", neg_next_step_mae, "predict"
)
neg_next_step_rmse_scorer = SequenceScorer(
    "neg_next_step_rmse_scorer", neg_next_step_rmse, "predict"
)
