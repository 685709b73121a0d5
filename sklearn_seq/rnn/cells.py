"""Recurrent units: a forward, a backward and a tangent step.

The loop over time is elsewhere. Arrays of one step have a row for each unit and a
column for each sequence; the gates of a cell are stacked, so that one call computes
all.

A cell stores its activities h in `hidden`, and what else the backward pass needs on a
*tape*, of shape ``(n_steps + 1, n_tape * n_units, n_sequences)``. Entry t of `hidden`,
of shape ``(n_steps + 1, n_units + 1 + n_inputs, n_sequences)``, holds what step t is
computed from: the *previous* h, a row of ones for the biases, and the inputs. The
pre-activations, one matrix product, are written (to `products`) before the step.

Derivatives of a step are linear in the derivatives of its states, with *factors* that
need no recursion: `linearize` computes them for many steps at once, and `backward` and
`tangent` multiply by them. Logistic gates are computed as ``0.5 * tanh(0.5 * x) + 0.5``
with the inner 0.5 in the weights (`scale`), so that one tanh serves all gates.

With few units and sequences, the overhead of calls dominates a step: `forward` and
`backward` call NumPy functions by their bare names, with positional output arrays.

References
----------
Elman (1990), Finding structure in time.

Hochreiter and Schmidhuber (1997), Long short-term memory. The forget gate: Gers,
Schmidhuber and Cummins (2000), Learning to forget.

Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk and Bengio (2014), Learning
phrase representations using RNN encoder-decoder for statistical machine translation.

Le, Jaitly and Hinton (2015), A simple way to initialize recurrent networks of
rectified linear units.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy import add, multiply, subtract, tanh


class Cell:
    """Base of all cells.

    The arguments of a step are views of its arrays, which `forward_views` and
    `factor_views` make for many steps: tuples to be given to ``forward(scratch, *)``,
    and to ``backward(scratch, states, *)`` and ``tangent(scratch, states, *, h)``.

    - ``forward`` turns the pre-activations into activities.
    - ``linearize(tape, hidden, out)`` writes the factors of the steps of `tape`, of
      shape (n_steps, n_factors * n_units, n_sequences).
    - ``backward`` computes, from `states`, the derivatives of the loss in the states
      after the step, those in the pre-activations and, in place, those in the states
      before it, except in h, which take a product with the weights.
    - ``tangent`` writes the tangent of the activities into `h`, given those of the
      pre-activations and of the previous `states`; other states change in place.

    Parameters
    ----------
    n_units : int
        The number of units.

    dtype : dtype
        The type of all arrays.

    Attributes
    ----------
    n_pre : int
        The number of pre-activations of each unit. The first ``n_recurrent`` of them
        have weights from the previous activities, the last ``n_inputs`` from inputs.
        Those without recurrent weights are computed for many steps at once.

    n_tape, n_factors : int
        The number of rows for each unit of the tape and of the factors.

    state_names : tuple of str
        Names of the states that a step passes to the next.

    passes_on : bool
        Whether h also depends on the previous h directly, not only through weights. A
        backward step then writes this derivative to `direct`.

    scale : ndarray of shape (n_pre * n_units,)
        Factors of the weights in a forward step.
    """

    n_pre = n_recurrent = n_inputs = n_tape = n_factors = 1
    state_names = ("hidden",)
    passes_on = False

    def __init__(self, n_units, dtype):
        self.n_units = n_units
        self.half, self.one = np.array(0.5, dtype), np.array(1.0, dtype)
        self.scale = np.ones(self.n_pre * n_units, dtype)
        self.recurrent_rows = slice(0, self.n_recurrent * n_units)
        first = (self.n_pre - self.n_inputs) * n_units
        self.input_rows = slice(first, self.n_pre * n_units)

    def initial_biases(self):
        """Initial biases, (n_pre * n_units,)."""
        return np.zeros(self.n_pre * self.n_units)

    def rows(self, array, first, last):
        """Some of the rows of each step, in multiples of the number of units."""
        return array[:, first * self.n_units : last * self.n_units]

    def activities(self, hidden):
        """The part of `hidden` that holds the activities."""
        return hidden[:, : self.n_units]

    def states(self, tape, hidden):
        """The states before each step, each (n_steps + 1, n_units, n_sequences)."""
        return (self.activities(hidden),)

    def products(self, tape, hidden):
        """Buffer of the product with the recurrent weights at each step."""
        return self.rows(tape[:-1], 0, self.n_recurrent)

    def scratch(self, size, dtype):
        """Temporary arrays."""
        return np.empty((self.n_units, size), dtype)


class Tanh(Cell):
    """``h = tanh(W x + U h + b)`` (Elman, 1990)."""

    n_tape = 0

    def products(self, tape, hidden):
        return self.activities(hidden)[1:]

    def forward_views(self, tape, hidden):
        return zip(self.activities(hidden)[1:], strict=True)

    def forward(self, scratch, h):
        tanh(h, h)

    def linearize(self, tape, hidden, out):
        h = self.activities(hidden)[1:]
        np.multiply(h, h, out=out)
        np.subtract(self.one, out, out=out)

    def factor_views(self, tape, factors, pre):
        return zip(factors, pre, strict=True)

    def backward(self, scratch, states, factor, pre):
        (dh,) = states
        multiply(dh, factor, pre)

    def tangent(self, scratch, states, factor, pre, h):
        np.multiply(pre, factor, out=h)


class Relu(Tanh):
    """``h = max(0, W x + U h + b)`` (Le, Jaitly and Hinton, 2015)."""

    def scratch(self, size, dtype):
        return np.zeros((self.n_units, size), dtype)

    def forward(self, scratch, h):
        # Three times as fast as the maximum of an array and a number.
        np.maximum(h, scratch, out=h)

    def linearize(self, tape, hidden, out):
        np.sign(self.activities(hidden)[1:], out=out)


class LSTM(Cell):
    """Long short-term memory, with a forget gate and without peepholes.

    With the gates o, i, f and the candidate g, in the order of the pre-activations::

        c = f * c + i * g
        h = o * tanh(c)

    The tape holds o, i, f, g, the c before the step, the tanh of the c after it, and
    the two products that this c is the sum of.
    """

    n_pre = n_recurrent = n_inputs = 4
    n_tape = 8
    n_factors = 5
    state_names = ("hidden", "cell")

    def __init__(self, n_units, dtype):
        super().__init__(n_units, dtype)
        self.scale[: 3 * n_units] = 0.5

    def initial_biases(self):
        """1 for the forget gate, for an initially long memory; otherwise 0."""
        biases = super().initial_biases()
        biases[2 * self.n_units : 3 * self.n_units] = 1
        return biases

    def states(self, tape, hidden):
        return self.activities(hidden), self.rows(tape, 4, 5)

    def forward_views(self, tape, hidden):
        before, rows = tape[:-1], self.rows
        return zip(
            rows(before, 0, 4),
            rows(before, 0, 3),
            rows(before, 1, 3),
            rows(before, 3, 5),
            rows(before, 6, 8),
            rows(before, 6, 7),
            rows(before, 7, 8),
            rows(tape[1:], 4, 5),
            rows(before, 5, 6),
            rows(before, 0, 1),
            self.activities(hidden)[1:],
            strict=True,
        )

    def forward(
        self, scratch, pre, gates, i_f, g_c, products, new, kept, c, tanh_c, o, h
    ):
        tanh(pre, pre)
        multiply(gates, self.half, gates)
        add(gates, self.half, gates)
        multiply(i_f, g_c, products)
        add(new, kept, c)
        tanh(c, tanh_c)
        multiply(o, tanh_c, h)

    def linearize(self, tape, hidden, out):
        """Factors from dh to o, from dc to i, f and g, and from dh to dc."""
        rows = self.rows
        o, i, i_f = rows(tape, 0, 1), rows(tape, 1, 2), rows(tape, 1, 3)
        g, tanh_c, new = rows(tape, 3, 4), rows(tape, 5, 6), rows(tape, 6, 7)
        products, h = rows(tape, 6, 8), self.activities(hidden)[1:]
        by_o, by_i_f = rows(out, 0, 1), rows(out, 1, 3)
        by_g, by_c = rows(out, 3, 4), rows(out, 4, 5)
        # For instance o (1 - o) tanh(c) = h - o h.
        np.multiply(o, h, out=by_o)
        np.subtract(h, by_o, out=by_o)
        np.multiply(i_f, products, out=by_i_f)
        np.subtract(products, by_i_f, out=by_i_f)
        np.multiply(new, g, out=by_g)
        np.subtract(i, by_g, out=by_g)
        np.multiply(h, tanh_c, out=by_c)
        np.subtract(o, by_c, out=by_c)

    def factor_views(self, tape, factors, pre):
        rows = self.rows
        views = [rows(a, k, k + 1) for k in range(4) for a in (factors, pre)]
        return zip(*views, rows(factors, 4, 5), rows(tape, 2, 3), strict=True)

    def backward(
        self, scratch, states, by_o, o, by_i, i, by_f, f, by_g, g, by_c, forget
    ):
        dh, dc = states
        multiply(dh, by_o, o)
        multiply(dh, by_c, scratch)
        add(dc, scratch, dc)
        multiply(dc, by_i, i)
        multiply(dc, by_f, f)
        multiply(dc, by_g, g)
        multiply(dc, forget, dc)

    def tangent(
        self, scratch, states, by_o, o, by_i, i, by_f, f, by_g, g, by_c, forget, h
    ):
        _, c = states
        np.multiply(c, forget, out=c)
        for factor, pre in ((by_i, i), (by_f, f), (by_g, g)):
            np.multiply(factor, pre, out=scratch)
            np.add(c, scratch, out=c)
        np.multiply(by_o, o, out=h)
        np.multiply(by_c, c, out=scratch)
        np.add(h, scratch, out=h)


class GRU(Cell):
    """Gated recurrent unit; the reset gate acts on the product with the weights.

    This is the variant of PyTorch's ``nn.GRU`` and of cuDNN (Cho et al., 2014, reset h
    before they multiply it by the weights)::

        n = tanh(W_n x + b_n + r * (U_n h + b_un))
        h = (1 - z) * n + z * h

    The pre-activations are, in this order, the product inside the bracket, r, z and n;
    the recurrent weights are those of the first three, the input weights those of the
    last three. The tape holds r times the bracket, r, z and n.
    """

    n_pre = n_tape = n_factors = 4
    n_recurrent = n_inputs = 3
    passes_on = True

    def __init__(self, n_units, dtype):
        super().__init__(n_units, dtype)
        self.scale[n_units : 3 * n_units] = 0.5

    def forward_views(self, tape, hidden):
        before, rows, h = tape[:-1], self.rows, self.activities(hidden)
        views = [rows(before, 1, 3)] + [rows(before, k, k + 1) for k in range(4)]
        return zip(*views, h[:-1], h[1:], strict=True)

    def forward(self, scratch, gates, reset, r, z, n, before, h):
        tanh(gates, gates)
        multiply(gates, self.half, gates)
        add(gates, self.half, gates)
        multiply(r, reset, reset)
        add(n, reset, n)
        tanh(n, n)
        subtract(before, n, h)
        multiply(h, z, h)
        add(h, n, h)

    def linearize(self, tape, hidden, out):
        """Factors from dh to all pre-activations."""
        rows = self.rows
        reset, r, n = (rows(tape, k, k + 1) for k in (0, 1, 3))
        by_bracket, by_r, by_z, by_n = (rows(out, k, k + 1) for k in range(4))
        np.subtract(self.one, rows(tape, 1, 3), out=rows(out, 1, 3))
        np.multiply(n, n, out=by_n)
        np.subtract(self.one, by_n, out=by_n)
        np.multiply(by_n, by_z, out=by_n)
        # (h before the step - n) * z = h after the step - n.
        np.subtract(self.activities(hidden)[1:], n, out=by_bracket)
        np.multiply(by_z, by_bracket, out=by_z)
        np.multiply(by_r, reset, out=by_r)
        np.multiply(by_r, by_n, out=by_r)
        np.multiply(r, by_n, out=by_bracket)

    def factor_views(self, tape, factors, pre):
        views = [self.rows(a, k, k + 1) for k in range(4) for a in (factors, pre)]
        return zip(*views, self.rows(tape, 2, 3), strict=True)

    def backward(
        self, scratch, states, direct, by_b, b, by_r, r, by_z, z, by_n, n, update
    ):
        (dh,) = states
        multiply(dh, by_b, b)
        multiply(dh, by_r, r)
        multiply(dh, by_z, z)
        multiply(dh, by_n, n)
        multiply(dh, update, direct)

    def tangent(self, scratch, states, by_b, b, by_r, r, by_z, z, by_n, n, update, h):
        (before,) = states
        np.multiply(before, update, out=h)
        for factor, pre in ((by_b, b), (by_r, r), (by_z, z), (by_n, n)):
            np.multiply(factor, pre, out=scratch)
            np.add(h, scratch, out=h)


CELLS = {"tanh": Tanh, "relu": Relu, "lstm": LSTM, "gru": GRU}
