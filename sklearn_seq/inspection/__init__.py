"""What a fitted model does: diagnostics of its dynamics, and displays."""

from ._ar_roots_display import ARRootsDisplay
from ._ar_spectrum_display import ARSpectrumDisplay
from ._fixed_points import fixed_points
from ._forecast_display import ForecastDisplay
from ._gradient_flow import gradient_flow
from ._gradient_flow_display import GradientFlowDisplay
from ._hidden_state_display import HiddenStateDisplay
from ._loss_curve_display import LossCurveDisplay
from ._lyapunov import lyapunov_exponents
from ._memory_capacity import memory_capacity
from ._permutation_importance import permutation_importance
from ._segmentation_display import SegmentationDisplay
from ._transition_matrix_display import TransitionMatrixDisplay

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
