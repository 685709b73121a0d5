import pytest


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
    from matrix_page import PAGE, render

    marks = {}
    yield marks
    PAGE.write_text(render(marks), encoding="utf-8")
