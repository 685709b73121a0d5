"""What pyproject.toml says of the package, and the scripts that hold it to that."""

import inspect
import re
import tomllib
import typing
from pathlib import Path

from sklearn.base import BaseEstimator

import sklearn_seq

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
WORKFLOWS = ROOT / ".github" / "workflows"


def lower_bounds(requirements):
    """Name and least version of each requirement that has one."""
    for requirement in requirements:
        found = re.match(r"([\w-]+)(?:\[\w+\])?(?:>=([\d.]+))?", requirement)
        name, bound = found.groups()
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


def public_objects():
    for name in sklearn_seq.__all__:
        thing = getattr(sklearn_seq, name)
        if inspect.ismodule(thing):
            yield from (getattr(thing, public) for public in thing.__all__)


def test_type_hints_are_there_to_be_read():
    """Editors look for the marker; every hint names something that exists."""
    assert (ROOT / "sklearn_seq" / "py.typed").exists()
    for thing in public_objects():
        if inspect.isfunction(thing):
            assert typing.get_type_hints(thing), thing
        elif inspect.isclass(thing):
            for _, method in inspect.getmembers(thing, inspect.isfunction):
                if method.__module__.startswith("sklearn_seq"):
                    typing.get_type_hints(method)
            if hasattr(thing, "fit") and issubclass(thing, BaseEstimator):
                assert typing.get_type_hints(thing.fit)["return"] is typing.Self, thing
