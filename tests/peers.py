"""Other programs that the tests compare with, where not every Python has them."""

import importlib
import sys

import pytest


def hmmlearn():
    """The module ``hmmlearn.hmm``, or a skip where there are no wheels of it."""
    if sys.version_info >= (3, 14):
        reason = "hmmlearn has no wheels for Python 3.14 and later"
        return pytest.importorskip("hmmlearn.hmm", reason=reason)
    return importlib.import_module("hmmlearn.hmm")
