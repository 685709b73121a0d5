"""Estimators, and the same sequences in every layout, for the matrix."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.model_selection import GroupKFold, KFold
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler

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

N_SEQUENCES, N_TIMESTEPS = 12, 10

net = {"solver": "lbfgs", "max_iter": 4, "random_state": 0}
em = {"max_iter": 2, "random_state": 0}


class Case(NamedTuple):
    """An estimator, and a parameter to search over."""

    estimator: BaseEstimator
    parameter: str
    values: tuple
    resource: str | None = None  # a number of iterations, for successive halving

    @property
    def name(self):
        return type(self.estimator).__name__

    @property
    def is_density(self):
        return not (is_classifier(self.estimator) or is_regressor(self.estimator))

    @property
    def scaler(self):
        """A transformer of rows whose output the estimator takes, too."""
        if isinstance(self.estimator, CategoricalHMM):
            return OrdinalEncoder(dtype=int)
        if isinstance(self.estimator, PoissonHMM):
            return FunctionTransformer(doubled, feature_names_out="one-to-one")
        return StandardScaler()


def doubled(X):
    return 2 * X


CASES = [
    Case(ARRegressor(2), "n_lags", (1, 2)),
    Case(MLPSequenceRegressor(2, (3,), **net), "n_lags", (1, 2), "max_iter"),
    Case(LDSRegressor(2, max_iter=2), "n_components", (1, 2), "max_iter"),
    Case(HMMRegressor(2, **em), "n_components", (1, 2), "max_iter"),
    Case(EchoStateRegressor(8, random_state=0), "leak_rate", (0.5, 1.0)),
    Case(RNNRegressor((3,), **net), "alpha", (0.0, 9.0), "max_iter"),
    Case(ARClassifier(2, max_iter=9), "n_lags", (1, 2), "max_iter"),
    Case(MLPSequenceClassifier(2, (3,), **net), "n_lags", (1, 2), "max_iter"),
    Case(LDSClassifier(2, max_iter=2), "n_components", (1, 2), "max_iter"),
    Case(HMMClassifier(1, **em), "n_components", (1, 2), "max_iter"),
    Case(EchoStateClassifier(8, random_state=0), "leak_rate", (0.5, 1.0)),
    Case(RNNClassifier((3,), **net), "alpha", (0.0, 9.0), "max_iter"),
    Case(LinearDynamicalSystem(2, max_iter=2), "n_components", (1, 2), "max_iter"),
    Case(GaussianHMM(2, **em), "n_components", (1, 2), "max_iter"),
    Case(GMMHMM(2, n_mix=2, init="random", **em), "n_components", (1, 2), "max_iter"),
    Case(CategoricalHMM(2, **em), "n_components", (1, 2), "max_iter"),
    Case(PoissonHMM(2, **em), "n_components", (1, 2), "max_iter"),
]


class NoSequencesError(Exception):
    """Rows out of order, or more than once: there is no right number."""


def make_sequences(case, lengths):
    """Sequences of two columns, a target and a label for each of their steps."""
    rng = np.random.default_rng(0)
    sequences, targets, labels = [], [], []
    for i, n in enumerate(lengths):
        x = rng.normal(size=(n, 2)) + np.arange(n)[:, None] % 3 + i % 2
        if isinstance(case.estimator, CategoricalHMM):
            x = x > 1
        if isinstance(case.estimator, PoissonHMM | CategoricalHMM):
            x = np.abs(x * (1 if x.dtype == bool else 5)).astype(int)
        sequences.append(x)
        targets.append(x[:, 0] + 0.5 * np.r_[0, x[:-1, 1]] + 0.1 * rng.normal(size=n))
        labels.append((np.arange(n) + (rng.random(n) < 0.2)) % 3)
    return sequences, targets, labels


class Data:
    """The sequences in one layout, and the same as lists: the witness's layout.

    Attributes
    ----------
    X, y : array-like
        y is None for densities.

    groups : ndarray of shape (n_samples,)
        One sequence id for each row; one source for each sequence of a panel.

    fitted : dict
        The loop's models, by parameters and samples.
    """

    def __init__(self, case, layout):
        self.case, self.layout, self.fitted = case, layout, {}
        self.routed = layout == "groups"  # groups reach the estimator, too
        self.panel = layout in PANELS
        lengths = [N_TIMESTEPS] * N_SEQUENCES
        if layout == "list":
            lengths = [N_TIMESTEPS - i % 3 for i in range(N_SEQUENCES)]
        if layout == "rows":
            lengths = [N_TIMESTEPS * N_SEQUENCES]
        x, targets, labels = make_sequences(case, lengths)
        steps = labels if is_classifier(case.estimator) else targets
        self.one_each = layout in ("3-D", "list")
        if self.panel:
            self.groups = np.repeat(np.arange(N_SEQUENCES // 2), 2)
            self.X = x if layout == "list" else np.stack(x)
            self.y = np.stack(steps) if layout == "3-D, y per step" else None
            if self.one_each:
                every = np.arange(N_SEQUENCES)
                self.y = every % 2 if is_classifier(case.estimator) else summary(x)
        else:
            self.groups = np.repeat(np.arange(len(lengths)), lengths)
            self.X, self.y = np.concatenate(x), np.concatenate(steps)
            if layout == "indexed rows":
                index = pd.MultiIndex.from_product([range(N_SEQUENCES), range(10)])
                self.X = pd.DataFrame(self.X, index, columns=["a", "b"])
        if case.is_density:
            self.y = None

    @property
    def estimator(self):
        return clone(self.case.estimator)

    @property
    def n_samples(self):
        return len(self.X)

    @property
    def fit_params(self):
        return {"groups": self.groups} if self.routed else {}

    @property
    def cv_params(self):
        """What a cross-validation tool is given for splitter and estimator."""
        if self.panel or self.layout == "rows":
            return {}
        if self.routed:
            return {"params": {"groups": self.groups}}
        return {"groups": self.groups}

    @property
    def splitter(self):
        """That every training and every test set is made of whole stretches."""
        if self.panel or self.layout == "rows":
            return KFold(2)
        return GroupKFold(2)

    @property
    def splits(self):
        return list(self.splitter.split(self.X, groups=self.groups))

    @property
    def values(self):
        """Rows as an array."""
        return self.X if self.panel else np.asarray(self.X)

    def stretches(self, samples):
        """Rows that follow one another in a sequence: the truth, told by hand."""
        samples = np.asarray(samples)
        if (np.diff(samples) < 1).any():
            raise NoSequencesError
        ends = np.diff(samples) != 1
        ends |= np.diff(self.groups[samples]) != 0
        return np.split(samples, np.flatnonzero(ends) + 1)

    def listed(self, samples=None, X=None, y=None):
        """Samples as a list of sequences, and their targets.

        Parameters
        ----------
        samples : array-like of int, default=None
            If None, all.

        X, y : array-like, default=None
            In place of this object's own.
        """
        samples = np.arange(self.n_samples) if samples is None else samples
        X = self.values if X is None else X
        y = self.y if y is None else y
        if self.panel:
            x = [np.asarray(X[i]) for i in samples]
            if y is None:
                return x, None
            targets = [y[i] for i in samples]
            return x, np.asarray(targets) if self.one_each else targets
        parts = self.stretches(samples)
        return [X[i] for i in parts], None if y is None else [y[i] for i in parts]


def summary(sequences):
    return np.array([x.mean() + 0.1 * len(x) for x in sequences])


PANELS = ("3-D", "3-D, y per step", "list")
LAYOUTS = ("rows", "groups", "indexed rows", *PANELS)
