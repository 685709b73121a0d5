"""Linear recurrences over time steps, for one long sequence or many side by side."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

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


def product(rows, matrix):
    """rows @ matrix.T for many rows and a small matrix.

    In the pieces and the memory order for which the matrix product is quick.
    """
    matrix = np.ascontiguousarray(matrix.T)
    out = np.empty((len(rows), matrix.shape[1]))
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
        The packed row at each position.
    """

    def __init__(self, offsets, members):
        self.members = members
        self.lengths = offsets[members + 1] - offsets[members]
        self.n_steps = n_steps = int(self.lengths[0])
        self.single = len(members) == 1
        self.begin = begin = offsets[members]
        if self.single:
            self.starts = np.arange(n_steps + 1)
            self.rows = slice(int(begin[0]), int(begin[0]) + n_steps)
            return
        steps = np.arange(n_steps)
        counts = np.searchsorted(-self.lengths, -steps, side="left")
        self.starts = np.concatenate(([0], np.cumsum(counts)))
        if self.lengths[-1] == n_steps:
            self.rows = np.add.outer(steps, begin).ravel()
        else:
            step = np.repeat(steps, counts)
            member = np.arange(self.starts[-1]) - self.starts[step]
            self.rows = begin[member] + step

    def take(self, values, there):
        """Values of packed rows at a slice of the positions."""
        rows = self.rows_at(there)
        return values[rows] if self.single else values.take(rows, axis=0)

    def rows_at(self, there):
        """Packed rows at a slice of the positions."""
        if self.single:
            start = self.rows.start
            return slice(start + there.start, start + there.stop)
        return self.rows[there]

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

    first : int, default=0
        The first of the time steps, of which this is a part.
    """

    def __init__(self, starts, entry, usual, closed_loop, first=0, bands=None):
        self.starts, self.entry, self.usual = starts, entry, usual
        self.closed_loop = closed_loop
        self.n_steps = len(entry)
        self.single = starts[-1] == self.n_steps
        self.others = np.flatnonzero(entry != usual)
        self.first = first
        self.bands = {} if bands is None else bands

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
                begin,
                self.bands,
            )
            yield slice(int(starts[begin]), int(starts[end])), piece
            begin = end

    def apply(self, table, rows):
        """Rows times the transposed matrix of their step.

        Parameters
        ----------
        table : ndarray of shape (n_entries, q, p)

        rows : ndarray of shape (n_positions, p)

        Returns
        -------
        products : ndarray of shape (n_positions, q)
        """
        result = product(rows, table[self.usual])
        others, starts = self.others, self.starts
        if len(others) == 0:
            return result
        matrices = np.swapaxes(table[self.entry[others]], 1, 2)
        first, end = others[0], others[-1] + 1
        n_others, n_rows = len(others), starts[end] - starts[first]
        width = starts[first + 1] - starts[first]
        if end - first == n_others and n_rows == width * n_others:
            there = slice(starts[first], starts[end])
            shape = (n_others, width, -1)
            result[there].reshape(shape)[:] = rows[there].reshape(shape) @ matrices
        elif self.single:
            result[others] = (rows[others][:, None] @ matrices)[:, 0]
        else:
            for step, matrix in zip(others, matrices, strict=True):
                there = slice(starts[step], starts[step + 1])
                np.matmul(rows[there], matrix, out=result[there])
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
        states = np.empty_like(inputs)
        table, entry = self.closed_loop, self.entry
        if self.single:
            states[:1] = state
            states[1:] = inputs[:-1]
            _solve(states, table, entry, self._steady_band(table, "forward"))
        else:
            starts, entry = self.starts.tolist(), entry.tolist()
            states[: starts[1]] = state[: starts[1]] if state.ndim > 1 else state
            table = np.ascontiguousarray(np.swapaxes(table, 1, 2))
            for t in range(self.n_steps - 1):
                now, then, end = starts[t : t + 3]
                width = end - then
                following = states[then:end]
                np.dot(states[now : now + width], table[entry[t]], out=following)
                following += inputs[now : now + width]
            table = self.closed_loop
        last = slice(self.starts[-2], self.starts[-1])
        return states, states[last] @ table[entry[-1]].T + inputs[last]

    def backward(self, inputs):
        """Sums r[t] = inputs[t] + F[t]' r[t+1].

        Parameters
        ----------
        inputs : ndarray of shape (n_positions, n)
            Overwritten by the result.

        Returns
        -------
        sums : ndarray of shape (n_positions, n)
        """
        if self.single:
            # the same recurrence, from the last row to the first
            table = np.swapaxes(self.closed_loop, 1, 2)
            entry = np.append(self.entry[-2::-1], self.usual)
            band = self._steady_band(table, "backward")
            sums = np.ascontiguousarray(inputs[::-1])
            _solve(sums, table, entry, band)
            inputs[:] = sums[::-1]
            return inputs
        starts = self.starts.tolist()
        entry = self.entry.tolist()
        for t in range(self.n_steps - 2, -1, -1):
            now, then, end = starts[t : t + 3]
            inputs[now : now + end - then] += np.dot(
                inputs[then:end], self.closed_loop[entry[t]]
            )
        return inputs

    def _steady_band(self, table, direction):
        """Band of the steady state, and the entry that it is for."""
        length = min(PIECE, self.n_steps)
        band = self.bands.get(direction)
        if band is None or len(band) < length:
            matrix = table[self.usual]
            band = _band(np.broadcast_to(matrix, (length, *matrix.shape)))
            self.bands[direction] = band
        return band, self.usual


def _solve(values, table, entry, steady):
    """x[t+1] = F[t] x[t] + b[t+1] of one sequence as a banded triangular system.

    Stacked over time, x[t+1] - F[t] x[t] = b[t+1] is unit lower triangular with
    2 n - 1 diagonals below.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n)
        b, overwritten by x.

    table : ndarray of shape (n_entries, n, n)

    entry : ndarray of int of shape (n_steps,)

    steady : tuple of ndarray and int
        The band of a piece whose steps all have one entry, and that entry.
    """
    n_steps, n = values.shape
    steady_band, usual = steady
    cuts = [*range(0, n_steps, PIECE), n_steps]
    regular = np.diff(np.searchsorted(np.flatnonzero(entry != usual), cuts)) == 0
    for start, stop, is_regular in zip(cuts[:-1], cuts[1:], regular, strict=True):
        piece = values[start:stop]
        if start:
            piece[0] += table[entry[start - 1]] @ values[start - 1]
        band = steady_band if is_regular else _band(table[entry[start:stop]])
        columns = band[: len(piece)].reshape(-1, 2 * n).T
        dtbsv(2 * n - 1, columns, piece.reshape(-1), lower=1, diag=1, overwrite_x=1)


def _band(matrices):
    """Columns of the lower band of x[t+1] - F[t] x[t]: shape (n_steps, n, 2 n)."""
    n_steps, n, _ = matrices.shape
    band = np.zeros((n_steps, n, 2 * n))
    for column in range(n):
        band[:, column, n - column : 2 * n - column] = -matrices[:, :, column]
    return band
