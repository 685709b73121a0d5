"""Random initial weights.

``random_state`` is a ``numpy.random.RandomState`` or ``Generator``. Values are drawn
in double precision and then rounded, so that a seed gives the same start in both
precisions.
"""

import numpy as np


def glorot_uniform(shape, random_state, *, factor=6.0, fans=None, dtype=np.float64):
    """Uniform between plus and minus ``sqrt(factor / (fan_in + fan_out))``.

    Parameters
    ----------
    shape : tuple of int
        The shape of the array, ``(fan_in, fan_out)`` for a weight matrix.

    random_state : RandomState or Generator
        The source of randomness.

    factor : float, default=6.0
        6 for the identity, tanh and rectifier, 2 for the logistic function.

    fans : tuple of int (fan_in, fan_out), default=None
        For an array that is not itself the weight matrix, such as the biases.

    dtype : dtype, default=np.float64
        The type of the result.

    Returns
    -------
    ndarray of shape `shape`

    References
    ----------
    Glorot and Bengio (2010), Understanding the difficulty of training deep
    feedforward neural networks.
    """
    bound = np.sqrt(factor / sum(shape if fans is None else fans))
    return random_state.uniform(-bound, bound, shape).astype(dtype, copy=False)


def gaussian(shape, random_state, *, scale=1.0, dtype=np.float64):
    """Independent normal values with mean 0 and standard deviation `scale`.

    Parameters
    ----------
    shape : tuple of int
        The shape of the array.

    random_state : RandomState or Generator
        The source of randomness.

    scale : float, default=1.0
        The standard deviation.

    dtype : dtype, default=np.float64
        The type of the result.

    Returns
    -------
    ndarray of shape `shape`
    """
    return (scale * random_state.standard_normal(shape)).astype(dtype, copy=False)


def orthogonal(shape, random_state, *, gain=1.0, dtype=np.float64):
    """A matrix with orthonormal rows or columns, uniform over all such matrices.

    Parameters
    ----------
    shape : tuple of int (n_rows, n_columns)
        The shape of the matrix. The shorter side's vectors are orthonormal.

    random_state : RandomState or Generator
        The source of randomness.

    gain : float, default=1.0
        The common singular value.

    dtype : dtype, default=np.float64
        The type of the result.

    Returns
    -------
    ndarray of shape (n_rows, n_columns)

    References
    ----------
    Saxe, McClelland and Ganguli (2014), Exact solutions to the nonlinear dynamics
    of learning in deep linear neural networks. The sign convention that makes the
    distribution uniform: Mezzadri (2007), How to generate random matrices from the
    classical compact groups.
    """
    n_rows, n_columns = shape
    q, r = np.linalg.qr(
        random_state.standard_normal((max(n_rows, n_columns), min(n_rows, n_columns)))
    )
    q *= gain * np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray(q if n_rows >= n_columns else q.T, dtype=dtype)
