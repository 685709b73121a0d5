"""Classification with hidden Markov models."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real
from typing import Self

import numpy as np
from scipy.special import log_softmax, logsumexp
from sklearn.base import clone

from .._core.class_models import (
    check_priors,
    class_name,
    class_stretches,
    log_posteriors,
)
from .._core.docs import documented
from .._core.parallel import Pool
from .._core.sklearn_compat import Interval, StrOptions, _fit_context
from .._reading.labels import MISSING_LABEL
from ..classification import SequenceClassifier
from ..sequences import Sequences
from ..targets import NEXT, SEQUENCE
from ._categorical import encoder_of
from ._families import make_hmm
from ._gmm import GMMHMM
from ._log_filter import log_filtered
from ._poisson import check_counts
from .inference import smooth, viterbi
from .learning import Labels


@documented
class HMMClassifier(SequenceClassifier):
    """Classification with hidden Markov models.

    With one label per sequence, one model for each class and Bayes' rule: a class's
    probability is its prior times the likelihood of the sequence under its model. With
    a label at each time step, one model whose states are the labels (or some states
    for each label), learned from the rows with a label and from those without. Fitted
    without y, a model of symbols that predicts the next one.

    Parameters
    ----------
    n_components : int, default=1
        Number of states of each class; without y, of the model.

    emission : {"auto", "gaussian", "gmm", "categorical", "poisson"}, default="auto"
        How states emit rows: "auto" is "categorical" for strings and without y, else
        "gaussian".

    symbols : "auto" or array-like, default="auto"
        With categorical emissions the alphabet, for several columns a list of
        alphabets. "auto" takes the symbols that fit meets.

    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Form of the covariances, as in :class:`GaussianHMM`.

    n_mix : int, default=1
        Number of Gaussians of each state, for "gmm".

    init : {"kmeans", "segments", "random"} or dict, default="kmeans"
        Where EM starts, as in :class:`GaussianHMM`. A dict is for the
        model of every class; with a label at each time step, for all classes' states.

    alpha : float, default=1.0
        Additive (Laplace) smoothing of start, transition and symbol probabilities, as
        in :class:`~sklearn.naive_bayes.CategoricalNB`: pseudo-counts.

    transmat_mask : array-like of bool of shape (n_states, n_states), default=None
        True where a transition is possible; with a label at each time step, between
        all classes' states.

    reg_covar : float, default=1e-6
        Smallest variance in any direction, relative to the variance of the features.

    priors : array-like of shape (n_classes,), default=None
        Prior probabilities of the classes, with one label per sequence; None takes
        their frequencies.

    decoding : {"filter", "viterbi"}, default="filter"
        With a label at each time step, how `predict` finds them: the most probable
        label given the rows so far, or the labels on the most probable path of states
        given the whole sequence. With "viterbi", `predict_proba` looks ahead, too.

    n_init : int, default=1
        Number of starts, of which the best is kept.

    max_iter : int, default=100
        Maximum number of EM iterations.

    tol : float, default=1e-4
        EM has converged when the log-likelihood per time step rises by less.

    exogenous : array-like of int or str, default=None
        Columns of X, by index or by name, that are not predicted when the target is
        the next symbol.

    %(burn_in_of_hidden_state_models)s

    random_state : int, RandomState instance or None, default=None
        Determines starts. Pass an int for reproducible results.

    verbose : int or bool, default=0
        Whether to print a line for each iteration: the class, where each has its
        model, the log-posterior per time step in nats and its change.

    n_jobs : int, default=None
        Number of classes to learn at once, or of workers that share the sequences.

    %(missing_label)s

    %(gaps)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, or the symbols.

    models_ : list of estimator
        With one label per sequence, the hidden Markov model of each class.

    model_ : estimator
        Else, the hidden Markov model; with a label at each time step, states
        ``i * n_components`` to ``(i + 1) * n_components - 1`` are those of class i.

    priors_ : ndarray of shape (n_classes,)
        Prior probabilities of the classes. Only with one label per sequence.

    symbols_ : list of ndarray
        The symbols of each column, with categorical emissions.

    n_iter_ : int
        Largest number of EM steps of a model.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    See Also
    --------
    GaussianHMM : A single model, without labels.
    LDSClassifier : States of real numbers.
    ARClassifier : A discriminative model without hidden state.

    References
    ----------
    Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications
    in speech recognition. Proceedings of the IEEE, 77, 257-286.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.hmm import HMMClassifier
    >>> rng = np.random.default_rng(0)
    >>> rising = [np.repeat([0.0, 1.0, 2.0], 10) for _ in range(20)]
    >>> falling = [np.repeat([2.0, 1.0, 0.0], 10) for _ in range(20)]
    >>> X = np.array([*rising, *falling])[:, :, None]
    >>> X += rng.normal(scale=0.3, size=X.shape)
    >>> y = np.repeat(["rising", "falling"], 20)
    >>> HMMClassifier(n_components=3, random_state=0).fit(X, y).score(X, y)
    1.0
    """

    _allow_nan = True
    _allow_missing_symbols = True

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in GMMHMM._parameter_constraints.items()
            if name
            in (
                "n_components covariance_type n_mix init transmat_mask reg_covar n_init"
                " max_iter tol burn_in random_state verbose n_jobs gaps"
            ).split()
        },
        "emission": [StrOptions({"auto", "gaussian", "gmm", "categorical", "poisson"})],
        "symbols": ["array-like", StrOptions({"auto"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "priors": ["array-like", None],
        "missing_label": MISSING_LABEL,
        "decoding": [StrOptions({"filter", "viterbi"})],
        "exogenous": [None, str, Integral, "array-like"],
    }

    def __init__(
        self,
        n_components=1,
        *,
        emission="auto",
        symbols="auto",
        covariance_type="full",
        n_mix=1,
        init="kmeans",
        alpha=1.0,
        transmat_mask=None,
        reg_covar=1e-6,
        priors=None,
        decoding="filter",
        n_init=1,
        max_iter=100,
        tol=1e-4,
        exogenous=None,
        burn_in=0,
        random_state=None,
        verbose=0,
        n_jobs=None,
        missing_label=None,
        gaps="auto",
    ):
        self.n_components = n_components
        self.emission = emission
        self.symbols = symbols
        self.covariance_type = covariance_type
        self.n_mix = n_mix
        self.init = init
        self.alpha = alpha
        self.transmat_mask = transmat_mask
        self.reg_covar = reg_covar
        self.priors = priors
        self.decoding = decoding
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.exogenous = exogenous
        self.burn_in = burn_in
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.missing_label = missing_label
        self.gaps = gaps

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = self.emission in ("auto", "categorical")
        tags.input_tags.categorical = self.emission not in ("gaussian", "gmm")
        tags.input_tags.positive_only = self.emission == "poisson"
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None) -> Self:
        """Learn the models.

        Parameters
        ----------
        X : array-like
            Sequences in any layout; symbols also as a string, a list of strings, or a
            list of lists of symbols. NaN (for symbols also None) is a missing
            observation.

        y : array-like, default=None
            Class labels: one for each sequence of a panel, or one for each row. None
            to predict the next symbol of X. NaN, None, pandas.NA, masked entries and
            `missing_label` mean "no label here"; for a sequence without any, None.

        %(groups)s

        Returns
        -------
        self : object
            The fitted model.
        """
        sequences, targets = self._read_fit(X, y, groups)
        codes = targets.values[:, 0]
        if targets.kind == SEQUENCE:
            self.priors_ = check_priors(self.priors, codes, self.classes_)
            self.models_ = self._learn_each(sequences, codes)
            self.n_iter_ = max(model.n_iter_ for model in self.models_)
        else:
            learn = self._learn_next if targets.kind == NEXT else self._learn_labels
            self.model_ = learn(sequences, codes)
            self.n_iter_ = self.model_.n_iter_
        self._remember_targets(targets)
        return self

    def _forget(self):
        super()._forget()
        for name in ("models_", "model_", "priors_"):
            self.__dict__.pop(name, None)

    def _wants_symbols(self, y):
        return super()._wants_symbols(y) or self.emission == "categorical"

    def _are_symbols(self, rows, y):
        symbols = super()._are_symbols(rows, y)
        if symbols and self.emission not in ("auto", "categorical"):
            raise ValueError(
                f"emission={self.emission!r} is for numbers, but X holds symbols"
                f"{'' if y is not None else ' (without a y they are the target)'}. Set "
                "emission='categorical', or leave 'auto'."
            )
        if self.emission == "categorical" and not symbols:
            if rows.dtype.kind not in "iub":
                raise ValueError(
                    f"emission='categorical', but X has dtype {rows.dtype}: symbols "
                    "are integers or strings. Cast X, for example with X.astype(int)."
                )
            symbols = True
        numbers = "gaussian" if self.emission == "auto" else self.emission
        self._family = "categorical" if symbols else numbers
        return symbols

    def _read_fit(self, X, y, groups):
        sequences, targets = super()._read_fit(X, y, groups)
        return self._checked(sequences), targets

    def _read_sequences(self, X, groups, *, reset=False):
        return self._checked(super()._read_sequences(X, groups, reset=reset))

    def _checked(self, sequences):
        """The sequences, with rows checked for the emissions."""
        if self._family == "categorical":
            return sequences
        if self._family == "poisson":
            check_counts(sequences.rows, self)
        rows = np.asarray(sequences.rows, dtype=np.float64, order="C")
        return Sequences(rows, sequences.layout)

    def _new_model(self, n_states, **changes):
        """A hidden Markov model with the settings of this estimator."""
        model = make_hmm(
            self._family,
            self,
            n_components=n_states,
            startprob_prior=1.0 + self.alpha,
            transmat_prior=1.0 + self.alpha,
            emissionprob_prior=1.0 + self.alpha,
            symbols="auto",
            **{"decoding": "viterbi", **changes},
        )
        model.n_features_in_ = self.n_features_in_
        if self._family == "categorical":
            codes = [np.arange(len(symbols)) for symbols in self.symbols_]
            model._set_encoder(encoder_of(codes))
        return model

    def _learn_each(self, sequences, codes):
        """One model for each class, from the sequences with its label."""
        model = self._new_model(self.n_components, n_jobs=None)
        stretches = [
            class_stretches(sequences, codes, c, SEQUENCE)
            for c in range(len(self.classes_))
        ]
        tasks = [
            (model, rows, groups, class_name(self, c))
            for c, (rows, groups) in enumerate(stretches)
        ]
        with Pool(self.n_jobs, len(tasks)) as pool:
            return pool.map(_learn_class, tasks)

    def _learn_labels(self, sequences, codes):
        """A model whose states belong to labels."""
        n_classes = len(self.classes_)
        states = np.repeat(np.eye(n_classes, dtype=bool), self.n_components, axis=1)
        model = self._new_model(states.shape[1])
        labels = Labels(codes, states)
        return model._learn(
            sequences.rows,
            sequences.offsets,
            labels=labels,
            name=type(self).__name__,
        )

    def _learn_next(self, sequences, codes):
        """A model of symbols."""
        model = self._new_model(self.n_components)
        name = type(self).__name__
        model._learn(sequences.rows, sequences.offsets, name=name)
        table = model.parameters().emission.emissionprob[self._target_column()]
        with np.errstate(divide="ignore"):
            self._first_log_proba = np.log(model.startprob_ @ table)
        return model

    def _log_proba(self, sequences):
        if self.target_kind_ == SEQUENCE:
            densities = [model._log_likelihood(sequences) for model in self.models_]
            return log_posteriors(np.column_stack(densities), self.priors_, sequences)
        model = self.model_
        p = model.parameters()
        if self.target_kind_ == NEXT:
            predicted = model._filter(sequences) @ p.transmat
            table = p.emission.emissionprob[self._target_column()]
            with np.errstate(divide="ignore"):
                return np.log(predicted @ table)
        arguments = model._inference_arguments(sequences)
        if self.decoding == "filter":
            log_proba = log_filtered(*arguments)
        else:
            with np.errstate(divide="ignore"):
                log_proba = np.log(smooth(*arguments).proba)
        by_class = log_proba.reshape(len(log_proba), len(self.classes_), -1)
        return log_softmax(logsumexp(by_class, axis=2), axis=1)

    def _predicted(self, sequences):
        if self.target_kind_ in (NEXT, SEQUENCE) or self.decoding == "filter":
            return super()._predicted(sequences)
        states, _ = viterbi(*self.model_._inference_arguments(sequences))
        return states // self.n_components


def _learn_class(model, rows, groups, name):
    """A copy of a model, fitted to the rows of one class."""
    offsets = np.flatnonzero(np.diff(groups, prepend=-1, append=-1))
    fresh = clone(model)
    fresh.n_features_in_ = rows.shape[1]
    if hasattr(model, "symbols_"):
        fresh._set_encoder(model._encoder)
    return fresh._learn(rows, offsets, name=name)
