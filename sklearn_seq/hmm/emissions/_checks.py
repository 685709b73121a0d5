"""Checks of parameters of emissions that users give."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._covariances import symmetric

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")
ASYMMETRY = 1e-8  # relative, that a covariance may have
SUMS = 1e-6  # tolerance for sums of probabilities


def check_names(arrays, names, form):
    """Refuse names of no parameter of the family."""
    unknown = sorted(set(arrays) - set(names))
    if unknown:
        raise ValueError(
            f"{form.format(unknown[0])} is no parameter of these emissions. Expected "
            f"among {list(names)}."
        )


def as_numbers(values, name):
    """An array of float; 0-dimensional for a number."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}={values!r}: expected a number or an array of numbers."
        ) from error


def spread(value, name, shape):
    """Broadcast a setting to the given shape of states and, maybe, features."""
    array = as_numbers(value, name)
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"{name}={value!r} has shape {array.shape}, but expected a number or "
            f"{shape}: states, then features. Give one entry for each."
        ) from None


def check_array(value, name, shape, axes):
    """Check an array of finite numbers of the given shape.

    Parameters
    ----------
    value : array-like
    name : str
        Name of the parameter, for errors.
    shape : tuple of (int or None)
        None is any length.
    axes : str
        The expected shape in words, for errors.

    Returns
    -------
    array : ndarray of float
        A copy.
    """
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}={value!r} is no array of numbers. Expected shape {axes}."
        ) from None
    fits = len(shape) == array.ndim and all(
        n in (None, m) for n, m in zip(shape, array.shape, strict=True)
    )
    if not fits:
        given = " ".join(f"{'any' if n is None else n}," for n in shape)
        raise ValueError(
            f"{name} has shape {array.shape}, but expected {axes} = ({given[:-1]}). "
            "Give an entry for each, in this order of axes."
        )
    if not np.isfinite(array).all():
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(
            f"{name} has the value {array[place]} at {place}, but expected finite "
            "numbers. Replace it."
        )
    return array


def check_covariance_type(covariance_type):
    """Refuse an unknown form of covariances."""
    if covariance_type not in COVARIANCE_TYPES:
        raise ValueError(
            f"covariance_type={covariance_type!r}: expected one of "
            f"{list(COVARIANCE_TYPES)}."
        )


def check_covariances(value, name, covariance_type, shape, axes):
    """Check positive variances, or symmetric positive definite matrices."""
    array = check_array(value, name, shape, axes)
    if covariance_type in ("diag", "spherical"):
        return check_positive(array, name, "variances", "1e-6 of the feature's")
    flat = array.reshape(-1, *array.shape[-2:])
    for i, matrix in enumerate(flat):
        place = np.unravel_index(i, array.shape[:-2]) if array.ndim > 2 else ()
        where = name + "".join(f"[{j}]" for j in place)
        if np.abs(matrix - matrix.T).max() > ASYMMETRY * np.abs(matrix).max():
            raise ValueError(
                f"{where} must be symmetric, but differs from its transpose by "
                f"{np.abs(matrix - matrix.T).max():.3g}. Take the mean of both."
            )
        diagonal = np.diagonal(matrix)
        smallest = diagonal.min()
        if smallest > 0:
            scale = np.sqrt(diagonal)
            smallest = np.linalg.eigvalsh(matrix / scale[:, None] / scale)[0]
        if smallest <= np.finfo(np.float64).eps:
            raise ValueError(
                f"{where} must be positive definite, but has an eigenvalue (of its "
                f"correlations) or a variance of {smallest:.3g}. Add a small number to "
                "its diagonal."
            )
    return symmetric(array)


def check_positive(array, name, what, remedy):
    """Refuse entries that are not positive."""
    if not (array > 0).all():
        place = tuple(np.argwhere(~(array > 0))[0].tolist())
        raise ValueError(
            f"{name} has the value {array[place]:.6g} at {place}, but expected "
            f"positive {what}. Raise it, for example to {remedy}."
        )
    return array


def check_distributions(value, name, shape, axes):
    """Check probabilities; normalise them along the last axis."""
    array = check_array(value, name, shape, axes)
    if (array < 0).any():
        place = tuple(np.argwhere(array < 0)[0].tolist())
        raise ValueError(
            f"{name} has the value {array[place]:.6g} at {place}, but probabilities "
            "are at least 0. Replace it."
        )
    totals = array.sum(axis=-1)
    wrong = np.argwhere(~(np.abs(totals - 1.0) <= SUMS))
    if len(wrong):
        place = tuple(wrong[0].tolist())
        raise ValueError(
            f"{name} must sum to 1 along its last axis, but sums to "
            f"{totals[place]:.10g} at {place}. Divide it by its sums: values / "
            "values.sum(axis=-1, keepdims=True)."
        )
    return array / totals[..., None]
