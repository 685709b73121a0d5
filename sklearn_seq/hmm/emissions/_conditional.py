"""Some features given others, of a Gaussian for each state."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._moments import regression
from ._rows import patterns


def conditional_moments(means, covariances, rows, known, unknown):
    """Means and covariances of some features given others.

    Parameters
    ----------
    means : ndarray of shape (C, D)
    covariances : ndarray of shape (C, D, D)
    rows : ndarray of shape (N, D)
    known, unknown : array-like of int
        Features; the known ones may have missing values.

    Returns
    -------
    means : ndarray of shape (N, C, n_unknown)
    covariances : ndarray of shape (C, n_unknown, n_unknown)
        Or (N, C, n_unknown, n_unknown), if rows lack different features.
    """
    known = np.asarray(known, dtype=np.intp)
    unknown = np.asarray(unknown, dtype=np.intp)
    given = rows[:, known]
    groups = patterns(given)
    shape = len(means), len(unknown)
    out = np.empty((len(rows), *shape))
    if len(groups) > 1:
        left = np.empty((len(rows), *shape, len(unknown)))
    else:
        left = np.empty((*shape, len(unknown)))
    for index, there, _ in groups:
        a, B, V = regression(means, covariances, known[there], unknown)
        out[index] = a + np.einsum("cuk,nk->ncu", B, given[index][:, there])
        left[index if len(groups) > 1 else slice(None)] = V
    return out, left
