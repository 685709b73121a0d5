"""Lyapunov exponents of fitted models, running free or driven by data."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import partial
from itertools import repeat
from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_random_state

from ..._core.docs import documented
from ...autoregressive import ARRegressor, MLPSequenceRegressor
from ...echo_state import EchoStateClassifier, EchoStateRegressor
from ...rnn import RNNClassifier, RNNRegressor
from .._estimators import read_sequences, supported_model
from ._dynamics import closed_loop, lockstep, open_system, visited_states

FREE = RNNRegressor, EchoStateRegressor, MLPSequenceRegressor, ARRegressor
DRIVEN = RNNRegressor, RNNClassifier, EchoStateRegressor, EchoStateClassifier


@documented
def lyapunov_exponents(
    estimator,
    X,
    groups=None,
    *,
    driven: bool = False,
    n_exponents: int | None = 1,
    n_steps: int = 1000,
    washout: int = 100,
    random_state=0,
) -> Bunch:
    """Largest Lyapunov exponents: growth rates of distances between nearby states.

    For a model in closed loop, a negative largest exponent means an attracting fixed
    point or cycle, zero a quasi-periodic orbit, and a positive one chaos. With
    ``driven=True`` they are the conditional exponents of a network that X drives: if
    the largest is negative, the network forgets its initial states (the echo state
    property, here for these inputs).

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        A fitted model, or a pipeline or search that ends in one. To run free, an
        :class:`~sklearn_seq.rnn.RNNRegressor`,
        :class:`~sklearn_seq.echo_state.EchoStateRegressor`,
        :class:`~sklearn_seq.autoregressive.MLPSequenceRegressor` or
        :class:`~sklearn_seq.autoregressive.ARRegressor`, fitted without y and without
        driving inputs. Driven, a recurrent or echo state network, regressor or
        classifier, whatever it was fitted to.

    X : array-like
        Sequences in any layout: what drives the network, or what each run goes on from.

    %(groups)s

    driven : bool, default=False
        Whether X drives the network at each step. Otherwise the model runs on by
        itself from the end of each sequence.

    n_exponents : int, default=1
        How many of the largest exponents, at most the number of states.

    n_steps : int, default=1000
        Number of time steps of the free run to average over; driven, all rows of X
        behind the washout are.

    washout : int, default=100
        Number of first time steps that are not counted, in which states and tangents
        converge to the attractor and its directions.

    random_state : int, RandomState instance or None, default=0
        Determines the initial tangents, which do not matter after a long enough
        washout.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        exponents : ndarray of shape (n_exponents,)
            In nats per time step, the largest first: the mean over all steps counted
            of all sequences. A direction that vanishes altogether has ``-inf``.

        per_sequence : ndarray of shape (n_sequences, n_exponents)
            The same for each sequence (driven, each piece without a hole in time) that
            is longer than the washout: how far they differ shows how sure they are.

    Raises
    ------
    TypeError
        If the estimator is none of those above.

    ValueError
        If the model does not predict the next step; if the run is unstable; if driven
        and no sequence is longer than `washout`; or if a number is out of range.

    See Also
    --------
    fixed_points : Where a free run stays, and whether it returns there.
    gradient_flow : How errors shrink or grow on their way back through time.

    Notes
    -----
    Tangents are moved by the Jacobian of each step and made orthonormal by a QR
    decomposition; the exponents are the mean logarithms of the diagonal of R (Benettin
    et al., 1980; Eckmann and Ruelle, 1985). The states of a model over delay taps are
    its taps; of a free echo state network with direct connections, the units and the
    row fed back. So there may be more exponents than the process modelled has: what is
    off the attractor adds negative ones. Exponents below about -30 are rounding. Of a
    pipeline the last step runs free; scaling its rows does not change the exponents.

    References
    ----------
    Benettin, G., Galgani, L., Giorgilli, A. and Strelcyn, J.-M. (1980). Lyapunov
    characteristic exponents for smooth dynamical systems and for Hamiltonian systems.
    Meccanica, 15, 9-30.

    Eckmann, J.-P. and Ruelle, D. (1985). Ergodic theory of chaos and strange
    attractors. Reviews of Modern Physics, 57, 617-656.

    Jaeger, H. (2001). The "echo state" approach to analysing and training recurrent
    neural networks. GMD Report 148.

    Examples
    --------
    A linear oscillation that is damped by 10 percent at each step:

    >>> import numpy as np
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.inspection import lyapunov_exponents
    >>> X = 0.9 ** np.arange(50)[:, None] * np.cos(np.arange(50))[:, None]
    >>> model = ARRegressor(2).fit(X)
    >>> found = lyapunov_exponents(model, X, n_exponents=2)
    >>> bool(np.allclose(found.exponents, np.log(0.9), atol=0.01))
    True

    A reservoir forgets its initial state while inputs drive it:

    >>> from sklearn_seq.echo_state import EchoStateRegressor
    >>> X = np.random.default_rng(0).normal(size=(500, 1))
    >>> esn = EchoStateRegressor(50, random_state=0).fit(X)
    >>> bool(lyapunov_exponents(esn, X, driven=True).exponents[0] < 0)
    True
    """
    function = "lyapunov_exponents"
    supported = DRIVEN if driven else FREE
    model = supported_model(
        estimator, supported, f"{function} with driven={bool(driven)}"
    )
    _check_count(n_steps, "n_steps", 1)
    _check_count(washout, "washout", 0)
    _check_count(n_exponents, "n_exponents", 1)
    loop = None if driven else closed_loop(model, function)
    sequences = read_sequences(estimator, X, groups)
    if driven:
        system, inputs = open_system(model, sequences)
        states = np.tile(system.initial, (len(sequences.offsets) - 1, 1))
        steps = (
            partial(_driven_step, system, inputs[rows])
            for rows in lockstep(sequences.offsets)
        )
        _check_length(sequences, washout)
    else:
        states = visited_states(model, loop, sequences)
        states = states[sequences.sequence_offsets[1:] - 1]
        steps = repeat(loop.step, washout + n_steps)
    if n_exponents > states.shape[1]:
        raise ValueError(
            f"n_exponents={n_exponents!r}: this {type(model).__name__} has "
            f"{states.shape[1]} state(s), and as many exponents."
        )
    sums, counts = tangent_growth(
        steps, states, n_exponents, washout, check_random_state(random_state), model
    )
    order = np.argsort(-(sums.sum(axis=0) / counts.sum()), kind="stable")
    sums, counts = sums[:, order], counts[:, np.newaxis]
    return Bunch(
        exponents=sums.sum(axis=0) / counts.sum(),
        per_sequence=sums[counts[:, 0] > 0] / counts[counts[:, 0] > 0],
    )


def _driven_step(system, inputs, states):
    return system.step(states[: len(inputs)], inputs)


def _check_count(number, name, smallest):
    if not isinstance(number, Integral) or number < smallest:
        raise ValueError(
            f"{name}={number!r}: expected an integer of at least {smallest}."
        )


def _check_length(sequences, washout):
    longest = np.diff(sequences.offsets).max()
    if longest <= washout:
        raise ValueError(
            f"The longest sequence of X has {longest} row(s), and washout={washout!r} "
            "of them are not counted. Use longer sequences or a smaller washout."
        )


def tangent_growth(steps, states, n_exponents, washout, rng, model=None):
    """Log growth of orthonormal tangents, summed over steps.

    Parameters
    ----------
    steps : iterable of callable
        Each returns the next states, of the first sequences if others have ended, and a
        function that maps tangents; see `_dynamics`.

    states : ndarray of shape (n_sequences, n_states)
        Initial states.

    n_exponents : int
        Number of tangents.

    washout : int
        Number of first steps that do not count.

    rng : RandomState
        Draws the first tangents.

    model : estimator, default=None
        The model, for the error if it is unstable.

    Returns
    -------
    sums : ndarray of shape (n_sequences, n_exponents)
        The sums over the steps that count.

    counts : ndarray of shape (n_sequences,)
        The number of these steps.
    """
    n_sequences, n_states = states.shape
    q, _ = np.linalg.qr(rng.standard_normal((n_sequences, n_states, n_exponents)))
    sums = np.zeros((n_sequences, n_exponents))
    counts = np.zeros(n_sequences, dtype=np.intp)
    for t, step in enumerate(steps):
        with np.errstate(over="ignore", invalid="ignore"):
            states, tangent = step(states)
            n = len(states)
            moved = tangent(q[:n].swapaxes(1, 2)).swapaxes(1, 2)
        if not (np.isfinite(states).all() and np.isfinite(moved).all()):
            remedy = getattr(model, "_remedy", "Take fewer steps.")
            raise ValueError(
                f"The run is unstable: at step {t} it leaves the range of floating "
                f"point. {remedy}"
            )
        q, r = np.linalg.qr(moved)
        if t >= washout:
            with np.errstate(divide="ignore"):
                sums[:n] += np.log(np.abs(np.diagonal(r, axis1=1, axis2=2)))
            counts[:n] += 1
    return sums, counts
