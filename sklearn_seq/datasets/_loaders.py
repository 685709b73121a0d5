"""Loaders of the data that come with the package."""

import gzip
from importlib import resources
from typing import Literal

import numpy as np
from sklearn.utils import Bunch

from .._core.sklearn_compat import StrOptions, check_pandas_support, validate_params


def _read_bytes(file_name):
    """The content of a file in `data/`, decompressed if it is gzipped."""
    content = (resources.files(__package__) / "data" / file_name).read_bytes()
    return gzip.decompress(content) if file_name.endswith(".gz") else content


def _read_csv(file_name):
    """Column names and values, an array of shape (n_rows, n_columns)."""
    header, *lines = _read_bytes(file_name).decode("ascii").splitlines()
    return header.split(","), np.loadtxt(lines, delimiter=",", ndmin=2)


def _read_description(name):
    return _read_bytes(f"{name}.rst").decode("utf-8")


def _load_yearly(name, *, return_X_y, as_frame):
    """A file with the columns year and one feature, as documented in the loaders."""
    columns, table = _read_csv(f"{name}.csv")
    feature_names = columns[1:]
    time = table[:, 0].astype(int)
    data = np.ascontiguousarray(table[:, 1:])
    frame = None
    if as_frame:
        pd = check_pandas_support(f"load_{name} with as_frame=True")
        index = pd.Index(time, name="year")
        frame = data = pd.DataFrame(data, index=index, columns=feature_names)
    if return_X_y:
        return data, None
    return Bunch(
        data=data,
        target=None,
        time=time,
        frame=frame,
        feature_names=feature_names,
        DESCR=_read_description(name),
    )


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_sunspots(*, return_X_y: bool = False, as_frame: bool = False):
    """Load the yearly sunspot numbers, 1700 to 2008.

    One sequence of 309 time steps in the rows layout, nearly periodic with a cycle of
    about eleven years. The target is the series advanced by one step.

    Source: Sunspot Index Data Center (SIDC), distributed by the National Geophysical
    Data Center (NOAA), in the version before the revision of 2015. Public domain.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, None)`` instead of a Bunch object.

    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame with the years, named "year", as index.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, DataFrame} of shape (309, 1)
            The yearly mean sunspot number, float64.
        target : None
            The target is the series advanced by one step.
        time : ndarray of shape (309,)
            The year of each row, int.
        frame : DataFrame of shape (309, 1) or None
            The same as `data` when `as_frame=True`, otherwise None.
        feature_names : list of str
            ``["sunspots"]``.
        DESCR : str
            The full description, with source, licence and references.

    (data, None) : tuple if ``return_X_y`` is True
        `data` as above, and None for the target.

    References
    ----------
    G. U. Yule (1927). On a method of investigating periodicities in disturbed series,
    with special reference to Wolfer's sunspot numbers. Philosophical Transactions of
    the Royal Society A, 226, 267-298.

    Examples
    --------
    >>> from sklearn_seq.datasets import load_sunspots
    >>> sunspots = load_sunspots()
    >>> sunspots.data.shape
    (309, 1)
    >>> train = sunspots.time <= 1920
    >>> sunspots.data[train].shape
    (221, 1)
    """
    return _load_yearly("sunspots", return_X_y=return_X_y, as_frame=as_frame)


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_lynx(*, return_X_y: bool = False, as_frame: bool = False):
    """Load the Canadian lynx trappings, 1821 to 1934.

    One sequence of 114 time steps in the rows layout, with cycles of nine to ten years.
    The target is the series advanced by one step. The values are raw counts; it is
    customary to take their logarithm to base 10.

    Source: Elton and Nicholson (1942), as tabulated by Brockwell and Davis (1991).
    Public domain.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, None)`` instead of a Bunch object.

    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame with the years, named "year", as index.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, DataFrame} of shape (114, 1)
            The number of lynx trapped in each year, float64.
        target : None
            The target is the series advanced by one step.
        time : ndarray of shape (114,)
            The year of each row, int.
        frame : DataFrame of shape (114, 1) or None
            The same as `data` when `as_frame=True`, otherwise None.
        feature_names : list of str
            ``["lynx"]``.
        DESCR : str
            The full description, with source, licence and references.

    (data, None) : tuple if ``return_X_y`` is True
        `data` as above, and None for the target.

    References
    ----------
    C. Elton and M. Nicholson (1942). The ten-year cycle in numbers of the lynx in
    Canada. Journal of Animal Ecology, 11(2), 215-244.

    P. J. Brockwell and R. A. Davis (1991). Time Series: Theory and Methods, second
    edition. Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.datasets import load_lynx
    >>> X, _ = load_lynx(return_X_y=True)
    >>> X[:3].ravel()
    array([269., 321., 585.])
    >>> np.log10(X).mean().round(3)
    np.float64(2.904)
    """
    return _load_yearly("lynx", return_X_y=return_X_y, as_frame=as_frame)


