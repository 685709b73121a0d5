"""Strategies: sequences and targets of every layout, length, dtype and magnitude.

Hypothesis draws what kind of data they are, and a seed from which NumPy makes them.
"""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st

ROWS, PANEL, RAGGED = "rows", "panel", "ragged"

# Layouts: rows in the first line, panels in the second and third.
LAYOUTS = {
    "array": ROWS, "groups": ROWS, "frame": ROWS, "index": ROWS, "polars": ROWS,
    "swapped index": ROWS, "list of lists": ROWS, "3-D": PANEL, "list": RAGGED,
    "tuple": RAGGED, "object array": RAGGED, "list of frames": RAGGED,
    "nested lists": RAGGED,
}  # fmt: skip
# Of one feature, without an axis for it.
FLAT_LAYOUTS = ("strings", "Series of strings", "flat lists", "flat arrays")
LAYOUTS |= dict.fromkeys(FLAT_LAYOUTS, RAGGED)

N_IDS = 3  # of an index with its levels swapped
TINY, HUGE = 1e-300, 1e300

# What numbers to make: functions of a generator and of the shape.
NUMBERS = {
    "normal": lambda rng, n, d: rng.normal(size=(n, d)),
    "waves": lambda rng, n, d: np.sin(np.arange(n)[:, None] * (0.7 + np.arange(d))),
    "random walk": lambda rng, n, d: np.cumsum(rng.normal(size=(n, d)), axis=0),
    "counts": lambda rng, n, d: rng.poisson(3.0, size=(n, d)).astype(float),
    "few integers": lambda rng, n, d: rng.integers(0, 3, size=(n, d)).astype(float),
    "constant": lambda rng, n, d: np.full((n, d), rng.choice([0.0, 3.3, -1e6, 0.1])),
    "one constant column": lambda rng, n, d: np.where(
        np.arange(d) == 0, 7.7, rng.normal(size=(n, d))
    ),
    "duplicated rows": lambda rng, n, d: np.repeat(
        rng.normal(size=(n, d)), 3, axis=0
    )[:n],
    "collinear": lambda rng, n, d: np.outer(rng.normal(size=n), np.arange(1, d + 1)),
    "growing": lambda rng, n, d: 1.9 ** np.arange(n)[:, None] * np.ones(d),
    "far from zero": lambda rng, n, d: 1e9 + rng.normal(size=(n, d)),
    "outlier": lambda rng, n, d: np.where(
        np.arange(n)[:, None] == n // 2, 1e12, rng.normal(size=(n, d))
    ),
    "mixed scales": lambda rng, n, d: rng.normal(size=(n, d))
    * np.where(np.arange(d) % 2, 1e12, 1e-8),
    "all scales": lambda rng, n, d: rng.normal(size=(n, d))
    * 10.0 ** rng.integers(-300, 300, size=(n, d)),
    "large": lambda rng, n, d: rng.normal(size=(n, d)) * 1e150,
    "huge": lambda rng, n, d: rng.uniform(-1, 1, size=(n, d)) * HUGE,
    "largest": lambda rng, n, d: rng.choice([-1, 1], size=(n, d))
    * np.finfo(float).max,
    "small": lambda rng, n, d: rng.normal(size=(n, d)) * 1e-150,
    "tiny": lambda rng, n, d: rng.normal(size=(n, d)) * TINY,
    "subnormal": lambda rng, n, d: rng.integers(-3, 4, size=(n, d)) * 5e-324,
    "negative zero": lambda rng, n, d: np.where(rng.random((n, d)) < 0.5, -0.0, 1.0),
}  # fmt: skip
PLAIN = ("normal", "waves", "counts", "few integers")

DTYPES = (
    "float64", "float32", "float16", "int64", "int8", "uint8", "uint64", "bool",
    "object", "longdouble", "complex",
)  # fmt: skip
STORAGE = ("plain", "read-only", "Fortran", "strided", "backwards", "memory map")
WORDS = np.array(["ape", "bee", "cow", "", "ä"])


class Data(NamedTuple):
    """Sequences with targets and ids, and what an output for them looks like.

    kind : {"rows", "panel", "ragged"}
    lengths : number of rows of each sequence
    target : which of the targets y is
    what : all that was drawn, to make the same data again
    """

    X: Any
    y: Any
    groups: Any
    kind: str
    lengths: tuple
    n_features: int
    target: str
    what: str

    def __repr__(self):
        return f"Data({self.what})"


def one_in(n):
    """True in one draw of n; of the integers, Hypothesis would prefer the smallest."""
    return st.sampled_from([False] * (n - 1) + [True])


