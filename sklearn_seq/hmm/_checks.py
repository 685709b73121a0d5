"""Checks of what users give of a hidden Markov model."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._markov import check_probabilities
from .emissions._checks import as_numbers
from .learning import Prior


def check_fixed(fixed, emissions, n_components, n_features):
    """Parameters that a user wants held, as arrays by name."""
    fixed = dict(fixed or {})
    names = ("startprob", "transmat", *emissions.names)
    unknown = sorted(set(fixed) - set(names))
    if unknown:
        raise ValueError(
            f"fixed={{{unknown[0]!r}: ...}}: there is no such parameter. Expected "
            f"among {list(names)}."
        )
    checked = emissions.check_some(
        n_components,
        n_features,
        **{name: fixed[name] for name in emissions.names if name in fixed},
    )
    for name, shape in (
        ("startprob", (n_components,)),
        ("transmat", (n_components, n_components)),
    ):
        if name in fixed:
            checked[name] = check_probabilities(fixed[name], f"fixed[{name!r}]", shape)
    return checked


def check_prior(startprob_prior, transmat_prior, transmat_mask, fixed, n_components):
    """Priors of start and transitions, and which transitions are possible.

    Returns
    -------
    prior : Prior
    """
    square = n_components, n_components
    mask = transmat_mask
    if mask is not None:
        mask = np.asarray(mask)
        if mask.shape != square or mask.dtype.kind not in "biu":
            raise ValueError(
                f"transmat_mask has shape {mask.shape} and dtype {mask.dtype}, but "
                f"expected {square} and bool: True where a transition is possible."
            )
        mask = mask.astype(bool)
        if not mask.any(axis=1).all():
            state = int(np.flatnonzero(~mask.any(axis=1))[0])
            raise ValueError(
                f"transmat_mask leaves state {state} without a transition. Let it at "
                "least stay: set the diagonal to True."
            )
        if "transmat" in fixed and (fixed["transmat"][~mask] > 0).any():
            raise ValueError(
                "fixed['transmat'] has transitions that transmat_mask excludes. Leave "
                "one of them out."
            )
    return Prior(
        _excess(startprob_prior, "startprob_prior", (n_components,)),
        _excess(transmat_prior, "transmat_prior", square),
        mask,
    )


def _excess(values, name, shape):
    """Dirichlet concentrations less 1; None, if they are flat."""
    array = as_numbers(values, name)
    if array.ndim and array.shape not in (shape, shape[-1:]):
        raise ValueError(
            f"{name} has shape {array.shape}, but expected a number or {shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity.")
    if (array < 1).any():
        raise ValueError(
            f"{name} has the entry {array.min():.6g}: a Dirichlet prior with a "
            "concentration below 1 has no greatest density. Expected at least 1, "
            "which is flat; each 1 above counts as one transition more."
        )
    return array - 1.0 if (array > 1).any() else None
