"""Every estimator, layout and tool, beside a loop written by hand.

The outcomes stand in docs/compatibility.md. With ``--write-matrix`` (in one process,
all tests) they are written there; otherwise they are compared with it. All layouts
are tried on one estimator, and one of each family on a layout; the rest are slow tests.
"""

import pytest
from matrix_data import CASES, LAYOUTS, Data
from matrix_outcomes import (
    NONE,
    REFUSED,
    UNSEEN,
    UNSEEN_CELLS,
    WARNED,
    WORKS,
    outcome,
    remedy,
)
from matrix_page import PAGE, read, render
from matrix_tools import TOOLS

import sklearn_seq

IN_EVERY_LAYOUT = {"ARRegressor"}  # it is fitted quickly
IN_ONE_LAYOUT = {
    "CategoricalHMM",
    "EchoStateRegressor",
    "GaussianHMM",
    "HMMClassifier",
    "LDSRegressor",
    "MLPSequenceClassifier",
    "RNNClassifier",
}


def cells():
    """Estimators and layouts, those that only repeat marked as slow."""
    for i, case in enumerate(CASES):
        for j, layout in enumerate(LAYOUTS):
            alone = case.name in IN_ONE_LAYOUT and j == i % len(LAYOUTS)
            quick = case.name in IN_EVERY_LAYOUT or alone
            marks = () if quick else pytest.mark.slow
            yield pytest.param(case, layout, id=f"{case.name}-{layout}", marks=marks)


@pytest.mark.parametrize("case, layout", list(cells()))
def test_cells(case, layout, written):
    data, marks = Data(case, layout), {}
    for name, tool in TOOLS.items():
        mark, message = outcome(tool, data)
        assert mark != REFUSED or remedy(message), f"{name}: no remedy for {message}"
        assert mark != UNSEEN or (name, layout) in UNSEEN_CELLS, name
        assert mark != WARNED or layout == "groups", name
        marks[name] = mark
    if written is None:
        assert marks == read(PAGE.read_text(encoding="utf-8"))[case.name, layout]
    else:
        written[case.name, layout] = marks


def test_all_estimators_are_in_the_matrix():
    estimators = {n for n in sklearn_seq.__all__ if isinstance(_get(n), type)}
    assert {case.name for case in CASES} == estimators


def _get(name):
    return getattr(sklearn_seq, name)


def test_page_is_read_as_it_was_written():
    tools = list(TOOLS)
    some = dict.fromkeys(tools, WORKS) | {tools[3]: NONE}
    others = dict.fromkeys(tools, REFUSED)
    marks = {
        (name, layout): some if layout in LAYOUTS[:2] or name == "A" else others
        for name in "ABC"
        for layout in LAYOUTS
    }
    assert read(render(marks)) == marks


def test_most_cells_work():
    """The page could not become empty, or all refusals, unnoticed."""
    marks = [
        mark
        for cells in read(PAGE.read_text(encoding="utf-8")).values()
        for mark in cells.values()
    ]
    assert len(marks) == len(CASES) * len(LAYOUTS) * len(TOOLS)
    assert marks.count(WORKS) > 0.7 * (len(marks) - marks.count(NONE))
    assert marks.count(UNSEEN) < 0.03 * len(marks)