def most(draw, usual, rare, share=5):
    """One of the usual choices, in one of `share` draws one of the rare ones."""
    return draw(st.sampled_from(rare if draw(one_in(share)) else usual))


def is_flat(data):
    """Whether X is a list of 1-D sequences, as lists are then read in later calls."""
    is_list = isinstance(data.X, list | tuple) and data.kind == RAGGED
    return is_list and all(np.ndim(x) == 1 for x in data.X)


@st.composite
def sequences_of(draw, *, integers=False, words=False, targets=("none",), like=None):
    """Data in any layout.

    integers, words : bool
        Whether X mostly holds integers, or often strings.
    targets : tuple of str
        How the names of the usual targets begin.
    like : Data
        Other data, with the same number of features and mostly the same target.
    """
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    deep = tuple(layout for layout in LAYOUTS if layout not in FLAT_LAYOUTS)
    layout = most(draw, deep, FLAT_LAYOUTS, share=5 if words or integers else 20)
    kind = LAYOUTS[layout]
    lengths = draw_lengths(draw, layout, kind)
    n_features = like.n_features if like else most(draw, (1, 2), (1, 3, 0), share=8)
    usual, dtypes = PLAIN, ("float64", "float64", "float64", "float32")
    if integers:
        usual, dtypes = ("few integers", "counts"), ("int64", "int8")
    numbers = most(draw, usual, tuple(NUMBERS), share=2)
    dtype = most(draw, dtypes, DTYPES, share=3)
    if layout in FLAT_LAYOUTS:
        n_features = 1
    words = draw(one_in(3 if words else 60))
    missing = most(draw, ("none",), MISSING, share=4)
    storage = most(draw, ("plain",), STORAGE, share=4)

    n = sum(lengths)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        values = NUMBERS[numbers](rng, n, n_features)
        rows = as_words(rng, values) if words else as_dtype(values, dtype)
    rows = with_missing(rng, rows, missing)
    rows = stored(rows, storage)
    if missing == "mask":
        rows = np.ma.masked_array(rows, _scattered(rng, rows))
    usual = [name for name in TARGETS[kind] if name.startswith(targets)]
    if like is not None:
        usual = [name for name in usual if name == like.target] or usual
    target = most(draw, usual, tuple(TARGETS[kind]), share=9)
    y = TARGETS[kind][target](rng, values, lengths)
    X, groups = laid_out(rng, rows, lengths, layout)
    if layout in ("array", "frame", "polars", "list of lists"):
        lengths = (n,)
    if layout == "swapped index":
        lengths = (N_IDS,) * (n // N_IDS) + (n % N_IDS,) * (n % N_IDS > 0)
    if layout == "list of lists" and (
        any(isinstance(v, str) for x in X for v in x) or (like and is_flat(like))
    ):
        kind, lengths, n_features = RAGGED, (n_features,) * n, 1  # lists of symbols
    what = ", ".join(
        [layout, "strings" if words else f"{numbers} {dtype}", missing, storage,
         str(lengths), f"{n_features} features", f"seed {seed}", f"y: {target}"]
    )  # fmt: skip
    return Data(X, y, groups, kind, tuple(lengths), n_features, target, what)


def draw_lengths(draw, layout, kind):
    n_sequences = most(draw, (2, 4, 6), (1, 0), share=6)
    usual, rare = (6, 9, 14, 30), (1, 2, 3, 0)
    if kind == PANEL:
        return (most(draw, usual, rare),) * n_sequences
    if layout == "list" and not n_sequences:
        return ()
    return tuple(most(draw, usual, rare) for _ in range(max(n_sequences, 1)))


def as_words(rng, values):
    """Strings instead of numbers; mostly of few kinds."""
    codes = np.nan_to_num(np.abs(values) % len(WORDS)).astype(int)
    words = WORDS[codes]
    return words.astype(object) if rng.random() < 0.5 else words


def as_dtype(values, dtype):
    if dtype == "object":
        return values.astype(object)
    if dtype == "complex":
        return values + 1j
    if dtype in ("float64", "float32", "float16", "longdouble"):
        return values.astype(dtype)
    limit = 100.0 if dtype != "uint64" else 2.0**63
    return np.clip(np.nan_to_num(np.round(values)), 0, limit).astype(dtype)


def _scattered(rng, rows, share=0.2):
    return rng.random(rows.shape) < share


MISSING = (
    "none", "NaN", "NaN rows", "NaN column", "NaN only", "None", "pd.NA", "infinity",
    "minus infinity", "mask",
)  # fmt: skip


def with_missing(rng, rows, missing):
    """Some values missing or infinite, if the dtype can say so."""
    if missing in ("none", "mask") or not rows.size:
        return rows
    if missing in ("None", "pd.NA"):
        rows = rows.astype(object)
        rows[_scattered(rng, rows)] = None if missing == "None" else pd.NA
        return rows
    if rows.dtype.kind not in "fcO":
        return rows
    rows = rows.copy()
    if missing == "NaN":
        rows[_scattered(rng, rows)] = np.nan
    elif missing == "NaN rows":
        rows[rng.random(len(rows)) < 0.3] = np.nan
    elif missing == "NaN column":
        rows[:, 0] = np.nan
    elif missing == "NaN only":
        rows[:] = np.nan
    else:
        sign = 1 if missing == "infinity" else -1
        rows.flat[rng.integers(rows.size)] = sign * np.inf
    return rows


def stored(rows, storage):
    """The same values, stored in another way."""
    if storage == "read-only":
        rows = rows.copy()
        rows.flags.writeable = False
    elif storage == "Fortran":
        rows = np.asfortranarray(rows)
    elif storage == "strided":
        wide = np.empty((2 * len(rows), 2 * rows.shape[1]), rows.dtype)
        wide[::2, ::2] = rows
        rows = wide[::2, ::2]
    elif storage == "backwards":
        rows = rows[::-1].copy()[::-1]
    elif storage == "memory map" and rows.dtype != object and rows.size:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "rows.npy"
            np.save(path, rows)
            return np.load(path, mmap_mode="r")  # readable as long as it is mapped
    return rows


def for_polars(value):
    """The value as polars knows it, which has neither long nor complex numbers."""
    if value is None or value is pd.NA or isinstance(value, str | bool | int):
        return None if value is pd.NA else value
    return float(np.real(value))


def times_of(rng, n):
    """An index of time for n rows: regular, with holes, with jitter, or of events."""
    steps = rng.integers(1, 3, size=n) if rng.random() < 0.3 else np.ones(n, int)
    if rng.random() < 0.4:
        steps[rng.random(n) < 0.1] = 7
    seconds = np.cumsum(steps) * 60.0
    if rng.random() < 0.3:
        seconds = np.cumsum(rng.exponential(60.0, n) if rng.random() < 0.3 else steps
                            * rng.uniform(54.0, 66.0, n))  # fmt: skip
    days = pd.date_range("2020-01-01", periods=8 * n, freq="B")[np.cumsum(steps)]
    kinds = [
        pd.RangeIndex(n),
        pd.Index(np.cumsum(steps)),
        pd.to_datetime(seconds, unit="s"),
        pd.to_timedelta(seconds, unit="s"),
        days,
        pd.Index(days.date),
        pd.period_range("2020-01", periods=n, freq="M"),
        pd.Index(seconds[::-1]),  # backwards: refused
    ]
    return kinds[rng.integers(len(kinds))]


def laid_out(rng, rows, lengths, layout):
    """X and groups."""
    n, names = len(rows), [f"f{i}" for i in range(rows.shape[1])]
    offsets = np.cumsum([0, *lengths])
    parts = [rows[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    ids = np.repeat(np.arange(len(lengths))[::-1], lengths)
    if layout == "array":
        return rows, None
    if layout == "groups":
        kinds = [ids, ids.astype(str), ids.tolist(), pd.Series(ids), ids.astype(float)]
        return rows, kinds[rng.integers(len(kinds))]
    if layout == "frame":
        return pd.DataFrame(rows, columns=names, index=times_of(rng, n)), None
    if layout == "index":
        time = np.concatenate([np.arange(length) for length in (*lengths, 0)])
        if rng.random() < 0.5:
            time = times_of(rng, n)
        index = pd.MultiIndex.from_arrays([ids, time])
        return pd.DataFrame(rows, columns=names, index=index), None
    if layout == "swapped index":  # of times, then ids
        times = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n) // N_IDS, "D")
        ids = np.arange(n) % N_IDS
        ids = np.array(["ape", "bee", "cow"])[ids] if rng.random() < 0.7 else ids
        index = pd.MultiIndex.from_arrays([times, ids])
        return pd.DataFrame(rows, columns=names, index=index), None
    if layout == "polars":
        values = [[for_polars(v) for v in column] for column in rows.T.tolist()]
        columns = dict(zip(names, values, strict=True))
        return pl.DataFrame(columns, strict=False), None
    if layout == "list of lists":
        return rows.tolist(), None
    if layout == "3-D":
        n_steps = lengths[0] if lengths else 5
        return rows.reshape(len(lengths), n_steps, rows.shape[1]), None
    if layout == "object array":
        out = np.empty(len(parts), dtype=object)
        for i, part in enumerate(parts):
            out[i] = part
        return out, None
    if layout == "list of frames":
        frames = [pd.DataFrame(part, columns=names) for part in parts]
        if rng.random() < 0.5:
            return [frame.set_axis(times_of(rng, len(frame))) for frame in frames], None
        return frames, None
    if "strings" in layout:
        strings = ["".join(rng.choice(list("abc"), size=len(x))) for x in parts]
        return (pd.Series if "Series" in layout else list)(strings), None
    if layout in FLAT_LAYOUTS and (len(set(lengths)) > 1 or rows.dtype.kind == "U"):
        flat = [part[:, 0] for part in parts]
        return [x.tolist() for x in flat] if layout == "flat lists" else flat, None
    if layout == "nested lists":
        return [part.tolist() for part in parts], None
    assert n == offsets[-1]
    return (tuple if layout == "tuple" else list)(parts), None


# Targets: functions of a generator, the numbers in X and the lengths.


def no_target(rng, values, lengths):
    return None


def _first(values):
    return values[:, 0] if values.shape[1] else np.zeros(len(values))


def _numbers(rng, values, lengths):
    with np.errstate(over="ignore"):
        return _first(values) * rng.choice([1.0, 1.0, 1e-200, 1e5, 1e150])


def _two_outputs(rng, values, lengths):
    return np.column_stack([_first(values), rng.normal(size=len(values))])


def _with_gaps(make):
    def gaps(rng, values, lengths):
        y = make(rng, values, lengths).astype(float)
        y[_scattered(rng, y, 0.4)] = np.nan
        return y

    return gaps


def _with_mask(make):
    def masked(rng, values, lengths):
        y = make(rng, values, lengths)
        return np.ma.masked_array(y, _scattered(rng, y, 0.4))

    return masked


def _lengths(rng, values, lengths):
    return np.array(lengths, dtype=int)


def _labels(rng, values, lengths):
    labels = rng.integers(0, 3, size=len(values))
    kinds = [labels, labels + 4.0, WORDS[labels], WORDS[labels].astype(object)]
    return [*kinds, labels > 0, labels.astype(np.uint8)][rng.integers(6)]


def _labels_with_gaps(rng, values, lengths):
    labels = rng.integers(-1, 3, size=len(values))
    missing = rng.random(len(values)) < 0.3
    if rng.random() < 0.3:
        return np.ma.masked_array(labels, missing)
    if rng.random() < 0.3:
        return np.where(missing, np.nan, labels)
    labels = (WORDS[labels] if rng.random() < 0.5 else labels).astype(object)
    labels[missing] = [None, np.nan, pd.NA][rng.integers(3)]
    return labels


def _one_label(rng, values, lengths):
    return np.full(len(values), rng.choice([1, -1]))


def _no_label(rng, values, lengths):
    return np.full(len(values), np.nan)


def _infinite(rng, values, lengths):
    return np.where(np.arange(len(values)) == len(values) // 2, np.inf, 1.0)


def _too_short(rng, values, lengths):
    return np.arange(max(len(values) - 1, 0)) % 2


def _column(rng, values, lengths):
    return rng.integers(0, 2, size=(len(values), 1))


def _per_sequence(make):
    def each(rng, values, lengths):
        return make(rng, rng.normal(size=(len(lengths), 1)), lengths)

    return each


def _split(make):
    def parts(rng, values, lengths):
        y = make(rng, values, lengths)
        if y is None or len(y) != sum(lengths):
            return y
        offsets = np.cumsum([0, *lengths])
        return [y[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True)]

    return parts


PER_STEP = {
    "numbers": _numbers,
    "two outputs": _two_outputs,
    "numbers with gaps": _with_gaps(_numbers),
    "outputs with gaps": _with_gaps(_two_outputs),
    "numbers with a mask": _with_mask(_numbers),
    "outputs with a mask": _with_mask(_two_outputs),
    "lengths": _lengths,
    "labels": _labels,
    "labels with gaps": _labels_with_gaps,
    "one label": _one_label,
    "no label": _no_label,
    "infinite": _infinite,
    "too short": _too_short,
    "column": _column,
}
TARGETS = {
    ROWS: {"none": no_target, **PER_STEP},
    RAGGED: {
        "none": no_target,
        **{name: _split(make) for name, make in PER_STEP.items()},
        **{f"{name} a sequence": _per_sequence(m) for name, m in PER_STEP.items()},
    },
}
TARGETS[PANEL] = TARGETS[RAGGED]