@validate_params(
    {"return_X_y": ["boolean"], "as_frame": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_nile(*, return_X_y: bool = False, as_frame: bool = False):
    """Load the annual flow of the Nile at Aswan, 1871 to 1970.

    One sequence of 100 time steps in the rows layout, whose level drops around 1898.
    The target is the series advanced by one step.

    Source: Cobb (1978). Public domain.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, None)`` instead of a Bunch object.

    as_frame : bool, default=False
        If True, `data` is a pandas DataFrame with the years, named "year", as index.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : {ndarray, DataFrame} of shape (100, 1)
            The annual volume in units of 10^8 cubic metres, float64.
        target : None
            The target is the series advanced by one step.
        time : ndarray of shape (100,)
            The year of each row, int.
        frame : DataFrame of shape (100, 1) or None
            The same as `data` when `as_frame=True`, otherwise None.
        feature_names : list of str
            ``["flow"]``.
        DESCR : str
            The full description, with source, licence and references.

    (data, None) : tuple if ``return_X_y`` is True
        `data` as above, and None for the target.

    References
    ----------
    G. W. Cobb (1978). The problem of the Nile: conditional solution to a changepoint
    problem. Biometrika, 65(2), 243-251.

    Examples
    --------
    >>> from sklearn_seq.datasets import load_nile
    >>> nile = load_nile()
    >>> before, after = nile.data[nile.time < 1899], nile.data[nile.time >= 1899]
    >>> print(f"{before.mean():.0f} {after.mean():.0f}")
    1098 850
    """
    return _load_yearly("nile", return_X_y=return_X_y, as_frame=as_frame)


def _read_utterances(subset):
    """Utterances of one of the two files, shape (n_frames, 12) each, and speakers."""
    columns, table = _read_csv(f"japanese_vowels_{subset}.csv.gz")
    labels, frames = table[:, :2].astype(int), np.ascontiguousarray(table[:, 2:])
    # an utterance ends where its number, or the speaker's, changes
    starts = np.flatnonzero((np.diff(labels, axis=0) != 0).any(axis=1)) + 1
    first_rows = np.concatenate(([0], starts))
    return columns[2:], np.split(frames, starts), labels[first_rows, 0] - 1


@validate_params(
    {
        "subset": [StrOptions({"train", "test", "all"})],
        "return_X_y": ["boolean"],
        "as_frame": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_japanese_vowels(
    *,
    subset: Literal["train", "test", "all"] = "train",
    return_X_y: bool = False,
    as_frame: bool = False,
):
    """Load the Japanese vowels: sequences of unequal length, one speaker each.

    640 utterances of the vowels /ae/ by nine male speakers, in the published split of
    270 for training and 370 for testing. Each is a sequence of 7 to 29 frames of 12
    cepstrum coefficients; the task is to tell the speaker from the sequence.

    Source: M. Kudo, J. Toyama and M. Shimbo, UCI Machine Learning Repository,
    https://doi.org/10.24432/C5NS47. Licence: CC BY 4.0.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The 270 training utterances, the 370 test utterances, or the training utterances
        followed by the test utterances.

    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch object.

    as_frame : bool, default=False
        If True, `data` is one pandas DataFrame with a row for each frame and an index
        of two levels, "sequence" and "time", and `target` is a Series on the same index
        that repeats each sequence's label. The sequences are numbered as in
        ``subset="all"`` (the test set's start at 270) so that frames of the two subsets
        can be concatenated; time starts at 0 in each sequence.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes. The number of sequences
        is 270, 370 or 640, the number of rows 4274, 5687 or 9961.

        data : list of ndarray of shape (n_timesteps, 12), or DataFrame of shape \
                (n_rows, 12)
            The sequences, float64, ordered by speaker within each subset.
        target : ndarray of shape (n_sequences,), or Series of shape (n_rows,)
            The speakers, int, 0 to 8 (the source counts from 1).
        frame : DataFrame of shape (n_rows, 13) or None
            `data` and `target` when `as_frame=True`, otherwise None.
        feature_names : list of str
            ``["cepstrum_1", ..., "cepstrum_12"]``.
        target_names : ndarray of shape (9,)
            ``["speaker_1", ..., "speaker_9"]``.
        DESCR : str
            The full description, with source, licence and references.

    (data, target) : tuple if ``return_X_y`` is True
        `data` and `target` as above.

    References
    ----------
    M. Kudo, J. Toyama and M. Shimbo (1999). Multidimensional curve classification using
    passing-through regions. Pattern Recognition Letters, 20(11-13), 1103-1111.

    Examples
    --------
    >>> from sklearn_seq.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> len(X), X[0].shape, X[1].shape
    (270, (20, 12), (26, 12))
    >>> y[:3], y[-3:]
    (array([0, 0, 0]), array([8, 8, 8]))
    """
    data, target = [], []
    for name in ("train", "test") if subset == "all" else (subset,):
        feature_names, sequences, speakers = _read_utterances(name)
        data.extend(sequences)
        target.append(speakers)
    target = np.concatenate(target)

    frame = None
    if as_frame:
        pd = check_pandas_support("load_japanese_vowels with as_frame=True")
        lengths = [len(sequence) for sequence in data]
        first = 270 if subset == "test" else 0
        index = pd.MultiIndex.from_arrays(
            [
                np.repeat(np.arange(first, first + len(data)), lengths),
                np.concatenate([np.arange(length) for length in lengths]),
            ],
            names=["sequence", "time"],
        )
        data = pd.DataFrame(np.concatenate(data), index=index, columns=feature_names)
        target = pd.Series(np.repeat(target, lengths), index=index, name="target")
        frame = pd.concat([data, target], axis=1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=np.array([f"speaker_{k}" for k in range(1, 10)]),
        DESCR=_read_description("japanese_vowels"),
    )
