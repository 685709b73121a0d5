"""Parameters of a linear dynamical system that are given: names, shapes, signs."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._subspace import symmetric


def check_fixed(fixed, n_components, n_features, n_inputs=0):
    """The fixed parameters as arrays, after a check of names, shapes and signs.

    Parameters
    ----------
    fixed : dict of str to array-like, or None
        Any of the names of `Parameters`. For arrays with one entry, numbers will do.
    n_components, n_features, n_inputs : int

    Returns
    -------
    fixed : dict of str to ndarray
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
    for name, value in (fixed or {}).items():
        if name not in shapes:
            raise ValueError(
                f"fixed has no parameter {name!r}; its keys are {', '.join(shapes)}."
            )
        shape = shapes[name]
        if not p and shape[-1] == 0:
            raise ValueError(f"fixed[{name!r}] needs inputs, and there are none.")
        array = np.array(value, dtype=np.float64)
        if array.size == 1 and np.prod(shape) == 1:
            array = array.reshape(shape)
        if array.shape != shape:
            raise ValueError(
                f"fixed[{name!r}] must have shape {shape}, got {array.shape}."
            )
        if not np.isfinite(array).all():
            raise ValueError(f"fixed[{name!r}] must be finite.")
        if name.endswith("covariance"):
            array = check_covariance(array, name, name == "observation_covariance")
        checked[name] = array
    return checked


def check_covariance(covariance, name, definite):
    """The covariance, exactly symmetric; an error if it is not positive."""
    size = np.abs(covariance).max()
    if np.abs(covariance - covariance.T).max() > 1e-8 * size:
        raise ValueError(f"fixed[{name!r}] must be symmetric.")
    covariance = symmetric(covariance)
    smallest = np.linalg.eigvalsh(covariance / (size or 1.0))[0]
    if smallest < -1e-10 or (definite and smallest <= 0):
        kind = "definite" if definite else "semi-definite"
        raise ValueError(
            f"fixed[{name!r}] must be positive {kind}; its smallest eigenvalue is "
            f"{smallest * size:.3g}."
        )
    return covariance
