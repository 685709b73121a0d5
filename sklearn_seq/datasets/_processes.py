"""Makers of stochastic processes with known parameters."""

from numbers import Integral, Real

import numpy as np
from scipy import linalg
from sklearn.utils import check_array, check_random_state

from .._core.markov import check_probabilities, draw_chains, stationary_distribution
from .._core.sklearn_compat import Interval, validate_params
from ._recursion import autoregress

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "n_timesteps": [_POSITIVE_INT],
        "coef": ["array-like"],
        "intercept": [Interval(Real, None, None, closed="neither"), "array-like"],
        "noise_covariance": [Interval(Real, 0, None, closed="left"), "array-like"],
        "n_sequences": [_POSITIVE_INT, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_ar_process(
    n_timesteps: int = 1000,
    *,
    coef=(1.384, -0.748),
    intercept=0.0,
    noise_covariance=1.0,
    n_sequences: int | None = None,
    random_state=None,
) -> np.ndarray:
    """Make a stationary autoregressive process with Gaussian noise.

    Each row is a linear function of the `n_lags` rows before it, plus noise::

        x[t, i] = intercept[i] + sum_kj coef[i, k, j] x[t - 1 - k, j] + noise[t, i]

    The first rows are drawn from the stationary distribution, so that all rows have the
    same distribution and there is no transient.

    Parameters
    ----------
    n_timesteps : int, default=1000
        The length of each sequence.

    coef : array-like of shape (n_lags,) or (n_features, n_lags, n_features), \
            default=(1.384, -0.748)
        The coefficients, lag 1 first: of one feature, or ``coef[i, k, j]`` for the
        effect of feature j, k + 1 steps back, on feature i. The default is an AR(2)
        with cycles of about ten steps, those of the logarithm of the lynx data.

    intercept : float or array-like of shape (n_features,), default=0.0
        The constant term of each feature. The mean of the process is ``intercept`` only
        if all coefficients are zero.

    noise_covariance : float or array-like of shape (n_features, n_features), \
            default=1.0
        The covariance matrix of the noise; a number is the variance of every feature's
        noise, without correlation between them.

    n_sequences : int or None, default=None
        The number of independent sequences. With None, one sequence in the rows layout.

    random_state : int, RandomState instance or None, default=None
        Determines the first rows and the noise. Pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    X : ndarray of shape (n_timesteps, n_features) or \
            (n_sequences, n_timesteps, n_features)
        The process.

    Raises
    ------
    ValueError
        If a parameter is out of its range, the shapes do not match, `noise_covariance`
        is no covariance matrix, or `coef` is not that of a stationary process.

    References
    ----------
    H. Luetkepohl (2005). New Introduction to Multiple Time Series Analysis. Springer.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_ar_process
    >>> make_ar_process(200, coef=[0.5], random_state=0).shape
    (200, 1)
    >>> coef = [[[0.5, 0.0]], [[0.3, 0.5]]]  # the second feature follows the first
    >>> make_ar_process(200, coef=coef, n_sequences=10, random_state=0).shape
    (10, 200, 2)
    >>> make_ar_process(200, coef=[1.0])
    Traceback (most recent call last):
        ...
    ValueError: coef is not that of a stationary process: the largest eigenvalue of its
    companion matrix has modulus 1, and it should be less than 1.
    """
    coef = _check_coef(coef)
    n_features, n_lags, _ = coef.shape
    noise_covariance = _check_covariance(noise_covariance, n_features)
    mean = np.linalg.solve(
        np.eye(n_features) - coef.sum(axis=1), _check_intercept(intercept, n_features)
    )
    noise_factor = _covariance_factor(noise_covariance)
    first_factor = _covariance_factor(_stationary_covariance(coef, noise_covariance))

    rng = check_random_state(random_state)
    n = 1 if n_sequences is None else n_sequences
    n_steps = max(n_timesteps - n_lags, 0)
    # the stationary distribution is that of n_lags rows, the latest of them first
    first = rng.normal(size=(n, n_lags * n_features)) @ first_factor.T
    first = first.reshape(n, n_lags, n_features)[:, ::-1]
    noise = rng.normal(size=(n, n_steps, n_features)) @ noise_factor.T
    if n_features == 1:
        X = autoregress(first[..., 0], noise[..., 0], coef[0, :, 0])[..., np.newaxis]
    else:
        X = _vector_autoregress(first, noise, coef)
    X = X[:, :n_timesteps] + mean
    return X[0] if n_sequences is None else X


def _check_coef(coef):
    coef = check_array(
        coef, ensure_2d=False, allow_nd=True, dtype=np.float64, input_name="coef"
    )
    if coef.ndim == 1:
        coef = coef.reshape(1, -1, 1)
    if coef.ndim != 3 or coef.shape[0] != coef.shape[2] or coef.size == 0:
        raise ValueError(
            "coef should have the shape (n_lags,) or (n_features, n_lags, n_features), "
            f"got {coef.shape}."
        )
    modulus = np.abs(np.linalg.eigvals(_companion(coef))).max()
    if modulus >= 1:
        raise ValueError(
            "coef is not that of a stationary process: the largest eigenvalue of its "
            f"companion matrix has modulus {modulus:.6g}, and it should be less than 1."
        )
    return coef


def _check_intercept(intercept, n_features):
    if isinstance(intercept, Real):
        return np.full(n_features, float(intercept))
    intercept = check_array(
        intercept, ensure_2d=False, dtype=np.float64, input_name="intercept"
    )
    if intercept.shape != (n_features,):
        raise ValueError(
            "intercept should be a number or have one value per feature, the shape "
            f"({n_features},), got {intercept.shape}."
        )
    return intercept


def _check_covariance(covariance, n_features):
    if isinstance(covariance, Real):
        return covariance * np.eye(n_features)
    covariance = check_array(
        covariance, dtype=np.float64, input_name="noise_covariance"
    )
    if covariance.shape != (n_features, n_features):
        raise ValueError(
            "noise_covariance should be a number or have the shape "
            f"({n_features}, {n_features}), got {covariance.shape}."
        )
    tolerance = 1e-8 * np.abs(covariance).max()
    symmetric = np.allclose(covariance, covariance.T, rtol=0, atol=tolerance)
    if not symmetric or linalg.eigvalsh(covariance)[0] < -tolerance:
        raise ValueError(
            "noise_covariance should be symmetric and positive semidefinite."
        )
    return covariance


def _companion(coef):
    """The matrix that maps n_lags rows, the latest first, onto those one step on."""
    n_features, n_lags, _ = coef.shape
    matrix = np.eye(n_lags * n_features, k=-n_features)
    matrix[:n_features] = coef.reshape(n_features, -1)
    return matrix


def _stationary_covariance(coef, noise_covariance):
    """The covariance of n_lags successive rows, the latest first."""
    transition = _companion(coef)
    n_features = len(noise_covariance)
    noise = np.zeros_like(transition)
    noise[:n_features, :n_features] = noise_covariance
    return linalg.solve_discrete_lyapunov(transition, noise)


def _covariance_factor(covariance):
    """A matrix F with F F' = covariance, which may be singular."""
    eigenvalues, vectors = linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(eigenvalues, 0))


