"""Expectation maximisation: the loop that all models with hidden states share.

A model provides the initial guess, the E-step and the M-step. The loop provides
restarts, acceleration, the stopping rule, and the check that the log-likelihood never
falls by more than rounding.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._core.user_warning import warn_user
from ._reading.by_name import closest

ROUNDING = 1e-8  # relative fall of the log-likelihood that may be rounding
EPS = np.finfo(np.float64).eps


class EMResult(NamedTuple):
    """Result of expectation maximisation.

    Attributes
    ----------
    parameters : object
        The best parameters of all runs.

    lower_bound : float
        Their log-likelihood per time step (with a prior, log-posterior).

    lower_bounds : list of float of length n_iter + 1
        The same for the initial guess and after each iteration of the best run.

    n_iter : int
        The number of iterations of the best run.

    converged : bool
        Whether the best run met the stopping rule.

    trouble : str or None
        Text of the `ConvergenceWarning` of the best run; None if there is none.
    """

    parameters: Any
    lower_bound: float
    lower_bounds: list
    n_iter: int
    converged: bool
    trouble: str = None


def expectation_maximization(
    initialize,
    e_step,
    m_step,
    *,
    n_timesteps,
    random_state,
    n_init=1,
    max_iter=100,
    tol=1e-3,
    log_likelihood=None,
    on_iteration=None,
    report=None,
    longer_steps=None,
    warn=True,
):
    """Maximise a likelihood by expectation maximisation.

    Parameters
    ----------
    initialize : callable
        ``initialize(random_state, k) -> parameters``: the initial guess of run k.

    e_step : callable
        ``e_step(parameters) -> (statistics, log_likelihood)``: expected sufficient
        statistics, and the log-likelihood of all data (plus the log-prior of the
        parameters, if there is one).

    m_step : callable
        ``m_step(statistics, parameters) -> parameters``: parameters that fit the
        statistics at least as well as the current ones.

    n_timesteps : int
        Divisor of the log-likelihood.

    random_state : RandomState
        Passed on to `initialize`.

    n_init : int, default=1
        The number of runs, of which the best is kept.

    max_iter : int, default=100
        The greatest number of iterations of a run.

    tol : float, default=1e-3
        A run has converged when the log-likelihood per time step rises by less. With
        0, it goes on until the log-likelihood no longer rises. `longer_steps` may
        require more.

    log_likelihood : callable, default=None
        ``log_likelihood(parameters) -> float``: the second value of `e_step`, used
        where the statistics are not needed.

    on_iteration : callable, default=None
        ``on_iteration(parameters, lower_bound) -> bool`` is called after each
        iteration; if it returns True, no further iteration or run follows.

    report : callable, default=None
        Called after each iteration, with the arguments of `IterationReport`.

    longer_steps : callable, default=None
        ``longer_steps(parameters) -> SQUAREM or QuasiNewton`` for the guess of a run.
        The steps it proposes replace those of EM where they do not lower the
        log-likelihood.

    warn : bool, default=True
        Whether to issue the warning in ``result.trouble``.

    Returns
    -------
    result : EMResult

    Raises
    ------
    ValueError
        If no run starts from a finite log-likelihood.

    Warns
    -----
    ConvergenceWarning
        If the best run did not converge, or ended because the log-likelihood fell;
        the parameters before the fall are returned.

    References
    ----------
    Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from
    incomplete data via the EM algorithm. JRSS B, 39, 1-38.
    """

    def bound_only(parameters):
        if log_likelihood is None:
            return None, e_step(parameters)[1]
        return None, log_likelihood(parameters)

    best, best_fall, stopped = None, None, False
    for k in range(n_init):
        parameters = initialize(random_state, k)
        statistics, total = (e_step if max_iter else bound_only)(parameters)
        bounds, converged, fall = [total / n_timesteps], False, None
        if not isfinite(bounds[0]):
            continue
        steps = None
        if longer_steps is not None and max_iter:
            steps = longer_steps(parameters)
            steps.arrive(parameters, statistics, None, inf, 0.0)
        while len(bounds) <= max_iter and not (converged or stopped):
            evaluate = bound_only if len(bounds) == max_iter else e_step
            step = m_step(statistics, parameters)
            candidate = None if steps is None else steps.propose(parameters, step)
            taken = None
            if candidate is not None:
                statistics, total = evaluate(candidate)
                taken = bool(bounds[-1] <= total / n_timesteps < inf)
            if not taken:
                candidate = step
                statistics, total = evaluate(candidate)
            bound = total / n_timesteps
            change = bound - bounds[-1]
            if not -ROUNDING * max(1.0, abs(bounds[-1])) <= change < inf:
                fall = (len(bounds), bounds[-1], bound)
                break
            parameters = candidate
            bounds.append(bound)
            if report is not None:
                n_iter = len(bounds) - 1
                report(n_iter, bound, change=change, run=k + 1, n_runs=n_init)
            converged = change < tol
            if steps is not None:
                rises = change, max(tol, EPS * abs(bound))
                rises = [each * n_timesteps for each in rises]
                at_end = steps.arrive(parameters, statistics, taken, *rises)
                converged = converged and at_end
            if on_iteration is not None:
                stopped = bool(on_iteration(parameters, bound))
        if best is None or bounds[-1] > best.lower_bound:
            best = EMResult(parameters, bounds[-1], bounds, len(bounds) - 1, converged)
            best_fall = fall
        if stopped:
            break

    if best is None:
        raise ValueError(
            "The log-likelihood of the initial guess is infinite or NaN: scale the "
            "data, or start from parameters under which they are possible."
        )
    trouble = None
    if best_fall is not None:
        n_iter, before, after = best_fall
        trouble = (
            f"Iteration {n_iter} would have lowered the log-likelihood per time step "
            f"from {before:.10g} to {after:.10g}, by more than rounding. The run ended "
            "with the parameters before it. Scale the data, or raise the floor of the "
            "covariances."
        )
    elif max_iter and not (best.converged or stopped):
        trouble = (
            f"The best of n_init={n_init} runs did not converge within "
            f"max_iter={max_iter} iterations: its log-likelihood per time step still "
            f"rises by {best.lower_bounds[-1] - best.lower_bounds[-2]:.1e} an "
            "iteration. Increase max_iter or tol, or try other initial parameters."
        )
    if warn and trouble:
        warnings.warn(trouble, ConvergenceWarning, stacklevel=2)
    return best._replace(trouble=trouble)


def unknown_name(parameter, name, names):
    """A ValueError for an unknown parameter name, with the closest known one."""
    near = closest(name, names)
    hint = "" if near is None else f" Did you mean {near!r}?"
    return ValueError(
        f"{parameter}={{{name!r}: ...}}: there is no such parameter.{hint} Expected "
        f"among {list(names)}."
    )


def refuse_both(fixed, init):
    """Refuse parameters that are in both `fixed` and `init`."""
    both = sorted(set(fixed) & set(init))
    if both:
        raise ValueError(
            f"{both[0]!r} is in both fixed and init: a fixed parameter keeps its "
            "value, and learning starts from one of init. Leave one of them out."
        )


def check_some_known(rows):
    """Refuse X whose values are all missing."""
    if np.isnan(rows).all():
        raise ValueError(
            "Every value of X is missing (NaN): there is nothing to learn from."
        )


def warn_of_few_values(estimator, n_parameters, rows):
    """Warn if there are more free parameters than observed values.

    Parameters
    ----------
    estimator : estimator
    n_parameters : int
        Free parameters, without those that are fixed.
    rows : ndarray of shape (n_rows, n_features)
        NaN is missing.
    """
    n_values = int(np.count_nonzero(~np.isnan(rows)))
    if n_parameters > n_values:
        warn_user(
            f"{type(estimator).__name__} learned {n_parameters} free parameters from "
            f"{n_values} observed values: it fits them, whatever they are. Lower "
            f"n_components={estimator.n_components}, choose a covariance_type with "
            "fewer parameters, fix some, or fit on more data.",
        )
