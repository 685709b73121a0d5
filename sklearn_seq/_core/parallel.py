"""Workers that share the sequences, or the classes, of a fit.

A user's ``parallel_config`` sets the joblib backend and the number of workers. The
default are threads: compiled code releases the GIL, data are not copied, and a pool
starts at once. They are those of `ThreadPoolExecutor`, which returns a result at once,
where joblib polls every 10 ms.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import ThreadPoolExecutor
from functools import reduce

import numpy as np
from joblib.parallel import get_active_backend
from sklearn import config_context, get_config
from sklearn.utils.parallel import Parallel, delayed

BLOCK_ENTRIES = 1 << 18  # smallest rows × states of a block
MAX_BLOCKS = 64
LEAST_ROWS = 20_000  # rows for each worker if n_jobs is None


class Pool:
    """A pool of workers for all tasks of a fit.

    Parameters
    ----------
    n_jobs : int or None
        As in scikit-learn.
    n_tasks : int
        Largest number of tasks at a time.

    Attributes
    ----------
    n_workers : int
    """

    def __init__(self, n_jobs, n_tasks):
        backend, _ = get_active_backend(prefer="threads")
        _, offered = get_active_backend()  # with prefer= it would be 1
        n_workers = backend.effective_n_jobs(offered if n_jobs is None else n_jobs)
        self.n_workers = max(1, min(n_workers, n_tasks))
        self._threads = getattr(backend, "supports_sharedmem", False)
        self._n_jobs = n_jobs
        self._pool = None

    def __enter__(self):
        if self.n_workers > 1:
            if self._threads:
                self._pool = ThreadPoolExecutor(self.n_workers)
            else:
                self._pool = Parallel(self._n_jobs, batch_size=1)
            self._pool.__enter__()
        return self

    def __exit__(self, *details):
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.__exit__(*details)

    def map(self, function, tasks):
        """Results of a function, in the order of the tasks.

        Parameters
        ----------
        function : callable
            Picklable.
        tasks : list of tuple
            Its arguments, for each call.

        Returns
        -------
        results : list
        """
        if self._pool is None or len(tasks) == 1:
            return [function(*task) for task in tasks]
        if not self._threads:
            return self._pool(delayed(function)(*task) for task in tasks)
        settings = get_config(), np.geterr()
        futures = [
            self._pool.submit(_with_settings, settings, function, task)
            for task in tasks
        ]
        try:
            return [future.result() for future in futures]
        finally:  # after an error or interrupt, cancel what has not begun
            for future in futures:
                future.cancel()


def _with_settings(settings, function, task):
    """Run a task with the scikit-learn configuration of the calling thread."""
    config, errors = settings
    with config_context(**config), np.errstate(**errors):
        return function(*task)


class SharedSums:
    """Sums over sequences, shared among workers.

    A context manager that holds one pool for all sums of a fit. How sequences are cut
    into blocks depends on the data alone, and the sums of blocks are added in order, so
    that results are the same, bit by bit, for any number of workers.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)
        The rows at which sequences begin, and the number of rows.
    n_states : int
        Number of states; the time of a row grows with it.
    n_jobs : int, default=None
        The number of workers, as in scikit-learn, with any joblib backend. None uses
        the workers of a `parallel_config` if each gets enough rows.
    """

    def __init__(self, offsets, n_states, n_jobs=None):
        self._offsets = np.asarray(offsets)
        n_rows = int(self._offsets[-1])
        n_blocks = min(n_rows * n_states // BLOCK_ENTRIES, MAX_BLOCKS)
        self._blocks = sequence_blocks(self._offsets, max(1, n_blocks))
        n_tasks = len(self._blocks)
        if n_jobs is None:
            n_tasks = min(n_tasks, n_rows // LEAST_ROWS)
        self._pool = Pool(n_jobs, n_tasks)

    def __enter__(self):
        self._pool.__enter__()
        return self

    def __exit__(self, *details):
        self._pool.__exit__(*details)

    def of(self, statistics, add, arrays):
        """A function from parameters to the sum of statistics over all sequences.

        Parameters
        ----------
        statistics : callable
            ``statistics(parameters, *arrays, offsets)``: the summand of some
            sequences. Picklable.
        add : callable
            ``add(a, b)``: the sum of two statistics.
        arrays : tuple of (ndarray of shape (n_rows, ...) or None)
            The data, cut along the rows.

        Returns
        -------
        total : callable
            ``total(parameters)``: the statistics of all sequences.
        """
        offsets = self._offsets
        if len(self._blocks) == 1:
            return lambda parameters: statistics(parameters, *arrays, offsets)
        pieces = []
        for first, stop in self._blocks:
            a, b = offsets[first], offsets[stop]
            data = [None if array is None else array[a:b] for array in arrays]
            pieces.append((*data, offsets[first : stop + 1] - a))
        starts = [first for first, _ in self._blocks] + [len(offsets) - 1]
        shares = sequence_blocks(offsets[starts], self._pool.n_workers)

        def total(parameters):
            tasks = [(statistics, parameters, pieces[a:b]) for a, b in shares]
            found = self._pool.map(_of_each, tasks)
            return reduce(add, [each for share in found for each in share])

        return total


def _of_each(statistics, parameters, pieces):
    return [statistics(parameters, *piece) for piece in pieces]


def sequence_blocks(offsets, n_blocks):
    """Cut the list of sequences into blocks of about as many rows each.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)
        The rows at which sequences begin, and the number of rows.
    n_blocks : int
        How many blocks there are at most.

    Returns
    -------
    blocks : list of (int, int)
        First sequence of each block and the first after it.

    Examples
    --------
    >>> sequence_blocks([0, 50, 60, 70, 100], 2)
    [(0, 1), (1, 4)]
    """
    offsets = np.asarray(offsets)
    n_sequences = len(offsets) - 1
    targets = offsets[-1] * np.arange(1, n_blocks) / n_blocks
    cuts = np.searchsorted((offsets[:-1] + offsets[1:]) / 2, targets)
    cuts = np.unique(np.concatenate([[0], cuts, [n_sequences]]))
    return [(int(a), int(b)) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