def _vector_autoregress(first, noise, coef):
    """`autoregress` for several features, of shape (n_sequences, ..., n_features)."""
    n_features, n_lags, _ = coef.shape
    weights = coef[:, ::-1].reshape(n_features, -1).T  # the earliest row first
    X = np.concatenate([first, noise], axis=1)
    for t in range(n_lags, X.shape[1]):
        X[:, t] += X[:, t - n_lags : t].reshape(len(X), -1) @ weights
    return X


@validate_params(
    {
        "n_timesteps": [_POSITIVE_INT],
        "transmat": ["array-like", None],
        "n_states": [_POSITIVE_INT],
        "startprob": ["array-like", None],
        "n_sequences": [_POSITIVE_INT, None],
        "return_transmat": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_markov_chain(
    n_timesteps: int = 1000,
    *,
    transmat=None,
    n_states: int = 4,
    startprob=None,
    n_sequences: int | None = None,
    return_transmat: bool = False,
    random_state=None,
):
    """Make a Markov chain: symbols that depend on the symbol before.

    Parameters
    ----------
    n_timesteps : int, default=1000
        The length of each sequence.

    transmat : array-like of shape (n_states, n_states) or None, default=None
        ``transmat[i, j]`` is the probability that j follows i. With None, each row is
        drawn from a uniform distribution over all probability vectors.

    n_states : int, default=4
        The number of different symbols. Only used when `transmat` is None.

    startprob : array-like of shape (n_states,) or None, default=None
        The probability of each symbol at the first step. With None, a stationary
        distribution of `transmat`.

    n_sequences : int or None, default=None
        The number of independent sequences. With None, one sequence in the rows layout.

    return_transmat : bool, default=False
        If True, return the transition matrix as well.

    random_state : int, RandomState instance or None, default=None
        Determines the symbols, and the transition matrix when `transmat` is None. Pass
        an int for reproducible output across multiple function calls.

    Returns
    -------
    X : ndarray of shape (n_timesteps, 1) or (n_sequences, n_timesteps, 1)
        The symbols, int, from 0 to n_states - 1.

    transmat : ndarray of shape (n_states, n_states)
        The transition matrix. Only returned if `return_transmat` is True.

    Raises
    ------
    ValueError
        If a parameter is out of its range, the shapes do not match, or `startprob` or a
        row of `transmat` is no probability vector.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_markov_chain
    >>> X = make_markov_chain(8, transmat=[[0, 1], [1, 0]], startprob=[1, 0])
    >>> X.ravel()
    array([0, 1, 0, 1, 0, 1, 0, 1])
    >>> X, transmat = make_markov_chain(
    ...     50, n_states=3, n_sequences=20, return_transmat=True, random_state=0
    ... )
    >>> X.shape, transmat.shape
    ((20, 50, 1), (3, 3))
    """
    rng = check_random_state(random_state)
    if transmat is None:
        transmat = rng.dirichlet(np.ones(n_states), size=n_states)
    else:
        transmat = check_probabilities(transmat, "transmat", (None, None))
        if len(transmat) != transmat.shape[1]:
            raise ValueError(f"transmat should be square, got {transmat.shape}.")
    if startprob is None:
        uniform = np.full(len(transmat), 1 / len(transmat))
        startprob = stationary_distribution(uniform, transmat)
    else:
        startprob = check_probabilities(startprob, "startprob", (len(transmat),))
    uniform = rng.uniform(size=(1 if n_sequences is None else n_sequences, n_timesteps))
    X = draw_chains(startprob, transmat, uniform)[..., np.newaxis]
    X = X[0] if n_sequences is None else X
    return (X, transmat) if return_transmat else X
