"""Private names of scikit-learn, and names that 1.6 and later do not all have.

No other file imports a private name of scikit-learn.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils import validation
from sklearn.utils._optional_dependencies import (
    check_matplotlib_support,
    check_pandas_support,
)
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils._set_output import _auto_wrap_is_configured, _get_output_config
from sklearn.utils.metadata_routing import _raise_for_params, _routing_enabled
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    _num_samples,
)

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:
        """Stand-in for scikit-learn without callbacks, without `set_callbacks`."""

        def _init_callback_context(self, **options):
            return _NoCallbacks()


__all__ = [  # noqa: F822
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "_BaseScorer",
    "_auto_wrap_is_configured",
    "_check_feature_names_in",
    "_check_sample_weight",
    "_fit_context",
    "_get_output_config",
    "_num_samples",
    "_raise_for_params",
    "_routing_enabled",
    "check_matplotlib_support",
    "check_pandas_support",
    "validate_data",
    "validate_params",
]


def __getattr__(name):
    if name == "_BaseScorer":  # imported late: its module is slow to import
        from sklearn.metrics._scorer import _BaseScorer

        return _BaseScorer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _NoCallbacks:
    """Callback context of a fit without callbacks."""

    def call_on_fit_task_begin(self, **data):
        pass

    def call_on_fit_task_end(self, **data):
        return False


def validate_data(estimator, X, **options):
    """`sklearn.utils.validation.validate_data`, with column names of polars, too.

    scikit-learn before 1.9 reads names of other frames than pandas' by the interchange
    protocol, which polars 2 no longer has.
    """
    return validation.validate_data(estimator, with_readable_names(X), **options)


def with_readable_names(X):
    """X itself, if scikit-learn reads its column names, else as a `_NamedTable`."""
    names = getattr(X, "columns", None)
    if not isinstance(names, list) or validation._get_feature_names(X) is not None:
        return X
    return _NamedTable(X)


class _NamedTable:
    """A frame with the part of the interchange protocol that scikit-learn reads."""

    def __init__(self, frame):
        self._frame = frame
        self.shape = frame.shape

    def __len__(self):
        return len(self._frame)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._frame, dtype=dtype)

    def __dataframe__(self, **options):
        return self

    def column_names(self):
        return self._frame.columns
