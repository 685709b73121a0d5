"""Descriptions of parameters that many estimators share, written once.

The decorator `documented` replaces a line ``%(name)s`` of a docstring, indented like a
parameter, by the text of that name.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import inspect
import re
from textwrap import dedent, indent

MARKER = re.compile(r"^([ \t]*)%\((\w+)\)s[ \t]*$", re.MULTILINE)


def _texts(page, of=""):
    """A dict of texts by the parameter that each describes, and `of` what models."""
    texts = re.split(r"\n\n(?=\S)", dedent(page).strip())
    return {re.match(r"\w+", text)[0] + (of and f"_of_{of}"): text for text in texts}


SHARED = _texts(
    """
    X : array-like
        Sequences in any layout.

    groups : array-like of shape (n_samples,), default=None
        For rows, the sequence to which each row belongs.

    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples: rows, or the sequences of a panel.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, if X was a frame with string names.

    target_kind_ : {"next", "step", "sequence"}
        What the model has been fitted to: the next step, one target for each time
        step, or one for each sequence.

    network_ : object
        The shapes of the network and its passes forward and back, without parameters:
        for tools that inspect it.

    reservoir_ : Reservoir
        The units of the net and their fixed weights, a named tuple.

    missing_label : int, float or str, default=None
        A value that means "no label here" in y, such as −1. NaN, None, pandas.NA and
        masked entries always do.

    gaps : {"auto", "ignore"} or float, default="auto"
        Which holes in a frame's time index begin a new segment: those of a regular or
        nearly regular index ("auto"), none ("ignore"), or steps of more than so many
        median steps of their sequence.
    """
)
SHARED |= _texts(
    """
    y : array-like, default=None
        Targets: one for each row, or one for each sequence of a panel. None for
        next-step prediction. NaN means "no target here".

    exogenous : array-like of int or str, default=None
        Columns of X, by index or by name, that are driving inputs: known, but not
        predicted, when the target is the next step.
    """,
    of="regressors",
)
SHARED |= _texts(
    """
    y : array-like, default=None
        Class labels: one for each row, or one for each sequence of a panel. None
        for next-symbol prediction. NaN, None, pandas.NA, masked entries and
        `missing_label` mean "no label here"; for a sequence without any, None.

    exogenous : array-like of int or str, default=None
        Columns of X, by index or by name, that are driving inputs: known, but not
        predicted, when the target is the next symbol.
    """,
    of="classifiers",
)
SHARED |= _texts(
    """
    burn_in : int, default=0
        Number of first time steps of each sequence that the score does not count.
        Learning counts all.
    """,
    of="hidden_state_models",
)
SHARED |= _texts(
    """
    burn_in : int, default=0
        Number of first time steps of each sequence that neither the loss nor the
        score counts as targets.
    """,
    of="tap_models",
)
SHARED |= _texts(
    """
    verbose : int or bool, default=0
        Whether to print a line for each iteration: the log-likelihood per time step in
        nats and its change; with priors, of the log-posterior.

    startprob_prior : float or array-like of shape (n_components,), default=1.0
        Dirichlet concentrations of the start probabilities, at least 1. 1 is flat;
        each 1 above counts as one more observed start.

    decoding : {"viterbi", "smooth", "filter"}, default="viterbi"
        What `predict` returns: the most probable path, the most probable state of each
        step given the whole sequence, or given the rows so far. `predict_proba` looks
        ahead, too, except with "filter".
    """,
    of="hmms",
)
SHARED |= _texts(
    """
    verbose : int or bool, default=0
        Whether to print a line for each iteration: the loss, its change and, with
        `early_stopping`, the validation score.

    initial_states : array-like of shape (n_sequences, n_units), default=None
        States of the units before each sequence, see `predict`. They are taken as
        given, not learned.
    """,
    of="nets",
)


def documented(thing):
    """Replace the markers in the docstrings of a function, or a class and its methods.

    Parameters
    ----------
    thing : function or class

    Returns
    -------
    thing : function or class
        The same object.
    """
    if inspect.isclass(thing):
        for member in vars(thing).values():
            if inspect.isfunction(member):
                documented(member)
            elif isinstance(member, classmethod | staticmethod):
                documented(member.__func__)
            elif hasattr(member, "fn"):  # of scikit-learn's available_if
                documented(member.fn)
                documented(member)
    if thing.__doc__ and MARKER.search(thing.__doc__):
        thing.__doc__ = MARKER.sub(_text, thing.__doc__)
    return thing


def _text(match):
    margin, name = match.groups()
    return indent(SHARED[name], margin)
