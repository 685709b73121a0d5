"""Steps that are longer than those of expectation maximisation, which may creep.

Both kinds propose a step and learn from where it led; the loop of EM takes a step of
EM instead, if the one proposed would lower the likelihood.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from collections import deque
from math import inf

import numpy as np

MEMORY = 20  # steps of which a quasi-Newton method knows the curvature
PATIENCE = 10  # small rises in a row that end it, whatever the slope
LEAST_FALL = 0.1  # of the slope, over a step long enough to say what is left
LEAST_COSINE = 1e-8  # between a step and the fall of the gradient over it


class SQUAREM:
    """Squared extrapolation: every second step of EM made longer, if that is better.

    From two steps θ0 → θ1 → θ2 of the map, r = θ1 - θ0 and v = θ2 - θ1 - r follow the
    extrapolation θ0 + 2 a r + a² v with a = |r| / |v|, which is θ2 itself for a = 1.
    EM that creeps along a valley needs many times fewer steps. One that would lower the
    likelihood is taken back, and the longest one allowed is made shorter.

    Parameters
    ----------
    to_vector : callable
        ``to_vector(parameters) -> ndarray``.
    from_vector : callable
        ``from_vector(vector, parameters) -> parameters``: what is not in the vector is
        taken from the second argument; None, if the vector is no parameters.

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
        """The point to try, given one and the step of EM from it; None if none."""
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
        """As for `QuasiNewton`. Small steps between two extrapolations say nothing."""
        if taken is False:
            self._longest = max(1.0 + 1e-3, self._length / 2)
        elif taken and self._length == self._longest:
            self._longest *= 4.0
        return self._at_end


class QuasiNewton:
    """Steps of the limited-memory BFGS method in the place of those of EM.

    EM creeps where the hidden states carry most of the information, as where a
    variance goes to zero. By Fisher's identity the E-step also gives the gradient of
    the log-likelihood, and gradients at two points tell the curvature between them. A
    step that would lower the likelihood is taken back: EM makes one instead, and the
    next one is shorter.

    Parameters
    ----------
    coordinates : object
        With methods ``to_vector(parameters)`` and ``from_vector(vector, parameters)``,
        as for `SQUAREM`, and ``gradient(statistics, parameters) -> ndarray``: that of
        the log-likelihood in these coordinates, from the statistics of an E-step.

    References
    ----------
    Nocedal, J. and Wright, S. J. (2006). Numerical Optimization, chapter 7. Springer.

    Jamshidian, M. and Jennrich, R. I. (1997). Acceleration of the EM algorithm by using
    quasi-Newton methods. JRSS B, 59, 569-587.
    """

    def __init__(self, coordinates):
        self._coordinates = coordinates
        self._pairs = deque(maxlen=MEMORY)  # steps, and falls of the gradient over them
        self._length = 1.0  # of a step, relative to that of Newton's method
        self._scale = None  # of the inverse curvature
        self._n_small = 0
        self._vector = self._gradient = None

    def arrive(self, parameters, statistics, taken, rise, least):
        """Learn from a point: whether small rises tell that the maximum is near.

        Over a short step the slope may hardly fall, and then the rise says nothing of
        what is left. It takes two steps to tell a maximum from a saddle, and more where
        the slope along a coordinate promises a rise that is not small.

        Parameters
        ----------
        parameters : object
        statistics : object
            Of an E-step; None, if there was none.
        taken : bool or None
            Whether the step proposed was taken, or one of EM. None, if none could be
            proposed.
        rise : float
            Of the log-likelihood.
        least : float
            A rise that is not small.

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
        told = rise < least and (slope_fell or not taken)
        self._n_small = self._n_small + 1 if told else 0
        # Along the logarithm of a coordinate, curvatures are about 1 or more.
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
        """Where to step from the last point; None if nowhere."""
        if self._scale is None:
            return None
        with np.errstate(all="ignore"):  # what is not finite is not proposed
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
        """The inverse curvature that the pairs tell, times the gradient."""
        step, shares = gradient, []
        for move, fall in reversed(self._pairs):
            share = (move @ step) / (move @ fall)
            step = step - share * fall
            shares.append(share)
        step = self._scale * step
        for (move, fall), share in zip(self._pairs, reversed(shares), strict=True):
            step = step + (share - (fall @ step) / (move @ fall)) * move
        return step
