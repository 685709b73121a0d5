"""What pyproject.toml says of the package, and the scripts that hold it to that."""

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
import typing
from pathlib import Path

import pytest
import yaml
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


def python_versions():
    """Minor versions of Python 3 among the classifiers."""
    return [
        int(line.rpartition(".")[2])
        for line in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)
    ]


def test_every_python_version_has_its_classifier():
    oldest = int(PROJECT["requires-python"].removeprefix(">=3."))
    versions = python_versions()
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


def test_the_version_is_the_same_in_both_places():
    assert PROJECT["version"] == sklearn_seq.__version__


def test_the_page_names_the_oldest_versions():
    text = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+)", text, flags=re.MULTILINE)
    named = {name.lower(): version for name, version in rows}
    tested = floors() | {"python": PROJECT["requires-python"].removeprefix(">=")}
    assert {"python", "numpy", "scikit-learn"} <= set(named)
    assert named == {name: tested[name] for name in named}


def workflows():
    for path in sorted((ROOT / ".github").rglob("*.yml")):
        yield path.name, yaml.safe_load(path.read_text(encoding="utf-8"))


def test_workflows_and_templates_are_of_the_form_expected():
    parsed = dict(workflows())
    for name in ("tests.yml", "docs.yml", "release.yml"):
        assert parsed[name]["jobs"] and True in parsed[name]  # yaml reads "on" as True
        for job in parsed[name]["jobs"].values():
            assert job["runs-on"]
            assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    for name in ("bug_report.yml", "feature_request.yml"):
        assert {"name", "description", "body"} <= set(parsed[name])
    assert "show_versions" in str(parsed["bug_report.yml"])


def test_workflows_run_on_every_version_of_python():
    jobs = dict(workflows())["tests.yml"]["jobs"]
    newest = jobs["newest"]["strategy"]["matrix"]["python"]
    assert newest == [f"3.{minor}" for minor in python_versions()]
    (floor,) = (step["with"] for step in jobs["floors"]["steps"] if "with" in step)
    assert floor["python-version"] == newest[0]


def test_scripts_that_are_named_exist():
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "releasing.md"]
    named = set()
    for path in [*pages, ROOT / ".ci" / "run", *WORKFLOWS.glob("*.yml")]:
        named |= set(re.findall(r"tools/\w+\.sh", path.read_text(encoding="utf-8")))
    assert len(named) == 4
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.skipif(os.name == "nt", reason="files have no mode to run them there")
def test_scripts_can_be_run():
    for path in [*(ROOT / "tools").glob("[tb]*.sh"), ROOT / ".ci" / "run"]:
        assert os.access(path, os.X_OK), path
        subprocess.run(["bash", "-n", path], check=True)


def kernels():
    """Modules that are compiled where a compiler is."""
    for path in sorted((ROOT / "sklearn_seq").rglob("*.pyx")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("name", list(kernels()))
def test_kernels_are_compiled_where_a_compiler_is(name):
    """An install without them goes through: here, nobody may miss them unnoticed."""
    compiler = (sysconfig.get_config_var("CC") or "none").split()[0]
    default = "1" if shutil.which(compiler) is None else "0"
    if os.environ.get("SKLEARN_SEQ_PURE", default) == "0":
        importlib.import_module(name)
