"""Sequence models for scikit-learn.

Five families of sequence models behind one interface, so that the model is a
hyperparameter. Estimators live in one subpackage for each family and can be imported
from here, too; a subpackage is loaded when it is first asked for.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from importlib import import_module

__version__ = "0.1.0.dev0"

_SUBPACKAGES = (
    "autoregressive",
    "datasets",
    "echo_state",
    "hmm",
    "inspection",
    "lds",
    "metrics",
    "model_selection",
    "preprocessing",
    "rnn",
    "sequences",
)
_ESTIMATORS = {
    "ARClassifier": "autoregressive",
    "ARRegressor": "autoregressive",
    "CategoricalHMM": "hmm",
    "EchoStateClassifier": "echo_state",
    "EchoStateRegressor": "echo_state",
    "GMMHMM": "hmm",
    "GaussianHMM": "hmm",
    "HMMClassifier": "hmm",
    "HMMRegressor": "hmm",
    "LDSClassifier": "lds",
    "LDSRegressor": "lds",
    "LinearDynamicalSystem": "lds",
    "MLPSequenceClassifier": "autoregressive",
    "MLPSequenceRegressor": "autoregressive",
    "PoissonHMM": "hmm",
    "RNNClassifier": "rnn",
    "RNNRegressor": "rnn",
}

__all__ = [*_ESTIMATORS, *_SUBPACKAGES, "show_versions"]


def __getattr__(name):
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in _ESTIMATORS:
        return getattr(import_module(f"{__name__}.{_ESTIMATORS[name]}"), name)
    if name == "show_versions":
        return import_module(f"{__name__}._show_versions").show_versions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
