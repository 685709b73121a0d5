"""Strategies: every estimator with parameters that are valid, or that are not."""

from typing import Any, NamedTuple

import numpy as np
from fuzzed_data import one_in
from hypothesis import strategies as st
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from sklearn_seq import (
    GMMHMM,
    ARClassifier,
    ARRegressor,
    CategoricalHMM,
    EchoStateClassifier,
    EchoStateRegressor,
    GaussianHMM,
    HMMClassifier,
    HMMRegressor,
    LDSClassifier,
    LDSRegressor,
    LinearDynamicalSystem,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
    PoissonHMM,
    RNNClassifier,
    RNNRegressor,
)
from sklearn_seq.preprocessing import DelayTaps, PerTimestep

REAL, LABELS, NONE = ("none", "numbers", "two", "outputs"), ("labels",), ("none",)


class Kind(NamedTuple):
    """An estimator, settings that make it cheap, and values of its parameters.

    targets : how the names of its usual targets begin
    integers, words : whether its X mostly holds integers, and often strings
    """

    make: type
    settings: dict
    parameters: dict
    targets: tuple = NONE
    integers: bool = False
    words: bool = False

    @property
    def data(self):
        """Arguments of `sequences_of`."""
        return {
            "targets": self.targets,
            "integers": self.integers,
            "words": self.words,
        }


GAPS = {"gaps": ["auto", "ignore", 1, 2.5, 1e300]}
EXOGENOUS = {"exogenous": [None, None, None, 0, [1], "f0", [], [0, 1], ["f1"]]}
STEPS = {"burn_in": [0, 0, 0, 1, 5], **EXOGENOUS, **GAPS}
AR = {"n_lags": [1, 2, 5], "fit_intercept": [True, False], **STEPS}
NET = {
    "solver": ["adam", "sgd", "rmsprop", "lbfgs"],
    "alpha": [1e-4, 0, 1.0, 1e300],
    "batch_size": ["auto", 1, 3, 1000],
    "learning_rate_init": [0.01, 0.01, 1e-300, 1e300],
    "momentum": [0.9, 0.0],
    "nesterovs_momentum": [True, False],
    "tol": [1e-4, 0, 1e300],
    "n_iter_no_change": [10, 1],
    "early_stopping": [False, False, True],
    "validation_fraction": [0.1, 0.5, 0.99, 1e-9],
    "shuffle": [True, False],
    "warm_start": [False, False, True],
    **STEPS,
}
FEED_FORWARD = {
    "n_lags": [1, 2, 5],
    "hidden_layer_sizes": [(4,), (), (3, 2), 3, [2], np.array([2])],
    "activation": ["relu", "tanh", "logistic", "identity"],
    "direct_connections": [False, True],
    **NET,
}
RECURRENT = {
    **NET,
    "hidden_layer_sizes": [(4,), (3, 2), (2, 2), 3, np.array([2])],
    "cell": ["tanh", "relu", "lstm", "gru"],
    "readout": ["linear", "linear", "units"],
    "recurrent_constraint": [None, None, None, "circulant", np.eye(2, dtype=int)],
    "initial_state": ["learned", 0.0, 1e300],
    "init": ["orthogonal", "identity"],
    "target_steps": [None, None, None, "last", 1, 3],
    "truncate": ["auto", None, 2, 5],
    "solver": ["adam", "sgd", "rmsprop", "lbfgs", "hessian-free"],
    "max_grad_norm": [1.0, None, 1e-300],
}
SYMBOLS = {"symbols": ["auto", "auto", True, False, [0, 1, 2], ["ape", "bee"]]}
MISSING = {"missing_label": [None, None, -1, "ape", np.nan]}
WEIGHTS = {
    "class_weight": [None, None, "balanced", {0: 2.0}, {"ape": 1e9}, {}],
    **MISSING,
}
ECHO = {
    "n_components": [5, 20],
    "spectral_radius": [0.9, 0.0, 1.5, 1e300],
    "density": ["auto", 1.0, 0.3, 1e-9],
    "leak_rate": [1.0, 0.3, 1e-300],
    "input_scaling": [1.0, 0.0, [1.0], [0.1, 2.0], 1e300],
    "bias_scaling": [0.2, 0.0, 1e300],
    "alpha": [0.1, 0, 1e-12, 1e300],
    "direct_connections": [True, False],
    **STEPS,
}
EM = {
    "n_components": [1, 2, 3],
    "n_init": [1, 1, 2],
    "max_iter": [4, 4, 1, 0],
    "tol": [1e-4, 0, 1e300],
    "burn_in": [0, 0, 0, 1, 5],
    **GAPS,
}
SYSTEM = {
    **EM,
    "covariance_type": ["full", "diag", "spherical"],
    "init": ["subspace", "factor_analysis", "random"],
    "fixed": [
        None,
        None,
        {"transition_matrix": np.eye(2)},
        {"observation_covariance": np.eye(1)},
        {"transition_matrix": np.full((1, 1), 1.1)},
    ],
    "reg_covar": [1e-6, 0, 1.0, 1e300],
}
CHAIN = {
    **EM,
    "transmat_mask": [None, None, None, np.eye(2), np.triu(np.ones((3, 3), int))],
}
PRIORS = {"startprob_prior": [1.0, 2.0, 1e300], "transmat_prior": [1.0, 2.0, 1e300]}
HIDDEN = {
    **CHAIN,
    **PRIORS,
    "decoding": ["viterbi", "smooth", "filter"],
    "warm_start": [False, True],
}
COVARIANCES = {
    "covariance_type": ["full", "tied", "diag", "spherical"],
    "init": ["kmeans", "segments", "random"],
    "reg_covar": [1e-6, 0, 1.0, 1e300],
}
GAUSSIAN = {
    **HIDDEN,
    **COVARIANCES,
    "means_prior": [0.0, 1e300, [0.0, 1.0]],
    "means_weight": [0.0, 1.0, 1e300],
    "covars_prior": [0.01, 0, 1e300],
    "covars_weight": [1.0, 0, 1e300],
}

