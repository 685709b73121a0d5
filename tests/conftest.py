import os
import sys

import pytest
import scipy.linalg  # noqa: F401  (a BLAS can be limited only once it is loaded)
from hypothesis import settings
from threadpoolctl import threadpool_limits

# Times vary with the machine, and a slow example is no bug.
settings.register_profile("sklearn_seq", deadline=None, max_examples=30)
settings.load_profile("sklearn_seq")

# The data are so small that threads would only get into each other's way.
threadpool_limits(1)

os.environ.setdefault("MPLBACKEND", "Agg")  # read when matplotlib is imported


@pytest.fixture(autouse=True)
def close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_addoption(parser):
    parser.addoption(
        "--write-matrix",
        action="store_true",
        help="write docs/compatibility.md from what the tests see",
    )


@pytest.fixture(scope="session")
def written(request):
    """Marks gathered for the page; None if the page is only to be compared."""
    if not request.config.getoption("--write-matrix", default=False):
        yield None
        return
    marks = {}
    yield marks
    from matrix_page import PAGE, render

    PAGE.write_text(render(marks), encoding="utf-8")
