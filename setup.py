"""The compiled kernels: each .pyx file of the package. The rest is in pyproject.toml.

Without a compiler that works, the package is installed without kernels: it then runs on
its NumPy reference, which gives the same and is slower.

The environment variable SKLEARN_SEQ_PURE changes that. With 1, nothing is compiled,
and the wheel is ``py3-none-any``, for every system. With 0, a kernel that does not
compile is an error.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PURE = os.environ.get("SKLEARN_SEQ_PURE", "")
# No result depends on errno or on floating-point exceptions, so that loops with
# comparisons may be vectorised. Products and sums are rounded one by one, so that
# results do not depend on how the compiler lays out the code. -g0: a small wheel.
UNIX_FLAGS = [
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-g0",
]


class BuildKernels(build_ext):
    """Compile all kernels, or install without them and say so."""

    def initialize_options(self):
        super().initialize_options()
        self.cython_c_in_temp = True

    def build_extensions(self):
        msvc = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            extension.extra_compile_args = ["/O2"] if msvc else UNIX_FLAGS
        super().build_extensions()

    def run(self):
        extensions = list(self.extensions)
        try:
            super().run()
        except Exception as error:
            if PURE == "0":
                raise
            self.extensions = []  # nothing of them is installed
            names = ", ".join(extension.name for extension in extensions)
            print(
                f"sklearn_seq is installed without its compiled kernels ({names}): "
                f"{type(error).__name__}: {error}\n"
                "It works without them, on NumPy, slower. For the speed, install a C "
                "compiler, and sklearn_seq again with pip's options --no-cache-dir "
                "--force-reinstall.",
                file=sys.stderr,
            )


def kernels():
    """One extension for each .pyx file."""
    paths = sorted(Path("sklearn_seq").rglob("*.pyx"))
    return [
        Extension(".".join(path.with_suffix("").parts), [path.as_posix()])
        for path in paths
    ]


setup(
    ext_modules=[] if PURE == "1" else kernels(),
    cmdclass={"build_ext": BuildKernels},
)
