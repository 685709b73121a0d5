# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, infer_types=False
"""The forward, backward and Viterbi recursions, one row after another.

Of a sequence of T rows, with b[t, j] the density of row t in state j::

    forward:    alpha[t, j] = sum_i alpha[t-1, i] A[i, j] b[t, j] / c[t]
    backward:   beta[t, i] = sum_j A[i, j] b[t+1, j] beta[t+1, j] / d[t]
    smoothed:   gamma[t, i] = alpha[t, i] beta[t, i] / sum
    pairs:      xi[t, i, j] = alpha[t, i] A[i, j] b[t+1, j] beta[t+1, j] / sum
    Viterbi:    delta[t, j] = max_i (delta[t-1, i] + log A[i, j]) + log b[t, j]

with alpha[-1] A = pi, beta[T-1] = 1, and c and d such that alpha[t] and beta[t] sum to
one. The log-likelihood of a row given those before it is log c[t].

Densities of a row enter as weights: divided by their maximum over reachable states.
Probabilities below SMALL may have underflowed. The functions bound the probability mass
lost by this and stop at the first row where it may matter; the caller then computes the
sequence in logarithms. Filtered values depend on no later row.

References
----------
Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications in
speech recognition. Proceedings of the IEEE, 77, 257-286.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from libc.math cimport INFINITY, exp, log
from libc.string cimport memcpy, memset

import numpy as np

cdef extern from *:
    """
    /* out[j] += sum_i a[i * step] * rows[i, j] over n rows of K numbers. Four rows at a
       time, so that out is loaded and stored less often. */
    static void add_product(const double *a, Py_ssize_t step, const double *rows,
                            Py_ssize_t n, Py_ssize_t K,
                            double *CYTHON_RESTRICT out)
    {
        Py_ssize_t i = 0, j;
        for (; i + 4 <= n; i += 4, rows += 4 * K) {
            const double a0 = a[i * step], a1 = a[(i + 1) * step];
            const double a2 = a[(i + 2) * step], a3 = a[(i + 3) * step];
            for (j = 0; j < K; j++)
                out[j] += (a0 * rows[j] + a1 * rows[K + j])
                        + (a2 * rows[2 * K + j] + a3 * rows[3 * K + j]);
        }
        for (; i < n; i++, rows += K) {
            const double a0 = a[i * step];
            for (j = 0; j < K; j++)
                out[j] += a0 * rows[j];
        }
    }

    /* out[j] = sum_i a[i] * rows[i, j] over K rows of K numbers. */
    static void product(const double *a, const double *rows, Py_ssize_t K,
                        double *CYTHON_RESTRICT out)
    {
        Py_ssize_t j;
        for (j = 0; j < K; j++)
            out[j] = a[0] * rows[j];
        add_product(a + 1, 1, rows + K, K - 1, K, out);
    }

    /* out[j] = max(out[j], max_i a[i] + rows[i, j]) over K rows of K numbers. */
    static void add_maxima(const double *a, const double *rows, Py_ssize_t K,
                           double *CYTHON_RESTRICT out)
    {
        Py_ssize_t i, j;
        for (i = 0; i < K; i++, rows += K) {
            const double a0 = a[i];
            for (j = 0; j < K; j++) {
                const double value = a0 + rows[j];
                out[j] = value > out[j] ? value : out[j];
            }
        }
    }
    """
    void add_product(const double *a, Py_ssize_t step, const double *rows,
                     Py_ssize_t n, Py_ssize_t K, double *out) noexcept nogil
    void product(const double *a, const double *rows, Py_ssize_t K,
                 double *out) noexcept nogil
    void add_maxima(const double *a, const double *rows, Py_ssize_t K,
                    double *out) noexcept nogil

cdef double SMALL = 1e-150  # smaller values may have underflowed
cdef double TOLERABLE = 1e-20  # share of lost probability that is negligible
# If all transition probabilities exceed this, the loss at a row is below SMALL / DENSE
# of it, and below SMALL / DENSE**2 of every state at the next: always negligible.
cdef double DENSE = 1e-60
cdef enum:
    BLOCK = 8  # rows of a block for summing expected transitions


cdef struct Model:
    Py_ssize_t K
    const double *startprob
    const double *transmat
    bint may_lose  # whether a transition is less probable than DENSE
    bint tiny  # whether a possible one is less probable than SMALL
    # rows of K numbers to work on
    double *predicted
    double *lost
    double *lost_before  # loss of earlier rows, predicted to this row


cdef Model make_model(
    const double[::1] startprob, const double[:, ::1] transmat, double[:, ::1] work
):
    cdef Model m
    cdef Py_ssize_t i, j
    m.K = startprob.shape[0]
    m.startprob, m.transmat = &startprob[0], &transmat[0, 0]
    m.predicted, m.lost, m.lost_before = &work[0, 0], &work[1, 0], &work[2, 0]
    m.may_lose = m.tiny = False
    for i in range(m.K):
        for j in range(m.K):
            m.may_lose |= transmat[i, j] < DENSE
            m.tiny |= 0 < transmat[i, j] < SMALL
    return m


cdef Py_ssize_t longest(const Py_ssize_t[::1] offsets):
    """Number of rows of the longest sequence."""
    cdef Py_ssize_t i, n = 0
    for i in range(offsets.shape[0] - 1):
        n = max(n, offsets[i + 1] - offsets[i])
    return n


cdef transposed(const double[:, ::1] matrix):
    cdef Py_ssize_t i, j
    out = np.empty((matrix.shape[1], matrix.shape[0]))
    cdef double[:, ::1] values = out
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            values[j, i] = matrix[i, j]
    return out


cdef bint predict_loss(Model *m) noexcept nogil:
    """Predict the loss to the next row; False if it is negligible there."""
    cdef Py_ssize_t j
    cdef bint counts = False
    product(m.lost, m.transmat, m.K, m.lost_before)
    for j in range(m.K):
        counts |= m.lost_before[j] > TOLERABLE * m.predicted[j]
    return counts


cdef double weigh(
    Model *m, const double *log_density, double *weight, bint carried
) noexcept nogil:
    """Write densities over their maximum to `weight`; return the log of the maximum.

    The maximum is over states with a path to them. If the row is impossible in all of
    them, all weights are one: it counts as missing.
    """
    cdef Py_ssize_t j
    cdef double top = -INFINITY
    for j in range(m.K):
        if m.predicted[j] > 0 or m.tiny or (carried and m.lost_before[j] > 0):
            top = top if log_density[j] <= top else log_density[j]  # NaN stays
    if top == -INFINITY:
        for j in range(m.K):
            weight[j] = 1.0
    else:
        for j in range(m.K):
            weight[j] = 0.0 if log_density[j] > top else exp(log_density[j] - top)
    return top


cdef double bound_loss(
    Model *m,
    const double *log_density,
    const double *weight,
    const double *joint,
    bint carried,
) noexcept nogil:
    """Bound the loss in each state at this row; return the sum of the bounds.

    Parameters
    ----------
    carried
        Whether `lost_before` is not negligible.
    """
    cdef Py_ssize_t j
    cdef double before, total = 0.0
    cdef bint exact
    for j in range(m.K):
        before = m.lost_before[j] if carried else 0.0
        m.lost[j] = before * weight[j]
        if joint[j] < SMALL:
            exact = weight[j] == 0 and log_density[j] == -INFINITY
            if not exact and (m.predicted[j] > 0 or before > 0 or m.tiny):
                m.lost[j] += SMALL
        total += m.lost[j]
    return total


cdef Py_ssize_t forward(
    Model *m,
    const double *log_densities,
    Py_ssize_t T,
    double *alpha,
    Py_ssize_t alpha_step,
    double *weights,
    Py_ssize_t weights_step,
    double *log_likelihood,
) noexcept nogil:
    """Filter one sequence; return the number of rows before the first uncertain one.

    Parameters
    ----------
    alpha_step, weights_step
        K to keep the values of all rows, 0 to overwrite those of the row before.
    """
    cdef Py_ssize_t t, j, K = m.K
    cdef double top, total, smallest, lost, size
    cdef bint carried = False
    cdef double *previous = alpha
    for t in range(T):
        # predicted = A' alpha[t-1]
        if t == 0:
            memcpy(m.predicted, m.startprob, K * sizeof(double))
        else:
            product(previous, m.transmat, K, m.predicted)
        if carried:
            carried = predict_loss(m)
        top = weigh(m, log_densities, weights, carried)
        # alpha[t] = predicted * weight / c[t]
        total, smallest, lost = 0.0, INFINITY, 0.0
        for j in range(K):
            alpha[j] = m.predicted[j] * weights[j]
            total += alpha[j]
            smallest = alpha[j] if alpha[j] < smallest else smallest
        if carried or (smallest < SMALL and (m.may_lose or t == 0)):
            lost = bound_loss(m, log_densities, weights, alpha, carried)
            if lost > TOLERABLE * total:
                return t
        carried = lost > 0
        size = 1 / total
        for j in range(K):
            alpha[j] *= size
        if carried:
            for j in range(K):
                m.lost[j] *= size
        log_likelihood[t] = top + log(total)
        previous = alpha
        log_densities += K
        alpha += alpha_step
        weights += weights_step
    return T


cdef bint backward(
    Model *m,
    const double *transposed,
    Py_ssize_t T,
    double *alpha,
    double *weights,
    double *block,
    double *counts,
) noexcept nogil:
    """Turn alpha into gamma, in place; return whether the loss is negligible.

    Parameters
    ----------
    transposed
        A'.

    alpha, weights
        As `forward` left them.

    block
        Buffer for BLOCK rows of alpha[t], and of weights[t+1] * beta[t+1] / sum.

    counts
        Expected transitions, divided by A, are added to it.
    """
    cdef Py_ssize_t t, i, n = 0, K = m.K
    cdef double total, size
    cdef double *beta = m.predicted
    cdef double *left
    cdef double *right
    for i in range(K):
        beta[i] = 1.0 / K
    for t in range(T - 2, -1, -1):
        left = block + n * K
        right = block + (BLOCK + n) * K
        for i in range(K):
            left[i] = alpha[t * K + i]
            right[i] = weights[(t + 1) * K + i] * beta[i]
        product(right, transposed, K, beta)
        total, size = 0.0, 0.0
        for i in range(K):
            alpha[t * K + i] = left[i] * beta[i]
            total += alpha[t * K + i]
            size += beta[i]
        # Underflow in beta is below 1e-300. `total` weighs beta by alpha[t], and so
        # takes all paths through the sequence into account.
        if not total >= SMALL:
            return False
        total, size = 1 / total, 1 / size
        for i in range(K):
            alpha[t * K + i] *= total
            right[i] *= total
            beta[i] *= size
        n += 1
        if n == BLOCK or t == 0:
            for i in range(K):
                add_product(block + i, K, block + BLOCK * K, n, K, counts + i * K)
            n = 0
    return True


def filter_rows(
    const double[::1] startprob,
    const double[:, ::1] transmat,
    const double[:, ::1] log_densities,
    const Py_ssize_t[::1] offsets,
    double[::1] log_likelihood,
    double[:, ::1] proba=None,
):
    """Filter all sequences.

    Parameters
    ----------
    startprob, transmat, log_densities, offsets
        As for `inference.forward`.

    log_likelihood : ndarray of shape (N,)
        To be filled in.

    proba : ndarray of shape (N, K), default=None
        To be filled in, if it is wanted.

    Returns
    -------
    given_up : dict of int to int
        Sequences of which underflow may have taken something that counts, and the
        number of their rows before the first of which this is so. Those are filled in.
    """
    cdef Py_ssize_t i, T, n_certain, K = transmat.shape[0]
    cdef double[:, ::1] work = np.empty((5, K))
    cdef Model m = make_model(startprob, transmat, work)
    cdef double *alpha = &work[3, 0]
    cdef bint keep = proba is not None
    given_up = {}
    with nogil:
        for i in range(offsets.shape[0] - 1):
            T = offsets[i + 1] - offsets[i]
            if keep:
                alpha = &proba[offsets[i], 0]
            n_certain = forward(
                &m,
                &log_densities[offsets[i], 0],
                T,
                alpha,
                K if keep else 0,
                &work[4, 0],
                0,
                &log_likelihood[offsets[i]],
            )
            if n_certain < T:
                with gil:
                    given_up[i] = n_certain
    return given_up


def smooth_rows(
    const double[::1] startprob,
    const double[:, ::1] transmat,
    const double[:, ::1] log_densities,
    const Py_ssize_t[::1] offsets,
    double[::1] log_likelihood,
    double[:, ::1] proba,
):
    """Smooth all sequences.

    Parameters
    ----------
    startprob, transmat, log_densities, offsets
        As for `inference.smooth`.

    log_likelihood : ndarray of shape (N,)
        To be filled in.

    proba : ndarray of shape (N, K)
        To be filled in. It may be ``log_densities``, which then remain for the
        sequences that are not smoothed.

    Returns
    -------
    given_up : dict of int to int
        As from `filter_rows`. Those that cannot be smoothed are among them, with all
        their rows if the filter is certain. They have no part in `transitions`.

    transitions : ndarray of shape (K, K)
        Expected numbers of transitions.
    """
    cdef Py_ssize_t i, j, T, n_certain, K = transmat.shape[0]
    cdef bint done, in_place = &proba[0, 0] == &log_densities[0, 0]
    cdef double[:, ::1] work = np.empty((3 + 2 * BLOCK + K, K))
    cdef double *counts = &work[3 + 2 * BLOCK, 0]
    cdef double[:, ::1] weights = np.empty((longest(offsets), K))
    cdef double[:, ::1] alphas = np.empty((longest(offsets), K)) if in_place else weights
    cdef double[:, ::1] from_each = transposed(transmat)
    cdef Model m = make_model(startprob, transmat, work)
    cdef double *alpha = &alphas[0, 0]
    transitions, given_up = np.zeros((K, K)), {}
    cdef double[:, ::1] expected = transitions
    with nogil:
        for i in range(offsets.shape[0] - 1):
            T = offsets[i + 1] - offsets[i]
            if not in_place:
                alpha = &proba[offsets[i], 0]
            n_certain = forward(
                &m,
                &log_densities[offsets[i], 0],
                T,
                alpha,
                K,
                &weights[0, 0],
                K,
                &log_likelihood[offsets[i]],
            )
            memset(counts, 0, K * K * sizeof(double))
            done = n_certain == T and backward(
                &m, &from_each[0, 0], T, alpha, &weights[0, 0], &work[3, 0], counts
            )
            if not done:
                with gil:
                    given_up[i] = n_certain
                continue
            if in_place:
                memcpy(&proba[offsets[i], 0], alpha, T * K * sizeof(double))
            for j in range(K * K):
                (&expected[0, 0])[j] += (&transmat[0, 0])[j] * counts[j]
    return given_up, transitions


cdef double best_path(
    const double[::1] log_startprob,
    const double[:, ::1] log_transmat,
    const double[:, ::1] departures,
    const double *log_densities,
    Py_ssize_t T,
    double *delta,
    Py_ssize_t *states,
) noexcept nogil:
    """Best path of one sequence, and its joint log-probability with the rows.

    Parameters
    ----------
    departures
        ``log_transmat`` transposed.

    delta
        Room for T rows.
    """
    cdef Py_ssize_t t, i, best, K = log_startprob.shape[0]
    cdef double top, value, total
    cdef const double *row
    cdef const double *from_each
    for t in range(T):
        # delta[t] = max_i (delta[t-1, i] + log A[i]), minus its maximum at each row
        row = log_densities + t * K
        if t == 0:
            memcpy(delta, &log_startprob[0], K * sizeof(double))
        else:
            for i in range(K):
                delta[i] = -INFINITY
            add_maxima(delta - K, &log_transmat[0, 0], K, delta)
        top = -INFINITY
        for i in range(K):
            value = delta[i] + row[i]
            top = value if value > top else top
        if top == -INFINITY:  # an impossible row counts as missing
            for i in range(K):
                top = delta[i] if delta[i] > top else top
            for i in range(K):
                delta[i] -= top
        else:
            for i in range(K):
                delta[i] = delta[i] + row[i] - top
        delta += K
    delta -= K
    best = 0
    for i in range(1, K):
        best = i if delta[i] > delta[best] else best
    states[T - 1] = best
    total = log_densities[(T - 1) * K + best]
    for t in range(T - 2, -1, -1):
        # backtracking: recompute the best predecessor along the path alone
        delta -= K
        from_each = &departures[best, 0]
        best = 0
        top = delta[0] + from_each[0]
        for i in range(1, K):
            value = delta[i] + from_each[i]
            if value > top:
                best, top = i, value
        states[t] = best
        total += from_each[best] + log_densities[t * K + best]
    return total + log_startprob[best]


def best_paths(
    const double[::1] log_startprob,
    const double[:, ::1] log_transmat,
    const double[:, ::1] log_densities,
    const Py_ssize_t[::1] offsets,
):
    """The most probable path of each sequence, by Viterbi's algorithm.

    Parameters
    ----------
    log_startprob, log_transmat
        Logarithms of the parameters of `inference.viterbi`.

    log_densities, offsets
        As for `inference.viterbi`.

    Returns
    -------
    states : ndarray of int of shape (N,)

    log_proba : ndarray of shape (n_sequences,)
    """
    cdef Py_ssize_t i, n = offsets.shape[0] - 1, K = log_startprob.shape[0]
    cdef double[:, ::1] delta = np.empty((longest(offsets), K))
    cdef double[:, ::1] departures = transposed(log_transmat)
    states, log_proba = np.empty(len(log_densities), dtype=np.intp), np.zeros(n)
    cdef Py_ssize_t[::1] path = states
    cdef double[::1] values = log_proba
    with nogil:
        for i in range(n):
            if offsets[i + 1] > offsets[i]:
                values[i] = best_path(
                    log_startprob,
                    log_transmat,
                    departures,
                    &log_densities[offsets[i], 0],
                    offsets[i + 1] - offsets[i],
                    &delta[0, 0],
                    &path[offsets[i]],
                )
    return states, log_proba
