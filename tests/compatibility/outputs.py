"""Do all estimators say the same with other versions of NumPy and scikit-learn?

    python tests/compatibility/outputs.py write FILE.npz
    python tests/compatibility/outputs.py compare ONE.npz OTHER.npz

The first fits every estimator of the common tests on the same data, and writes what it
says of other data. The second prints the largest difference for each, relative to the
largest value, and fails if one is above 1e-12. Nets take three iterations: more of them
multiply the rounding of the linear algebra library.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

LENGTHS = (14, 3, 9, 20, 1, 12, 7, 11)
TOLERANCE = 1e-12


def outputs(case):
    """Everything that a model says, by method, and the data that it is about."""
    from sklearn.base import clone
    from test_common import all_outputs

    estimator = clone(case.estimator)
    if hasattr(estimator, "solver"):
        estimator.set_params(max_iter=3)
    learnt, y = case.data(0, LENGTHS)
    asked, asked_y = case.data(1, LENGTHS)
    model = estimator.fit(learnt, y)
    said = all_outputs(model, asked, asked_y, stack=True)
    return said | {"learnt": np.concatenate(learnt), "asked": np.concatenate(asked)}


def write(file):
    tests = Path(__file__).parents[1]
    sys.path[:0] = [str(tests), str(tests.parent)]
    from test_common import CASES

    warnings.simplefilter("ignore")
    arrays = {
        f"{case.name}|{name}": values
        for case in CASES
        for name, values in outputs(case).items()
    }
    np.savez(file, **arrays)


def difference(values, others):
    """Largest absolute difference over the largest value; inf for other labels."""
    if values.shape != others.shape:
        return np.inf
    if values.dtype.kind not in "fiu" or others.dtype.kind not in "fiu":
        return 0.0 if (values == others).all() else np.inf
    size = max(1.0, float(np.abs(values).max()))
    return float(np.abs(values - others).max()) / size


def compare(file, other):
    """Print the largest difference of each estimator; whether all are small."""
    worst = {}
    with np.load(file) as one, np.load(other) as two:
        if sorted(one) != sorted(two):
            raise SystemExit("The files are about other estimators or methods.")
        for key in one:
            name = key.partition("|")[0]
            worst[name] = max(worst.get(name, 0.0), difference(one[key], two[key]))
    for name, value in worst.items():
        print(f"{value:9.1e}  {name}{'' if value <= TOLERANCE else '  <-- differs'}")
    return max(worst.values()) <= TOLERANCE


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=["write", "compare"])
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "write":
        write(*arguments.files)
    elif not compare(*arguments.files):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
