"""The most probable path: the forward recursion with maxima, and the way back.

No back-pointers are stored: on the way back the best state before is found again, for
the states of the path alone.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._groups import make_groups
from ._together import Together

WARM_UP = 32  # rows that a chunk starts before its own
SHORT, SHORT_WARM_UP = 4_000, 16  # rows of a short sequence, and its chunks' warm-up
WARM_BACK = 16  # rows that its way back starts after its own
SHORTEST = 96  # rows from which a sequence is cut into chunks
SPAN = 64  # steps between which the best is not set to zero
RERUNS = 2  # of chunks that began elsewhere than the chunk before them ended
MAX_TRANSFER = 16  # states up to which the ways through chunks are computed
AGREEMENT = 1e-12  # relative to the numbers compared
TERMS_AT_A_TIME = 1 << 16  # sums whose maxima are sought, that stay in the cache
N_CHUNKS = 40  # their number is the square root of this many rows over states


def best_paths(startprob, transmat, log_densities, offsets):
    """Best path of each sequence, and its joint log probability.

    Returns
    -------
    states : ndarray of int of shape (N,)

    log_proba : ndarray of shape (n_sequences,)
    """
    N, K = log_densities.shape
    log_start, log_transmat = np.log(startprob), np.log(transmat)
    states = np.empty(N, dtype=np.intp)
    for group in make_groups(offsets, K):
        if isinstance(group, Together):
            _paths_together(group, log_start, log_transmat, log_densities, states)
            continue
        rows = group.rows
        short = rows.stop - rows.start < SHORTEST
        best_path = path_in_order if short else _path_in_chunks
        states[rows] = best_path(log_start, log_transmat, log_densities[rows])
    terms = log_densities[np.arange(N), states]
    some = offsets[1:] > offsets[:-1]
    first = offsets[:-1][some]
    if N:
        arrived = log_transmat[states[:-1], states[1:]]
        terms[1:] += _without(arrived, first[1:] - 1)
        terms[first] += log_start[states[first]]
    log_proba = np.zeros(len(offsets) - 1)
    if N:
        log_proba[some] = np.add.reduceat(terms, first)
    return states, log_proba


def path_in_order(log_start, log_transmat, log_densities):
    """Best path of one sequence, row by row.

    An impossible row counts as missing.
    """
    T, K = log_densities.shape
    best = np.array(log_densities)
    best[0] += log_start
    if best[0].max() == -np.inf:
        best[0] = log_start
    terms, arrivals = np.empty((K, K)), np.empty(K)
    previous = best[0]
    for t in range(1, T):
        np.add(previous[:, None], log_transmat, out=terms)
        np.maximum.reduce(terms, axis=0, out=arrivals)
        row = best[t]
        row += arrivals
        top = row.max()
        if top == -np.inf:
            row[:] = arrivals
            top = row.max()
        row -= top
        previous = row
    path = np.empty(T, dtype=np.intp)
    path[-1] = state = best[-1].argmax()
    departures = np.ascontiguousarray(log_transmat.T)
    for t in range(T - 2, -1, -1):
        path[t] = state = (best[t] + departures[state]).argmax()
    return path


def _paths_together(group, log_start, log_transmat, log_densities, states):
    """Best paths of sequences side by side."""
    counts = group.counts
    best = np.empty((len(counts), len(log_start), group.n_members))
    group.load(log_densities, best)
    best[0] += log_start[:, None]
    step = Step(log_transmat, group.n_members)
    for t in range(1, len(counts)):
        previous = best[t - 1, :, : counts[t]]
        if t % SPAN == 0:
            previous = previous - previous.max(axis=0)
        best[t, :, : counts[t]] += step.arrivals(previous)
    path = np.empty((len(counts), group.n_members), dtype=np.intp)
    departures = np.ascontiguousarray(log_transmat.T)
    n_after = 0
    for t in range(len(counts) - 1, -1, -1):
        candidates = best[t, :, : counts[t]].T.copy()
        if n_after:
            candidates[:n_after] += departures.take(path[t + 1, :n_after], axis=0)
        candidates.argmax(axis=1, out=path[t, : counts[t]])
        n_after = counts[t]
    group.store(path, states)
    impossible = ~np.isfinite(best.max(axis=1)).all(axis=0)
    for member in np.flatnonzero(impossible):
        rows = group.rows_of(member)
        states[rows] = path_in_order(log_start, log_transmat, log_densities[rows])


def _path_in_chunks(log_start, log_transmat, log_densities):
    """Best path of one sequence, its chunks side by side.

    A chunk begins with a guess, warmed up on the rows before it, and runs again until
    it begins where the one before it ended, up to a constant: paths that survive have
    their past in common. Where they do not soon enough, the best ways through each
    chunk between all pairs of states give its beginning.
    """
    T, K = log_densities.shape
    warm_up = SHORT_WARM_UP if T < SHORT else WARM_UP
    n_chunks = max(2, min(int(np.sqrt(N_CHUNKS * T / K)), T // warm_up))
    n_steps = -(-T // n_chunks)
    n_chunks = -(-T // n_steps)
    best = np.zeros((n_steps, K, n_chunks))
    chunked = np.zeros((n_chunks * n_steps, K))
    chunked[:T] = log_densities
    chunked[0] += log_start
    best[:] = chunked.reshape(n_chunks, n_steps, K).transpose(1, 2, 0)
    best -= best.max(axis=1, keepdims=True)
    if np.isnan(best).any():
        return path_in_order(log_start, log_transmat, log_densities)
    step = Step(log_transmat, n_chunks)
    guess = np.zeros((K, n_chunks))
    for t in range(n_steps - min(warm_up, n_steps), n_steps):
        guess = best[t] + step.arrivals(guess)
    begins = np.zeros((K, n_chunks))
    begins[:, 1:] = guess[:, :-1]
    own = best.copy()
    own[0, :, 1:] += step.arrivals(begins)[:, 1:]
    for t in range(1, n_steps):
        own[t] += step.arrivals(own[t - 1])
    for run in range(RERUNS + 2):
        again = np.flatnonzero(~_same(begins[:, 1:], own[-1, :, :-1])) + 1
        if len(again) == 0:
            break
        if run >= RERUNS:
            if K > MAX_TRANSFER or run > RERUNS:
                return path_in_order(log_start, log_transmat, log_densities)
            begins = _exact_begins(step, best, own[-1, :, 0])
            again = np.arange(1, n_chunks)
        else:
            begins[:, again] = own[-1][:, again - 1]
        some = Step(log_transmat, len(again))
        current = begins[:, again]
        for t in range(n_steps):
            current = best[t][:, again] + some.arrivals(current)
            own[t][:, again] = current
    if not np.isfinite(own.max(axis=1)).all():
        return path_in_order(log_start, log_transmat, log_densities)
    return _way_back(own, log_transmat, T).T.ravel()[:T]


def _exact_begins(step, best, first_end):
    """The best where each chunk begins, from the best ways through the chunks.

    Parameters
    ----------
    step : Step

    best : ndarray of shape (n_steps, K, n_chunks)
        Log densities.

    first_end : ndarray of shape (K,)
        The best where the first chunk ends.

    Returns
    -------
    begins : ndarray of shape (K, n_chunks)
    """
    n_steps, K, n_chunks = best.shape
    ways = np.empty((K, K, n_chunks))
    for source in range(K):
        current = np.full((K, n_chunks), -np.inf)
        current[source] = 0.0
        for t in range(n_steps):
            current = best[t] + step.arrivals(current)
        ways[source] = current
    begins = np.zeros((K, n_chunks))
    begins[:, 1] = first_end
    for chunk in range(2, n_chunks):
        through = begins[:, chunk - 1, None] + ways[:, :, chunk - 1]
        begins[:, chunk] = through.max(axis=0)
        begins[:, chunk] -= begins[:, chunk].max()
    return begins


def _way_back(best, log_transmat, n_rows):
    """Paths through all chunks: ndarray of int of shape (n_steps, n_chunks)."""
    n_steps, K, n_chunks = best.shape
    last_step = n_rows - 1 - (n_chunks - 1) * n_steps
    rows = np.ascontiguousarray(best.transpose(0, 2, 1))
    departures = np.ascontiguousarray(log_transmat.T)
    warm = min(WARM_BACK, n_steps) - 1
    after = rows[warm].argmax(axis=1)
    for t in range(warm - 1, -1, -1):
        after = (rows[t] + departures.take(after, axis=0)).argmax(axis=1)
    path = np.empty((n_steps, n_chunks), dtype=np.intp)
    ahead = np.append(after[1:], 0)  # state of the row after each chunk
    which = np.arange(n_chunks)
    n_runs = 0
    while len(which):
        if n_runs == RERUNS and K <= MAX_TRANSFER:
            ahead = _exact_ahead(rows, departures, last_step)
            which = np.arange(n_chunks)
        n_runs += 1
        after = ahead[which]
        for t in range(n_steps - 1, -1, -1):
            candidates = rows[t] if len(which) == n_chunks else rows[t, which]
            choices = departures.take(after, axis=0)
            if t == last_step:
                choices[which == n_chunks - 1] = 0.0
            choices += candidates
            after = choices.argmax(axis=1)
            path[t, which] = after
        which = np.flatnonzero(path[0, 1:] != ahead[:-1])
        ahead[which] = path[0, which + 1]
    return path


def _exact_ahead(rows, departures, last_step):
    """State of the row after each chunk, from the ways back of all states through them.

    Parameters
    ----------
    rows : ndarray of shape (n_steps, n_chunks, K)
        The best at each row.

    departures : ndarray of shape (K, K)
        Log probabilities of going to i from j.

    last_step : int
        Of the last chunk that is a row.

    Returns
    -------
    ahead : ndarray of int of shape (n_chunks,)
    """
    n_steps, n_chunks, K = rows.shape
    back = np.tile(np.arange(K), (n_chunks, 1))
    for t in range(n_steps - 1, -1, -1):
        choices = departures.take(back, axis=0)
        if t == last_step:
            choices[-1] = 0.0
        choices += rows[t][:, None]
        back = choices.argmax(axis=2)
    ahead = np.zeros(n_chunks, dtype=np.intp)
    for chunk in range(n_chunks - 1, 0, -1):
        ahead[chunk - 1] = back[chunk, ahead[chunk]]
    return ahead


class Step:
    """Maxima over the states before, for many columns.

    Parameters
    ----------
    log_transmat : ndarray of shape (K, K)

    n_columns : int
        At most.
    """

    def __init__(self, log_transmat, n_columns):
        K = len(log_transmat)
        n_targets = min(K, max(1, TERMS_AT_A_TIME // (K * n_columns)))
        targets = [slice(j, min(j + n_targets, K)) for j in range(0, K, n_targets)]
        from_all = np.ascontiguousarray(log_transmat.T)[:, :, None]
        terms = np.empty((n_targets, K, n_columns))
        self.out = np.empty((K, n_columns))
        self.parts = [
            (from_all[some], terms[: some.stop - some.start], self.out[some])
            for some in targets
        ]

    def arrivals(self, best):
        """The best over i of best[i] + log A[i, j]: (K, n), until the next call."""
        n = best.shape[1]
        if n < self.out.shape[1]:
            for from_all, terms, out in self.parts:
                np.add(best, from_all, out=terms[..., :n])
                np.maximum.reduce(terms[..., :n], axis=1, out=out[:, :n])
            return self.out[:, :n]
        for from_all, terms, out in self.parts:
            np.add(best, from_all, out=terms)
            np.maximum.reduce(terms, axis=1, out=out)
        return self.out


def _same(first, second):
    """Whether columns are equal up to a constant and rounding."""
    difference = first - second
    absent = (first == -np.inf) & (second == -np.inf)
    high = np.where(absent, -np.inf, difference).max(axis=0)
    low = np.where(absent, np.inf, difference).min(axis=0)
    size = np.maximum(_size(first), _size(second))
    return (high - low <= AGREEMENT * (1 + size)) | absent.all(axis=0)


def _size(values):
    """Largest finite magnitude of each column."""
    return np.where(np.isfinite(values), np.abs(values), 0.0).max(axis=0)


def _without(values, places):
    values[places] = 0.0
    return values
