"""Univariate autoregression from autocorrelations: Yule–Walker and Burg.

Both give a stationary model whatever the data.

References
----------
Burg, J. P. (1975). Maximum entropy spectral analysis. PhD thesis, Stanford.
Brockwell, P. J. and Davis, R. A. (1991). Time Series: Theory and Methods, §8.1.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import linalg

from ..sequences import steps_within


def yule_walker(x, offsets, n_lags):
    """Autoregressive coefficients from biased autocovariances.

    Parameters
    ----------
    x : ndarray of shape (n_rows,)
        Packed series, centred.
    offsets : ndarray of shape (n_segments + 1,)
    n_lags : int

    Returns
    -------
    coef : ndarray of shape (n_lags,)
    noise_variance : float
    """
    steps = steps_within(offsets)
    covariance = np.empty(n_lags + 1)
    for k in range(n_lags + 1):
        products = x[k:] * x[: len(x) - k]
        covariance[k] = products[steps[k:] >= k].sum() / len(x)
    if covariance[0] <= 0:
        return np.zeros(n_lags), 0.0
    coef = linalg.solve_toeplitz(covariance[:-1], covariance[1:])
    return coef, max(covariance[0] - coef @ covariance[1:], 0.0)


def burg(x, offsets, n_lags):
    """Autoregressive coefficients that minimise forward and backward errors.

    Parameters
    ----------
    x : ndarray of shape (n_rows,)
        Packed series, centred.
    offsets : ndarray of shape (n_segments + 1,)
    n_lags : int

    Returns
    -------
    coef : ndarray of shape (n_lags,)
    noise_variance : float
    """
    steps = steps_within(offsets)
    forward, backward = x.copy(), x.copy()
    noise_variance = x @ x / len(x)
    coef = np.zeros(0)
    for k in range(1, n_lags + 1):
        inside = steps[1:] >= k
        f = np.where(inside, forward[1:], 0.0)
        b = np.where(inside, backward[:-1], 0.0)
        energy = f @ f + b @ b
        reflection = 2 * (f @ b) / energy if energy > 0 else 0.0
        forward[1:] = f - reflection * b
        backward[1:] = b - reflection * f
        coef = np.append(coef - reflection * coef[::-1], reflection)
        noise_variance *= 1 - reflection**2
    return coef, max(noise_variance, 0.0)
