"""Expected sufficient statistics of Gaussians: weighted sums over rows.

With the weights γ[t] of rows in each of C components, they are sums over rows:

* weights: Σ γ[t] over all rows, (C,);
* counts: Σ γ[t] over rows with a known value, (C,); for "diag" and "spherical" over
  rows with a known value of each feature, (C, D);
* sums: Σ γ[t] E[x[t]], (C, D);
* products: Σ γ[t] E[x[t] x[t]ᵀ], (C, D, D), for "tied" (G, D, D); otherwise squares,
  (C, D).

Expectations of missing values are given the known ones, by the current parameters.
Missing values of independent features are left out.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._columns import Columns
from ._covariances import as_matrices
from ._rows import chunks

MANY_FEATURES = 24  # or more: products component by component


class Moments(NamedTuple):
    """Sufficient statistics of components.

    Attributes
    ----------
    weights : ndarray of shape (C,)
    counts : ndarray of shape (C,) or (C, D)
    sums : ndarray of shape (C, D)
    products : ndarray of shape (C, D, D), (G, D, D) or (C, D)
    """

    weights: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    products: np.ndarray


def moments(rows, proba, means, covariances, covariance_type, found=None):
    """Sufficient statistics of rows.

    Parameters
    ----------
    rows : ndarray of shape (N, D)
        NaN is missing.
    proba : ndarray of shape (N, C)
        Weight of each row in each component.
    means : ndarray of shape (C, D)
    covariances : ndarray
        In the shape of `covariance_type`.
    covariance_type : {"full", "tied", "diag", "spherical"}
    found : list of Pattern or Columns, default=None
        Patterns of missing values for "full" and "tied"; otherwise columns of the rows,
        if already computed.

    Returns
    -------
    moments : Moments
    """
    if covariance_type in ("diag", "spherical"):
        return _independent(Columns(rows) if found is None else found, proba)
    n_groups = len(covariances) if covariance_type == "tied" else None
    if len(found) == 1 and not len(found[0].unknown):
        share = n_groups == 1
        weights, sums, products = _complete(rows, proba, share)
        if n_groups is not None and not share:
            products = _by_group(products, n_groups)
        return Moments(weights, weights.copy(), sums, products)
    matrices = as_matrices(covariances, covariance_type, means)
    C, D = means.shape
    total = Moments(np.zeros(C), np.zeros(C), np.zeros((C, D)), np.zeros((C, D, D)))
    for index, known, unknown in found:
        here = proba[index]
        if not len(known):
            total.weights[:] += here.sum(axis=0)
            continue
        weights, sums, products = _complete(rows[index][:, known], here, False)
        if len(unknown):
            sums, products = expected(
                weights, sums, products, means, matrices, known, unknown
            )
        for array, value in zip(total, (weights, weights, sums, products), strict=True):
            array += value
    if n_groups is not None:
        total = total._replace(products=_by_group(total.products, n_groups))
    return total


def _by_group(products, n_groups):
    return products.reshape(-1, n_groups, *products.shape[1:]).sum(axis=0)


def regression(means, covariances, known, unknown):
    """Regression of unknown features on known ones: a + B x with covariance V.

    B = Σ_uk Σ_kk⁻¹, a = m_u - B m_k, V = Σ_uu - B Σ_ku.

    Parameters
    ----------
    means : ndarray of shape (C, D)
    covariances : ndarray of shape (C, D, D)
    known, unknown : ndarray of int of shape (n_known,) and (n_unknown,)

    Returns
    -------
    intercepts : ndarray of shape (C, n_unknown)
        a.
    coefs : ndarray of shape (C, n_unknown, n_known)
        B.
    left : ndarray of shape (C, n_unknown, n_unknown)
        V.
    """
    own = covariances[:, unknown[:, None], unknown]
    cross = covariances[:, unknown[:, None], known]
    scale = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))[:, known]
    flat = scale == 0  # an underflowed variance: no information
    scale = np.where(flat, 1.0, scale)
    block = covariances[:, known[:, None], known]
    block = block / scale[:, :, None] / scale[:, None, :]
    block += flat[:, :, None] * np.eye(len(known))
    solved = np.linalg.solve(block, np.swapaxes(cross / scale[:, None, :], 1, 2))
    coefs = np.swapaxes(solved, 1, 2) / scale[:, None, :]
    intercepts = means[:, unknown] - np.einsum("cuk,ck->cu", coefs, means[:, known])
    left = own - coefs @ np.swapaxes(cross, 1, 2)
    return intercepts, coefs, 0.5 * (left + np.swapaxes(left, 1, 2))


def expected(weights, sums, products, means, covariances, known, unknown):
    """Expected sums over all features, from sums over the known ones.

    Given the known features, a row has mean a + A x_known and covariance V.
    """
    C, D = means.shape
    intercepts, coefs, left = regression(means, covariances, known, unknown)
    a, A, V = np.zeros((C, D)), np.zeros((C, D, len(known))), np.zeros((C, D, D))
    a[:, unknown] = intercepts
    A[:, known, np.arange(len(known))] = 1.0
    A[:, unknown] = coefs
    V[:, unknown[:, None], unknown] = left
    linear = np.einsum("cdk,ck->cd", A, sums)
    cross = a[:, :, None] * linear[:, None, :]
    constant = a[:, :, None] * a[:, None, :] + V
    squares = A @ products @ np.swapaxes(A, 1, 2)
    squares += cross + np.swapaxes(cross, 1, 2) + weights[:, None, None] * constant
    return weights[:, None] * a + linear, squares


def _complete(rows, proba, share):
    """Weights (C,), sums (C, D) and products (C, D, D), or (1, D, D) if they share."""
    D, C = rows.shape[1], proba.shape[1]
    first, second = np.triu_indices(D)
    if share or D > MANY_FEATURES:
        sums = np.zeros((1 + D, C))
        products = np.zeros((1 if share else C, D, D))
        pieces = chunks(len(rows), 2 * D + 1)
        columns = np.ones((1 + D, pieces[0].stop if pieces else 0))
        for piece in pieces:
            here = columns[:, : piece.stop - piece.start]
            here[1:] = rows[piece].T
            weights = proba[piece]
            sums += here @ weights
            weights = weights.sum(axis=1, keepdims=True) if share else weights
            for k in range(len(products)):
                products[k] += here[1:] @ (rows[piece] * weights[:, k : k + 1])
        return sums[0], sums[1:].T, 0.5 * (products + np.swapaxes(products, 1, 2))
    total = np.zeros((1 + D + len(first), C))
    pieces = chunks(len(rows), len(total))
    columns = np.ones((len(total), pieces[0].stop if pieces else 0))
    for piece in pieces:
        here = columns[:, : piece.stop - piece.start]
        x = here[1 : 1 + D]
        x[:] = rows[piece].T
        start = 1 + D
        for i in range(D):
            np.multiply(x[i], x[i:], out=here[start : start + D - i])
            start += D - i
        total += here @ proba[piece]
    products = np.empty((C, D, D))
    products[:, first, second] = products[:, second, first] = total[1 + D :].T
    return total[0], total[1 : 1 + D].T, products


def _independent(columns, proba):
    """Statistics of independent features, each over the rows in which it is known."""
    D = columns.rows.shape[1]
    total = np.zeros((columns.width, proba.shape[1]))
    for piece, here in columns:
        total += here @ proba[piece]
    ones, sums, squares = (part.T for part in columns.parts(total))
    if not columns.complete:
        return Moments(np.add.reduce(proba, axis=0), ones, sums, squares)
    weights = ones[:, 0].copy()
    return Moments(weights, np.repeat(ones, D, axis=1), sums, squares)
