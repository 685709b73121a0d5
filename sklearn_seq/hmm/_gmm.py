"""The hidden Markov model with mixtures of Gaussians as emissions."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real
from typing import Self

from .._core.docs import documented
from .._core.sklearn_compat import Interval, StrOptions
from ._numeric import NumericHMM
from .emissions import GaussianMixtureEmissions
from .emissions._checks import check_covariance_type


@documented
class GMMHMM(NumericHMM):
    """Hidden Markov model with a mixture of Gaussians for each state, by Baum-Welch.

    As :class:`GaussianHMM`, for states whose rows have more than one mode or heavier
    tails than a Gaussian.

    Parameters
    ----------
    n_components : int, default=1
        Number of states.

    n_mix : int, default=1
        Number of Gaussians of each state.

    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Form of the covariances; with "tied", the Gaussians of a state share theirs.

    init : {"kmeans", "segments", "random"} or dict, default="kmeans"
        Where a run starts: from k-means clusters of the rows, from each sequence cut
        into `n_components` stretches of equal length (the flat start of left-right
        models), or from random rows.
        A dict holds values from which the first run starts, by the names of `fixed`;
        what it does not name starts as with "kmeans", and so do further runs.

    fixed : dict, default=None
        Parameters held at given values, by name: "startprob", "transmat",
        "weights", "means", "covariances".

    %(startprob_prior_of_hmms)s

    transmat_prior : float or array-like of shape (n_components, n_components), \
            default=1.0
        The same for each row of transition probabilities.

    weights_prior : float or array-like of shape (n_components, n_mix), default=1.0
        Dirichlet concentrations of the weights, at least 1.

    means_prior : float or array-like of shape (n_features,), default=0.0
        Prior mean of the means.

    means_weight : float, default=0.0
        Weight of that prior, in rows; 0 is no prior.

    covars_prior : float or array-like, default=0.0
        Scale of the prior of the covariances: inverse Wishart, for variances inverse
        gamma.

    covars_weight : float, default=0.0
        Its weight; with 0 in both there is no prior.

    transmat_mask : array-like of bool of shape (n_components, n_components), \
            default=None
        True where a transition is possible, for example
        ``np.triu(np.ones((n, n)), 0) > 0`` for a left-right model. None allows all.

    reg_covar : float, default=1e-6
        Smallest variance in any direction, relative to the variance of the features.

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

    weights_ : ndarray of shape (n_components, n_mix)
        Weights of the Gaussians of each state.

    means_ : ndarray of shape (n_components, n_mix, n_features)
        Their means.

    covariances_ : ndarray
        Their covariances, of shape (n_components, n_mix, n_features, n_features) for
        "full", (n_components, n_features, n_features) for "tied",
        (n_components, n_mix, n_features) for "diag", (n_components, n_mix) for
        "spherical".

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
    GaussianHMM : With one Gaussian for each state.

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
    >>> from sklearn_seq.hmm import GMMHMM
    >>> rng = np.random.default_rng(0)
    >>> means = np.where(rng.random(300) < 0.5, -4.0, 4.0)
    >>> means[100:200] = 0.0
    >>> X = rng.normal(means[:, None], 0.5)
    >>> model = GMMHMM(n_components=2, n_mix=2, init="segments").fit(X)
    >>> model.means_.shape
    (2, 2, 1)
    """

    _parameter_constraints = {
        **NumericHMM._parameter_constraints,
        "n_mix": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "init": [StrOptions({"kmeans", "segments", "random"}), dict],
        "weights_prior": [Interval(Real, 1, None, closed="left"), "array-like"],
        "means_prior": [Real, "array-like"],
        "means_weight": [Interval(Real, 0, None, closed="left"), "array-like"],
        "covars_prior": [Interval(Real, 0, None, closed="left"), "array-like"],
        "covars_weight": [Interval(Real, 0, None, closed="left")],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_components=1,
        *,
        n_mix=1,
        covariance_type="full",
        init="kmeans",
        fixed=None,
        startprob_prior=1.0,
        transmat_prior=1.0,
        weights_prior=1.0,
        means_prior=0.0,
        means_weight=0.0,
        covars_prior=0.0,
        covars_weight=0.0,
        transmat_mask=None,
        reg_covar=1e-6,
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
        self.n_mix = n_mix
        self.covariance_type = covariance_type
        self.init = init
        self.fixed = fixed
        self.startprob_prior = startprob_prior
        self.transmat_prior = transmat_prior
        self.weights_prior = weights_prior
        self.means_prior = means_prior
        self.means_weight = means_weight
        self.covars_prior = covars_prior
        self.covars_weight = covars_weight
        self.transmat_mask = transmat_mask
        self.reg_covar = reg_covar
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

    @classmethod
    def from_parameters(
        cls, *, startprob, transmat, weights, means, covariances, covariance_type="full"
    ) -> Self:
        """A fitted model from known parameters.

        Parameters
        ----------
        startprob : array-like of shape (n_components,)
            Probabilities of the first state.

        transmat : array-like of shape (n_components, n_components)
            Probabilities of going from state i to state j.

        weights : array-like of shape (n_components, n_mix)
            Weights of the Gaussians of each state.

        means : array-like of shape (n_components, n_mix, n_features)
            Their means.

        covariances : array-like
            In the shape of `covariance_type`.

        covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
            Form of the covariances.

        Returns
        -------
        model : GMMHMM
            Ready to predict, forecast and sample. After
            ``set_params(warm_start=True)`` `fit` starts from these parameters,
            otherwise it discards them; see also `init`.

        Raises
        ------
        ValueError
            If probabilities do not sum to one, shapes do not fit, or a covariance is
            not positive definite.
        """
        check_covariance_type(covariance_type)
        emission = GaussianMixtureEmissions(covariance_type=covariance_type).check(
            len(startprob), weights=weights, means=means, covariances=covariances
        )
        return cls._from_parameters(
            startprob,
            transmat,
            emission,
            emission.means.shape[2],
            n_mix=emission.weights.shape[1],
            covariance_type=covariance_type,
        )

    def _make_emissions(self):
        return GaussianMixtureEmissions(
            self.n_mix,
            self.covariance_type,
            reg_covar=self.reg_covar,
            weights_prior=self.weights_prior,
            means_prior=self.means_prior,
            means_weight=self.means_weight,
            covars_prior=self.covars_prior,
            covars_weight=self.covars_weight,
        )
