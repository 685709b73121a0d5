"""The M-step: two linear regressions, and covariances above a floor."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._subspace import spectral_radius, symmetric
from .kalman import Parameters

LARGEST_POWER = 1e15  # entry of a power of the transition matrix: beyond, it explodes
ROUNDING = 1e-30  # of the data's variance: the square of the precision, and a little
RANK_TOLERANCE = 1e-13  # relative eigenvalue of a Gram matrix that is rounding


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

    Rows of [A B] and of [C D] are regressions with the same regressors, so that their
    maximum does not depend on the noise covariance; fixed columns are taken off the
    left-hand side. A covariance given its mean is that of the residuals; its maximum
    above a floor F has the eigenvalues of F^-½ S F^-½ raised to 1.

    Parameters
    ----------
    statistics : Statistics
    parameters : Parameters
        The present ones. Where the data do not tell, they stay.
    fixed : collection of str, default=()
        Names of parameters that keep their values.
    covariance_type : {"full", "diag", "spherical"}, default="full"
        Shape of the observation covariance.
    floors : Floors, default=None
    largest_radius : float, default=None
        Largest modulus of the eigenvalues of a transition matrix that is free, which
        that of the present parameters must not exceed. The M-step then goes from the
        present [A B] as far towards the regression as A may: the expected
        log-likelihood is concave in them, so that it rises all the way.

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
    """Update the free ones of the coefficients [F G] of a regression on z = [s; u].

    Parameters
    ----------
    products : ndarray of shape (k, n_components + n_inputs)
        Σ y zᵀ.
    gram : ndarray of shape (n_components + n_inputs, n_components + n_inputs)
        Σ z zᵀ.
    coefs : (ndarray of shape (k, n_components), same of (k, n_inputs) or None)
        Present F and G.
    free : (bool, bool)
        Which of them change.

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
    # The change of coefficients: none along directions that z does not take.
    squares = np.diagonal(gram)  # negative by rounding where a state is all but certain
    scale = np.sqrt(np.where(squares > 0, squares, 1.0))
    values, vectors = np.linalg.eigh(symmetric(gram / np.outer(scale, scale)))
    there = values > RANK_TOLERANCE * max(values[-1], RANK_TOLERANCE)
    vectors = vectors[:, there] / scale[:, None]
    joint[:, columns] += (left @ vectors / values[there]) @ vectors.T
    first = joint[:, :n] if free[0] else coefs[0]
    return first, joint[:, n:] if free[1] else coefs[1]


def within_radius(present, wanted, largest):
    """The furthest matrix on the way whose eigenvalues are no larger than `largest`.

    Parameters
    ----------
    present : ndarray of shape (n, n)
        Whose eigenvalues are no larger.
    wanted : ndarray of shape (n, n)
    largest : float

    Returns
    -------
    matrix : ndarray of shape (n, n)
        `wanted` itself, if it may be.
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
    """The likeliest covariance of a shape and above a floor, given second moments.

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

    A state has no scale of its own but the outputs that it moves, at once or through
    the transition matrix later on: a slope moves them by what it adds up to. So the
    floor of a state's noise is the variance at every time step of which the longest
    sequence shows `reg_covar` times the variance of the outputs. Where the parameters
    give a state less spread than moves the outputs by their standard deviation, the
    floor is relative to that spread.

    A mean start taken from n sequences is itself uncertain by the n-th part of the
    starts' covariance, and the likelihood does not know: of one sequence it would make
    the start certain, and any other sequence a surprise. So the floor of P0 is the n-th
    part of the change of the first state that moves an output, whenever it does so
    most, by its standard deviation.

    Parameters
    ----------
    parameters : Parameters
        The initial guess.
    spread : ndarray of shape (n_features,)
        Variances of the features.
    lengths : ndarray of int of shape (n_sequences,)
        Of the sequences.
    reg_covar : float
        Less than rounding is taken for rounding.

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
    # A start may be diffuse, which tells nothing: it counts where nothing else does.
    own = np.where((largest > 0) | (noise <= 0), np.maximum(noise, start), noise)
    own = np.where(own > 0, own, 1.0)
    return Floors(
        reg_covar * own / np.maximum(1.0, own * total),
        reg_covar * spread,
        max(reg_covar, 1.0 / len(lengths)) * own / np.maximum(1.0, own * largest),
    )


def visibility(C, A, n_steps):
    """How much of each state the outputs show in time: squares of C Aʰ, by columns.

    Parameters
    ----------
    C : ndarray of shape (n_features, n_components)
        In units in which the outputs have variance 1.
    A : ndarray of shape (n_components, n_components)
    n_steps : int
        Steps h = 0, …, n_steps - 1 count, rounded up to a power of two.

    Returns
    -------
    total : ndarray of shape (n_components,)
        Sum over the steps: the diagonal of the observability Gramian.
    largest : ndarray of shape (n_components,)
        Of a single step, out of the first ones and of those after 2, 4, 8, … steps.
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
    """The parameters with the free ones among the covariances raised to the floors."""
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
