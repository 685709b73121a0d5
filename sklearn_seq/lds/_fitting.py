"""Learning a system with the settings of an estimator."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import check_random_state

from .._core.verbosity import em_report
from ..em import check_some_known, warn_of_few_values
from ._fixed import n_free_parameters
from .learning import learn

# learning settings that every estimator of this family has
SETTINGS = (
    "n_components",
    "covariance_type",
    "init",
    "fixed",
    "n_init",
    "max_iter",
    "tol",
    "reg_covar",
)


def split_inputs(estimator, rows):
    """Observed columns (n_rows, n_outputs), and driving inputs, None without any."""
    rows = in_order(rows)
    if estimator.exogenous is None:
        return rows, None
    targets = estimator._target_columns(estimator.exogenous)
    inputs = np.setdiff1d(np.arange(rows.shape[1]), targets)
    check_inputs(estimator, rows[:, inputs], inputs)
    return in_order(rows[:, targets]), in_order(rows[:, inputs])


def in_order(rows):
    """Rows as C-ordered float64, so that sums are the same for all layouts."""
    return np.asarray(rows, dtype=np.float64, order="C")


def check_inputs(estimator, values, columns):
    """Refuse missing driving inputs."""
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise ValueError(
            f"Input X contains NaN in a driving input: row {row}, feature "
            f"{estimator._input_names()[columns[column]]!r}. Only observations may be "
            "missing: fill driving inputs in, for example with "
            "sklearn.impute.SimpleImputer."
        )


def learn_system(
    estimator, observed, inputs, offsets, on_iteration=None, *, name=None, **changes
):
    """Learn a system with an estimator's settings; `changes` override them.

    `name` is that of the model in the lines that `verbose` prints.
    """
    check_some_known(observed)
    settings = {name: getattr(estimator, name) for name in SETTINGS} | changes
    return learn(
        observed,
        offsets,
        inputs,
        n_jobs=estimator.n_jobs,
        random_state=check_random_state(estimator.random_state),
        on_iteration=None
        if on_iteration is None
        else lambda parameters, bound: on_iteration(parameters),
        report=em_report(estimator, name),
        **settings,
    )


def warn_of_few(estimator, parameters, fixed, observed):
    """Warn if a system has more free parameters than there are observed values."""
    kind = estimator.covariance_type
    n_parameters = n_free_parameters(parameters, fixed or {}, kind)
    warn_of_few_values(estimator, n_parameters, observed)
