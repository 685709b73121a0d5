"""The Gauss-Newton matrix of the loss on a data set."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .._core.packing import packing_of
from ._objective import blocks


class GaussNewton:
    """Products with the Gauss-Newton matrix at the current parameters.

    The forward pass is kept from product to product while the parameters stay the same.

    Parameters
    ----------
    objective : SequenceObjective
        The loss of all targets.
    """

    def __init__(self, objective):
        self.objective = objective
        self._vector = objective.parameters.zeros_like()
        self._product = objective.parameters.zeros_like()
        self._parameters = None
        self._blocks = []

    def __call__(self, vector):
        """Multiply a vector of shape (n_parameters,) by the matrix."""
        objective = self.objective
        parameters = objective.parameters
        reuse = self._parameters is not None and np.array_equal(
            self._parameters, parameters.flat
        )
        if not reuse:
            self._parameters = parameters.flat.copy()
        if not self._blocks:
            self._blocks = list(self._prepare())
        self._vector.flat[:] = vector
        normalizer = objective.mean_weight * len(objective.targets)
        total = np.zeros(len(vector))
        for i, (work, packing, places, initial) in enumerate(self._blocks):
            weights = objective.weights
            objective.network.gauss_newton_product(
                parameters,
                self._vector,
                self._product,
                work.inputs,
                packing,
                weights=None if weights is None else weights.take(places, axis=0),
                final=objective.final,
                initial=initial,
                alpha=0.0 if i else objective.alpha,
                normalizer=normalizer,
                workspace=work,
                reuse=reuse,
            )
            total += self._product.flat
        return total

    def _prepare(self):
        """Workspaces with the inputs of all blocks of sequences."""
        objective = self.objective
        for sequences in blocks(objective.offsets, objective.block_size):
            work = objective.network.workspace(objective.parameters.dtype)
            packing = packing_of(objective.offsets, sequences)
            work.resize(packing)
            objective._take(packing.rows, work.inputs)
            initial = objective.initial
            yield (
                work,
                packing,
                sequences if objective.final else packing.rows,
                None if initial is None else initial[sequences],
            )
