"""Displays: what a fitted model is and does, as plots."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._ar_roots import ARRootsDisplay
from ._ar_spectrum import ARSpectrumDisplay
from ._forecast import ForecastDisplay
from ._gradient_flow import GradientFlowDisplay
from ._hidden_state import HiddenStateDisplay
from ._loss_curve import LossCurveDisplay
from ._segmentation import SegmentationDisplay
from ._transition_matrix import TransitionMatrixDisplay

__all__ = [
    "ARRootsDisplay",
    "ARSpectrumDisplay",
    "ForecastDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "SegmentationDisplay",
    "TransitionMatrixDisplay",
]
