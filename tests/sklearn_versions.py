"""What the tests have to know about the version of scikit-learn."""

import pytest

from sklearn_seq._core.sklearn_compat import CallbackSupportMixin

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    ProgressBar = ScoringMonitor = None

__all__ = ["ProgressBar", "ScoringMonitor", "needs_callbacks"]

needs_callbacks = pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"),
    reason="scikit-learn < 1.9 has no callbacks",
)
