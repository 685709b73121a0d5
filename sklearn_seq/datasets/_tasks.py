"""Makers of supervised tasks that need memory."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from .._core.sklearn_compat import Interval, validate_params

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "n_sequences": [_POSITIVE_INT],
        "n_bits": [_POSITIVE_INT, tuple],
        "delay": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_binary_addition(
    n_sequences: int = 1000,
    n_bits: int | tuple[int, int] = 8,
    *,
    delay: int = 2,
    random_state=None,
):
    """Make the task of adding two binary numbers, bit by bit.

    Two streams of random bits come in, least significant bit first, and their sum goes
    out `delay` steps later. To solve the task, a model has to carry.

    Parameters
    ----------
    n_sequences : int, default=1000
        The number of sequences.

    n_bits : int or tuple (low, high), default=8
        The number of bits of the two numbers: the same in all sequences, or the bounds,
        both included, between which each sequence's number of bits is drawn from a
        uniform distribution.

    delay : int, default=2
        The number of steps by which each bit of the sum follows the bits that it
        completes.

    random_state : int, RandomState instance or None, default=None
        Determines the bits and the lengths. Pass an int for reproducible output across
        multiple function calls.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_bits + 1 + delay, 2)
        The bits of the two numbers, 0.0 or 1.0, followed by zeros. When `n_bits` is a
        tuple, a list of arrays of shape (n_bits + 1 + delay, 2).

    y : ndarray of shape (n_sequences, n_bits + 1 + delay)
        The class of each step, 0.0 or 1.0: ``y[:, delay + k]`` is bit k of the sum,
        which has n_bits + 1 bits; the first `delay` steps are NaN for "no target". When
        `n_bits` is a tuple, a list of arrays of shape (n_bits + 1 + delay,).

    Raises
    ------
    ValueError
        If a parameter is out of its range or the bounds of `n_bits` are not in order.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton and R. J. Williams (1986). Learning internal
    representations by error propagation. In: Parallel Distributed Processing, volume 1,
    318-362. MIT Press.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_binary_addition
    >>> X, y = make_binary_addition(10, n_bits=3, random_state=0)
    >>> X.shape, y.shape
    ((10, 6, 2), (10, 6))
    >>> X[0].T
    array([[0., 1., 1., 0., 0., 0.],
           [1., 0., 1., 0., 0., 0.]])
    >>> y[0]  # 6 + 5 = 11, least significant bit first, two steps later
    array([nan, nan,  1.,  1.,  0.,  1.])
    >>> X, y = make_binary_addition(10, n_bits=(2, 5), random_state=0)
    >>> [len(sequence) for sequence in X[:4]]
    [5, 8, 6, 5]
    """
    low, high = _check_n_bits(n_bits)
    rng = check_random_state(random_state)
    lengths = rng.randint(low, high + 1, size=n_sequences)
    bits = rng.randint(2, size=(n_sequences, high, 2))
    bits[np.arange(high) >= lengths[:, np.newaxis]] = 0

    n_timesteps = high + 1 + delay
    X = np.zeros((n_sequences, n_timesteps, 2))
    X[:, :high] = bits
    y = np.full((n_sequences, n_timesteps), np.nan)
    y[:, delay:] = _add_bits(bits)
    if not isinstance(n_bits, tuple):
        return X, y
    ends = lengths + 1 + delay
    return (
        [sequence[:end].copy() for sequence, end in zip(X, ends, strict=True)],
        [target[:end].copy() for target, end in zip(y, ends, strict=True)],
    )


def _check_n_bits(n_bits):
    if not isinstance(n_bits, tuple):
        return n_bits, n_bits
    integers = all(isinstance(bound, Integral) for bound in n_bits)
    if not (len(n_bits) == 2 and integers and 1 <= n_bits[0] <= n_bits[1]):
        raise ValueError(
            "n_bits as a tuple should be (low, high), two ints with 1 <= low <= high, "
            f"got {n_bits!r}."
        )
    return n_bits


def _add_bits(bits):
    """Sums, shape (n_sequences, n_bits + 1), of numbers (n_sequences, n_bits, 2)."""
    n_sequences, n_bits, _ = bits.shape
    total = np.empty((n_sequences, n_bits + 1), dtype=int)
    carry = np.zeros(n_sequences, dtype=int)
    for k in range(n_bits):
        column = bits[:, k].sum(axis=1) + carry
        total[:, k] = column % 2
        carry = column // 2
    total[:, n_bits] = carry
    return total


@validate_params(
    {
        "n_sequences": [_POSITIVE_INT],
        "n_timesteps": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_adding_problem(
    n_sequences: int = 1000, n_timesteps: int = 100, *, random_state=None
) -> tuple[np.ndarray, np.ndarray]:
    """Make the adding problem: the sum of two numbers marked in a long sequence.

    One feature holds random numbers; the other marks one step in each half of the
    sequence. The target is the sum of the two marked numbers. To predict their mean, 1,
    for all sequences gives a mean squared error of 1/6.

    Parameters
    ----------
    n_sequences : int, default=1000
        The number of sequences.

    n_timesteps : int, default=100
        The length of each sequence, at least 2. The first half is the shorter one when
        the length is odd.

    random_state : int, RandomState instance or None, default=None
        Determines the numbers and the marked steps. Pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_timesteps, 2)
        ``X[:, :, 0]`` are numbers from a uniform distribution over [0, 1), and
        ``X[:, :, 1]`` is 1 in the two marked steps and 0 elsewhere.

    y : ndarray of shape (n_sequences,)
        The sum of the two marked numbers.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    S. Hochreiter and J. Schmidhuber (1997). Long short-term memory. Neural Computation,
    9(8), 1735-1780. The ranges here are those of M. Arjovsky, A. Shah and Y. Bengio
    (2016), Unitary evolution recurrent neural networks, ICML.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_adding_problem
    >>> X, y = make_adding_problem(10, 50, random_state=0)
    >>> X.shape, y.shape
    ((10, 50, 2), (10,))
    >>> bool(abs(X[0, X[0, :, 1] == 1, 0].sum() - y[0]) < 1e-12)
    True
    """
    rng = check_random_state(random_state)
    X = np.zeros((n_sequences, n_timesteps, 2))
    X[:, :, 0] = rng.uniform(size=(n_sequences, n_timesteps))
    half = n_timesteps // 2
    sequences = np.arange(n_sequences)
    first = rng.randint(0, half, size=n_sequences)
    second = rng.randint(half, n_timesteps, size=n_sequences)
    X[sequences, first, 1] = 1
    X[sequences, second, 1] = 1
    return X, X[sequences, first, 0] + X[sequences, second, 0]


@validate_params(
    {
        "n_sequences": [_POSITIVE_INT],
        "n_symbols": [_POSITIVE_INT],
        "n_copied": [_POSITIVE_INT],
        "delay": [_POSITIVE_INT],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_copy_memory(
    n_sequences: int = 1000,
    *,
    n_symbols: int = 8,
    n_copied: int = 10,
    delay: int = 100,
    random_state=None,
) -> tuple[np.ndarray, np.ndarray]:
    """Make the copying problem: repeat symbols after a long delay.

    `n_copied` random symbols come in, then blanks, and at the last step of the delay a
    marker; the model has to put out the symbols in their order after the marker, and
    blanks before. To put out blanks up to the marker and to guess afterwards gives
    ``n_copied * log(n_symbols) / n_timesteps`` nats per step.

    Parameters
    ----------
    n_sequences : int, default=1000
        The number of sequences.

    n_symbols : int, default=8
        The number of different symbols to be copied, 0 to n_symbols - 1. The blank is
        the symbol `n_symbols`, the marker `n_symbols` + 1.

    n_copied : int, default=10
        The number of symbols to be copied in each sequence.

    delay : int, default=100
        The number of steps between the last symbol's coming in and the first one's
        going out, at least 1: delay - 1 blanks and the marker.

    random_state : int, RandomState instance or None, default=None
        Determines the symbols. Pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_timesteps, 1)
        The symbols that come in, int. The length is
        ``n_timesteps = n_copied + delay + n_copied``; the last `n_copied` are blanks.

    y : ndarray of shape (n_sequences, n_timesteps)
        The symbols that are to go out, int: blanks, and the symbols to be copied in the
        last `n_copied` steps. Replace the blanks by -1, which means "no target", to
        leave them out of loss and score.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    S. Hochreiter and J. Schmidhuber (1997). Long short-term memory. Neural Computation,
    9(8), 1735-1780. The form here is that of M. Arjovsky, A. Shah and Y. Bengio (2016),
    Unitary evolution recurrent neural networks, ICML.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_copy_memory
    >>> X, y = make_copy_memory(10, n_symbols=4, n_copied=3, delay=2, random_state=0)
    >>> X.shape, y.shape
    ((10, 8, 1), (10, 8))
    >>> X[0].ravel()
    array([0, 3, 1, 4, 5, 4, 4, 4])
    >>> y[0]
    array([4, 4, 4, 4, 4, 0, 3, 1])
    """
    rng = check_random_state(random_state)
    blank, marker = n_symbols, n_symbols + 1
    n_timesteps = n_copied + delay + n_copied
    symbols = rng.randint(n_symbols, size=(n_sequences, n_copied))
    X = np.full((n_sequences, n_timesteps, 1), blank)
    X[:, :n_copied, 0] = symbols
    X[:, n_copied + delay - 1] = marker
    y = np.full((n_sequences, n_timesteps), blank)
    y[:, -n_copied:] = symbols
    return X, y
