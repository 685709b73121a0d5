"""Products with the Gauss-Newton matrix, for Hessian-free optimisation.

Both losses are convex in the outputs, so that the matrix is positive semidefinite.

References
----------
Schraudolph (2002), Fast curvature matrix-vector products for second-order gradient
descent.

Martens and Sutskever (2011), Learning recurrent neural networks with Hessian-free
optimization.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import softmax

from ._inputs import LayerInputs, RowInputs


def multiply_squared_error(outputs, vector):
    """The second derivative of half the squared error is the identity."""


def multiply_cross_entropy(outputs, vector):
    """The second derivative in the logits is ``diag(p) - p p'``, p = softmax."""
    probabilities = softmax(outputs, axis=1)
    vector *= probabilities
    vector -= probabilities * vector.sum(axis=1, keepdims=True)


OUTPUT_CURVATURE = {
    "squared_error": multiply_squared_error,
    "cross_entropy": multiply_cross_entropy,
}


def multiply_by_curvature(loss, outputs, vector, weights, normalizer):
    """Multiply by the second derivative of the weighted mean loss, in place.

    Parameters
    ----------
    loss : {"squared_error", "cross_entropy"}
        The loss.

    outputs : ndarray of shape (n_targets, n_outputs)
        Point at which the derivative is taken.

    vector : ndarray of shape (n_targets, n_outputs)
        The vector to multiply; overwritten.

    weights : ndarray of shape (n_targets,) or (n_targets, n_outputs), or None
        The weights of the targets.

    normalizer : float
        The divisor of the weighted sum of losses.
    """
    OUTPUT_CURVATURE[loss](outputs, vector)
    if weights is not None:
        vector *= weights.reshape(len(vector), -1)
    vector /= normalizer


class GaussNewtonMixin:
    """Gives a recurrent network its Gauss-Newton matrix."""

    def gauss_newton_product(
        self,
        parameters,
        vector,
        product,
        inputs,
        packing,
        *,
        weights=None,
        final=False,
        initial=None,
        alpha=0.0,
        normalizer=None,
        workspace=None,
        reuse=False,
    ):
        """Multiply a vector by the Gauss-Newton matrix of the loss.

        With the Jacobian J of the outputs and the Hessian H of the loss in the outputs,
        this is ``J.T @ H @ J @ vector`` plus the penalty's: one tangent (R-operator)
        pass forward and one pass backward.

        Parameters
        ----------
        parameters : ParameterVector
            As made by `initialize`.

        vector : ParameterVector
            The vector to multiply; it satisfies the constraint.

        product : ParameterVector
            Receives the product, projected to the constraint.

        inputs, packing, weights, final, initial, alpha, normalizer, workspace
            As in `loss_and_gradient`.

        reuse : bool, default=False
            Whether `workspace` holds the forward pass of an earlier product with the
            same parameters and batch.
        """
        work = workspace or self.workspace(parameters.dtype)
        if not reuse:
            outputs = self.forward(
                parameters,
                inputs,
                packing,
                initial=initial,
                final=final,
                keep=True,
                workspace=work,
            )
            work.linearized_at = outputs.copy()
        n_targets = len(work.linearized_at)
        normalizer = n_targets if normalizer is None else normalizer
        self._tangent(parameters, vector, inputs, final, work)
        multiply_by_curvature(
            self.loss, work.linearized_at, work.outputs, weights, normalizer
        )
        self._backpropagate(parameters, product, inputs, final, work)
        if alpha:
            product.penalized_flat += alpha / normalizer * vector.penalized_flat
        self.constrain(product)

    def _tangent(self, parameters, vector, inputs, final, work):
        """Write J @ vector, the tangent of the outputs, into ``work.outputs``."""
        packing = work.packing
        rows, moving = inputs, None
        if self.embedding_dim is not None:
            rows = work.embedded
            moving = vector["embedding"].take(inputs, axis=0, mode="clip")
            moving = moving.reshape(rows.shape)
        initial = np.zeros((self.n_states, packing.n_sequences), work.dtype)
        if self.initial_state == "learned":
            initial[:] = self._own_initial_states(vector)[:, np.newaxis]
            if work.unset is not None:
                initial *= work.unset
        below = RowInputs(packing.runs, rows, tangent=moving)
        before = self._by_layer(initial)
        for i, layer in enumerate(work.layers):
            tangents, weights = self._weights(vector, i), self._weights(parameters, i)
            layer.tangent(tangents, weights, below, before[i])
            below = LayerInputs(layer)

        moving = [blocks[1:] for blocks in work.layers[-1].tangent_hidden]
        if final:
            pairs = [(work.final_hidden, self._final(moving, work), work.outputs)]
        else:
            pairs = [
                (blocks.swapaxes(1, 2), moved.swapaxes(1, 2), outputs)
                for blocks, moved, (_, outputs) in zip(
                    self._top_blocks(work), moving, self._runs(work), strict=True
                )
            ]
        for hidden, moved, outputs in pairs:
            self._readout.tangent(parameters, vector, hidden, moved, outputs)
