"""Learning a linear dynamical system by expectation maximisation.

The state equation s[t+1] = [A B] z[t] + w and the observation equation
x[t] = [C D] z[t] + v, with z[t] = [s[t]; u[t]], are linear regressions on z. The E-step
computes their expected sums of products, the M-step solves them.

References
----------
Shumway, R. H. and Stoffer, D. S. (1982). An approach to time series smoothing and
forecasting using the EM algorithm. Journal of Time Series Analysis, 3, 253-264.
Ghahramani, Z. and Hinton, G. E. (1996). Parameter estimation for linear dynamical
systems. Technical report CRG-TR-96-2, University of Toronto.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from operator import add

import numpy as np

from .._core.em_steps import SQUAREM, QuasiNewton
from .._core.parallel import SharedSums
from ..em import expectation_maximization, refuse_both
from ._fixed import check_given, free_changes_of_basis
from ._gradient import FactorCoordinates
from ._guess import fit_start, initial_guess
from ._m_step import above, covariance_floors, m_step
from ._subspace import spectral_radius
from ._units import Coordinates, Units, variances
from .kalman import (
    Parameters,
    add_statistics,
    log_likelihood,
    sufficient_statistics,
)


def learn(
    X,
    offsets,
    U=None,
    *,
    n_components,
    covariance_type="full",
    fixed=None,
    init="subspace",
    n_init=1,
    max_iter=100,
    tol=1e-4,
    reg_covar=1e-6,
    random_state=None,
    n_jobs=None,
    on_iteration=None,
    report=None,
    start=None,
    accelerate=True,
    stable=False,
    warn=True,
):
    """Fit a linear dynamical system by expectation maximisation.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        The rows of all sequences; NaN is missing.
    offsets : ndarray of int of shape (n_sequences + 1,)
        The rows at which sequences begin, and the number of rows.
    U : ndarray of shape (n_rows, n_inputs), default=None
        Driving inputs.
    n_components : int
        Dimension of the state.
    covariance_type : {"full", "diag", "spherical"}, default="full"
        Form of the observation covariance.
    fixed : dict of str to array-like, default=None
        Parameters held at given values.
    init : {"subspace", "factor_analysis", "random"} or dict, default="subspace"
        The initial guess of the first run; further runs start at random. A dict holds
        parameters by name; the others are guessed by "subspace".
    n_init : int, default=1
        The number of runs, of which the best is kept.
    max_iter : int, default=100
    tol : float, default=1e-4
        Tolerance on the log-likelihood per time step, in nats: see
        `expectation_maximization`.
    reg_covar : float, default=1e-6
        Floor of all covariances that are not fixed, relative to the data's variances:
        see `covariance_floors`.
    random_state : RandomState
    n_jobs : int, default=None
        Workers for the E-step.
    on_iteration : callable, default=None
        As for `expectation_maximization`.
    report : IterationReport, default=None
    start : Parameters, default=None
        Initial parameters of the first run, instead of a guess.
    accelerate : bool, default=True
        Whether to accelerate EM: by quasi-Newton steps if `fixed` determines the basis
        of the state, otherwise by SQUAREM.
    stable : bool, default=False
        Whether to keep the spectral radius of a free transition matrix at 1 or below,
        as for a system that runs in open loop.
    warn : bool, default=True
        As for `expectation_maximization`.

    Returns
    -------
    result : EMResult
        Its parameters are `Parameters`; the bounds are those of the data as given.

    Notes
    -----
    Data are rescaled to about 1, so that their units do not matter; parameters are
    returned in the units of the data.
    """
    size = n_components, X.shape[1], 0 if U is None else U.shape[1]
    fixed, given = check_given(fixed, *size), {}
    if isinstance(init, dict):
        given = check_given(init, *size, what="init")
        refuse_both(fixed, given)
        check_stable(given, stable)
        init = "subspace"
    units = Units.of(X, U)
    X, U = X / units.x, None if U is None else U / units.u
    shift = units.log_density(X) / len(X)
    fixed, given = units.apply(fixed), units.apply(given)
    spread = variances(X)
    kind = {"fixed": fixed, "covariance_type": covariance_type}
    if stable:
        kind["largest_radius"] = 1.0
    floors = None

    def initialize(rng, k):
        nonlocal floors
        if start is not None and k == 0:
            guess = Parameters(**units.apply(start._asdict()))._replace(**fixed)
        else:
            guess = initial_guess(
                X,
                offsets,
                U,
                n_components,
                init=init if k == 0 else "random",
                fixed=fixed if k else fixed | given,
                spread=spread,
                rng=rng,
            )
        floors = covariance_floors(guess, spread, np.diff(offsets), reg_covar)
        free = [name for name in Parameters._fields if name not in fixed]
        guess = above(floors, guess, free, covariance_type)
        if start is not None and k == 0:
            return guess
        held = kind | {"fixed": fixed if k else fixed | given}
        return fit_start(guess, X, offsets, U, floors=floors, **held)

    sums_over_sequences = SharedSums(offsets, n_components, n_jobs)
    expected = sums_over_sequences.of(_statistics, add_statistics, (X, U))
    likelihood = sums_over_sequences.of(_likelihood, add, (X, U))

    def e_step(parameters):
        sums = expected(parameters)
        return sums, sums.log_likelihood

    vectors = Coordinates(fixed)

    def from_vector(vector, parameters):
        return vectors.from_vector(vector, parameters, floors, covariance_type)

    def longer_steps(guess):
        # Floors depend on the basis of the state; EM stays near that of the guess.
        if free_changes_of_basis(guess, fixed):
            return SQUAREM(vectors.to_vector, from_vector)
        sizes = covariance_floors(guess, spread, np.diff(offsets), 1.0)
        return QuasiNewton(
            FactorCoordinates(guess, fixed, covariance_type, floors, sizes)
        )

    def hook(parameters, bound):
        return on_iteration(units.undo(parameters), bound + shift)

    def tell(n_iter, bound, **details):
        report(n_iter, bound + shift, **details)

    with sums_over_sequences:
        result = expectation_maximization(
            initialize,
            e_step,
            lambda sums, parameters: m_step(sums, parameters, floors=floors, **kind),
            n_timesteps=len(X),
            random_state=random_state,
            n_init=n_init,
            max_iter=max_iter,
            tol=tol,
            log_likelihood=likelihood,
            on_iteration=None if on_iteration is None else hook,
            report=None if report is None else tell,
            longer_steps=longer_steps if accelerate else None,
            warn=warn,
        )
    return result._replace(
        parameters=units.undo(result.parameters),
        lower_bound=result.lower_bound + shift,
        lower_bounds=[bound + shift for bound in result.lower_bounds],
    )


def check_stable(given, stable):
    """Refuse an unstable initial transition matrix if the system must be stable."""
    if not stable or "transition_matrix" not in given:
        return
    radius = spectral_radius(given["transition_matrix"])
    if radius > 1.0:
        raise ValueError(
            f"init['transition_matrix'] has an eigenvalue of modulus {radius:.6g}, but "
            "a system that predicts without seeing its outputs must be stable. Scale "
            "it down to at most 1."
        )


def _statistics(parameters, X, U, offsets):
    return sufficient_statistics(parameters, X, offsets, U)


def _likelihood(parameters, X, U, offsets):
    return float(log_likelihood(parameters, X, offsets, U).sum())