CHEAP_NET = {"max_iter": 3, "random_state": 0}
FEW = {"max_iter": 4, "random_state": 0}
KINDS = {
    "ARRegressor": Kind(
        ARRegressor,
        {},
        {**AR, "alpha": [0.0, 1.0, 1e300],
         "method": ["least_squares", "least_squares", "yule_walker", "burg"]},
        REAL,
    ),
    "ARClassifier": Kind(
        ARClassifier,
        {"max_iter": 20},
        {**AR, **SYMBOLS, **WEIGHTS, "C": [1.0, 1e-300, 1e300, np.inf]},
        ("none", "labels"),
        integers=True,
        words=True,
    ),
    "MLPSequenceRegressor": Kind(
        MLPSequenceRegressor, CHEAP_NET, FEED_FORWARD, REAL
    ),
    "MLPSequenceClassifier": Kind(
        MLPSequenceClassifier,
        CHEAP_NET,
        {**FEED_FORWARD, **SYMBOLS, **WEIGHTS, "embedding_dim": [None, None, 1, 3]},
        ("none", "labels"),
        integers=True,
        words=True,
    ),
    "RNNRegressor": Kind(RNNRegressor, CHEAP_NET, RECURRENT, REAL),
    "RNNClassifier": Kind(
        RNNClassifier,
        CHEAP_NET,
        {**RECURRENT, **SYMBOLS, **WEIGHTS, "embedding_dim": [None, None, 1, 3]},
        ("none", "labels"),
        integers=True,
        words=True,
    ),
    "EchoStateRegressor": Kind(
        EchoStateRegressor, {"n_components": 10, "random_state": 0}, ECHO, REAL
    ),
    "EchoStateClassifier": Kind(
        EchoStateClassifier,
        {"n_components": 10, "random_state": 0},
        {**ECHO, **SYMBOLS, **MISSING},
        ("none", "labels"),
        integers=True,
        words=True,
    ),
    "LinearDynamicalSystem": Kind(
        LinearDynamicalSystem,
        FEW,
        {**SYSTEM, **EXOGENOUS, "warm_start": [False, True]},
    ),
    "LDSRegressor": Kind(
        LDSRegressor,
        FEW,
        {**SYSTEM, **EXOGENOUS, "fit_intercept": [True, False]},
        REAL,
    ),
    "LDSClassifier": Kind(
        LDSClassifier,
        FEW,
        {**SYSTEM, **MISSING, "fit_intercept": [True, False],
         "priors": [None, None, [0.5, 0.5], [0, 1, 0]]},
        LABELS,
    ),
    "GaussianHMM": Kind(GaussianHMM, FEW, GAUSSIAN),
    "GMMHMM": Kind(
        GMMHMM,
        FEW,
        {**GAUSSIAN, "n_mix": [1, 2, 3], "weights_prior": [1.0, 2.0, 1e300]},
    ),
    "CategoricalHMM": Kind(
        CategoricalHMM,
        FEW,
        {**HIDDEN, "emissionprob_prior": [1.0, 2.0, 1e300],
         "symbols": ["auto", "auto", [0, 1, 2], ["ape", "bee", "cow"]]},
        integers=True,
        words=True,
    ),
    "PoissonHMM": Kind(
        PoissonHMM,
        FEW,
        {**HIDDEN, "init": ["kmeans", "segments", "random"],
         "rates_prior": [0.0, 1.0, 1e300], "rates_weight": [0.0, 1.0, 1e300]},
        integers=True,
    ),
    "HMMRegressor": Kind(
        HMMRegressor,
        FEW,
        {**CHAIN, **PRIORS, **COVARIANCES, **EXOGENOUS, "n_mix": [1, 2],
         "emission": ["gaussian", "gaussian", "gmm", "poisson"]},
        REAL,
    ),
    "HMMClassifier": Kind(
        HMMClassifier,
        FEW,
        {**CHAIN, **COVARIANCES, **EXOGENOUS, "n_mix": [1, 2],
         "emission": ["auto", "auto", "gaussian", "gmm", "categorical", "poisson"],
         "symbols": ["auto", "auto", [0, 1, 2]], "alpha": [1.0, 0.0, 1e300],
         "priors": [None, None, [0.5, 0.5], [0, 1, 0]],
         "decoding": ["filter", "viterbi"], **MISSING},
        ("none", "labels"),
        integers=True,
        words=True,
    ),
    "DelayTaps": Kind(
        DelayTaps,
        {},
        {"n_lags": [1, 2, 5], "fill": ["edge", 0.0, 1e300, np.nan], **GAPS},
    ),
    "PerTimestep": Kind(
        PerTimestep,
        {"transformer": StandardScaler()},
        {"transformer": [StandardScaler(), MinMaxScaler(),
                         MaxAbsScaler(),
                         StandardScaler(with_std=False)]},
    ),
}  # fmt: skip

INVALID: list[Any] = [-1, 0, 1.5, "no such", object, (), np.nan, [[1.0]], {}, np.inf]


@st.composite
def estimators(draw, kind):
    """An unfitted estimator; one in ten with a parameter of any type."""
    parameters = dict(kind.settings)
    names = draw(st.lists(st.sampled_from(sorted(kind.parameters)), max_size=4))
    for name in names:
        parameters[name] = draw(st.sampled_from(kind.parameters[name]))
    if draw(one_in(10)):
        name = draw(st.sampled_from(sorted(kind.parameters)))
        parameters[name] = draw(st.sampled_from(INVALID))
    return kind.make(**parameters)
