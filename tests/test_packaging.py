"""What pyproject.toml says of the package, and the scripts that hold it to that."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
EXTRAS = PROJECT["optional-dependencies"]
WORKFLOWS = ROOT / ".github" / "workflows"


def lower_bounds(requirements):
    """Name and least version of each requirement that has one."""
    for requirement in requirements:
        name, bound = re.match(
            r"([\w-]+)(?:\[\w+\])?(?:>=([\d.]+))?", requirement
        ).groups()
        if bound:
            yield name, bound


def floors():
    text = (ROOT / "tools" / "floors.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==([\d.]+?)(?:\.\*)?$", text, flags=re.MULTILINE))


def test_the_floors_that_are_tested_are_those_of_the_package():
    expected = dict(lower_bounds([*PROJECT["dependencies"], *EXTRAS["test"]]))
    expected["distributed"] = expected["dask"]
    assert floors() == expected
    assert {"numpy", "scipy", "scikit-learn", "pandas", "polars"} <= set(expected)


def test_all_extras_have_the_same_floors():
    tested = floors()
    for requirements in EXTRAS.values():
        for name, bound in lower_bounds(requirements):
            assert tested.get(name, bound) == bound, name


def test_every_python_version_has_its_classifier():
    oldest = int(PROJECT["requires-python"].removeprefix(">=3."))
    versions = [
        int(line.rpartition(".")[2])
        for line in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)
    ]
    assert versions == list(range(oldest, max(versions) + 1))


def test_the_documentation_has_an_address():
    """By this name the HTML representation of an estimator finds its page."""
    assert PROJECT["urls"]["Documentation"].startswith("https://")
