"""Running a model on beyond its data: steps, future inputs, layouts."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.validation import check_array

from .targets import NEXT


def check_positive(number, name):
    if not isinstance(number, int | np.integer) or number < 1:
        raise ValueError(f"{name}={number!r}: expected an integer of at least 1.")


def check_next_step(estimator, method):
    """Refuse to run on a model of other targets than the next step."""
    if estimator._kind != NEXT:
        raise ValueError(
            f"{method} feeds predictions back as inputs: it needs a "
            f"{type(estimator).__name__} fitted without y, to predict the next step."
        )


def lay_out(values, layout):
    """Equally many new rows for each sequence, in the layout of the sequences."""
    n_sequences, n_steps = values.shape[:2]
    offsets = np.arange(n_sequences + 1) * n_steps
    return layout.restore_equal(values.reshape(-1, *values.shape[2:]), offsets)


def future_inputs(estimator, future_exogenous, n_sequences, n_steps, method):
    """Driving inputs of the steps to come: (n_sequences, n_steps, n_inputs)."""
    columns = np.setdiff1d(
        np.arange(estimator.n_features_in_),
        estimator._target_columns(estimator.exogenous),
    )
    shape = (n_sequences, n_steps, len(columns))
    if future_exogenous is None:
        if not len(columns):
            return columns, np.empty(shape)
        raise ValueError(
            f"{method} needs future_exogenous: this {type(estimator).__name__} has "
            f"{len(columns)} driving input(s), and their values for the {n_steps} "
            f"steps to come, of shape {shape[1:]} or {shape}."
        )
    if not len(columns):
        raise ValueError(
            f"future_exogenous was given, but this {type(estimator).__name__} has no "
            "driving inputs (exogenous=None)."
        )
    values = check_array(
        future_exogenous, allow_nd=True, dtype=None, input_name="future_exogenous"
    )
    if values.shape not in (shape, shape[1:]):
        raise ValueError(
            f"future_exogenous has shape {values.shape}, but expected {shape[1:]} "
            f"(the same for all sequences) or {shape}: n_steps={n_steps} steps of "
            f"{len(columns)} driving input(s)."
        )
    return columns, np.broadcast_to(values, shape)
