"""What PyTorch computes, stored so that the tests compare with it in every run.

`make_torch_witnesses.py` wrote the files, where PyTorch is installed.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


@cache
def stored(name):
    """The records of a file, by the name of the case."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return {case: file[case][()] for case in file.files}


def fields(record):
    """The fields of a record by name."""
    return {name: record[name] for name in record.dtype.names}


def fill(parameters, record):
    """Give parameters the stored values."""
    for name, array in parameters.items():
        array[:] = record[name]
