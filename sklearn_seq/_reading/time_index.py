"""The time index of a frame: order within sequences, the time step, and holes."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from collections import namedtuple
from typing import NamedTuple

import numpy as np

# Readings of an index as numbers, and how many of them make one unit of step.
Reading = namedtuple("Reading", ["values", "scale"], defaults=[1])
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
TOLERANCE = 1e-6  # relative, of steps that are multiples of each other
# Times are nearly regular if at most one of ONE_IN steps differs from the median step
# by more than the share NEAR; then steps above BEYOND_JITTER medians are holes.
ONE_IN, NEAR, BEYOND_JITTER = 10, 0.25, 1.75


class TimeStep(NamedTuple):
    """The time between rows, from a frame's index.

    Attributes
    ----------
    reading : str
        How the index was read as numbers.

    step : float
        The usual step in that reading.

    jitter : bool
        Whether times are only nearly regular.
    """

    reading: str
    step: float
    jitter: bool = False

    @property
    def limit(self):
        """Steps longer than this, in units of `step`, are holes."""
        return BEYOND_JITTER if self.jitter else 1.5

    def fits(self, ratio):
        """Whether steps, in units of `step`, may come from the same clock."""
        if self.jitter:
            return (ratio > 0.5).all()
        return _whole(ratio).all()


def segment_starts(index, sequence_offsets, time_step=None, gaps="auto"):
    """Rows at which a new segment begins, from a frame's time index.

    A sequence's times must increase. Where they are regular (all steps multiples of
    the sequence's smallest step, which is also the commonest) a larger step is a
    hole, after which a new segment starts. Calendar steps count as regular too:
    working days, months, quarters, years. Where they are nearly regular (at least
    90 % of the steps within 25 % of the sequence's median step) a step of more than
    1.75 median steps is a hole. Any other index shows none.

    Steps of timestamps and durations are in seconds, whatever the resolution of the
    index.

    Parameters
    ----------
    index : pandas Index of length n_rows
        Time of each row.

    sequence_offsets : ndarray of shape (n_sequences + 1,)
        Rows at which sequences begin, and the number of rows.

    time_step : TimeStep, default=None
        The step of the data in fit, as returned earlier. If times are multiples of it
        (approximately, with jitter), longer steps are holes, even where too few rows
        are left to find the step from them.

    gaps : {"auto", "ignore"} or float, default="auto"
        "auto" finds holes as above, "ignore" finds none. With a number, every step
        longer than so many median steps of its sequence (or steps of `time_step`) is a
        hole, also where times are irregular. Steps count in days, working days or
        months where times are regular in these.

    Returns
    -------
    starts : ndarray of shape (n_segments,)
        Includes the first row of each sequence.

    time_step : TimeStep or None
        The step that all regular sequences share, if they hold most of the rows and
        the times of the others are multiples of it. Otherwise the median step of the
        nearly regular sequences (with a number for `gaps`, of all), if it is nearly the
        same in all and they hold most of the rows.

    Raises
    ------
    ValueError
        If times repeat or run backwards within a sequence, or are missing.
    """
    starts = sequence_offsets[:-1]
    readings = _readings(index)
    if not readings:
        return starts, None
    # Differences across boundaries of sequences get a neutral value.
    inner = np.ones(len(index) - 1, dtype=bool)
    inner[starts[1:] - 1] = False
    _check_increasing(index, next(iter(readings.values())).values, inner)
    if gaps == "ignore":
        return starts, None
    longest = None if gaps == "auto" else gaps * (1 + TOLERANCE)
    if time_step is not None and time_step.reading in readings:
        ratio = _ratio(readings[time_step.reading], time_step.step, inner)
        if longest is not None or time_step.fits(ratio):
            limit = time_step.limit if longest is None else longest
            return np.union1d(starts, np.flatnonzero(ratio > limit) + 1), time_step
    # For each sequence, take the reading with the fewest holes.
    lengths = np.diff(sequence_offsets)
    fewest = np.full(len(starts), len(index))
    holes = np.zeros(len(inner), dtype=bool)
    reading, step = np.full(len(starts), -1), np.zeros(len(starts))
    for i, (values, scale) in enumerate(readings.values()):
        found, regular, smallest = _holes(values, starts, inner, longest)
        counts = _sums(found, starts)
        better = regular & (counts < fewest)
        fewest[better] = counts[better]
        holes = np.where(np.repeat(better, lengths)[:-1], found, holes)
        reading[better], step[better] = i, smallest[better] / scale
    if _has_frequency(index) and len(starts) == 1:
        known = reading[0] >= 0
        return starts, TimeStep(list(readings)[reading[0]], step[0]) if known else None
    # A sequence with few rows may look irregular, or have a hole for its only step: it
    # is read by the step of the others.
    enough = lengths > min(2, lengths.max() - 1)
    regular = (reading >= 0) & enough
    shared = _shared(reading[regular], step[regular])
    n_rows = lengths[lengths > 1].sum()
    if shared and 2 * lengths[regular].sum() > n_rows:
        time_step = TimeStep(list(readings)[shared[0]], shared[1])
        ratio = _ratio(readings[time_step.reading], time_step.step, inner)
        if time_step.fits(ratio):
            limit = time_step.limit if longest is None else longest
            holes |= ratio > limit
            return np.union1d(starts, np.flatnonzero(holes) + 1), time_step
    found, nearly, medians = _holes_of_jitter(
        next(iter(readings.values())), starts, inner, reading < 0, longest
    )
    holes |= found
    time_step = None
    nearly &= enough
    if 2 * lengths[nearly].sum() > n_rows:
        median = np.median(medians[nearly])
        if (np.abs(medians[nearly] - median) <= NEAR * median).all():
            time_step = TimeStep(next(iter(readings)), median, jitter=True)
    return np.union1d(starts, np.flatnonzero(holes) + 1), time_step


def first_step_backwards(index, offsets):
    """The first row whose time is not later than that of the row before, or None.

    Parameters
    ----------
    index : pandas Index
    offsets : ndarray of shape (n_sequences + 1,)
        Rows at which sequences begin, and the number of rows.
    """
    readings = _readings(index)
    if not readings:
        return None
    values = next(iter(readings.values())).values
    backwards = ~(values[1:] > values[:-1])
    backwards[offsets[1:-1] - 1] = False
    return int(np.flatnonzero(backwards)[0]) + 1 if backwards.any() else None


def instants(index, other):
    """Times of both indexes as comparable numbers, or (None, None).

    Timestamps, periods and integers are comparable; the origin of real numbers and
    durations is arbitrary.

    Raises
    ------
    ValueError
        If only one of them has a time zone.
    """
    readings, others = _readings(index), _readings(other)
    if "instant" in readings and "instant" in others:
        if _is_aware(index) != _is_aware(other):
            raise ValueError(
                f"One of the times {index[0]!s} and {other[0]!s} has a time zone, the "
                "other has none. Use .tz_localize to give the other one, or none to "
                "both."
            )
    for name in readings.keys() & others.keys():
        integers = name == "number" and all(
            of_it[name].values.dtype.kind == "i" for of_it in (readings, others)
        )
        if name == "instant" or name.startswith("period") or integers:
            pair = readings[name], others[name]
            return tuple(values / scale for values, scale in pair)
    return None, None


def first_step_off(times, offsets, last_times, time_step):
    """The first new time that does not continue earlier ones at their step.

    Parameters
    ----------
    times : pandas Index
        New times, which increase in each sequence.

    offsets : ndarray of shape (n_sequences + 1,)
        Rows at which sequences begin, and the number of rows; (0, n) if all sequences
        share the times.

    last_times : pandas Index
        The last earlier time of each sequence.

    time_step : TimeStep
        The step of the earlier times.

    Returns
    -------
    place : tuple of int or None
        The sequence and the row of `times`. Also None if times are of another kind, or
        objects.
    """
    if "O" in (times.dtype.kind, last_times.dtype.kind) and not hasattr(times, "asi8"):
        return None
    if not _readings(times).keys() & _readings(last_times).keys():
        return None
    n = len(last_times)
    zone = getattr(last_times, "tz", None)
    if zone is not None and getattr(times, "tz", None) is not None:
        times = times.tz_convert(zone)
    readings = _readings(last_times.append(times))
    steps = [(time_step.reading, time_step.step)]
    if time_step.reading == "instant" and time_step.step % 86400 == 0:
        steps.append(("day", time_step.step / 86400))  # for daylight saving time
    places = []
    for name, step in steps:
        if name not in readings:
            continue
        values, scale = readings[name]
        ratio = np.diff(values[n:], prepend=values[n]) / (step * scale)
        begin = (values[n:][offsets[:-1]] - values[:n]) / (step * scale)
        off = _is_off(ratio, time_step.jitter)
        off[offsets[:-1]] = False
        off_begin = _is_off(begin, time_step.jitter)
        if name == "duration" or values.dtype.kind == "f":
            off_begin &= begin > 0  # their origin is arbitrary
        if off_begin.any():
            i = int(np.flatnonzero(off_begin)[0])
            places.append((i, int(offsets[min(i, len(offsets) - 2)])))
        elif off.any():
            row = int(np.flatnonzero(off)[0])
            places.append((int(np.searchsorted(offsets, row, "right")) - 1, row))
        else:
            return None
    return places[0] if places else (0, 0)


def _is_off(ratio, jitter):
    if jitter:
        return (ratio <= 0.5) | (ratio > BEYOND_JITTER)
    return np.abs(ratio - 1.0) > TOLERANCE


def _is_aware(index):
    """Whether an index of timestamps has a time zone."""
    if getattr(index.dtype, "kind", "O") == "O":
        return getattr(index[0], "tzinfo", None) is not None
    return index.tz is not None


def _shared(reading, step):
    """The reading and step that all regular sequences share, or None."""
    if len(reading) and (reading == reading[0]).all() and (step == step[0]).all():
        return int(reading[0]), step[0]
    return None


def _has_frequency(index):
    """Whether pandas knows a frequency; a period index may still have holes."""
    of_instants = getattr(index.dtype, "kind", "O") in "mM"
    return of_instants and getattr(index, "freq", None) is not None


def _readings(index):
    """Readings of the index as numbers, by name, the simplest first."""
    kind = getattr(index.dtype, "kind", "O")
    if kind in "iuf":
        missing = index.isna()
        if kind == "f" and not missing.any():
            missing = ~np.isfinite(index.to_numpy(dtype=np.float64))
        if missing.any():
            row = int(np.flatnonzero(missing)[0])
            raise ValueError(f"X's index has no finite time at row {row}.")
        dtype = np.float64 if kind == "f" else np.int64
        return {"number": Reading(index.to_numpy(dtype=dtype))}
    read = _index_readings if hasattr(index, "asi8") else _object_reader(index)
    if read is None:
        return {}
    if index.hasnans:
        row = int(np.flatnonzero(index.isna())[0])
        raise ValueError(f"X's index has no time (NaT) at row {row}.")
    return read(index)


def _index_readings(index):
    """Readings of an index of times, of durations or of periods."""
    kind = getattr(index.dtype, "kind", "O")
    if kind == "m":
        return {"duration": Reading(index.asi8, PER_SECOND[index.unit])}
    if kind != "M" and not hasattr(index, "tz"):
        return {str(index.dtype): Reading(index.asi8)}
    return _instant_readings(index, index.tz_localize(None))


def _object_reader(index):
    """The reader of an object index of times; None if it holds other objects.

    pandas keeps times as objects without a common dtype: dates, varying offsets from
    UTC, and before version 3 years beyond the range of nanoseconds.
    """
    import pandas as pd

    found = pd.api.types.infer_dtype(index, skipna=True)
    if found in ("datetime", "datetime64", "date"):
        return _readings_of_stamps
    if found in ("timedelta", "timedelta64"):
        return lambda index: _index_readings(_packed(map(pd.Timedelta, index)))
    if found == "period":
        return lambda index: _index_readings(pd.PeriodIndex(index))
    return None


def _readings_of_stamps(index):
    import pandas as pd

    stamps = [pd.Timestamp(time) for time in index]
    aware = [stamp.tzinfo is not None for stamp in stamps]
    if any(aware) != all(aware):
        row = aware.index(not aware[0])
        raise ValueError(
            f"X's index mixes times with a time zone and times without: row {row} "
            f"({index[row]!s}) is unlike row 0 ({index[0]!s}). Give all of them a time "
            "zone with tz_localize, or none."
        )
    wall = _packed(stamp.replace(tzinfo=None) for stamp in stamps)
    return _instant_readings(_packed(stamps), wall)


def _packed(times):
    """Timestamps (in UTC) or Timedeltas as an index, in their finest unit."""
    import pandas as pd

    times = list(times)
    for unit in ("ns", "us", "ms"):
        try:
            return pd.Index(np.array([time.as_unit(unit).asm8 for time in times]))
        except (pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta):
            continue
    return pd.Index(np.array([time.as_unit("s").asm8 for time in times]))


def _instant_readings(index, wall):
    """Readings of timestamps, as seconds and by calendar and clock."""
    instants = {"instant": Reading(index.asi8, PER_SECOND[index.unit])}
    return instants | _calendar_readings(wall)


def _calendar_readings(wall):
    """Readings as days, working days and months, where all times fall on them."""
    days, within_day = np.divmod(wall.asi8, 86400 * PER_SECOND[wall.unit])
    if np.ptp(within_day):
        return {}
    readings = {"day": Reading(days)}
    dates = days.astype("datetime64[D]")
    if np.is_busday(dates).all():
        count = np.busday_count(np.datetime64("1970-01-01"), dates)
        readings["workday"] = Reading(count)
    months = dates.astype("datetime64[M]")
    at_the_end = (dates + 1).astype("datetime64[M]") > months
    if np.ptp(dates - months.astype("datetime64[D]")) == 0 or at_the_end.all():
        readings["month"] = Reading(months.astype(np.int64))
    return readings


def _check_increasing(index, values, inner):
    backwards = inner & ~(values[1:] > values[:-1])
    if backwards.any():
        row = int(np.flatnonzero(backwards)[0]) + 1
        raise ValueError(
            f"X's index does not increase in time: row {row} ({index[row]!s}) follows "
            f"row {row - 1} ({index[row - 1]!s}) in the same sequence. That is what a "
            "shuffled split or rows drawn with replacement look like; split in order "
            "of time or by whole sequences. If the index is no time, drop it with "
            "X.reset_index(drop=True); if X holds several sequences, tell them apart "
            "by groups or by an index of two levels (sequence, time)."
            + _repeated_hour_hint(index[max(row - 2, 0) : row + 1])
        )


def _repeated_hour_hint(times):
    """Hint for local times that repeat an hour at the end of daylight saving time."""
    local = getattr(times.dtype, "kind", "O") == "M" and times.tz is None
    if not local or len(times) < 3:
        return ""
    due = times[1] + (times[1] - times[0])
    if (due - times[2]).total_seconds() != 3600:
        return ""
    return (
        " If these are local times of an hour that comes twice, when clocks are turned "
        "back in autumn, give them a time zone: X.tz_localize('Europe/Berlin', "
        "ambiguous='infer'), with a zone of your own, or use UTC."
    )


def _holes(values, starts, inner, longest):
    """Mask of holes (n_rows - 1,), which sequences are regular, and their steps.

    A hole is a step of more than `longest` usual steps, by default any longer one.
    """
    differences = _steps(values)
    lengths = np.diff(np.append(starts, len(values)))
    big = np.inf if differences.dtype.kind == "f" else np.iinfo(np.uint64).max
    # The smallest step of the sequence of each step.
    guarded = np.append(np.where(inner, differences, big), big)
    smallest = np.minimum.reduceat(guarded, starts)
    unit = np.repeat(smallest, lengths)[:-1]
    ratio = np.where(inner, differences / unit, 1.0)
    single = ratio < 1.5
    counts = np.maximum(lengths - 1, 1)
    regular = _sums(inner & ~_whole(ratio), starts) == 0
    regular &= 2 * _sums(inner & single, starts) > counts
    found = inner & (~single if longest is None else ratio > longest)
    return found, regular, smallest


def _holes_of_jitter(reading, starts, inner, irregular, longest):
    """Mask of holes (n_rows - 1,) in nearly regular ones of the irregular sequences.

    Also which sequences these are (with `longest`, all irregular ones of at least two
    rows), and the median step of each sequence.
    """
    differences = _steps(reading.values).astype(np.float64) / reading.scale
    n_steps = np.diff(np.append(starts, len(reading.values))) - 1
    sequence = np.repeat(np.arange(len(starts)), n_steps)
    within = differences[inner]
    order = np.lexsort((within, sequence))
    begins = np.cumsum(n_steps) - n_steps
    medians = np.full(len(starts), np.nan)
    some = n_steps > 0
    medians[some] = within[order][(begins + (n_steps - 1) // 2)[some]]
    ratio = np.ones(len(differences))
    ratio[inner] = within / medians[sequence]
    far = np.abs(ratio - 1.0) > NEAR * (1 + TOLERANCE)
    nearly = irregular & some
    if longest is None:
        longest = BEYOND_JITTER
        nearly &= ONE_IN * _sums(inner & far, starts) <= n_steps
    there = np.repeat(nearly, n_steps + 1)[:-1]
    return inner & there & (ratio > longest), nearly, medians


def _steps(values):
    """Differences of increasing values, without overflow of int64."""
    steps = np.diff(values)
    return steps if steps.dtype.kind == "f" else steps.view(np.uint64)


def _ratio(reading, unit, inner):
    """Steps of a reading in units of `unit`; 1 across boundaries of sequences."""
    return np.where(inner, _steps(reading.values) / (unit * reading.scale), 1.0)


def _whole(ratio):
    return np.abs(ratio - np.rint(ratio)) < TOLERANCE * ratio


def _sums(mask, starts):
    return np.add.reduceat(np.append(mask, False).astype(np.intp), starts)
