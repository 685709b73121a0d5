"""Tests of recursions run compiled, and on the reference in NumPy."""

from contextlib import contextmanager

import pytest

NO_KERNEL = "the kernels are not compiled"


def engines(module):
    """The ways to run a module's recursions, as parameters of a fixture.

    Where both are there, those on the reference are slow tests: a test of its own
    holds each against the other.
    """
    if module.compiled is None:
        return ["reference"]
    return ["compiled", pytest.param("reference", marks=pytest.mark.slow)]


@contextmanager
def engine_of(module, kind):
    """Run a module's recursions in one of these ways; what is there is the first."""
    with pytest.MonkeyPatch.context() as patch:
        if kind == "reference":
            patch.setattr(module, "compiled", None)
        yield
