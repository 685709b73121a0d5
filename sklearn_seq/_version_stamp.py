"""The version of the package in saved estimators."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

from sklearn.exceptions import InconsistentVersionWarning

import sklearn_seq

__all__ = ["VersionStamp"]


class VersionStamp:
    """Mixin: an estimator saved by one version warns when it is loaded by another.

    scikit-learn does so for its own estimators only.
    """

    def __getstate__(self):
        return dict(super().__getstate__(), _sklearn_seq_version=current_version())

    def __setstate__(self, state):
        state = dict(state)
        version = state.pop("_sklearn_seq_version", "unknown")
        if version != current_version():
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=current_version(),
                    original_sklearn_version=version,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)


def current_version():
    return sklearn_seq.__version__
