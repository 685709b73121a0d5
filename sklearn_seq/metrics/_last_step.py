"""The model at the end of a pipeline or search, and its input."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from ..base import SequenceEstimator


def last_step(estimator, X, groups=None):
    """The model at the end of a pipeline, and X as it reaches that model.

    Not every method of a pipeline takes metadata, and none does without metadata
    routing, so that `groups` would be lost.

    Parameters
    ----------
    estimator : object
        A fitted model, a pipeline that ends with one, or a search over either.

    X : array-like
        Input of the estimator.

    groups : array-like of shape (n_samples,), default=None
        Passed to the transformers of sequences, and to others that request it.

    Returns
    -------
    model : object
        The fitted model.

    X : array-like
        Transformed by all steps before the model.
    """
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            check_is_fitted(estimator)
            for _, step in estimator.steps[:-1]:
                if step is not None and step != "passthrough":
                    X = step.transform(X, **_groups_for(step, groups))
            estimator = estimator.steps[-1][1]
        else:
            return estimator, X


def _groups_for(step, groups):
    if groups is None:
        return {}
    takes_groups = isinstance(step, SequenceEstimator) or get_routing_for_object(
        step
    ).consumes("transform", ["groups"])
    return {"groups": groups} if takes_groups else {}
