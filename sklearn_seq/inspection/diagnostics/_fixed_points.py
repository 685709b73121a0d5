"""Fixed points of fitted networks, found by minimising the speed of their states."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, check_random_state

from ..._core.gaussian import draw_gaussian
from ...autoregressive import ARRegressor, MLPSequenceRegressor
from ...echo_state import EchoStateClassifier, EchoStateRegressor
from ...rnn import RNNClassifier, RNNRegressor
from ...targets import NEXT
from .._estimators import read_sequences, supported_model
from ._dynamics import (
    ConstantInput,
    DelayLoop,
    closed_loop,
    open_system,
    rows_of_states,
    units_of,
    visited_states,
)

NETWORKS = RNNRegressor, RNNClassifier, EchoStateRegressor, EchoStateClassifier
LOOPS = MLPSequenceRegressor, ARRegressor
BLOCK_VALUES = 1 << 22  # entries of the Jacobians of a block
MAX_DAMPING = 1e12


def fixed_points(
    estimator,
    X=None,
    groups=None,
    *,
    x=None,
    n_starts: int = 100,
    max_iter: int = 200,
    tol: float = 1e-8,
    merge_distance: float = 1e-4,
    random_state=None,
) -> Bunch:
    """Find fixed points of a fitted model, and their stability.

    The squared length of a step, ``q(h) = 0.5 * |F(h) - h|**2``, is minimised from many
    starts (Sussillo and Barak, 2013). Where q is zero, h is a fixed point of the map F.
    The eigenvalues of its Jacobian there determine stability: along directions of
    modulus below one, nearby states return.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        A fitted recurrent or echo state network, or a model over delay taps that
        predicts the next step
        (:class:`~sklearn_seq.autoregressive.MLPSequenceRegressor`,
        :class:`~sklearn_seq.autoregressive.ARRegressor`), or a pipeline or search that
        ends in one of them.

    X : array-like, default=None
        Sequences in any layout. The search starts from states that they lead to, drawn
        at random. Without, it starts from random states: units between −1 and 1, and
        rows from the distribution of the training rows.

    groups : array-like of shape (n_samples,), default=None
        For rows of X, the sequence to which each row belongs.

    x : array-like of shape (n_features,), default=None
        A row of X that is the input at every step. None is a closed loop for regressors
        that predict the next step, each prediction being the next input, and an input
        of zeros for other networks. Models over delay taps take None alone.

    n_starts : int, default=100
        Number of starts. More may find more fixed points.

    max_iter : int, default=200
        Maximum number of Levenberg-Marquardt steps from each start.

    tol : float, default=1e-8
        Longest step ``|F(h) - h|`` of a state that is reported. A larger one also
        shows slow points. Where states are rows, those of a
        net with ``standardize=True`` are measured in standard deviations.

    merge_distance : float, default=1e-4
        Points that differ by less in each state are merged; in the units of `tol`.

    random_state : int, RandomState instance or None, default=None
        Determines the starts. Pass an int for reproducible results.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes; the stable points come
        first, in the order of the modulus of their largest eigenvalue.

        points : ndarray of shape (n_points, n_states)
            The fixed points, none if none was found. The states are those of all layers
            in the order of ``initial_state_``; of an echo state network its units,
            followed in a closed loop with direct connections by the row fed back; of
            models over delay taps the taps, the newest row first.

        residuals : ndarray of shape (n_points,)
            The length of a step from there, ``|F(h) - h|``, in the units of `tol`.

        eigenvalues : ndarray of shape (n_points, n_states) of complex
            Those of the Jacobian, the largest modulus first.

        stable : ndarray of bool of shape (n_points,)
            Whether all of them are of modulus below one.

        outputs : ndarray of shape (n_points, n_outputs)
            The outputs there: predictions, in a closed loop the row that repeats
            itself; of an RNNClassifier the logits.

        n_starts : ndarray of shape (n_points,)
            From how many starts each was found.

    Raises
    ------
    TypeError
        If the estimator is none of those above.

    ValueError
        If there are driving inputs or symbols, but no `x`; if `x` does not fit; or if
        a number is out of range.

    See Also
    --------
    lyapunov_exponents : Rates of growth along a run that does not settle.

    Notes
    -----
    The damped Gauss-Newton steps of the search go over into Newton's method close to a
    fixed point. Nothing guarantees that all are found. Points on a line of fixed
    points, all with an eigenvalue of one, are reported one by one. The derivative of a
    rectified unit at zero is taken to be zero.

    References
    ----------
    Sussillo, D. and Barak, O. (2013). Opening the black box: low-dimensional dynamics
    in high-dimensional recurrent neural networks. Neural Computation, 25, 626-649.

    Hopfield, J. J. (1982). Neural networks and physical systems with emergent
    collective computational abilities. PNAS, 79, 2554-2558.

    Examples
    --------
    A linear model of the next step has one fixed point, the mean of its process:

    >>> import numpy as np
    >>> from sklearn_seq.autoregressive import ARRegressor
    >>> from sklearn_seq.inspection import fixed_points
    >>> X = np.random.default_rng(0).normal(5.0, 1.0, size=(200, 1))
    >>> model = ARRegressor(1).fit(X)
    >>> found = fixed_points(model, random_state=0)
    >>> mean = model.intercept_ / (1 - model.coef_[0, 0])
    >>> bool(np.allclose(found.points, mean)), found.stable
    (True, array([ True]))

    A network with one unit and a weight of 2 keeps one of two signs; zero lies between
    the two, and is unstable:

    >>> from sklearn_seq.rnn import RNNRegressor
    >>> net = RNNRegressor((1,), initial_state=0.0, solver="lbfgs", max_iter=1)
    >>> net = net.fit(np.zeros((3, 1)), np.zeros(3))
    >>> net.recurrent_weights_[0][:] = 2.0
    >>> net.biases_[0][:] = 0.0
    >>> found = fixed_points(net, random_state=0)
    >>> np.sort(found.points[:, 0]).round(3) + 0.0
    array([-0.958,  0.   ,  0.958])
    >>> found.stable
    array([ True,  True, False])
    """
    model = supported_model(estimator, NETWORKS + LOOPS, "fixed_points")
    _check_settings(n_starts, max_iter, tol, merge_distance)
    rng = check_random_state(random_state)
    system = _autonomous(model, estimator, x)
    if X is None:
        starts = _draw_states(model, system, n_starts, rng)
    else:
        sequences = read_sequences(estimator, X, groups)
        states = visited_states(model, system, sequences)
        chosen = rng.permutation(len(states))[:n_starts]
        starts = states[chosen]
    size = max(1, BLOCK_VALUES // system.n_states**2)
    with np.errstate(over="ignore", invalid="ignore"):
        ends = np.concatenate(
            [
                minimize_speed(system, starts[i : i + size], max_iter)
                for i in range(0, len(starts), size)
            ]
        )
        residuals = np.linalg.norm(system.step(ends)[0] - ends, axis=1)
    slow = residuals <= tol  # also False where the search left floating point
    points, residuals, counts = _merge(ends[slow], residuals[slow], merge_distance)
    return _describe(system, units_of(model), points, residuals, counts)


def _check_settings(n_starts, max_iter, tol, merge_distance):
    for name, value in (("n_starts", n_starts), ("max_iter", max_iter)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name}={value!r}: expected an integer of at least 1.")
    for name, value in (("tol", tol), ("merge_distance", merge_distance)):
        if not isinstance(value, Real) or not value >= 0:
            raise ValueError(f"{name}={value!r}: expected a number of at least 0.")


def _autonomous(model, estimator, x):
    """The map F whose fixed points to find."""
    if isinstance(model, LOOPS):
        if x is not None:
            raise ValueError(
                f"x={x!r}: the states of {type(model).__name__} are rows, and with a "
                "constant input never change. Leave x=None for its closed loop."
            )
        return closed_loop(model, "fixed_points")
    regressor = isinstance(model, RNNRegressor | EchoStateRegressor)
    if x is None and regressor and model.target_kind_ == NEXT:
        if model.exogenous is None:
            return closed_loop(model, "fixed_points")
        raise ValueError(
            f"exogenous={model.exogenous!r} are driving inputs: fixed_points needs x, "
            "a row that is the input at every step."
        )
    if x is None and getattr(model, "_encoder", None) is not None:
        raise ValueError(
            f"This {type(model).__name__} reads symbols: fixed_points needs x, a row "
            f"of {model.n_features_in_} symbol(s) that is the input at every step."
        )
    if x is None:
        sequences = model.read_sequences(np.zeros((1, model.n_features_in_)), None)
    else:
        if np.ndim(x) != 1:
            raise ValueError(
                f"x has shape {np.shape(x)}: expected one row, of shape "
                f"{(model.n_features_in_,)}."
            )
        sequences = read_sequences(estimator, np.asarray(x)[np.newaxis])
    system, inputs = open_system(model, sequences)
    return ConstantInput(system, inputs[0])


def _draw_states(model, system, n, rng):
    """Random states: units between -1 and 1, rows like those of the training data."""
    if isinstance(system, ConstantInput):
        return rng.uniform(-1, 1, (n, system.n_states))
    mean, covariance = model._first_row_distribution()
    rows = mean + draw_gaussian(rng, covariance, n)
    rows = units_of(model)[0].transform(rows, np.float64)
    if isinstance(system, DelayLoop):
        return np.tile(rows, system.n_states // rows.shape[1])
    units = rng.uniform(-1, 1, (n, system.n_inner))
    return np.hstack([units, rows]) if system.n_states > system.n_inner else units


def _jacobians(tangent, n, n_states):
    """Jacobians (n, n_states, n_states), from a function that maps tangents."""
    basis = np.broadcast_to(np.eye(n_states), (n, n_states, n_states))
    return tangent(basis).swapaxes(1, 2)


def minimize_speed(system, states, max_iter):
    """Minimise ``0.5 * |F(h) - h|**2`` by the Levenberg-Marquardt method.

    All starts are updated at once. The damping falls after a step that lowers the
    speed, and grows after a rejected one; near a fixed point steps become Newton's.

    Parameters
    ----------
    system : ConstantInput, FeedbackLoop or DelayLoop
        The map F.

    states : ndarray of shape (n_starts, n_states)
        Initial states.

    max_iter : int
        Maximum number of steps.

    Returns
    -------
    states : ndarray of shape (n_starts, n_states)
        Final states.
    """
    states = states.copy()
    n_states = states.shape[1]
    identity = np.eye(n_states)
    active = np.arange(len(states))
    damping = np.full(len(states), 1e-3)
    for _ in range(max_iter):
        here = states[active]
        after, tangent = system.step(here)
        residuals = after - here
        slopes = _jacobians(tangent, len(here), n_states) - identity
        transposed = slopes.swapaxes(1, 2)
        curvature = transposed @ slopes
        scale = np.trace(curvature, axis1=1, axis2=2) / n_states
        scale = np.where(scale > 0, scale, 1.0) * damping[active]
        curvature += scale[:, np.newaxis, np.newaxis] * identity
        gradient = transposed @ residuals[:, :, np.newaxis]
        trial = here - np.linalg.solve(curvature, gradient)[:, :, 0]
        speed = np.linalg.norm(residuals, axis=1)
        trial_speed = np.linalg.norm(system.step(trial)[0] - trial, axis=1)
        lower = trial_speed < speed
        states[active[lower]] = trial[lower]
        damping[active] *= np.where(lower, 0.1, 10.0)
        # The smallest damping keeps singular matrices solvable.
        np.maximum(damping, 1e-12, out=damping)
        rounding = 1e-15 * (1 + np.linalg.norm(here, axis=1))
        going_on = np.isfinite(speed) & (speed > rounding)
        going_on &= lower | (speed > 100 * rounding)  # so close, no step leads down
        going_on &= damping[active] < MAX_DAMPING
        active = active[going_on]
        if not len(active):
            break
    return states


def _merge(points, residuals, distance):
    """Merge points near each other to the one of the smallest residual."""
    chosen, counts = [], []
    for i in np.argsort(residuals, kind="stable"):
        if chosen:
            apart = np.abs(points[chosen] - points[i]).max(axis=1)
            nearest = int(apart.argmin())
            if apart[nearest] <= distance:
                counts[nearest] += 1
                continue
        chosen.append(i)
        counts.append(1)
    chosen = np.array(chosen, dtype=np.intp)
    return points[chosen], residuals[chosen], np.array(counts, dtype=np.intp)


def _describe(system, units, points, residuals, counts):
    """Eigenvalues and outputs of the points, the stable ones first."""
    n, n_states = points.shape
    eigenvalues = np.empty((n, n_states), dtype=np.complex128)
    for i in range(n):
        _, tangent = system.step(points[i : i + 1])
        values = np.linalg.eigvals(_jacobians(tangent, 1, n_states)[0])
        eigenvalues[i] = values[np.argsort(-np.abs(values), kind="stable")]
    largest = np.abs(eigenvalues).max(axis=1, initial=0.0)
    order = np.argsort(largest, kind="stable")
    points = points[order]
    outputs = units[1].inverse(system.outputs(points))
    rows = rows_of_states(system, points)
    if rows.size:
        rows[:] = units[0].inverse(rows)
    return Bunch(
        points=points,
        residuals=residuals[order],
        eigenvalues=eigenvalues[order],
        stable=largest[order] < 1,
        outputs=outputs,
        n_starts=counts[order],
    )
