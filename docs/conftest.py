"""Which pages run with the installed scikit-learn."""

from sklearn_seq._core.sklearn_compat import CallbackSupportMixin

collect_ignore = (
    [] if hasattr(CallbackSupportMixin, "set_callbacks") else ["callbacks.md"]
)
