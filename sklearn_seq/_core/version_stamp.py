"""The version of the package in saved estimators."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import sklearn
from sklearn.exceptions import InconsistentVersionWarning

import sklearn_seq

__all__ = ["VersionStamp"]


class VersionStamp:
    """Mixin: an estimator saved by other versions warns when it is loaded.

    The state holds the versions of this package and of scikit-learn (which stores its
    own for its own estimators only).
    """

    def __getstate__(self):
        return dict(super().__getstate__(), **current_versions())

    def __setstate__(self, state):
        state = dict(state)
        for key, current in current_versions().items():
            saved = state.pop(key, "unknown")
            if saved != current:
                warnings.warn(
                    InconsistentVersionWarning(
                        estimator_name=type(self).__name__,
                        current_sklearn_version=current,
                        original_sklearn_version=saved,
                    ),
                    stacklevel=2,
                )
        super().__setstate__(state)


def current_versions():
    """Versions by their key in the state of a saved estimator."""
    return {
        "_sklearn_seq_version": sklearn_seq.__version__,
        "_sklearn_version": sklearn.__version__,
    }
