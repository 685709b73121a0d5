"""Checks of parameters and priors that users give a hidden Markov model."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.markov import check_probabilities
from ..em import refuse_both, unknown_name
from .emissions._checks import as_numbers
from .learning import Prior


def check_given(given, emissions, n_components, n_features, *, what="fixed"):
    """Parameters that a user gives by name, checked, as arrays.

    Parameters
    ----------
    given : dict of str to array-like, or None
    emissions : object
        A family of emissions.
    n_components, n_features : int
    what : {"fixed", "init"}, default="fixed"
        The parameter of the estimator, for errors.

    Returns
    -------
    checked : dict of str to ndarray
    """
    given = dict(given or {})
    names = ("startprob", "transmat", *emissions.names)
    for name in given:
        if name not in names:
            raise unknown_name(what, name, names)
    try:
        checked = emissions.check_some(
            n_components,
            n_features,
            **{name: given[name] for name in emissions.names if name in given},
        )
    except ValueError as error:
        if what == "fixed":
            raise
        raise ValueError(str(error).replace("fixed[", f"{what}[")) from None
    for name, shape in (
        ("startprob", (n_components,)),
        ("transmat", (n_components, n_components)),
    ):
        if name in given:
            checked[name] = check_probabilities(given[name], f"{what}[{name!r}]", shape)
    return checked


def check_init(init, fixed, emissions, n_components, n_features, mask):
    """Initial values as arrays; None if `init` is a string."""
    if not isinstance(init, dict):
        return None
    given = check_given(init, emissions, n_components, n_features, what="init")
    refuse_both(fixed, given)
    check_mask(given, mask, "init")
    return given


def check_mask(given, mask, what):
    """Refuse given transition probabilities that a mask excludes."""
    if (
        mask is not None
        and "transmat" in given
        and (given["transmat"][~mask] > 0).any()
    ):
        raise ValueError(
            f"{what}['transmat'] has transitions that transmat_mask excludes. Leave "
            "one of them out."
        )


def check_prior(startprob_prior, transmat_prior, transmat_mask, fixed, n_components):
    """The prior of start and transition probabilities, and possible transitions.

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
        check_mask(fixed, mask, "fixed")
    return Prior(
        _excess(startprob_prior, "startprob_prior", (n_components,)),
        _excess(transmat_prior, "transmat_prior", square),
        mask,
    )


def _excess(values, name, shape):
    """Dirichlet concentrations minus 1; None for a flat prior."""
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
