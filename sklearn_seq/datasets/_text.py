"""Text for language models."""

import numpy as np
from sklearn.utils import Bunch

from .._core.sklearn_compat import check_pandas_support, validate_params
from ._loaders import _read_description


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_python_topics(*, return_X_y: bool = False, as_frame: bool = False):
    """Load the documentation topics of the running Python, character by character.

    One sequence of about half a million characters in the rows layout: the texts that
    ``help()`` shows on topics such as "assert" or "numbers", joined in the alphabetical
    order of their keys, with a blank line between them. The target is the text advanced
    by one character.

    Source: the module ``pydoc_data.topics`` of Python's standard library. The text
    depends on the version of Python. Licence: Python Software Foundation License
    Version 2.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, None)`` instead of a Bunch object.

    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, DataFrame} of shape (n_characters, 1)
            The text, one character in each row; the array is of dtype ``<U1``.
        target : None
            The target is the text advanced by one character.
        text : str
            The text as one string.
        frame : DataFrame of shape (n_characters, 1) or None
            The same as `data` when `as_frame=True`, otherwise None.
        feature_names : list of str
            ``["character"]``.
        DESCR : str
            The full description, with source and licence.

    (data, None) : tuple if ``return_X_y`` is True
        `data` as above, and None for the target.

    Examples
    --------
    >>> from sklearn_seq.datasets import load_python_topics
    >>> topics = load_python_topics()
    >>> topics.data.shape == (len(topics.text), 1)
    True
    >>> topics.text[:22]
    'The "assert" statement'
    """
    # imported here because the module is large and few users need it
    from pydoc_data.topics import topics

    text = "\n\n".join(topics[key] for key in sorted(topics))
    # one string of n characters, seen as n strings of one character
    data = np.array([text]).view("U1").reshape(-1, 1)
    feature_names = ["character"]
    frame = None
    if as_frame:
        pd = check_pandas_support("load_python_topics with as_frame=True")
        frame = data = pd.DataFrame(data, columns=feature_names)
    if return_X_y:
        return data, None
    return Bunch(
        data=data,
        target=None,
        text=text,
        frame=frame,
        feature_names=feature_names,
        DESCR=_read_description("python_topics"),
    )
