"""What a tool did to an estimator and a layout, in a word."""

import re
import warnings

import numpy as np
import sklearn
from matrix_data import NoSequencesError
from matrix_tools import NotApplicable

WORKS, WARNED, REFUSED, UNSEEN, NONE = "works", "warned", "refused", "unseen", "–"

# What a refusal says, and what to do: the error itself says so, or the page must.
REMEDIES = {
    r"must be contiguous, but sequence": "The rows of a sequence must follow one "
    "another; the error says so. Split by whole sequences or in order of time; for "
    "halving, let iterations be the resource, or pass a panel.",
    r"a pandas frame cannot hold a panel": "The error names the layouts that a frame "
    "can hold.",
    r"Found array with dim 3|inhomogeneous shape": "scikit-learn's tool takes rows "
    "only, and refuses. Use rows with `groups`, or an indexed frame where it keeps "
    "frames.",
    r"y should be a 1d array|only supports binary or multiclass": "scikit-learn's "
    "tool takes one target a sample. Use rows with `groups`, or an indexed frame.",
    r"implementing 'fit' and 'predict'": "A linear dynamical system has no `predict`. "
    "Use `LDSRegressor`, or `cross_validate`.",
    r"unexpected keyword argument 'groups'": "scikit-learn passes `groups` on to the "
    "final estimator. Use an indexed frame.",
}

LOST_GROUPS = "X has no groups, but .* was fitted with groups"

# The tools that lose the order of rows before an estimator sees any of it.
UNSEEN_CELLS = {
    ("StratifiedKFold", "rows"): "folds take each class's rows apart",
    ("StratifiedKFold", "groups"): "folds take each class's rows apart",
    ("HalvingGridSearchCV, samples", "rows"): "rows are drawn at random",
    ("Bagging, samples", "rows"): "rows are drawn at random",
    ("Bagging, samples", "indexed rows"): "rows are drawn at random, frames become "
    "arrays",
    ("Bagging, columns", "indexed rows"): "frames become arrays",
}


def outcome(tool, data):
    """Run a tool and its loop.

    Returns
    -------
    mark : str
        Whether the tool gave the loop's numbers, others with a warning that groups
        were lost, an error, or others without any sign.

    message : str
        The error's.
    """
    with (
        warnings.catch_warnings(record=True) as caught,
        sklearn.config_context(enable_metadata_routing=data.routed),
    ):
        warnings.simplefilter("always")
        try:
            right = all(equal(*pair) for pair in tool(data))
        except NotApplicable:
            return NONE, ""
        except NoSequencesError:
            right = False
        except (ValueError, TypeError, NotImplementedError) as error:
            return REFUSED, str(error)
    if right:
        return WORKS, ""
    warned = any(re.search(LOST_GROUPS, str(entry.message)) for entry in caught)
    return (WARNED if warned else UNSEEN), ""


def equal(actual, expected):
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.dtype.kind in "OUb":
        return np.array_equal(actual.astype(str), expected.astype(str))
    if actual.shape != expected.shape:
        actual = actual.reshape(expected.shape)
    return np.allclose(actual, expected, rtol=1e-6, atol=1e-8)


def remedy(message):
    """What to do about a refusal; None if the message is not known."""
    known = [text for pattern, text in REMEDIES.items() if re.search(pattern, message)]
    return known[0] if known else None
