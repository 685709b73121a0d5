"""The hidden Markov model with Poisson emissions."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real
from typing import Self

import numpy as np

from .._core.docs import documented
from .._core.sklearn_compat import Interval, StrOptions
from ._numeric import NumericHMM
from .emissions import PoissonEmissions


@documented
class PoissonHMM(NumericHMM):
    """Hidden Markov model of counts with Poisson emissions, by Baum-Welch.

    Each state has its own rate for each feature; given the state, the features are
    independent. Missing counts (NaN), of whole rows or single features, are integrated
    out.

    Parameters
    ----------
    n_components : int, default=1
        Number of states.

    init : {"kmeans", "segments", "random"} or dict, default="kmeans"
        Where a run starts: from k-means clusters of the rows, from each sequence cut
        into `n_components` segments of equal length (the flat start of left-right
        models), or from random rows.
        A dict holds values from which the first run starts, by the names of `fixed`;
        what it does not name starts as with "kmeans", and so do further runs.

    fixed : dict, default=None
        Parameters held at given values, by name: "startprob", "transmat",
        "rates".

    %(startprob_prior_of_hmms)s

    transmat_prior : float or array-like of shape (n_components, n_components), \
            default=1.0
        The same for each row of transition probabilities.

    rates_prior : float or array-like, default=0.0
        Pseudo-counts of events: the shape of the gamma prior is this plus 1.

    rates_weight : float or array-like, default=0.0
        Number of time steps of these pseudo-counts: the rate of the gamma prior.

    transmat_mask : array-like of bool of shape (n_components, n_components), \
            default=None
        True where a transition is possible, for example
        ``np.triu(np.ones((n, n)), 0) > 0`` for a left-right model. None allows all.

    %(decoding_of_hmms)s

    n_init : int, default=1
        Number of starts, of which the best is kept.

    max_iter : int, default=100
        Maximum number of EM iterations.

    tol : float, default=1e-4
        EM has converged when the log-likelihood per time step rises by less.

    warm_start : bool, default=False
        Whether fit starts from the parameters of the last fit.

    %(burn_in_of_hidden_state_models)s

    random_state : int, RandomState instance or None, default=None
        Determines starts. Pass an int for reproducible results.

    %(verbose_of_hmms)s

    n_jobs : int, default=None
        Number of workers that share the sequences in the E-step.

    %(gaps)s

    Attributes
    ----------
    startprob_ : ndarray of shape (n_components,)
        Probabilities of the first state of a sequence.

    transmat_ : ndarray of shape (n_components, n_components)
        Probabilities of going from state i to state j.

    rates_ : ndarray of shape (n_components, n_features)
        Expected count at each time step in each state.

    stationary_distribution_ : ndarray of shape (n_components,)
        Stationary distribution of the chain.

    n_iter_ : int
        Number of EM steps of the best start.

    converged_ : bool
        Whether it converged.

    lower_bound_ : float
        Its log-likelihood per time step, in nats (with priors, log-posterior).

    loss_curve_ : list of float
        Minus the same before and after each EM step.

    %(n_features_in_)s

    %(feature_names_in_)s

    See Also
    --------
    CategoricalHMM : For symbols.
    GaussianHMM : For real numbers.

    Notes
    -----
    Rows are the time steps of a sequence and have no gap in time: a hole in a frame's
    index starts anew, while a missing row is a time step at which nothing was seen.

    References
    ----------
    Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications
    in speech recognition. Proceedings of the IEEE, 77, 257-286.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.hmm import PoissonHMM
    >>> rng = np.random.default_rng(0)
    >>> X = rng.poisson(np.repeat([2.0, 20.0, 2.0], 50))[:, None]
    >>> model = PoissonHMM(n_components=2, random_state=0).fit(X)
    >>> np.flatnonzero(np.diff(model.predict(X))) + 1
    array([ 50, 100])
    """

    _parameter_constraints = {
        **NumericHMM._parameter_constraints,
        "init": [StrOptions({"kmeans", "segments", "random"}), dict],
        "rates_prior": [Interval(Real, 0, None, closed="left"), "array-like"],
        "rates_weight": [Interval(Real, 0, None, closed="left"), "array-like"],
    }

    def __init__(
        self,
        n_components=1,
        *,
        init="kmeans",
        fixed=None,
        startprob_prior=1.0,
        transmat_prior=1.0,
        rates_prior=0.0,
        rates_weight=0.0,
        transmat_mask=None,
        decoding="viterbi",
        n_init=1,
        max_iter=100,
        tol=1e-4,
        warm_start=False,
        burn_in=0,
        random_state=None,
        verbose=0,
        n_jobs=None,
        gaps="auto",
    ):
        self.n_components = n_components
        self.init = init
        self.fixed = fixed
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.rates_prior = rates_prior
        self.rates_weight = rates_weight
        self.transmat_mask = transmat_mask
        self.decoding = decoding
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.burn_in = burn_in
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.gaps = gaps

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.categorical = True  # that is, integers
        return tags

    @classmethod
    def from_parameters(cls, *, startprob, transmat, rates) -> Self:
        """A fitted model from known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.

        transmat : array-like of shape (n_components, n_components)
            Probabilities of going from state i to state j.

        rates : array-like of shape (n_components, n_features)
            Expected count at each time step in each state.

        Returns
        -------
        model : PoissonHMM
            Ready to predict, forecast and sample. After
            ``set_params(warm_start=True)`` `fit` starts from these parameters,
            otherwise it discards them; see also `init`.

        Raises
        ------
        ValueError
            If probabilities do not sum to one, shapes do not fit, or a rate is
            negative.
        """
        emission = PoissonEmissions().check(len(startprob), rates=rates)
        n_features = emission.rates.shape[1]
        return cls._from_parameters(startprob, transmat, emission, n_features)

    def _read_sequences(self, X, groups, *, reset=False):
        sequences = super()._read_sequences(X, groups, reset=reset)
        check_counts(sequences.rows, self)
        return sequences

    def _make_emissions(self):
        return PoissonEmissions(
            rates_prior=self.rates_prior, rates_weight=self.rates_weight
        )


def check_counts(rows, estimator):
    """Refuse values that are not counts; the error names the first."""
    for message, bad, remedy in (
        ("Negative values in data", rows < 0, "Shift or drop such rows"),
        ("Fractions in data", np.floor(rows) < rows, "Round them"),
    ):
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(
                f"{message} passed to {type(estimator).__name__}: "
                f"{rows[row, column]:.6g} at row {row}, column {column}. Counts are "
                f"integers of at least 0. {remedy}, or use Gaussian emissions."
            )
