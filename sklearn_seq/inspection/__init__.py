"""Inspection of fitted models: diagnostics of their dynamics, and displays."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from .diagnostics import (
    fixed_points,
    gradient_flow,
    lyapunov_exponents,
    memory_capacity,
    permutation_importance,
)
from .displays import (
    ARRootsDisplay,
    ARSpectrumDisplay,
    ForecastDisplay,
    GradientFlowDisplay,
    HiddenStateDisplay,
    LossCurveDisplay,
    SegmentationDisplay,
    TransitionMatrixDisplay,
)

__all__ = [
    "ARRootsDisplay",
    "ARSpectrumDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "SegmentationDisplay",
    "TransitionMatrixDisplay",
    "fixed_points",
    "gradient_flow",
    "lyapunov_exponents",
    "memory_capacity",
    "permutation_importance",
]
