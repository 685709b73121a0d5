import os
import sys

# The data are so small that threads would only get into each other's way. OpenMP reads
# this when it is loaded, as by scikit-learn; other processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import scipy.linalg  # noqa: F401  (a BLAS can be limited only once it is loaded)
from hypothesis import settings
from threadpoolctl import threadpool_limits

# Times vary with the machine, and a slow example is no bug. The examples are the same
# in every run; HYPOTHESIS_PROFILE=explore tries others, and more of them.
settings.register_profile(
    "sklearn_seq", deadline=None, max_examples=30, derandomize=True
)
settings.register_profile("explore", deadline=None, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "sklearn_seq"))

threadpool_limits(1)

os.environ.setdefault("MPLBACKEND", "Agg")  # read when matplotlib is imported

# The reasons for which a test may be skipped in continuous integration.
ALLOWED_SKIPS = (
    "hmmlearn has no wheels for Python 3.14 and later",
    "scikit-learn < 1.9 has no callbacks",
    "files have no mode to run them there",  # on Windows
    "the kernels are not compiled",  # a test misses them where a compiler is
)


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
    parser.addoption(
        "--fail-on-unexpected-skip",
        action="store_true",
        default=os.environ.get("CI", "").lower() in ("1", "true"),
        help="a skip for a reason that tests/conftest.py does not list is a failure "
        "(the default where the environment has CI=true)",
    )


def pytest_configure(config):
    if config.getoption("--write-matrix", default=False):
        config.option.markexpr = ""  # the page has all cells, the slow ones too
    if config.getoption("--fail-on-unexpected-skip", default=False):
        config.pluginmanager.register(UnexpectedSkips(), "unexpected-skips")


def pytest_collection_modifyitems(items):
    # Examples stop early, to be quick; the page on sequences shows lost groups.
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            for ignored in (
                "ignore::sklearn.exceptions.ConvergenceWarning",
                "ignore:X has no groups, but:UserWarning",
            ):
                item.add_marker(pytest.mark.filterwarnings(ignored))


class UnexpectedSkips:
    """Makes failures of the skips whose reasons are not listed."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        return self._checked((yield))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector):
        return self._checked((yield))

    def _checked(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[-1] if report.longrepr else ""
            if not any(allowed in reason for allowed in ALLOWED_SKIPS):
                report.outcome = "failed"
                report.longrepr = f"unexpected skip: {reason}"
        return report


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
