"""Short-term memory capacity of a network."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np
from scipy.linalg import lstsq
from sklearn.utils import Bunch, check_random_state
from sklearn.utils.validation import check_is_fitted

from ._dynamics import units_of


def memory_capacity(
    estimator,
    *,
    max_lag: int | None = None,
    n_timesteps: int = 5000,
    washout: int = 100,
    input_range: tuple[float, float] = (-1.0, 1.0),
    random_state=None,
) -> Bunch:
    """Short-term memory capacity: how many past inputs can be read from the states.

    Independent random inputs drive the network. For each lag k, the best linear
    function of the states is found that reconstructs the input k steps back. Its
    squared correlation with that input, on data not used to find it, lies between 0
    (forgotten) and 1 (remembered exactly); the sum over lags is the capacity (Jaeger,
    2001). No network has more than it has units.

    Parameters
    ----------
    estimator : estimator with `transform`, or Pipeline
        A fitted model that turns rows into states: an echo state network or a recurrent
        network, whose last layer counts, for real-valued X; also a pipeline that ends
        in one, or any other causal transformer, such as
        :class:`~sklearn_seq.preprocessing.DelayTaps`.

    max_lag : int, default=None
        Longest lag, in steps. None is the number of states.

    n_timesteps : int, default=5000
        Number of time steps to measure with. The first half behind the washout finds
        the linear functions, the second half judges them: each should be many times the
        number of states.

    washout : int, default=100
        Number of first time steps that are not used; at least `max_lag` are not.

    input_range : tuple of (float, float), default=(-1.0, 1.0)
        Inputs are uniform in between. The larger they are, the more do they drive units
        into saturation, at the cost of memory. For a net with ``standardize=True`` (not
        behind other steps of a pipeline) they are told in standard deviations, from
        the mean of the rows that it was fitted to.

    random_state : int, RandomState instance or None, default=None
        Determines the inputs. Pass an int for reproducible results.

    Returns
    -------
    memory : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        capacity : float
            The sum of `per_lag`.

        lags : ndarray of shape (n_lags,)
            From 0, the latest input, to `max_lag`.

        per_lag : ndarray of shape (n_lags,)
            Squared correlation of the input so many steps back with what is read from
            the states, summed over the features of X, which are independent.

    Raises
    ------
    TypeError
        If the estimator has no `transform`.

    ValueError
        If there are too few time steps for the states or lags, or a number is out of
        range.

    See Also
    --------
    lyapunov_exponents : How fast the initial state is forgotten.

    Notes
    -----
    Jaeger sums from lag 1 on. Here lag 0 counts, too, so that a shift register of N
    units, whose latest one holds the input itself, has the capacity N. Where nothing
    is remembered the squared correlation is not zero but one divided by the number of
    rows judged, on average: many lags beyond the memory add up to a little. A state
    that holds far inputs in digits beyond the precision of floating point holds them
    no more.

    References
    ----------
    Jaeger, H. (2001). Short term memory in echo state networks. GMD Report 152.

    Dambre, J., Verstraeten, D., Schrauwen, B. and Massar, S. (2012). Information
    processing capacity of dynamical systems. Scientific Reports, 2, 514.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_seq.inspection import memory_capacity
    >>> from sklearn_seq.preprocessing import DelayTaps
    >>> from sklearn_seq.echo_state import EchoStateRegressor
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(500, 1))
    >>> taps = DelayTaps(n_lags=5).fit(X)  # a shift register
    >>> memory = memory_capacity(taps, max_lag=6, random_state=0)
    >>> memory.per_lag.round(2)
    array([1., 1., 1., 1., 1., 0., 0.])

    A reservoir of 20 units, whose inputs are small enough for it to be almost linear:

    >>> esn = EchoStateRegressor(20, random_state=0).fit(X)
    >>> memory = memory_capacity(esn, input_range=(-0.1, 0.1), random_state=0)
    >>> bool(5 < memory.capacity < 20)
    True
    """
    if not hasattr(estimator, "transform"):
        raise TypeError(
            "memory_capacity reads states from estimator.transform(X), which "
            f"{estimator!r} does not have. Pass an echo state network, a recurrent "
            "network, or a pipeline that ends in one."
        )
    check_is_fitted(estimator)
    for name, value, smallest in (
        ("max_lag", max_lag, 0),
        ("n_timesteps", n_timesteps, 1),
        ("washout", washout, 0),
    ):
        optional = name == "max_lag" and value is None
        if not optional and (not isinstance(value, Integral) or value < smallest):
            raise ValueError(
                f"{name}={value!r}: expected an integer of at least {smallest}."
            )
    low, high = _check_range(input_range)
    rng = check_random_state(random_state)
    inputs = rng.uniform(low, high, (n_timesteps, estimator.n_features_in_))
    inputs = units_of(estimator)[0].inverse(inputs)
    states = np.asarray(estimator.transform(inputs), dtype=np.float64)
    n_states = states.shape[1]
    max_lag = n_states if max_lag is None else max_lag
    first = max(washout, max_lag)
    n_learn = (n_timesteps - first) // 2
    if n_learn <= n_states + 1:
        raise ValueError(
            f"n_timesteps={n_timesteps!r} leaves {max(n_learn, 0)} rows to find linear "
            f"functions of {n_states} states, behind washout={washout!r} and "
            f"max_lag={max_lag!r}. Set it to {first + 20 * n_states} or more."
        )
    past = np.stack([inputs[first - k : n_timesteps - k] for k in range(max_lag + 1)])
    per_lag = _squared_correlations(states[first:], past, n_learn)
    return Bunch(
        capacity=float(per_lag.sum()), lags=np.arange(max_lag + 1), per_lag=per_lag
    )


def _check_range(input_range):
    limits = np.asarray(input_range, dtype=np.float64)
    if limits.shape != (2,) or not np.isfinite(limits).all() or limits[0] >= limits[1]:
        raise ValueError(
            f"input_range={input_range!r}: expected two numbers, the smaller one first."
        )
    return limits


def _squared_correlations(states, past, n_learn):
    """Squared correlations of past inputs and reconstructions, on held-out rows.

    Parameters
    ----------
    states : ndarray of shape (n_rows, n_states)

    past : ndarray of shape (n_lags, n_rows, n_features)
        The inputs so many steps before each row.

    n_learn : int
        The number of first rows that the reconstruction is fitted to.

    Returns
    -------
    per_lag : ndarray of shape (n_lags,)
        Squared correlations, summed over features.
    """
    n_lags, n_rows, n_features = past.shape
    targets = past.swapaxes(0, 1).reshape(n_rows, -1)
    regressors = np.column_stack([states, np.ones(n_rows)])
    coef, *_ = lstsq(regressors[:n_learn], targets[:n_learn])
    read = regressors[n_learn:] @ coef
    true = targets[n_learn:] - targets[n_learn:].mean(axis=0)
    read -= read.mean(axis=0)
    covariance = (read * true).sum(axis=0)
    of_read, of_true = (read**2).sum(axis=0), (true**2).sum(axis=0)
    # Where a constant is read but for rounding, nothing is remembered.
    known = of_read > 1e-24 * of_true
    squared = np.zeros(len(covariance))
    np.divide(covariance**2, of_read * of_true, out=squared, where=known)
    return squared.reshape(n_lags, n_features).sum(axis=1)
