"""Conditional distribution of some features given others, for Gaussians."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._moments import regression
from ._rows import patterns


def conditional_moments(means, covariances, rows, known, unknown, means_only=False):
    """Conditional means and covariances of some features given others.

    Parameters
    ----------
    means : ndarray of shape (C, D)
    covariances : ndarray of shape (C, D, D)
    rows : ndarray of shape (N, D)
    known, unknown : array-like of int
        Features; the known ones may have missing values.
    means_only : bool, default=False
        Whether to skip the covariances (None), of which there may be one for each row.

    Returns
    -------
    means : ndarray of shape (N, C, n_unknown)
    covariances : ndarray of shape (C, n_unknown, n_unknown)
        Or (N, C, n_unknown, n_unknown) with missing values among the known features.
    """
    known = np.asarray(known, dtype=np.intp)
    unknown = np.asarray(unknown, dtype=np.intp)
    given = rows[:, known]
    groups = patterns(given)
    shape = len(means), len(unknown)
    out = np.empty((len(rows), *shape))
    left = None
    if not means_only:
        each = (len(rows),) if len(groups) > 1 else ()
        left = np.empty((*each, *shape, len(unknown)))
    for index, there, _ in groups:
        a, B, V = regression(means, covariances, known[there], unknown)
        out[index] = a + np.einsum("cuk,nk->ncu", B, given[index][:, there])
        if left is not None:
            left[index if len(groups) > 1 else slice(None)] = V
    return out, left
