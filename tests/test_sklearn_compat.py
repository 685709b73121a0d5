"""One file knows what differs between the versions of scikit-learn."""

import ast
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.utils.validation import validate_data as validate_data_of_sklearn

import sklearn_seq
from sklearn_seq._core import sklearn_compat
from sklearn_seq.autoregressive import ARRegressor

PACKAGE = Path(sklearn_seq.__file__).parent


def private_imports(source):
    """Names that begin with an underscore, and experimental ones, in a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, *parts = name.split(".")
            if package == "sklearn" and (
                parts[:1] == ["callback"] or any(part[0] == "_" for part in parts)
            ):
                yield name


@pytest.mark.parametrize(
    "source, names",
    [
        ("from sklearn.base import _fit_context", ["sklearn.base._fit_context"]),
        (
            "from sklearn.utils._a import b, c",
            ["sklearn.utils._a.b", "sklearn.utils._a.c"],
        ),
        ("def f():\n    from sklearn import callback", ["sklearn.callback"]),
        ("import sklearn.callback._base", ["sklearn.callback._base"]),
        ("from sklearn.base import clone\nfrom ._core import _x\nimport sklearn", []),
    ],
)
def test_private_imports_are_found(source, names):
    assert list(private_imports(source)) == names


def test_one_file_imports_private_names_of_scikit_learn():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(private_imports(path.read_text(encoding="utf-8")))
    }
    assert found == {"_core/sklearn_compat.py"}


@pytest.mark.parametrize("name", sklearn_compat.__all__)
def test_every_name_is_used(name):
    assert getattr(sklearn_compat, name) is not None
    assert any(
        name in path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.name != "sklearn_compat.py"
    )


FRAME = pl.DataFrame({"b": [0.5, 2.0, 1.0, 3.0], "a": [1, 2, 2, 5]})


def test_names_of_frames_are_read_and_checked():
    model = ARRegressor().fit(FRAME)
    assert_array_equal(model.feature_names_in_, ["b", "a"])
    assert_array_equal(
        model.predict(FRAME), model.fit(FRAME.to_numpy()).predict(FRAME.to_numpy())
    )
    with pytest.raises(ValueError, match="feature names should match"):
        ARRegressor().fit(FRAME).predict(FRAME[["a", "b"]])


def test_values_and_dtype_of_frames_are_those_of_sklearn():
    for frame in (FRAME, FRAME.cast(pl.Float32), FRAME.cast(pl.Int16)):
        for dtype in ("numeric", np.float64, (np.float64, np.float32)):
            ours = sklearn_compat.validate_data(ARRegressor(), frame, dtype=dtype)
            theirs = validate_data_of_sklearn(ARRegressor(), frame, dtype=dtype)
            assert type(ours) is np.ndarray and ours.dtype == theirs.dtype
            assert_array_equal(ours, theirs)
