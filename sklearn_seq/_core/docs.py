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


def _texts(page):
    """A dict of texts by the parameter that each describes."""
    texts = re.split(r"\n\n(?=\S)", dedent(page).strip())
    return {re.match(r"\w+", text)[0]: text for text in texts}


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
