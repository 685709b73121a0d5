import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from statsmodels import datasets

from sklearn_seq.datasets import (
    load_japanese_vowels,
    load_lynx,
    load_nile,
    load_python_topics,
    load_sunspots,
)

YEARLY = [
    (load_sunspots, "sunspots", 1700, 2008),
    (load_lynx, "lynx", 1821, 1934),
    (load_nile, "flow", 1871, 1970),
]
LOADERS = [
    load_sunspots,
    load_lynx,
    load_nile,
    load_japanese_vowels,
    load_python_topics,
]

# Utterances of speakers 1 to 9 in the test set, as the source's documentation has them.
TEST_COUNTS = [31, 35, 88, 44, 29, 24, 40, 50, 29]


@pytest.mark.parametrize("load, feature, first_year, last_year", YEARLY)
def test_yearly_series(load, feature, first_year, last_year):
    bunch = load()
    n_years = last_year - first_year + 1
    assert bunch.data.shape == (n_years, 1)
    assert bunch.data.dtype == np.float64
    assert bunch.target is None
    assert bunch.frame is None
    assert bunch.feature_names == [feature]
    assert bunch.time.dtype.kind == "i"
    assert_array_equal(bunch.time, np.arange(first_year, last_year + 1))

    X, y = load(return_X_y=True)
    assert_array_equal(X, bunch.data)
    assert y is None


@pytest.mark.parametrize("load, feature, first_year, last_year", YEARLY)
def test_yearly_series_as_frame(load, feature, first_year, last_year):
    bunch = load(as_frame=True)
    assert bunch.frame is bunch.data
    assert list(bunch.data.columns) == [feature]
    assert bunch.data.index.name == "year"
    assert bunch.data.index.dtype.kind == "i"
    assert_array_equal(bunch.data.index, np.arange(first_year, last_year + 1))
    assert_array_equal(bunch.data.to_numpy(), load().data)

    X, y = load(return_X_y=True, as_frame=True)
    assert X.equals(bunch.data)
    assert y is None


@pytest.mark.parametrize(
    "load, name, column",
    [(load_sunspots, "sunspots", "SUNACTIVITY"), (load_nile, "nile", "volume")],
)
def test_values_are_those_of_statsmodels(load, name, column):
    expected = getattr(datasets, name).load_pandas().data[column]
    assert_array_equal(load().data[:, 0], expected)


def test_lynx_values():
    lynx = load_lynx()
    counts = dict(zip(lynx.time.tolist(), lynx.data[:, 0].tolist(), strict=True))
    assert [counts[year] for year in range(1821, 1825)] == [269, 321, 585, 871]
    assert counts[1934] == 3396
    assert (min(counts.values()), counts[1889]) == (39, 39)
    assert (max(counts.values()), counts[1904]) == (6991, 6991)


def test_lynx_autoregression():
    # the least-squares AR(2) of the logarithms in the literature
    x = np.log10(load_lynx().data[:, 0])
    design = np.column_stack([np.ones(len(x) - 2), x[1:-1], x[:-2]])
    coef = np.linalg.lstsq(design, x[2:], rcond=None)[0]
    np.testing.assert_allclose(coef[1:], [1.384, -0.748], atol=5e-4)


@pytest.mark.parametrize(
    "subset, counts, n_rows, longest",
    [("train", [30] * 9, 4274, 26), ("test", TEST_COUNTS, 5687, 29)],
)
def test_japanese_vowels(subset, counts, n_rows, longest):
    bunch = load_japanese_vowels(subset=subset)
    lengths = [len(sequence) for sequence in bunch.data]
    assert isinstance(bunch.data, list)
    assert (min(lengths), max(lengths), sum(lengths)) == (7, longest, n_rows)
    assert {sequence.shape[1] for sequence in bunch.data} == {12}
    assert {sequence.dtype for sequence in bunch.data} == {np.dtype(np.float64)}
    assert len(bunch.feature_names) == 12
    # ordered by speaker
    assert bunch.target.dtype.kind == "i"
    assert_array_equal(bunch.target, np.repeat(np.arange(9), counts))
    assert_array_equal(
        bunch.target_names[bunch.target[[0, -1]]], ["speaker_1", "speaker_9"]
    )


def test_japanese_vowels_first_and_last_frames():
    train, test = load_japanese_vowels(), load_japanese_vowels(subset="test")
    assert train.data[0].shape == (20, 12)
    # fmt: off
    assert train.data[0][0].tolist() == [
        1.860936, -0.207383, 0.261557, -0.214562, -0.171253, -0.118167,
        -0.277557, 0.025668, 0.126701, -0.306756, -0.213076, 0.088728,
    ]
    assert test.data[-1][-1].tolist() == [
        1.177449, -0.40408, 0.052026, -0.284812, 0.42984, -0.203484,
        -0.072393, -0.080955, -0.244424, -0.001849, -0.016634, 0.224688,
    ]
    # fmt: on


