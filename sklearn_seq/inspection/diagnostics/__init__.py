"""Diagnostics of a fitted model: its dynamics, its memory, and what it depends on."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._fixed_points import fixed_points
from ._gradient_flow import gradient_flow
from ._lyapunov import lyapunov_exponents
from ._memory_capacity import memory_capacity
from ._permutation_importance import permutation_importance

__all__ = [
    "fixed_points",
    "gradient_flow",
    "lyapunov_exponents",
    "memory_capacity",
    "permutation_importance",
]
