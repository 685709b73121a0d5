"""The M-step: two linear regressions, and covariances above a floor."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._subspace import spectral_radius, symmetric
from .kalman import Parameters

LARGEST_POWER = 1e15  # largest entry of a power of A: dynamics overflow beyond
ROUNDING = 1e-30  # smallest relative variance: just above the squared machine epsilon
RANK_TOLERANCE = 1e-13  # relative eigenvalue of a Gram matrix that counts as zero


class Floors(NamedTuple):
    """Smallest variances: each covariance is at least the diagonal matrix of these.

    Attributes
    ----------
    transition : ndarray of shape (n_components,)
    observation : ndarray of shape (n_features,)
    initial : ndarray of shape (n_components,)
    """

    transition: np.ndarray
    observation: np.ndarray
    initial: np.ndarray


def m_step(
    statistics,
    parameters,
    *,
    fixed=(),
    covariance_type="full",
    floors=None,
    largest_radius=None,
):
    """Parameters that maximise the expected complete-data log-likelihood.

    With z = [s; u], expectations of the E-step and sums over time and sequences::

        [A B] = Σ s[t+1] z[t]ᵀ (Σ z[t] z[t]ᵀ)⁻¹,  Q = Σ r rᵀ / n,  r = s[t+1] - [A B] z
        [C D] = Σ x[t] z[t]ᵀ (Σ z[t] z[t]ᵀ)⁻¹,    R = Σ r rᵀ / n,  r = x[t] - [C D] z

    Fixed columns move to the left-hand side. The maximum of a covariance S above a
    floor F has the eigenvalues of F^-½ S F^-½ raised to 1.

    Parameters
    ----------
    statistics : Statistics
    parameters : Parameters
        Current parameters. They stay where the data do not determine new ones.
    fixed : collection of str, default=()
        Names of parameters that keep their values.
    covariance_type : {"full", "diag", "spherical"}, default="full"
        Shape of the observation covariance.
    floors : Floors, default=None
    largest_radius : float, default=None
        Largest spectral radius of a free transition matrix; that of `parameters` must
        not exceed it. The M-step then goes from the current [A B] as far towards the
        regression as the limit allows: the expected log-likelihood is concave in
        [A B], so that it rises all the way.

    Returns
    -------
    parameters : Parameters
    """
    sums, old = statistics, parameters

    def free(name):
        return name not in fixed and getattr(old, name) is not None

    A, B = regression(
        sums.s_next_z,
        sums.z_z_transition,
        (old.transition_matrix, old.input_matrix),
        (free("transition_matrix"), free("input_matrix")),
    )
    if largest_radius is not None and free("transition_matrix"):
        nearest = within_radius(old.transition_matrix, A, largest_radius)
        if nearest is not A:
            A, B = regression(
                sums.s_next_z,
                sums.z_z_transition,
                (nearest, old.input_matrix),
                (False, free("input_matrix")),
            )
    C, D = regression(
        sums.x_z,
        sums.z_z_observed,
        (old.observation_matrix, old.feedthrough_matrix),
        (free("observation_matrix"), free("feedthrough_matrix")),
    )

    Q, R = old.transition_covariance, old.observation_covariance
    if free("transition_covariance") and sums.n_transitions:
        Q = residual_moments(
            sums.s_next_s_next, sums.s_next_z, sums.z_z_transition, A, B
        )
        Q = floored(Q / sums.n_transitions, floors and floors.transition)
    if free("observation_covariance") and sums.n_observed:
        R = residual_moments(sums.x_x, sums.x_z, sums.z_z_observed, C, D)
        R = floored(R / sums.n_observed, floors and floors.observation, covariance_type)

    mean, P = old.initial_state_mean, old.initial_state_covariance
    if free("initial_state_mean"):
        mean = sums.initial_sum / sums.n_sequences
    if free("initial_state_covariance"):
        P = residual_moments(
            sums.initial_outer,
            sums.initial_sum[:, None],
            np.array([[sums.n_sequences]]),
            mean[:, None],
            None,
        )
        P = floored(P / sums.n_sequences, floors and floors.initial)
    return Parameters(A, C, Q, R, mean, P, B, D)


def regression(products, gram, coefs, free):
    """Update the free coefficients among F and G in the regression y = [F G] z.

    Parameters
    ----------
    products : ndarray of shape (k, n_components + n_inputs)
        Σ y zᵀ.
    gram : ndarray of shape (n_components + n_inputs, n_components + n_inputs)
        Σ z zᵀ.
    coefs : (ndarray of shape (k, n_components), same of (k, n_inputs) or None)
        Current F and G.
    free : (bool, bool)
        Whether F and G are free.

    Returns
    -------
    coefs : (ndarray, ndarray or None)
    """
    n = coefs[0].shape[1]
    columns = np.repeat(free, [n, len(gram) - n])
    if not columns.any():
        return coefs
    joint = np.zeros(products.shape)
    joint[:, :n] = coefs[0]
    if coefs[1] is not None:
        joint[:, n:] = coefs[1]
    left = (products - joint @ gram)[:, columns]
    gram = gram[np.ix_(columns, columns)]
    # The change of coefficients: zero along directions in which z does not vary.
    squares = np.diagonal(gram)  # may be negative by rounding
    scale = np.sqrt(np.where(squares > 0, squares, 1.0))
    values, vectors = np.linalg.eigh(symmetric(gram / np.outer(scale, scale)))
    there = values > RANK_TOLERANCE * max(values[-1], RANK_TOLERANCE)
    vectors = vectors[:, there] / scale[:, None]
    joint[:, columns] += (left @ vectors / values[there]) @ vectors.T
    first = joint[:, :n] if free[0] else coefs[0]
    return first, joint[:, n:] if free[1] else coefs[1]


def within_radius(present, wanted, largest):
    """The last matrix from `present` to `wanted` of spectral radius `largest` or less.

    Parameters
    ----------
    present : ndarray of shape (n, n)
        Its spectral radius is at most `largest`.
    wanted : ndarray of shape (n, n)
    largest : float

    Returns
    -------
    matrix : ndarray of shape (n, n)
        `wanted` itself if its spectral radius is small enough.
    """
    if spectral_radius(wanted) <= largest:
        return wanted
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if spectral_radius(present + middle * (wanted - present)) <= largest:
            low = middle
        else:
            high = middle
    return present + low * (wanted - present)


def residual_moments(yy, yz, zz, first, second):
    """Σ (y - [F G] z)(y - [F G] z)ᵀ from sums of products; G may be None."""
    coef = np.zeros(yz.shape)
    coef[:, : first.shape[1]] = first
    if second is not None:
        coef[:, first.shape[1] :] = second
    cross = coef @ yz.T
    return symmetric(yy - cross - cross.T + coef @ zz @ coef.T)


def floored(covariance, floor=None, covariance_type="full"):
    """The covariance above a floor that maximises the likelihood of second moments.

    Parameters
    ----------
    covariance : ndarray of shape (k, k)
    floor : ndarray of shape (k,), default=None
    covariance_type : {"full", "diag", "spherical"}, default="full"

    Returns
    -------
    covariance : ndarray of shape (k, k)
    """
    floor = np.zeros(len(covariance)) if floor is None else floor
    if covariance_type == "spherical":
        variance = np.diagonal(covariance).mean()
        return np.eye(len(covariance)) * max(variance, floor.mean())
    if covariance_type == "diag":
        return np.diag(np.maximum(np.diagonal(covariance), floor))
    if not floor.all():
        return symmetric(covariance)
    scale = np.sqrt(floor)
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    if values[0] >= 1.0:
        return symmetric(covariance)
    vectors = vectors * scale[:, None]
    return symmetric((vectors * np.maximum(values, 1.0)) @ vectors.T)


def covariance_floors(parameters, spread, lengths, reg_covar):
    """Floors relative to the scale of the data.

    The scale of a state is set by its effect on the outputs, now and, through powers of
    A, later. The floor of its process noise is the variance whose effect on the outputs
    over the longest sequence is `reg_covar` times their variance. If the state's
    variance in `parameters` is smaller than what moves the outputs by their standard
    deviation, the floor is relative to it instead.

    The initial mean estimated from n sequences has variance P0 / n, which the
    likelihood ignores: with n = 1 it would make P0 zero, and every other sequence
    improbable. So the floor of P0 is 1 / n of the variance of the initial state whose
    largest effect on an output, over time, is that output's variance.

    Parameters
    ----------
    parameters : Parameters
        The initial guess.
    spread : ndarray of shape (n_features,)
        Variances of the features.
    lengths : ndarray of int of shape (n_sequences,)
        Lengths of the sequences.
    reg_covar : float
        At least the level of rounding is used.

    Returns
    -------
    floors : Floors
    """
    reg_covar = max(reg_covar, ROUNDING)
    total, largest = visibility(
        parameters.observation_matrix / np.sqrt(spread)[:, None],
        parameters.transition_matrix,
        max(lengths),
    )
    noise, start = (
        np.diagonal(covariance)
        for covariance in (
            parameters.transition_covariance,
            parameters.initial_state_covariance,
        )
    )
    # P0 may be diffuse, and then says nothing of the scale: it is a last resort.
    own = np.where((largest > 0) | (noise <= 0), np.maximum(noise, start), noise)
    own = np.where(own > 0, own, 1.0)
    return Floors(
        reg_covar * own / np.maximum(1.0, own * total),
        reg_covar * spread,
        max(reg_covar, 1.0 / len(lengths)) * own / np.maximum(1.0, own * largest),
    )


def visibility(C, A, n_steps):
    """Effect of each state on the outputs over time: squared norms of columns of C Aʰ.

    Parameters
    ----------
    C : ndarray of shape (n_features, n_components)
        In units in which the outputs have variance 1.
    A : ndarray of shape (n_components, n_components)
    n_steps : int
        Steps h = 0, …, n_steps - 1, with n_steps rounded up to a power of two.

    Returns
    -------
    total : ndarray of shape (n_components,)
        Sum over the steps: the diagonal of the observability Gramian.
    largest : ndarray of shape (n_components,)
        Maximum over the first steps and steps 2, 4, 8, …
    """
    gramian, power = C.T @ C, A
    largest, seen = np.diagonal(gramian), C
    for _ in range(min(n_steps, len(A)) - 1):
        seen = seen @ A
        largest = np.maximum(largest, (seen**2).sum(axis=0))
    steps = 1
    while steps < n_steps and np.abs(power).max() < LARGEST_POWER:
        largest = np.maximum(largest, ((C @ power) ** 2).sum(axis=0))
        gramian = gramian + power.T @ gramian @ power
        power, steps = power @ power, 2 * steps
    return np.diagonal(gramian), largest


def above(floors, parameters, free, covariance_type):
    """The parameters, with the free covariances raised to the floors."""
    raised = {
        name: floored(getattr(parameters, name), floor, shape)
        for name, floor, shape in (
            ("transition_covariance", floors.transition, "full"),
            ("observation_covariance", floors.observation, covariance_type),
            ("initial_state_covariance", floors.initial, "full"),
        )
        if name in free
    }
    return parameters._replace(**raised)
