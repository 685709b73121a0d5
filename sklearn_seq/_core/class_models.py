"""One generative model for each class, and Bayes' rule."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import log_softmax

from .._reading.by_name import in_order_of
from ..targets import SEQUENCE, runs_of


def class_stretches(sequences, codes, c, kind):
    """Rows of one class, and the contiguous segment that each belongs to.

    Parameters
    ----------
    sequences : Sequences
    codes : ndarray of int
        Class of each row, or of each sequence.
    c : int
        The class.
    kind : {"step", "sequence"}
        Whether rows or sequences have a class.

    Returns
    -------
    rows : ndarray of shape (n_rows_of_class, n_features)
    groups : ndarray of int of shape (n_rows_of_class,)
        Id of the segment: equal for consecutive rows of one sequence.
    """
    if kind == SEQUENCE:
        codes = np.repeat(codes, np.diff(sequences.sequence_offsets))
    index = np.flatnonzero(codes == c)
    begins = np.zeros(sequences.n_rows, dtype=bool)
    begins[sequences.offsets[:-1]] = True
    starts, _ = runs_of(index)
    begins[starts] = True
    return sequences.rows[index], np.cumsum(begins)[index]


def class_name(estimator, c):
    """Name of the model of a class in the lines that `verbose` prints."""
    label = estimator.classes_[c : c + 1].tolist()[0]
    return f"{type(estimator).__name__}, class {label!r}"


def check_priors(priors, codes, classes):
    """Prior probabilities of the classes as given; None takes their frequencies."""
    n_classes = len(classes)
    if priors is None:
        counts = np.bincount(codes[codes >= 0], minlength=n_classes)
        return counts / counts.sum()
    priors = in_order_of(classes.tolist(), priors, "priors", "classes")
    expected = f"expected {n_classes} probabilities, one for each class, that sum to 1."
    try:
        array = np.asarray(priors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"priors={priors!r}: {expected}") from error
    valid = array.shape == (n_classes,) and (array >= 0).all()
    if not valid or not np.isclose(array.sum(), 1.0):
        raise ValueError(f"priors={priors!r}: {expected}")
    return array


def log_posteriors(densities, priors, sequences):
    """Log posterior of the classes, by Bayes' rule for whole sequences.

    Parameters
    ----------
    densities : ndarray of shape (n_rows, n_classes)
        Log density of each row given the earlier ones of its sequence.
    priors : ndarray of shape (n_classes,)
    sequences : Sequences

    Returns
    -------
    log_proba : ndarray of shape (n_sequences, n_classes)
        The priors where a sequence has likelihood 0 in all classes.
    """
    totals = np.add.reduceat(densities, sequences.sequence_offsets[:-1])
    totals[np.isneginf(totals).all(axis=1)] = 0.0
    with np.errstate(divide="ignore"):
        return log_softmax(np.log(priors) + totals, axis=1)
