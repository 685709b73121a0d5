"""Checks of given parameters of a linear dynamical system, and free parameters."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import re

import numpy as np

from ..em import unknown_name
from ._subspace import symmetric
from .kalman import Parameters


def check_given(given, n_components, n_features, n_inputs=0, *, what="fixed"):
    """Parameters that a user gives by name, checked, as arrays.

    Parameters
    ----------
    given : dict of str to array-like, or None
        Keys are fields of `Parameters`. A number stands for an array with one entry.
    n_components, n_features, n_inputs : int
    what : {"fixed", "init"}, default="fixed"
        The parameter of the estimator, for errors.

    Returns
    -------
    given : dict of str to ndarray
    """
    n, m, p = n_components, n_features, n_inputs
    shapes = {
        "transition_matrix": (n, n),
        "observation_matrix": (m, n),
        "transition_covariance": (n, n),
        "observation_covariance": (m, m),
        "initial_state_mean": (n,),
        "initial_state_covariance": (n, n),
        "input_matrix": (n, p),
        "feedthrough_matrix": (m, p),
    }
    checked = {}
    for name, value in (given or {}).items():
        if name not in shapes:
            raise unknown_name(what, name, shapes)
        label = f"{what}[{name!r}]"
        shape = shapes[name]
        if not p and shape[-1] == 0:
            raise ValueError(f"{label} needs inputs, and there are none.")
        array = np.array(value, dtype=np.float64)
        if array.size == 1 and np.prod(shape) == 1:
            array = array.reshape(shape)
        if array.shape != shape:
            raise ValueError(f"{label} must have shape {shape}, got {array.shape}.")
        if not np.isfinite(array).all():
            raise ValueError(f"{label} must be finite.")
        if name.endswith("covariance"):
            array = check_covariance(array, label, name == "observation_covariance")
        checked[name] = array
    return checked


def check_covariance(covariance, label, definite):
    """The covariance, made exactly symmetric; an error if it is not positive."""
    size = np.abs(covariance).max()
    if np.abs(covariance - covariance.T).max() > 1e-8 * size:
        raise ValueError(f"{label} must be symmetric.")
    covariance = symmetric(covariance)
    smallest = np.linalg.eigvalsh(covariance / (size or 1.0))[0]
    if smallest < -1e-10 or (definite and smallest <= 0):
        kind = "definite" if definite else "semi-definite"
        raise ValueError(
            f"{label} must be positive {kind}; its smallest eigenvalue is "
            f"{smallest * size:.3g}."
        )
    return covariance


def free_changes_of_basis(parameters, fixed):
    """Dimension of the changes of the state's basis that keep the fixed parameters.

    A change by I + M with small M turns A into A + M A - A M, C into C - C M, and so
    on. This is the dimension of the M that change no fixed parameter.
    """
    p = parameters
    n = len(p.transition_matrix)
    changes = {
        "transition_matrix": lambda M: (
            M @ p.transition_matrix - p.transition_matrix @ M
        ),
        "input_matrix": lambda M: M @ p.input_matrix,
        "observation_matrix": lambda M: p.observation_matrix @ M,
        "transition_covariance": lambda M: (
            M @ p.transition_covariance + p.transition_covariance @ M.T
        ),
        "initial_state_mean": lambda M: M @ p.initial_state_mean,
        "initial_state_covariance": lambda M: (
            M @ p.initial_state_covariance + p.initial_state_covariance @ M.T
        ),
    }
    rows = []
    for name in changes.keys() & fixed:
        size = np.abs(getattr(p, name)).max() or 1.0
        units = np.eye(n * n).reshape(-1, n, n)
        rows.append([changes[name](M).ravel() / size for M in units])
    return n * n - np.linalg.matrix_rank(np.hstack(rows)) if rows else n * n


def n_free_parameters(parameters, fixed, covariance_type):
    """Number of free parameters, without those of the basis of the state."""
    n_outputs, n = parameters.observation_matrix.shape
    covariances = {
        "transition_covariance": n * (n + 1) // 2,
        "initial_state_covariance": n * (n + 1) // 2,
        "observation_covariance": {
            "full": n_outputs * (n_outputs + 1) // 2,
            "diag": n_outputs,
            "spherical": 1,
        }[covariance_type],
    }
    free = sum(
        covariances.get(name, np.size(value))
        for name, value in parameters._asdict().items()
        if value is not None and name not in fixed
    )
    return int(free - free_changes_of_basis(parameters, fixed))


def check_parameters(**matrices):
    """Known matrices, checked, as `Parameters`."""
    given = {}
    for name, value in matrices.items():
        if value is not None:
            given[name] = value = np.asarray(value, dtype=np.float64)
            n_dims = 1 if name == "initial_state_mean" else 2
            if value.ndim != n_dims or not value.size:
                raise ValueError(
                    f"{name} must be a {n_dims}-D array, not empty, but has shape "
                    f"{value.shape}."
                )
    A, C = given["transition_matrix"], given["observation_matrix"]
    inputs = given.get("input_matrix", given.get("feedthrough_matrix"))
    n_inputs = 0 if inputs is None else inputs.shape[1]
    try:
        checked = check_given(given, len(A), len(C), n_inputs)
    except ValueError as error:
        raise ValueError(re.sub(r"fixed\['(\w+)'\]", r"\1", str(error))) from None
    if n_inputs:
        checked.setdefault("input_matrix", np.zeros((len(A), n_inputs)))
        checked.setdefault("feedthrough_matrix", np.zeros((len(C), n_inputs)))
    return Parameters(**checked)


def number_of_inputs(parameters):
    return 0 if parameters.input_matrix is None else parameters.input_matrix.shape[1]
