"""Versions of the package, its dependencies and kernels, for bug reports."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import platform
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from importlib.util import module_from_spec
from pathlib import Path

from threadpoolctl import threadpool_info

import sklearn_seq

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "joblib",
    "threadpoolctl",
    "pandas",
    "polars",
    "matplotlib",
)
KERNELS = {"hmm": "_forward_backward", "lds": "_kalman"}  # of each family that has one


def show_versions():
    """Print the versions of Python, of the package and of what it depends on.

    Kernels are "compiled", or the slower "NumPy reference" takes their place. Add what
    it prints to a bug report.

    Examples
    --------
    >>> import sklearn_seq
    >>> sklearn_seq.show_versions()
    System:
        python: 3...
    <BLANKLINE>
    Python packages:
    ...
    """
    print_table("System", system_info())
    print_table("Python packages", package_versions())
    print_table("Kernels", kernels())
    import_module("scipy.linalg")  # a BLAS is known once it is loaded
    for pool in threadpool_info():
        print_table("Thread pool", pool)


def print_table(title, entries):
    """A title, and a line for each entry, aligned at the colons."""
    width = max(len(name) for name in entries)
    print(f"{title}:")
    for name, value in entries.items():
        print(f"{name:>{width + 4}}: {value}")
    print()


def system_info():
    return {
        "python": sys.version.replace("\n", " "),
        "executable": sys.executable,
        "machine": platform.platform(),
    }


def package_versions():
    """Versions by name of the distribution, None for what is not installed."""
    versions = {"sklearn_seq": sklearn_seq.__version__}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def kernels():
    """Whether the recursions of each family are compiled.

    The kernel alone is loaded, not the family.
    """
    found = {}
    for family, name in KERNELS.items():
        folder = Path(sklearn_seq.__file__).parent / family
        spec = PathFinder.find_spec(name, [str(folder)])
        found[family] = "compiled" if spec and loads(spec) else "NumPy reference"
    return found


def loads(spec):
    """Whether a compiled module can be loaded."""
    try:
        module_from_spec(spec)
    except ImportError:
        return False
    return True
