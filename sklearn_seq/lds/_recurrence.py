"""Linear recurrences over time steps, for one long sequence or many side by side."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np
from scipy.linalg.blas import dtbsv

PIECE = 512  # steps of one banded solve, whose band fits the cache
PIECE_ROWS = 8192  # rows that are worked on at a time, so that they stay in the cache
ROWS_AT_A_TIME = 4096  # rows of one matrix product
MAX_SINGLES = 16  # longest sequences that are solved one by one
# microseconds: of a step of the loop, of starting on one sequence, of one of its rows
STEP_COST, SINGLE_COST, ROW_COST = 6.0, 150.0, 0.1


def split_sequences(offsets):
    """Which sequences to solve one by one, and which side by side.

    The loop over the time steps of many sequences costs as many steps as the longest
    of them has; a banded solve of one sequence costs its rows. Lengths alone decide.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)

    Returns
    -------
    groups : list of Steps
    """
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    order = order[: np.count_nonzero(lengths)]
    if len(order) == 1:
        return [Steps(offsets, order)]
    longest = lengths[order]
    n_candidates = min(len(order), MAX_SINGLES) + 1
    singly = np.zeros(n_candidates)
    singly[1:] = np.cumsum(SINGLE_COST + ROW_COST * longest[: n_candidates - 1])
    together = STEP_COST * np.append(longest, 0)[:n_candidates]
    n_singles = int(np.argmin(singly + together))
    groups = [Steps(offsets, order[i : i + 1]) for i in range(n_singles)]
    if n_singles < len(order):
        groups.append(Steps(offsets, order[n_singles:]))
    return groups


def product(rows, matrix, out=None):
    """rows @ matrix.T for many rows and a small matrix.

    In the pieces and the memory order for which the matrix product is quick.
    """
    if out is None:
        out = np.empty((len(rows), len(matrix)))
    if not out.flags.c_contiguous:
        return np.matmul(matrix, rows.T, out=out.T)
    matrix = np.ascontiguousarray(matrix.T)
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        there = slice(start, start + ROWS_AT_A_TIME)
        np.matmul(rows[there], matrix, out=out[there])
    return out


class Steps:
    """Rows of some sequences in the order of their time steps.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)

    members : ndarray of int of shape (n_members,)
        Sequences, longest first.

    Attributes
    ----------
    lengths : ndarray of int of shape (n_members,)

    starts : ndarray of int of shape (n_steps + 1,)
        Step t of the first `starts[t + 1] - starts[t]` members, those that are long
        enough, is at positions ``starts[t]:starts[t + 1]``.

    rows : slice or ndarray of int of shape (n_positions,)
        The packed row at each position; absent if `even`.

    even : bool
        Whether these are sequences of equal lengths that follow each other.
    """

    def __init__(self, offsets, members):
        self.members = members
        self.lengths = offsets[members + 1] - offsets[members]
        self.n_steps = n_steps = int(self.lengths[0])
        self.single = len(members) == 1
        self.begin = begin = offsets[members]
        self.even = False
        if self.single:
            self.starts = np.arange(n_steps + 1)
            self.rows = slice(int(begin[0]), int(begin[0]) + n_steps)
            return
        counts = np.searchsorted(-self.lengths, -np.arange(n_steps), side="left")
        self.starts = np.concatenate(([0], np.cumsum(counts)))
        # equal sequences one after another are a three-dimensional array
        self.even = (
            self.lengths[-1] == n_steps
            and begin[-1] - begin[0] == (len(members) - 1) * n_steps
        )
        if self.even:
            return
        step = np.repeat(np.arange(n_steps), counts)
        member = np.arange(self.starts[-1]) - self.starts[step]
        self.rows = begin[member] + step

    def _view(self, values, there):
        """Values of packed rows at a slice of the positions, step by step."""
        if self.single:
            start = self.rows.start
            return values[start + there.start : start + there.stop]
        width, begin = len(self.members), self.begin[0]
        values = values[begin : begin + width * self.n_steps]
        values = values.reshape(width, self.n_steps, *values.shape[1:])
        return values[:, there.start // width : there.stop // width].swapaxes(0, 1)

    def take(self, values, there, buffers):
        """Values (n_positions, p) of packed rows at a slice of the positions."""
        if self.single:
            return self._view(values, there)
        out = buffers(("take", id(values)), there.stop - there.start, values.shape[1])
        if self.even:
            view = np.moveaxis(self._view(values, there), 2, 0)
            out.T.reshape(view.shape)[...] = view
        else:
            out[...] = values.take(self.rows[there], axis=0)
        return out

    def put(self, values, there, result):
        """Set the values of packed rows at a slice of the positions."""
        if self.single or self.even:
            view = self._view(values, there)
            if result.ndim == 2 and self.even:
                result = result.T.reshape(-1, *view.shape[:2])
                view[...] = np.moveaxis(result, 0, 2)
            else:
                view[...] = result.reshape(view.shape)
        else:
            values[self.rows[there]] = result

    def in_order(self):
        """The packed rows in their own order, with their steps.

        Returns
        -------
        rows : slice or ndarray of int of shape (n_positions,)

        step : ndarray of int of shape (n_positions,)

        remaining : ndarray of int of shape (n_positions,)
            Steps of the sequence that follow.
        """
        if self.single:
            step = np.arange(self.n_steps)
            return self.rows, step, step[::-1]
        order = np.argsort(self.begin)
        lengths, begin = self.lengths[order], self.begin[order]
        ends = np.cumsum(lengths)
        position = np.arange(ends[-1])
        step = position - np.repeat(ends - lengths, lengths)
        remaining = np.repeat(ends - 1, lengths) - position
        if begin[-1] + lengths[-1] - begin[0] == ends[-1]:
            return slice(int(begin[0]), int(begin[0] + ends[-1])), step, remaining
        return np.repeat(begin, lengths) + step, step, remaining


class ManySteps(Steps):
    """Steps of sequences, be it a single one, with explicit rows."""

    def __init__(self, offsets, members):
        super().__init__(offsets, members)
        if self.single:
            self.rows = np.arange(self.rows.start, self.rows.stop)
        elif self.even:
            self.rows = np.add.outer(np.arange(self.n_steps), self.begin).ravel()
        self.single = self.even = False


class Buffers:
    """Arrays for one piece after another, whose memory is used again.

    Freshly allocated memory costs more than the arithmetic on it.

    Parameters
    ----------
    by_column : bool
        Whether columns are contiguous: quick for many sequences side by side, where a
        step is a block of them; the time steps of a single one are rows.
    """

    def __init__(self, by_column):
        self.by_column = by_column
        self._flat = {}

    def __call__(self, name, n_rows, n_columns):
        """An array of shape (n_rows, n_columns), of any content."""
        flat = self._flat.get(name)
        if flat is None or len(flat) < n_rows * n_columns:
            flat = self._flat[name] = np.empty(n_rows * n_columns)
        flat = flat[: n_rows * n_columns]
        if self.by_column:
            return flat.reshape(n_columns, n_rows).T
        return flat.reshape(n_rows, n_columns)


class Schedule:
    """The matrices that each time step of some sequences uses.

    Parameters
    ----------
    starts : ndarray of int of shape (n_steps + 1,)
        Positions ``starts[t]:starts[t + 1]`` are step t.

    entry : ndarray of int of shape (n_steps,)
        Entry of each step in tables of matrices.

    usual : int
        The entry that most steps use: the steady state.

    closed_loop : ndarray of shape (n_entries, n, n)
        F of the recurrence x[t+1] = F[t] x[t] + inputs[t].

    whole : Schedule, default=None
        The one of which this is a piece, whose memory it shares.

    Attributes
    ----------
    buffers : Buffers
        What `apply` and `forward` return lives there until they are called again.
    """

    def __init__(self, starts, entry, usual, closed_loop, whole=None):
        self.starts, self.entry, self.usual = starts, entry, usual
        self.closed_loop = closed_loop
        self.n_steps = len(entry)
        self.single = starts[-1] == self.n_steps
        self.others = np.flatnonzero(entry != usual)
        self.buffers = Buffers(not self.single) if whole is None else whole.buffers
        self.bands = {} if whole is None else whole.bands

    def pieces(self):
        """Schedules of consecutive steps, and the slices of their positions."""
        starts, n_steps = self.starts, self.n_steps
        if starts[-1] <= PIECE_ROWS:
            yield slice(0, int(starts[-1])), self
            return
        begin = 0
        while begin < n_steps:
            end = np.searchsorted(starts, starts[begin] + PIECE_ROWS, side="right") - 1
            end = max(int(end), begin + 1)
            piece = Schedule(
                starts[begin : end + 1] - starts[begin],
                self.entry[begin:end],
                self.usual,
                self.closed_loop,
                self,
            )
            yield slice(int(starts[begin]), int(starts[end])), piece
            begin = end

    def apply(self, name, table, rows):
        """Rows times the transposed matrix of their step.

        Parameters
        ----------
        name : str
            Of the buffer for the result.

        table : ndarray of shape (n_entries, q, p)

        rows : ndarray of shape (n_positions, p)

        Returns
        -------
        products : ndarray of shape (n_positions, q)
        """
        result = self.buffers(name, len(rows), table.shape[1])
        product(rows, table[self.usual], result)
        others, starts = self.others, self.starts
        if len(others) == 0:
            return result
        matrices = table[self.entry[others]]
        if self.single:
            result[others] = (matrices @ rows[others][:, :, None])[:, :, 0]
            return result
        first, end = others[0], others[-1] + 1
        width = starts[first + 1] - starts[first]
        if starts[end] - starts[first] == width * len(others) == width * (end - first):
            there = slice(starts[first], starts[end])
            np.matmul(
                matrices,
                _step_by_step(rows[there], width),
                out=_step_by_step(result[there], width),
            )
        else:
            for step, matrix in zip(others, matrices, strict=True):
                there = slice(starts[step], starts[step + 1])
                result.T[:, there] = matrix @ rows.T[:, there]
        return result

    def forward(self, inputs, state):
        """States x[0] = state, x[t+1] = F[t] x[t] + inputs[t].

        Parameters
        ----------
        inputs : ndarray of shape (n_positions, n)

        state : ndarray of shape (n,) or (at least width of the first step, n)

        Returns
        -------
        states : ndarray of shape (n_positions, n)

        following : ndarray of shape (width of the last step, n)
            The state after the last one.
        """
        states = self.buffers("states", *inputs.shape)
        table, entry = self.closed_loop, self.entry
        if self.single:
            states[:1] = state
            states[1:] = inputs[:-1]
            _solve(
                states,
                table,
                entry,
                self.usual,
                partial(self._steady_band, table, "forward"),
            )
        else:
            starts, steps = self.starts.tolist(), entry.tolist()
            states[: starts[1]] = state[: starts[1]] if state.ndim > 1 else state
            columns, inwards = states.T, inputs.T
            for t in range(self.n_steps - 1):
                now, then, end = starts[t : t + 3]
                there = slice(now, now + end - then)
                np.add(
                    np.dot(table[steps[t]], columns[:, there]),
                    inwards[:, there],
                    out=columns[:, then:end],
                )
        last = slice(self.starts[-2], self.starts[-1])
        return states, states[last] @ table[entry[-1]].T + inputs[last]

    def backward(self, inputs, following=None):
        """Sums r[t] = inputs[t] + F[t]' r[t+1].

        Parameters
        ----------
        inputs : ndarray of shape (n_positions, n)
            Overwritten by the result.

        following : ndarray of shape (width of the step after the last, n), default=None
            The sums at the step after the last one; None if there is none.

        Returns
        -------
        first : ndarray of shape (width of the first step, n)
            The sums at the first step.
        """
        if following is not None:
            last = self.starts[-2]
            last_loop = self.closed_loop[self.entry[-1]]
            inputs[last : last + len(following)] += following @ last_loop
        if self.single:
            # the same recurrence, from the last row to the first
            table = np.swapaxes(self.closed_loop, 1, 2)
            backwards = np.append(self.entry[-2::-1], self.usual)
            band = partial(self._steady_band, table, "backward")
            sums = self.buffers("backward", *inputs.shape)
            sums[:] = inputs[::-1]
            _solve(sums, table, backwards, self.usual, band)
            inputs[:] = sums[::-1]
            return inputs[:1].copy()
        starts, entry = self.starts.tolist(), self.entry.tolist()
        table = np.ascontiguousarray(np.swapaxes(self.closed_loop, 1, 2))
        columns = inputs.T
        for t in range(self.n_steps - 2, -1, -1):
            now, then, end = starts[t : t + 3]
            columns[:, now : now + end - then] += np.dot(
                table[entry[t]], columns[:, then:end]
            )
        return inputs[: starts[1]].copy()

    def _steady_band(self, table, direction):
        length = min(PIECE, self.n_steps)
        band = self.bands.get(direction)
        if band is None or len(band) < length:
            matrix = table[self.usual]
            band = _band(np.broadcast_to(matrix, (length, *matrix.shape)))
            self.bands[direction] = band
        return band


def _solve(values, table, entry, usual, steady_band):
    """x[t+1] = F[t] x[t] + b[t+1] of one sequence as a banded triangular system.

    Stacked over time, x[t+1] - F[t] x[t] = b[t+1] is unit lower triangular with
    2 n - 1 diagonals below.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n)
        b, overwritten by x.

    table : ndarray of shape (n_entries, n, n)

    entry : ndarray of int of shape (n_steps,)

    usual : int
        The entry of the steady state.

    steady_band : callable
        Makes the band of a piece whose steps all have that entry.
    """
    n_steps, n = values.shape
    cuts = [*range(0, n_steps, PIECE), n_steps]
    regular = np.diff(np.searchsorted(np.flatnonzero(entry != usual), cuts)) == 0
    for start, stop, is_regular in zip(cuts[:-1], cuts[1:], regular, strict=True):
        piece = values[start:stop]
        if start:
            piece[0] += table[entry[start - 1]] @ values[start - 1]
        band = steady_band() if is_regular else _band(table[entry[start:stop]])
        columns = band[: len(piece)].reshape(-1, 2 * n).T
        dtbsv(2 * n - 1, columns, piece.reshape(-1), lower=1, diag=1, overwrite_x=1)


def _step_by_step(rows, width):
    """Rows (n_steps * width, p), columns contiguous, as (n_steps, p, width)."""
    columns = rows.T
    return columns.reshape(len(columns), -1, width).swapaxes(0, 1)


def _band(matrices):
    """Columns of the lower band of x[t+1] - F[t] x[t]: shape (n_steps, n, 2 n)."""
    n_steps, n, _ = matrices.shape
    band = np.zeros((n_steps, n, 2 * n))
    for column in range(n):
        band[:, column, n - column : 2 * n - column] = -matrices[:, :, column]
    return band
