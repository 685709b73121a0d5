"""Makers of signals: sine waves and a chaotic series."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

from .._core.sklearn_compat import Interval, validate_params
from ._recursion import autoregress

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "n_sequences": [_POSITIVE_INT],
        "n_timesteps": [_POSITIVE_INT],
        "n_features": [_POSITIVE_INT],
        "period": [Interval(Real, 0, None, closed="neither"), tuple],
        "noise": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_sines(
    n_sequences: int = 100,
    n_timesteps: int = 100,
    *,
    n_features: int = 1,
    period=(10.0, 50.0),
    noise: float = 0.1,
    random_state=None,
) -> np.ndarray:
    """Make noisy sine waves of random period and phase.

    All features of a sequence have the same period; each has a phase of its own. The
    amplitude is 1.

    Parameters
    ----------
    n_sequences : int, default=100
        The number of sequences.

    n_timesteps : int, default=100
        The length of each sequence.

    n_features : int, default=1
        The number of features.

    period : float or tuple (low, high), default=(10.0, 50.0)
        The period in time steps: the same for all sequences, or the bounds between
        which each sequence's period is drawn from a uniform distribution.

    noise : float, default=0.1
        The standard deviation of the Gaussian noise added to every value.

    random_state : int, RandomState instance or None, default=None
        Determines the periods, the phases and the noise. Pass an int for reproducible
        output across multiple function calls.

    Returns
    -------
    X : ndarray of shape (n_sequences, n_timesteps, n_features)
        The sequences.

    Raises
    ------
    ValueError
        If a parameter is out of its range or the bounds of `period` are not in order.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_sines
    >>> X = make_sines(20, 50, n_features=2, random_state=0)
    >>> X.shape
    (20, 50, 2)
    """
    low, high = _check_period(period)
    rng = check_random_state(random_state)
    periods = rng.uniform(low, high, size=(n_sequences, 1, 1))
    phases = rng.uniform(0, 2 * np.pi, size=(n_sequences, 1, n_features))
    time = np.arange(n_timesteps)[:, np.newaxis]
    X = np.sin(2 * np.pi * time / periods + phases)
    X += noise * rng.normal(size=X.shape)
    return X


def _check_period(period):
    if isinstance(period, Real):
        return period, period
    numbers = all(isinstance(bound, Real) for bound in period)
    if not (len(period) == 2 and numbers and 0 < period[0] <= period[1] < np.inf):
        raise ValueError(
            "period as a tuple should be (low, high) with 0 < low <= high, "
            f"got {period!r}."
        )
    return period


# The step of the integration, and its number of steps per time step.
_MACKEY_GLASS_STEP = 0.1
_MACKEY_GLASS_SUBSTEPS = 10


@validate_params(
    {
        "n_timesteps": [_POSITIVE_INT],
        "tau": [Interval(Real, _MACKEY_GLASS_STEP, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "gamma": [Interval(Real, 0, 10, closed="right")],
        "exponent": [Interval(Real, 0, None, closed="neither")],
        "washout": [Interval(Integral, 0, None, closed="left")],
        "n_sequences": [_POSITIVE_INT, None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_mackey_glass(
    n_timesteps: int = 1000,
    *,
    tau: float = 17.0,
    beta: float = 0.2,
    gamma: float = 0.1,
    exponent: float = 10.0,
    washout: int = 1000,
    n_sequences: int | None = None,
    random_state=None,
) -> np.ndarray:
    """Make a Mackey-Glass series, a chaotic series without noise.

    The series solves the delay differential equation::

        dx(t)/dt = beta x(t - tau) / (1 + x(t - tau)^exponent) - gamma x(t)

    by the Runge-Kutta method of order 4 with a step of 0.1, and is sampled at intervals
    of 1.0. With the other parameters at their defaults it is chaotic for `tau` above
    about 16.8; 17 and 30 are the customary values.

    Parameters
    ----------
    n_timesteps : int, default=1000
        The length of each sequence.

    tau : float, default=17.0
        The delay, at least 0.1.

    beta : float, default=0.2
        The rate of production.

    gamma : float, default=0.1
        The rate of decay, at most 10.

    exponent : float, default=10.0
        The exponent of the delayed value.

    washout : int, default=1000
        The number of time steps simulated and thrown away before the first row. With 0,
        the first row is the end of the initial history.

    n_sequences : int or None, default=None
        The number of sequences, each with its own initial history. With None, one
        sequence in the rows layout.

    random_state : int, RandomState instance or None, default=None
        Determines the initial history, which is constant over time at a value drawn
        from a uniform distribution over [0.5, 1.5]. Pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    X : ndarray of shape (n_timesteps, 1) or (n_sequences, n_timesteps, 1)
        The series.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    M. C. Mackey and L. Glass (1977). Oscillation and chaos in physiological control
    systems. Science, 197(4300), 287-289.

    Examples
    --------
    >>> from sklearn_seq.datasets import make_mackey_glass
    >>> X = make_mackey_glass(500, random_state=0)
    >>> X.shape
    (500, 1)
    >>> make_mackey_glass(500, tau=30, n_sequences=8, random_state=0).shape
    (8, 500, 1)
    """
    rng = check_random_state(random_state)
    start = rng.uniform(0.5, 1.5, size=1 if n_sequences is None else n_sequences)
    n_steps = (washout + n_timesteps - 1) * _MACKEY_GLASS_SUBSTEPS
    x = _integrate_mackey_glass(start, n_steps, tau, beta, gamma, exponent)
    X = x[:, ::_MACKEY_GLASS_SUBSTEPS, np.newaxis][:, washout:].copy()
    return X[0] if n_sequences is None else X


def _integrate_mackey_glass(start, n_steps, tau, beta, gamma, exponent):
    """Integrate from constant histories `start` of shape (n_sequences,).

    The equation is x' = g(t) - gamma x with g a function of x(t - tau). Over a span no
    longer than tau, g is known, the equation is linear, and a Runge-Kutta step is
    x[t+1] = decay x[t] + (g at the step's start, middle and end) @ weights. So time
    advances by spans of up to tau, all steps of a span at once.

    Returns x of shape (n_sequences, n_steps + 1), with `start` in the first column.
    """
    h = _MACKEY_GLASS_STEP
    z = gamma * h
    decay = 1 - z + z**2 / 2 - z**3 / 6 + z**4 / 24
    weights = np.array([1 - z + z**2 / 2 - z**3 / 4, 4 - 2 * z + z**2 / 2, 1]) * h / 6

    # x and its derivative dx on the grid, with a history that reaches tau back (at its
    # end x has a kink, which interpolation misses: an error of about 1e-5, once)
    delay = tau / h
    now = int(np.ceil(delay)) + 1
    x = np.empty((len(start), now + n_steps + 1))
    dx = np.zeros_like(x)
    x[:, : now + 1] = start[:, np.newaxis]

    def production(positions):
        """g at grid positions, whole or in between (x by Hermite interpolation)."""
        right = np.ceil(positions - delay).astype(int)
        left = right - 1
        s = positions - delay - left
        delayed = (
            (1 + 2 * s) * (1 - s) ** 2 * x[:, left]
            + s * (1 - s) ** 2 * h * dx[:, left]
            + s**2 * (3 - 2 * s) * x[:, right]
            + s**2 * (s - 1) * h * dx[:, right]
        )
        return beta * delayed / (1 + delayed**exponent)

    last = now + n_steps
    while now < last:
        n_span = min(int(delay), last - now)
        steps = np.arange(now, now + n_span)
        g_end = production(steps + 1)
        g = np.stack([production(steps), production(steps + 0.5), g_end], axis=-1)
        span = autoregress(x[:, [now]], g @ weights, np.array([decay]))[:, 1:]
        x[:, steps + 1] = span
        dx[:, steps + 1] = g_end - gamma * span
        now += n_span
    return x[:, -n_steps - 1 :]
