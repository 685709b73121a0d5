"""Cases that stand for many: which ones run by default, and which are slow tests."""

import itertools

import pytest


def each_value_once(names, *values):
    """All combinations of values; most are slow tests, but each value is in one.

    Parameters
    ----------
    names : str
        As for `pytest.mark.parametrize`; one whose values are tuples counts as many.
    *values : list
        The values of each of the names, or of a group of names as tuples.
    """
    longest = max(len(column) for column in values)
    quick = {tuple(i % len(column) for column in values) for i in range(longest)}
    parameters = []
    for index in itertools.product(*(range(len(column)) for column in values)):
        chosen = [column[i] for column, i in zip(values, index, strict=True)]
        flat = [x for v in chosen for x in (v if isinstance(v, tuple) else (v,))]
        marks = () if index in quick else pytest.mark.slow
        parameters.append(pytest.param(*flat, marks=marks))
    return pytest.mark.parametrize(names, parameters)
