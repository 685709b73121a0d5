"""What the tests have to know about the version of scikit-learn."""

import os

import pytest
import sklearn
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.fixes import parse_version

from sklearn_seq._core.sklearn_compat import CallbackSupportMixin

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    ProgressBar = ScoringMonitor = None

__all__ = [
    "HAS_CALLBACKS",
    "LISTS_PARAMETERS",
    "ProgressBar",
    "ScoringMonitor",
    "failures_of_scikit_learn",
    "needs_callbacks",
    "parametrize_with_checks",
]

VERSION = parse_version(sklearn.__version__)
LISTS_PARAMETERS = VERSION >= parse_version("1.7")  # in the HTML representation
HAS_CALLBACKS = hasattr(CallbackSupportMixin, "set_callbacks")

needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn < 1.9 has no callbacks"
)


def parametrize_with_checks(estimators, **options):
    """Of scikit-learn; before 1.9 it gives pytest an iterator, which is deprecated.

    It knows `xfail_strict` from 1.8 on. The configuration of pytest says so for all.
    The checks of other libraries' arrays are left out where they would be skipped.
    """
    mark = estimator_checks.parametrize_with_checks(estimators, **options).mark
    names, checks = mark.args
    if "SCIPY_ARRAY_API" not in os.environ:  # SciPy reads it when it is imported
        checks = [case for case in checks if not _is_of_arrays(case)]
    return pytest.mark.parametrize(names, list(checks), **mark.kwargs)


def _is_of_arrays(case):
    _, check = getattr(case, "values", case)
    return getattr(check, "func", check).__name__.startswith("check_array_api")


def failures_of_scikit_learn(estimator):
    """Checks that fail for what scikit-learn does itself, with the reason."""
    tags = get_tags(estimator).input_tags
    if VERSION < parse_version("1.7") and tags.categorical and not tags.allow_nan:
        reason = "scikit-learn < 1.7 subtracts the mean from integers in place"
        return {"check_positive_only_tag_during_fit": reason}
    return {}
