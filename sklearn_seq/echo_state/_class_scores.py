"""Probabilities of classes from a ridge regression of their indicators.

Least squares estimates the probability of each class by a linear function, which may
leave [0, 1], and is overconfident if overfitted, underconfident if penalised.
Generalised cross-validation estimates from its residuals the scores of new rows. The
regression of the indicators on these, with slope k and squared correlation r,
calibrates the scores s,

    log p(c) = log f(c) + log(max(0.3, lift(c))) / (1 - r) - log Z,
    lift(c)  = 1 + k (s(c) - f(c)) / f(c),

where f are the class frequencies. To first order this is linear discriminant analysis
of the scores, since r is the between-class variance over the total variance; the
logarithm limits the large lifts of rare classes, for which that analysis fails.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from ._ridge import inflation_of_errors

SMALLEST_LIFT = 0.3


class Calibration(NamedTuple):
    """Calibration of scores to probabilities.

    Attributes
    ----------
    n : int
        Number of rows.

    frequencies : ndarray of shape (n_classes,)
        f, with Laplace smoothing.

    means : ndarray of shape (n_classes,)
        Mean score of each class: the frequencies without smoothing.

    slope : float
        k, not negative.

    explained : float
        r, below 1.
    """

    n: int
    frequencies: np.ndarray
    means: np.ndarray
    slope: float
    explained: float

    def log_proba(self, scores):
        """Log probabilities from scores, both of shape (n_rows, n_classes).

        One pseudo-count, shared by frequency, keeps them finite.
        """
        lift = (self.means + self.slope * (scores - self.means)) / self.frequencies
        log_lift = np.log(np.maximum(lift, SMALLEST_LIFT))
        log_frequencies = np.log(self.frequencies)
        log_proba = log_softmax(
            log_frequencies + log_lift / (1.0 - self.explained), axis=1
        )
        share = np.log(self.n + 1.0)
        return np.logaddexp(log_proba + np.log(self.n) - share, log_frequencies - share)


def calibrate(triangle, fit):
    """Calibrate the scores of a ridge regression of indicators.

    Parameters
    ----------
    triangle : Triangle
        Its targets are indicators of classes.
    fit : RidgeFit

    Returns
    -------
    calibration : Calibration
    """
    n, n_classes = triangle.n, triangle.targets.shape[1]
    inflation = inflation_of_errors(n, fit.degrees_of_freedom)
    # The first rotated row holds the means, the others deviations.
    means = triangle.targets[0] / triangle.design[0, 0]
    y = triangle.targets[1:]
    scores = y - inflation * triangle.residuals(fit)[1:]
    between, total, own = np.vdot(y, scores), np.vdot(scores, scores), np.vdot(y, y)
    slope = max(between, 0.0) / total if total > 0 else 0.0
    explained = min(slope * between / own if own > 0 else 0.0, n / (n + 1.0))
    frequencies = (n * means + 1.0) / (n + n_classes)
    return Calibration(n, frequencies, means, slope, explained)
