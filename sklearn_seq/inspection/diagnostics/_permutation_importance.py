"""Permutation importance of features, in every layout."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from ..._core.docs import documented
from ..._reading.containers import as_plain
from ...base import SequenceEstimator
from ...metrics import per_step_scorer
from ...metrics._last_step import last_step
from ...metrics._scorers import SequenceScorer
from ...sequences import is_ragged, read_layout

PERMUTE = ("steps", "sequences")


@documented
def permutation_importance(
    estimator,
    X,
    y=None,
    *,
    groups=None,
    scoring=None,
    permute="steps",
    n_repeats=5,
    random_state=None,
    n_jobs=None,
    sample_weight=None,
) -> Bunch:
    """Permutation importance of each feature, for sequences in every layout.

    The score of the data, minus the score of data with permuted values of one feature
    and the same targets.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier or regressor, a pipeline that ends with one, or a search
        over either.

    X : array-like
        Sequences in any layout, with several features: rows of shape
        (n_timesteps, n_features), a frame, a 3-D array, or a list of 2-D arrays or
        frames.

    y : array-like, default=None
        The targets; None for a model of the next step, where they are X before the
        permutation.

    %(groups)s

    scoring : str, callable, list or dict, default=None
        A name or a scorer as :func:`~sklearn_seq.metrics.per_step_scorer` takes it,
        a scorer of `sklearn_seq.metrics`, or several, as a list of names or a dict.
        None is the model's own `score`: R² or accuracy.

    permute : {"steps", "sequences"}, default="steps"
        "steps" shuffles the values of a feature over all time steps of all sequences.
        This destroys their temporal order, too. "sequences" exchanges the feature's
        whole series between sequences of the same length, which keeps it.

    n_repeats : int, default=5
        Number of permutations of each feature.

    random_state : int, RandomState instance or None, default=None
        Determines the permutations. Pass an int for reproducible results.

    n_jobs : int, default=None
        Number of features to permute at once.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples in the score: rows, or the sequences of a panel.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch` or dict of such
        Dictionary-like object, with the following attributes; for several scorers, a
        dict with one of them for each.

        importances_mean : ndarray of shape (n_features,)
            Mean of the importance over permutations.
        importances_std : ndarray of shape (n_features,)
            Its standard deviation.
        importances : ndarray of shape (n_features, n_repeats)
            All importances.

    Raises
    ------
    TypeError
        If the estimator is neither a classifier nor a regressor, or if X has no
        columns.

    ValueError
        If no two sequences have the same length where whole ones are to be permuted.

    Notes
    -----
    For rows and ``permute="steps"`` the permutations are those of
    :func:`sklearn.inspection.permutation_importance`.

    A feature that is redundant given others, or given its own past, has little
    importance.

    References
    ----------
    Breiman, L. (2001). Random forests. Machine Learning, 45, 5-32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.autoregressive import ARClassifier
    >>> from sklearn_seq.inspection import permutation_importance
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in (30, 20, 25)]
    >>> y = [np.where(x[:, 0] > 0, "up", "down") for x in X]
    >>> model = ARClassifier().fit(X, y)
    >>> result = permutation_importance(model, X, y, random_state=0)
    >>> result.importances.shape
    (2, 5)
    >>> bool(result.importances_mean[0] > 0.3 > 0.1 > result.importances_mean[1])
    True
    """
    _check_arguments(permute, n_repeats)
    model, seen = last_step(estimator, X, groups)
    if not is_classifier(model) and not is_regressor(model):
        raise TypeError(
            "permutation_importance needs a classifier or a regressor, but got "
            f"{type(model).__name__}: targets must stay while a feature is permuted."
        )
    scorers = _scorers(scoring)
    if y is None:
        y = _next_targets(model, seen, groups)
    columns = Columns(X)
    units = _units(X, groups, permute)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)
    metadata = {"groups": groups, "sample_weight": sample_weight}

    def score(data):
        return {
            name: scorer(estimator, data, y, **metadata)
            for name, scorer in scorers.items()
        }

    baseline = score(X)
    permuted = Parallel(n_jobs=n_jobs)(
        delayed(_permuted_scores)(score, columns, j, units, n_repeats, seed)
        for j in range(columns.n_features)
    )
    results = {
        name: _summary(
            baseline[name] - np.array([[s[name] for s in p] for p in permuted])
        )
        for name in scorers
    }
    return results[None] if None in results else results


def _check_arguments(permute, n_repeats):
    if permute not in PERMUTE:
        raise ValueError(f"permute={permute!r}: expected one of {PERMUTE}.")
    if not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats={n_repeats!r}: expected an integer of at least 1.")


def own_score(model, X, y, groups, sample_weight):
    """The `score` of the model at the end of a pipeline."""
    metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
    if isinstance(model, SequenceEstimator):
        metadata["groups"] = groups
    return model.score(X, y, **metadata)


def _scorers(scoring):
    """Scorers by name; a single one under None."""
    if scoring is None:
        return {None: SequenceScorer("own_score", own_score, "predict")}
    if isinstance(scoring, dict):
        return {name: per_step_scorer(value) for name, value in scoring.items()}
    if isinstance(scoring, list | tuple | set):
        return {name: per_step_scorer(name) for name in scoring}
    return {None: per_step_scorer(scoring)}


def _next_targets(model, X, groups):
    """X advanced by one step: the targets of a model of the next step."""
    if not isinstance(model, SequenceEstimator):
        raise ValueError(f"{type(model).__name__} is no sequence model: y is needed.")
    sequences = model.read_sequences(X, groups)
    targets = model._score_targets(None, sequences)
    values = targets.values
    if is_classifier(model):
        values = model.classes_[values[:, 0]].astype(object)
        missing = None
    else:
        values, missing = values.astype(np.float64), np.nan
    later = np.empty_like(values)
    later[:-1] = values[1:]
    later[sequences.offsets[1:] - 1] = missing
    return sequences.layout.restore(later)


def _units(X, groups, permute):
    """Units of the permutation: packed rows (n_rows, 1), or blocks of equal length."""
    _, layout = read_layout(X, groups)
    if permute == "steps":
        return [np.arange(layout.n_rows)[:, None]]
    starts, lengths = layout.sequence_offsets[:-1], np.diff(layout.sequence_offsets)
    units = [starts[lengths == n][:, None] + np.arange(n) for n in np.unique(lengths)]
    if any(len(unit) < 2 for unit in units):
        alone = [len(unit[0]) for unit in units if len(unit) < 2]
        raise ValueError(
            "permute='sequences' exchanges sequences of equal length, but only one "
            f"has {alone[0]} rows. Cut the sequences to equal lengths, or use "
            "permute='steps'."
        )
    return units


def _permuted_scores(score, columns, j, units, n_repeats, seed):
    random_state = np.random.RandomState(seed)
    places = [np.arange(len(unit)) for unit in units]
    source = np.arange(sum(unit.size for unit in units))
    scores = []
    for _ in range(n_repeats):
        before = source.copy()
        for unit, order in zip(units, places, strict=True):
            random_state.shuffle(order)
            source[unit] = before[unit[order]]
        scores.append(score(columns.permuted(j, source)))
    return scores


def _summary(importances):
    return Bunch(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )


class Columns:
    """The features of X in any layout, to be permuted over all rows.

    Parameters
    ----------
    X : array-like
        Rows, a 3-D array, or a list of 2-D arrays or frames.
    """

    def __init__(self, X):
        X = as_plain(X)
        self._is_list = is_ragged(X)
        parts = list(X) if self._is_list else [X]
        if not self._is_list and not hasattr(X, "columns"):
            parts = [np.asarray(X)]
        self._parts = [
            part if hasattr(part, "columns") else np.asarray(part) for part in parts
        ]
        if any(np.ndim(part) < 2 for part in self._parts):
            raise TypeError(
                "permutation_importance needs X with columns: rows, a frame, a 3-D "
                "array or a list of 2-D arrays or frames."
            )
        self.n_features = self._parts[0].shape[-1]

    def permuted(self, j, source):
        """X with the values of column j, over all rows, from other rows."""
        values = np.concatenate([_column(part, j) for part in self._parts])[source]
        ends = np.cumsum([len(_column(part, j)) for part in self._parts])[:-1]
        parts = [
            _with_column(part, j, own)
            for part, own in zip(self._parts, np.split(values, ends), strict=True)
        ]
        return parts if self._is_list else parts[0]


def _column(part, j):
    """Values of a column: (n_rows,)."""
    if hasattr(part, "iloc"):
        return part.iloc[:, j].to_numpy()
    if hasattr(part, "columns"):
        return part[part.columns[j]].to_numpy()
    return part[..., j].ravel()


def _with_column(part, j, values):
    """A copy of rows (or a 3-D array) with other values in a column."""
    if hasattr(part, "iloc"):
        column = part.iloc[:, j]
        copy = part.copy()
        copy.isetitem(j, type(column)(values, index=part.index, dtype=column.dtype))
        return copy
    if hasattr(part, "columns"):  # polars
        column = part[part.columns[j]]
        return part.with_columns(type(column)(column.name, values, dtype=column.dtype))
    copy = part.copy()
    copy[..., j] = values.reshape(part.shape[:-1])
    return copy
