"""All parameters of a model as one flat vector with named views."""

from collections.abc import Mapping
from math import prod

import numpy as np


class ParameterVector(Mapping):
    """Named arrays that share one contiguous vector.

    An optimiser updates ``flat`` in a few calls; a model reads and writes the
    arrays by name, and both see the same memory. Arrays with an L2 penalty stand
    first, so that the penalty acts on one slice.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        The shape of each array, in order.

    penalized : collection of str, default=()
        The names of the arrays that the L2 penalty shrinks: weights and
        embeddings, not biases.

    dtype : dtype, default=np.float64
        ``np.float32`` or ``np.float64``.

    Attributes
    ----------
    flat : ndarray of shape (n_parameters,)
        Every parameter, initially zero.

    penalized_flat : ndarray of shape (n_penalized,)
        A view of the leading part of ``flat`` that holds the penalised arrays.

    Examples
    --------
    >>> parameters = ParameterVector(
    ...     {"weights": (3, 2), "biases": (2,)}, penalized=["weights"]
    ... )
    >>> parameters["biases"][:] = 1
    >>> parameters.flat
    array([0., 0., 0., 0., 0., 0., 1., 1.])
    """

    def __init__(self, shapes, *, penalized=(), dtype=np.float64):
        self.shapes = dict(shapes)
        self.penalized = tuple(name for name in self.shapes if name in penalized)
        self.flat = np.zeros(sum(map(prod, self.shapes.values())), dtype=dtype)
        self._set_views()

    def _set_views(self):
        free = [name for name in self.shapes if name not in self.penalized]
        self._views = {}
        start = 0
        for name in [*self.penalized, *free]:
            shape = self.shapes[name]
            stop = start + prod(shape)
            self._views[name] = self.flat[start:stop].reshape(shape)
            start = stop
        n_penalized = sum(prod(self.shapes[name]) for name in self.penalized)
        self.penalized_flat = self.flat[:n_penalized]

    @property
    def dtype(self):
        """The type of every parameter."""
        return self.flat.dtype

    def zeros_like(self):
        """Return a vector with the same layout, all zero: for the gradient."""
        return type(self)(self.shapes, penalized=self.penalized, dtype=self.dtype)

    def __getitem__(self, name):
        return self._views[name]

    def __iter__(self):
        return iter(self.shapes)

    def __len__(self):
        return len(self.shapes)

    # Views lose their common memory when they are pickled or copied one by one.
    def __getstate__(self):
        return {key: vars(self)[key] for key in ("shapes", "penalized", "flat")}

    def __setstate__(self, state):
        vars(self).update(state)
        self._set_views()