def test_japanese_vowels_all_is_train_then_test():
    both, y = load_japanese_vowels(subset="all", return_X_y=True)
    train, y_train = load_japanese_vowels(return_X_y=True)
    test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    assert (len(both), len(train), len(test)) == (640, 270, 370)
    assert_array_equal(y, np.concatenate([y_train, y_test]))
    for sequence, expected in zip(both, train + test, strict=True):
        assert_array_equal(sequence, expected)


def test_japanese_vowels_labels_belong_to_the_sequences():
    # the mean frame tells most speakers apart, across the two recording occasions
    X, y = load_japanese_vowels(return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    model = LinearDiscriminantAnalysis().fit([x.mean(axis=0) for x in X], y)
    assert model.score([x.mean(axis=0) for x in X_test], y_test) > 0.9


@pytest.mark.parametrize("subset", ["train", "test", "all"])
def test_japanese_vowels_as_frame(subset):
    data, labels = load_japanese_vowels(subset=subset, return_X_y=True)
    bunch = load_japanese_vowels(subset=subset, as_frame=True)
    assert bunch.data.index.names == ["sequence", "time"]
    assert list(bunch.data.columns) == bunch.feature_names
    assert bunch.target.index.equals(bunch.data.index)
    assert bunch.target.dtype.kind == "i"
    assert list(bunch.frame.columns) == [*bunch.feature_names, "target"]
    pd.testing.assert_frame_equal(bunch.frame.drop(columns="target"), bunch.data)
    pd.testing.assert_series_equal(bunch.frame["target"], bunch.target)

    ids = bunch.data.index.get_level_values("sequence").unique()
    first = 270 if subset == "test" else 0
    assert_array_equal(ids, np.arange(first, first + len(data)))
    for i, sequence, label in zip(ids, data, labels, strict=True):
        rows = bunch.data.loc[i]
        assert_array_equal(rows.index, np.arange(len(sequence)))
        assert_array_equal(rows.to_numpy(), sequence)
        assert set(bunch.target.loc[i]) == {label}

    X, y = load_japanese_vowels(subset=subset, return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(X, bunch.data)
    pd.testing.assert_series_equal(y, bunch.target)


def test_japanese_vowels_frames_of_the_subsets_concatenate():
    parts = [
        load_japanese_vowels(subset=subset, as_frame=True).frame
        for subset in ("train", "test")
    ]
    everything = load_japanese_vowels(subset="all", as_frame=True).frame
    pd.testing.assert_frame_equal(pd.concat(parts), everything)


def test_japanese_vowels_unknown_subset():
    with pytest.raises(ValueError, match="'subset' parameter of load_japanese_vowels"):
        load_japanese_vowels(subset="validation")


def test_python_topics():
    from pydoc_data.topics import topics

    bunch = load_python_topics()
    assert bunch.data.shape == (len(bunch.text), 1)
    assert bunch.data.dtype == np.dtype("<U1")
    assert "".join(bunch.data[:, 0].tolist()) == bunch.text
    assert bunch.target is None
    assert bunch.frame is None
    assert bunch.feature_names == ["character"]
    assert len(bunch.text) > 300_000

    # every topic is there, in order, and nothing else but the blank lines
    position = 0
    for key in sorted(topics):
        assert bunch.text.startswith(topics[key], position)
        position += len(topics[key])
        assert bunch.text[position : position + 2] in ("\n\n", "")
        position += 2
    assert position == len(bunch.text) + 2

    X, y = load_python_topics(return_X_y=True)
    assert_array_equal(X, bunch.data)
    assert y is None


def test_python_topics_as_frame():
    bunch = load_python_topics(as_frame=True)
    assert bunch.frame is bunch.data
    assert list(bunch.data.columns) == ["character"]
    assert "".join(bunch.data["character"]) == bunch.text


@pytest.mark.parametrize("load", LOADERS)
def test_description_names_source_and_licence(load):
    description = load().DESCR
    assert "**Source.**" in description
    assert "**Licence.**" in description
    assert "Source: " in load.__doc__
    assert "Licence: " in load.__doc__ or "Public domain." in load.__doc__


@pytest.mark.parametrize("load", LOADERS)
def test_loaded_data_are_the_callers_own(load):
    def first_rows():
        data = load().data
        return data[0] if isinstance(data, list) else data

    rows = first_rows()
    rows[0, 0] = 7
    assert first_rows()[0, 0] != rows[0, 0]


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("parameter", ["return_X_y", "as_frame"])
def test_switches_are_validated(load, parameter):
    with pytest.raises(
        ValueError, match=f"'{parameter}' parameter of {load.__name__} must be"
    ):
        load(**{parameter: "yes"})


@pytest.mark.parametrize("load", LOADERS)
def test_without_pandas(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert load().frame is None
    with pytest.raises(ImportError, match=f"{load.__name__}.* requires pandas"):
        load(as_frame=True)
