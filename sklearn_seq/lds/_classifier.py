"""One linear dynamical system for each class, and Bayes' rule."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np
from sklearn.base import clone

from .._core.class_models import (
    check_priors,
    class_name,
    class_stretches,
    log_posteriors,
)
from .._core.docs import documented
from .._core.markov import transition_counts
from .._core.parallel import Pool
from .._core.sklearn_compat import _fit_context
from .._reading.labels import MISSING_LABEL
from ..classification import SequenceClassifier
from ..hmm._log_filter import log_filtered
from ..targets import SEQUENCE
from ._fitting import SETTINGS, in_order, learn_system
from ._lds import LinearDynamicalSystem
from ._regressor import centred, mean_of_known
from .kalman import log_likelihood


@documented
class LDSClassifier(SequenceClassifier):
    """One linear dynamical system for each class, and Bayes' rule.

    With one label per sequence, the class's probability is its prior times the
    likelihood of the sequence under its system. With a label at each time step, each
    class's system is learned from the segments with its label; the labels follow a
    Markov chain, and ``y[t]`` is inferred from the rows up to t.

    Parameters
    ----------
    n_components : int, default=1
        Dimension of the hidden state of each system.

    covariance_type : {"full", "diag", "spherical"}, default="full"
        Form of the observation covariances.

    init : {"subspace", "factor_analysis", "random"} or dict, default="subspace"
        Where EM starts, as in :class:`LinearDynamicalSystem`.

    fixed : dict, default=None
        Parameters held at given values, as in :class:`LinearDynamicalSystem`.

    n_init : int, default=1
        Number of starts, of which the best is kept.

    max_iter : int, default=100
        Maximum number of iterations, each an EM step or an accelerated one.

    tol : float, default=1e-4
        Learning has converged when the log-likelihood per time step rises by less. Slow
        EM may meet this far from the maximum. Where `fixed` determines the basis of the
        state, steps are quasi-Newton: then two rises in a row must be smaller, and the
        gradient must predict no larger one.

    reg_covar : float, default=1e-6
        Smallest variance of the observation noise, relative to the variance of the
        features; and of the process noise, by its effect on the outputs over the
        longest sequence.

    fit_intercept : bool, default=True
        Whether to subtract the means of each class before learning. Without, the data
        are expected to be centred.

    priors : array-like of shape (n_classes,), default=None
        Prior probabilities of the classes; None takes their frequencies.

    burn_in : int, default=0
        Number of first time steps of each sequence that the score does not count.

    random_state : int, RandomState instance or None, default=None
        Determines random starts. Pass an int for reproducible results.

    verbose : int or bool, default=0
        Whether to print a line for each iteration: the class, the log-likelihood
        per time step in nats and its change.

    n_jobs : int, default=None
        Number of classes to learn at once.

    %(missing_label)s

    %(gaps)s

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.

    systems_ : list of LinearDynamicalSystem
        The system of each class, for rows without the class's mean.

    means_ : ndarray of shape (n_classes, n_features)
        Mean of each class.

    priors_ : ndarray of shape (n_classes,)
        Prior probabilities of the classes; with a label at each time step, those of a
        sequence's first.

    transmat_ : ndarray of shape (n_classes, n_classes)
        Probabilities of the label at the next time step (each transition counted
        once more, by Laplace's rule). Only with a label at each time step.

    n_iter_ : int
        Largest number of iterations of a class.

    %(n_features_in_)s

    %(feature_names_in_)s

    %(target_kind_)s

    See Also
    --------
    LinearDynamicalSystem : A single system.
    ARClassifier : A discriminative model without hidden state.

    Notes
    -----
    With a label at each time step, every system filters all rows up to t, also those
    that another class produced.

    References
    ----------
    Digalakis, V., Rohlicek, J. R. and Ostendorf, M. (1993). ML estimation of a
    stochastic linear system with the EM algorithm and its application to speech
    recognition. IEEE Transactions on Speech and Audio Processing, 1, 431-442.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.datasets import make_ar_process
    >>> from sklearn_seq.lds import LDSClassifier
    >>> slow = make_ar_process(50, coef=[0.9], n_sequences=20, random_state=0)
    >>> fast = make_ar_process(50, coef=[-0.9], n_sequences=20, random_state=1)
    >>> X, y = np.concatenate([slow, fast]), np.repeat(["slow", "fast"], 20)
    >>> LDSClassifier().fit(X, y).score(X, y)
    1.0
    """

    _allow_nan = True

    _parameter_constraints = {
        **{
            name: constraint
            for name, constraint in LinearDynamicalSystem._parameter_constraints.items()
            if name not in ("warm_start", "exogenous")
        },
        "fit_intercept": ["boolean"],
        "priors": ["array-like", None],
        "missing_label": MISSING_LABEL,
    }

    exogenous = None  # every column is observed
    symbols = False
    _takes_strings = False

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        init="subspace",
        fixed=None,
        n_init=1,
        max_iter=100,
        tol=1e-4,
        reg_covar=1e-6,
        fit_intercept=True,
        priors=None,
        burn_in=0,
        random_state=None,
        verbose=0,
        n_jobs=None,
        missing_label=None,
        gaps="auto",
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.init = init
        self.fixed = fixed
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.reg_covar = reg_covar
        self.fit_intercept = fit_intercept
        self.priors = priors
        self.burn_in = burn_in
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.missing_label = missing_label
        self.gaps = gaps

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.string = False
        tags.input_tags.categorical = False
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, groups=None) -> Self:
        """Learn one system for each class.

        Parameters
        ----------
        X : array-like
            Sequences in any layout. NaN is a missing observation.

        y : array-like
            Class labels: one for each sequence of a panel, or one for each row. NaN,
            None, pandas.NA, masked entries and `missing_label` mean "no label here";
            for a sequence without any, None.

        %(groups)s

        Returns
        -------
        self : object
            The fitted model.
        """
        sequences, targets = self._read_fit(X, y, groups)
        sequences = sequences.with_rows(in_order(sequences.rows))
        codes = targets.values[:, 0]
        n_classes = len(self.classes_)
        settings = {name: getattr(self, name) for name in SETTINGS}
        base = LinearDynamicalSystem(
            random_state=self.random_state,
            verbose=self.verbose,
            gaps=self.gaps,
            **settings,
        )
        stretches = [
            class_stretches(sequences, codes, c, targets.kind) for c in range(n_classes)
        ]
        self.means_ = np.array([mean_of_known(rows) for rows, _ in stretches])
        self.means_ *= self.fit_intercept
        tasks = [
            (clone(base), centred(rows, self.means_[c]), groups, class_name(self, c))
            for c, (rows, groups) in enumerate(stretches)
        ]
        with Pool(self.n_jobs, n_classes) as pool:
            systems = pool.map(_fit_stretches, tasks)
        self.priors_ = check_priors(self.priors, codes, self.classes_)
        if targets.kind != SEQUENCE:
            counts = 1.0 + transition_counts(codes, sequences.offsets, n_classes)
            self.transmat_ = counts / counts.sum(axis=1, keepdims=True)
        self.systems_ = systems
        self.n_iter_ = max(system.n_iter_ for system in systems)
        self._remember_targets(targets)
        return self

    def _forget(self):
        super()._forget()
        self.__dict__.pop("transmat_", None)

    def _are_symbols(self, rows, y):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        return False

    def _log_proba(self, sequences):
        rows = in_order(sequences.rows)
        densities = np.column_stack(
            [
                log_likelihood(
                    system.parameters(), centred(rows, mean), sequences.offsets
                )
                for system, mean in zip(self.systems_, self.means_, strict=True)
            ]
        )
        if self.target_kind_ == SEQUENCE:
            return log_posteriors(densities, self.priors_, sequences)
        return log_filtered(self.priors_, self.transmat_, densities, sequences.offsets)


def _fit_stretches(system, rows, groups, name):
    sequences = system._read_sequences(rows, groups, reset=True)
    rows = in_order(sequences.rows)
    system._remember(learn_system(system, rows, None, sequences.offsets, name=name))
    return system
