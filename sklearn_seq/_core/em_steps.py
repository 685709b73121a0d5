"""Accelerated EM: SQUAREM and quasi-Newton steps.

Both propose steps and are told the result. Where a proposed step would lower the
log-likelihood, the EM loop takes an EM step instead.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from collections import deque
from math import inf

import numpy as np

MEMORY = 20  # pairs of steps and gradient differences of L-BFGS
PATIENCE = 10  # consecutive small rises after which it has converged
LEAST_FALL = 0.1  # share of the slope to lose over a step before a small rise counts
LEAST_COSINE = 1e-8  # between a step and the gradient difference over it


class SQUAREM:
    """Squared extrapolation of EM: every second EM step is extrapolated.

    From two EM steps θ0 → θ1 → θ2, r = θ1 - θ0 and v = θ2 - θ1 - r give the
    extrapolation θ0 + 2 a r + a² v with a = |r| / |v|; a = 1 gives θ2. Where EM
    converges slowly, it takes many times fewer steps. An extrapolation that would lower
    the log-likelihood is rejected, and the largest a allowed is reduced.

    Parameters
    ----------
    to_vector : callable
        ``to_vector(parameters) -> ndarray``.
    from_vector : callable
        ``from_vector(vector, parameters) -> parameters``: what is not in the vector is
        taken from the second argument; None if the vector is not a valid model.

    References
    ----------
    Varadhan, R. and Roland, C. (2008). Simple and globally convergent methods for
    accelerating the convergence of any EM algorithm. Scandinavian Journal of
    Statistics, 35, 335-353 (scheme S3).
    """

    def __init__(self, to_vector, from_vector):
        self._to_vector = to_vector
        self._from_vector = from_vector
        self._longest = 4.0
        self._length = 1.0
        self._first = None
        self._at_end = False

    def propose(self, parameters, step):
        """The extrapolation to try, from θ1 and its EM step θ2, or None."""
        self._at_end = self._first is not None
        if not self._at_end:
            self._first = self._to_vector(parameters)
            return None
        first, self._first = self._first, None
        second, third = self._to_vector(parameters), self._to_vector(step)
        with np.errstate(invalid="ignore", over="ignore"):
            r = second - first
            v = third - second - r
            size, bend = np.linalg.norm(r), np.linalg.norm(v)
        self._length = min(size / bend, self._longest) if bend > 0 else 1.0
        if not self._length > 1.0:
            return None
        a = self._length
        return self._from_vector(first + 2 * a * r + a * a * v, step)

    def arrive(self, parameters, statistics, taken, rise, least):
        """As for `QuasiNewton`; a run can only end after an extrapolation."""
        if taken is False:
            self._longest = max(1.0 + 1e-3, self._length / 2)
        elif taken and self._length == self._longest:
            self._longest *= 4.0
        return self._at_end


class QuasiNewton:
    """Limited-memory BFGS steps instead of EM steps.

    EM converges slowly where most of the information is missing, for example where a
    variance goes to zero. By Fisher's identity the E-step also gives the gradient of
    the log-likelihood, and L-BFGS takes the curvature from differences of gradients. A
    step that would lower the log-likelihood is rejected: EM makes one instead, and the
    next one is shorter.

    Parameters
    ----------
    coordinates : object
        With methods ``to_vector(parameters)`` and ``from_vector(vector, parameters)``,
        as for `SQUAREM`, and ``gradient(statistics, parameters) -> ndarray``: the
        gradient of the log-likelihood, from the statistics of an E-step.

    References
    ----------
    Nocedal, J. and Wright, S. J. (2006). Numerical Optimization, chapter 7. Springer.

    Jamshidian, M. and Jennrich, R. I. (1997). Acceleration of the EM algorithm by using
    quasi-Newton methods. JRSS B, 59, 569-587.
    """

    def __init__(self, coordinates):
        self._coordinates = coordinates
        self._pairs = deque(maxlen=MEMORY)  # steps, and by how much the gradient fell
        self._length = 1.0  # of a step, relative to that of Newton's method
        self._scale = None  # of the initial inverse Hessian
        self._n_small = 0
        self._vector = self._gradient = None

    def arrive(self, parameters, statistics, taken, rise, least):
        """Record the point that a step led to; whether the run has converged there.

        A small rise counts after an EM step, or a proposed one over which the slope
        fell. Two in a row are required, since one may be at a saddle point, and more
        while the gradient still predicts a rise that is not small.

        Parameters
        ----------
        parameters : object
        statistics : object
            Statistics of an E-step; None if there was none.
        taken : bool or None
            Whether the proposed step was taken, and not that of EM; None if none was
            proposed.
        rise : float
            Rise of the log-likelihood.
        least : float
            Smaller rises are small.

        Returns
        -------
        at_end : bool
        """
        if statistics is None:
            return False
        vector = self._coordinates.to_vector(parameters)
        gradient = self._coordinates.gradient(statistics, parameters)
        before, self._vector = self._vector, vector
        slope, self._gradient = self._gradient, gradient
        if before is None:
            return False
        step, fall = vector - before, slope - gradient
        slope_fell = bool(step @ fall > LEAST_FALL * (step @ slope))
        self._remember(step, fall)
        if taken:
            self._length = 1.0 if slope_fell else 4.0 * self._length
        elif taken is False:
            self._length /= 4.0
        small = rise < least and (slope_fell or not taken)
        self._n_small = self._n_small + 1 if small else 0
        # The curvature along the logarithm of a coordinate is about 1 or more.
        steep = np.max((gradient * vector) ** 2, initial=0.0) > 2 * least
        return self._n_small >= (PATIENCE if steep else 2)

    def _remember(self, step, fall):
        along, sizes = step @ fall, (np.linalg.norm(step), np.linalg.norm(fall))
        if along > LEAST_COSINE * sizes[0] * sizes[1]:
            self._pairs.append((step, fall))
            self._scale = along / sizes[1] ** 2
        elif self._scale is None and min(sizes) > 0:
            self._scale = sizes[0] / sizes[1]

    def propose(self, parameters, step):
        """The point that an L-BFGS step leads to, or None."""
        if self._scale is None:
            return None
        with np.errstate(all="ignore"):  # non-finite steps are not proposed
            step = self._length * self._newton(self._gradient)
            limit = 1.0 + np.linalg.norm(self._vector)
            step *= min(1.0, limit / np.linalg.norm(step))
        if not 0.0 < step @ self._gradient < inf:
            return None
        candidate = self._coordinates.from_vector(self._vector + step, parameters)
        if candidate is None:
            self._length /= 4.0
        return candidate

    def _newton(self, gradient):
        """The L-BFGS inverse Hessian times the gradient (two-loop recursion)."""
        step, shares = gradient, []
        for move, fall in reversed(self._pairs):
            share = (move @ step) / (move @ fall)
            step = step - share * fall
            shares.append(share)
        step = self._scale * step
        for (move, fall), share in zip(self._pairs, reversed(shares), strict=True):
            step = step + (share - (fall @ step) / (move @ fall)) * move
        return step
