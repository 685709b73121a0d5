import importlib.metadata
import platform
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
import pytest
import scipy
import sklearn
from threadpoolctl import threadpool_info

import sklearn_seq
from sklearn_seq._show_versions import KERNELS


def lines(capsys):
    sklearn_seq.show_versions()
    output = capsys.readouterr().out
    entries = [line.partition(": ") for line in output.splitlines() if ": " in line]
    return [(name.strip(), value) for name, _, value in entries]


def test_versions_are_those_that_run(capsys):
    printed = dict(lines(capsys))
    assert printed["python"].startswith(platform.python_version())
    assert printed["machine"] == platform.platform()
    modules = {"sklearn_seq": sklearn_seq, "numpy": np, "scipy": scipy}
    for name, module in (modules | {"scikit-learn": sklearn}).items():
        assert printed[name] == module.__version__
    for name in ("pandas", "polars", "matplotlib", "joblib", "threadpoolctl"):
        assert printed[name] == importlib.metadata.version(name)


def test_linear_algebra_libraries_are_named(capsys):
    printed = lines(capsys)
    for pool in threadpool_info():
        assert ("filepath", str(pool["filepath"])) in printed
        assert ("num_threads", str(pool["num_threads"])) in printed


def test_kernels_are_those_that_run(capsys):
    from sklearn_seq.hmm import inference
    from sklearn_seq.lds import kalman

    printed = dict(lines(capsys))
    for family, module in (("hmm", inference), ("lds", kalman)):
        expected = "compiled" if module.compiled else "NumPy reference"
        assert printed[family] == expected


@pytest.mark.parametrize("content", [None, "no library"])
def test_kernels_that_cannot_be_loaded_do_not_run(
    monkeypatch, capsys, tmp_path, content
):
    monkeypatch.setattr(sklearn_seq, "__file__", str(tmp_path / "__init__.py"))
    for family, name in KERNELS.items():
        (tmp_path / family).mkdir()
        if content:
            path = tmp_path / family / (name + EXTENSION_SUFFIXES[0])
            path.write_text(content)
    printed = dict(lines(capsys))
    assert [printed[family] for family in KERNELS] == ["NumPy reference"] * len(KERNELS)


def test_every_kernel_is_told_of():
    files = Path(sklearn_seq.__file__).parent.rglob("*.pyx")
    assert {(path.parent.name, path.stem) for path in files} == set(KERNELS.items())


@pytest.mark.parametrize("name", ["polars", "matplotlib"])
def test_what_is_not_installed_is_none(monkeypatch, capsys, name):
    version = importlib.metadata.version

    def missing(asked):
        if asked == name:
            raise importlib.metadata.PackageNotFoundError(asked)
        return version(asked)

    monkeypatch.setattr("sklearn_seq._show_versions.version", missing)
    assert dict(lines(capsys))[name] == "None"


def test_nothing_is_loaded_before_it_is_asked_for():
    code = (
        "import sys, sklearn_seq\n"
        "assert 'show_versions' in dir(sklearn_seq)\n"
        "assert 'sklearn_seq._show_versions' not in sys.modules\n"
        "assert 'numpy' not in sys.modules\n"
        "sklearn_seq.show_versions()\n"
        "assert 'pandas' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
