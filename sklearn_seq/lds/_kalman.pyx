# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Kalman filter and smoother in square-root form, compiled.

The filter keeps the mean a of the state and a factor L of its covariance L L'. A
whitened row is a set of scalar observations c's + e with e ~ N(0, 1), which are
processed one at a time (Potter). The time update makes L triangular by Householder
reflections with product T::

    observation, of innovation v:  x = L'c,  z = 1 + x'x,  a += L x v / z
                                   L = L (I - x x' / (z + sqrt(z)))
    time:                          a = A a + B u,  [A L, N] T = [L, 0],  where Q = N N'

The smoother runs from the last row to the first, in the coordinates e of the filter,
s = a + L e. It keeps the mean d of e and a factor E of its covariance, initially 0 and
I. Both steps are linear in e, by blocks of orthogonal matrices or contractions::

    time, [T1, T2] the upper rows of T:  d = T1 d,  E = triangular factor of [T1 E, T2]
    observation, x and z as above:       d = (I - x x' / (z + sqrt(z))) d + x v / z
                                         E = (I - x x' / (z + sqrt(z))) E

or d = M d + V v, E = M E for all observations of a row together. Then Cov(s[t+1], s[t])
= L[t+1] E[t+1] (T1 E[t+1])' L[t]'. There is no inverse and no cancellation: standard
deviations are accurate to a few roundings, also for singular R, Q and P0.

Covariances depend only on which values are missing. They are cached in a graph: nodes
are predictions, with L; an edge is a row with a pattern of missing values, with the
update of L by it. Sequences that begin with the same patterns share the same path. When
L has converged to rounding, the edge of a complete row leads back to its own node: the
steady state. After a gap, once L has converged again, the edge leads there, too. E has
a graph of its own, from the last row backwards. The content of nodes and edges depends
only on the path to them, not on later rows or other sequences.

References
----------
Potter, J. E. and Stern, R. G. (1963). Statistical filtering of space navigation
measurements. AIAA Guidance and Control Conference.

Park, P. and Kailath, T. (1995). Square-root Bryson-Frazier smoothing algorithms. IEEE
Transactions on Automatic Control, 40, 761-766.

Kailath, T., Sayed, A. H. and Hassibi, B. (2000). Linear Estimation, chapters 10
and 12. Prentice Hall.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

cimport cython
from libc.float cimport DBL_MAX
from libc.math cimport copysign, fabs, log, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from ._graph cimport (
    Graph,
    find,
    free_graph,
    keep_only,
    make_room,
    most_edges,
    new_edge,
    new_node,
    reset,
    settle,
)
from ._matrices cimport (
    Int,
    add,
    add_product,
    dot,
    multiply,
    multiply_transposed,
    observe,
    reflect,
    swap,
    take_rows,
    total,
    transpose,
    triangularise,
)

import numpy as np


cdef struct Row:  # the values of a forward edge
    double *lower  # (m, m), what innovations take from later ones of the row
    double *inverse  # (m,), 1 / z
    double *gain  # (m, 2 n), L x / z and V'
    double *factor  # (n, n), L given the row, too
    double *M  # (n, n)
    double *covariance  # (n, n), L L'
    double *T1  # (n, n)
    double *T2  # (n, n)
    double *transposed  # (3, n, n), T1', L' and M'


@cython.final
cdef class Model:
    """A system, the graphs of its covariances, and work memory."""

    cdef const double[:, ::1] A, noise, initial_factor, B, D
    cdef const double[:, :, ::1] C, minus_C, whitener  # minus_C: transposed
    cdef const double[::1] initial_mean, constant
    cdef const unsigned char[:, ::1] observed
    cdef Int n, m, p
    cdef bint smoothing, filtered
    cdef Graph forward, backward
    cdef double checksum  # not finite if a result is not
    cdef double *memory  # holds the arrays below
    cdef double *transposed  # A'
    cdef double *array  # [A L, N], and rows below that are transformed along with it
    cdef double *other  # likewise
    cdef double *weights
    cdef double *scale
    cdef double *deviations
    cdef double *seen
    cdef double *innovation
    cdef double *mean
    cdef double *moved

    def __cinit__(self, system, bint smoothing, bint filtered):
        self.A, self.noise = system.transition, system.noise
        self.C, self.whitener = system.observation, system.whitener
        self.minus_C = -np.ascontiguousarray(system.observation.swapaxes(1, 2))
        self.constant, self.observed = system.constant, system.observed
        self.initial_mean = system.initial_mean
        self.initial_factor = system.initial_factor
        self.B, self.D = system.input_matrix, system.feedthrough_matrix
        self.smoothing, self.filtered = smoothing, filtered
        self.checksum = 0.0
        cdef Int n = self.A.shape[0], m = self.C.shape[1], i, j
        self.n, self.m, self.p = n, m, 0
        if self.B is not None:
            self.p = self.B.shape[1]
        elif self.D is not None:
            self.p = self.D.shape[1]
        for graph in range(2):
            reset(&self.backward if graph else &self.forward)
        self.forward.node_size = self.backward.node_size = 2 * n * n
        self.forward.edge_size = m * m + m + 2 * m * n + 8 * n * n
        self.backward.edge_size = 2 * n * n
        self.memory = <double *> malloc((9 * n * n + 7 * n + 2 * m + 1) * sizeof(double))
        if self.memory == NULL:
            raise MemoryError
        self.transposed = self.memory
        self.array = self.transposed + n * n
        self.other = self.array + 4 * n * n
        self.weights = self.other + 4 * n * n
        self.scale = self.weights + 2 * n
        self.mean = self.scale + n
        self.moved = self.mean + n
        self.deviations = self.moved + n
        self.seen = self.deviations + n
        self.innovation = self.seen + m
        for i in range(n):
            for j in range(n):
                self.transposed[j * n + i] = self.A[i, j]

    def __dealloc__(self):
        free(self.memory)
        free_graph(&self.forward)
        free_graph(&self.backward)

    cdef inline Row row(self, Int edge) noexcept nogil:
        cdef Row row
        cdef Int n = self.n, m = self.m
        row.lower = self.forward.edge_values + edge * self.forward.edge_size
        row.inverse = row.lower + m * m
        row.gain = row.inverse + m
        row.factor = row.gain + 2 * n * m
        row.M = row.factor + n * n
        row.covariance = row.M + n * n
        row.T1 = row.covariance + n * n
        row.T2 = row.T1 + n * n
        row.transposed = row.T2 + n * n
        return row

    cdef Int forward_root(self) except -1 nogil:
        """The node of the prediction of a first row, with factor of P0."""
        cdef Graph *graph = &self.forward
        cdef Int n = self.n
        cdef double *values
        if graph.root < 0:
            make_room(graph)
            graph.root = graph.n_nodes
            values = graph.node_values + graph.root * graph.node_size
            memcpy(values, &self.initial_factor[0, 0], n * n * sizeof(double))
            multiply_transposed(n, values, values, values + n * n)
            new_node(graph, -1, -1, DBL_MAX, 0)
        return graph.root

    cdef Int forward_edge(self, Int start, Int kind) except -1 nogil:
        """The edge of a row of some pattern: measurement and time update of L."""
        cdef Graph *graph = &self.forward
        cdef Int edge = find(graph, start, kind)
        if edge >= 0:
            return edge
        make_room(graph)
        edge = new_edge(graph, start, kind)
        cdef Int n = self.n, m = self.m, i, j, k
        cdef Int rows = 2 * n if self.smoothing else n
        cdef Int size = n * n * sizeof(double)
        cdef double *old = graph.node_values + start * graph.node_size
        cdef double *new = graph.node_values + graph.n_nodes * graph.node_size
        cdef double *column
        cdef const double *c
        cdef double z, log_scale = self.constant[kind]
        cdef Row row = self.row(edge)

        # [L; I] becomes [L M; M]
        memcpy(row.factor, old, size)
        if self.smoothing:
            memset(row.M, 0, size)
            for i in range(n):
                row.M[i * n + i] = 1.0
        for i in range(m):
            for k in range(i):
                row.lower[i * m + k] = 0.0
            if self.observed[kind, i]:
                c = &self.C[kind, i, 0]
                for k in range(i):
                    for j in range(n):
                        row.lower[i * m + k] += c[j] * row.gain[k * 2 * n + j]
                z = observe(
                    row.factor, n, rows, c, row.gain + i * 2 * n, self.weights
                )
                row.inverse[i] = 1.0 / z
                log_scale += 0.5 * log(z)
            else:
                row.inverse[i] = 0.0
                memset(row.gain + i * 2 * n, 0, rows * sizeof(double))
        graph.edges[edge].log_scale = log_scale
        if self.filtered:
            multiply_transposed(n, row.factor, row.factor, row.covariance)
            self.checksum += total(n * n, row.covariance)

        # [A L, N], and below it [I, 0], which becomes [T1, T2]
        memset(self.array, 0, 2 * n * rows * sizeof(double))
        for j in range(n):
            column = self.array + j * rows
            for k in range(n):
                add(n, row.factor[k * n + j], self.transposed + k * n, column)
            if self.smoothing:
                column[n + j] = 1.0
            for i in range(n):
                self.array[(n + j) * rows + i] = self.noise[i, j]
        triangularise(self.array, n, rows, 2 * n, self.weights)
        take_rows(self.array, rows, 0, n, new)
        multiply_transposed(n, new, new, new + n * n)
        if self.smoothing:
            take_rows(self.array, rows, n, n, row.T1)
            take_rows(self.array + n * rows, rows, n, n, row.T2)

        # standard deviations of what is added up to the new state
        memset(self.scale, 0, n * sizeof(double))
        for j in range(n):
            z = sqrt(old[n * n + j * n + j])
            for i in range(n):
                self.scale[i] += fabs(self.A[i, j]) * z + fabs(self.noise[i, j])
        cdef Int end = settle(
            graph, n, start, kind, kind == 0, self.scale, self.deviations
        )
        graph.edges[edge].end = end
        self.checksum += total(n * n, new)
        if self.smoothing and new != graph.node_values + end * graph.node_size:
            self.turn(row.T1, new, graph.node_values + end * graph.node_size)
        if self.smoothing:
            transpose(n, row.T1, row.transposed)
            transpose(n, row.factor, row.transposed + n * n)
            transpose(n, row.M, row.transposed + 2 * n * n)
        return edge

    cdef void turn(self, double *T1, double *old, double *new) noexcept nogil:
        """T1 W, where W is orthogonal and old W = new, two factors of one covariance.

        Both are made triangular, with row pivoting: each time the row that adds most to
        the span of those before, so that rounding affects small columns only.
        """
        cdef Int n = self.n, i, j, k, r, best
        cdef double *first = self.array
        cdef double *second = self.other
        cdef double *sign = self.scale
        cdef double norm, largest
        for j in range(n):
            for i in range(n):
                norm = self.scale[i] if self.scale[i] > 0.0 else 1.0
                first[j * 2 * n + i] = old[i * n + j] / norm
                second[j * 2 * n + i] = new[i * n + j] / norm
                first[j * 2 * n + n + i] = second[j * 2 * n + n + i] = 1.0 * (i == j)
        for i in range(n):
            best, largest = i, -1.0
            for r in range(i, n):
                norm = 0.0
                for j in range(i, n):
                    norm += second[j * 2 * n + r] * second[j * 2 * n + r]
                if norm > largest:
                    best, largest = r, norm
            for j in range(n):
                swap(first + j * 2 * n, i, best)
                swap(second + j * 2 * n, i, best)
            reflect(first, 2 * n, n, i, self.weights)
            reflect(second, 2 * n, n, i, self.weights)
            sign[i] = copysign(1.0, first[i * 2 * n + i] * second[i * 2 * n + i])
        # The lower rows are now U and V, and old U = new V but for signs: W = U V'.
        cdef double *carried = first + 2 * n * n  # T1 U
        memset(carried, 0, n * n * sizeof(double))
        for k in range(n):
            for i in range(n):
                for j in range(n):
                    carried[i * n + k] += T1[i * n + j] * first[k * 2 * n + n + j]
        memset(T1, 0, n * n * sizeof(double))
        for k in range(n):
            for i in range(n):
                add(
                    n,
                    sign[k] * carried[i * n + k],
                    second + k * 2 * n + n,
                    T1 + i * n,
                )

    cdef Int backward_root(self) except -1 nogil:
        """The node after a last row, where E = I."""
        cdef Graph *graph = &self.backward
        if graph.root < 0:
            make_room(graph)
            graph.root = graph.n_nodes
            new_node(graph, -1, -1, DBL_MAX, 0)
        return graph.root

    cdef Int backward_edge(self, Int start, Int kind) except -1 nogil:
        """The edge of a row: update of E by later rows, then by the row.

        For a last row, `start` is the root.
        """
        cdef Graph *graph = &self.backward
        cdef Int edge = find(graph, start, kind)
        if edge >= 0:
            return edge
        make_room(graph)
        edge = new_edge(graph, start, kind)
        cdef Int n = self.n, i, j
        cdef Int there = self.forward.edges[kind].end
        cdef bint loop = there == self.forward.edges[kind].start
        cdef Row row = self.row(kind)
        cdef double *later = graph.node_values + start * graph.node_size
        cdef double *E = graph.node_values + graph.n_nodes * graph.node_size
        cdef double *covariance = graph.edge_values + edge * graph.edge_size
        cdef double *lag = covariance + n * n
        cdef double *ahead = self.other
        cdef double *behind = ahead + n * n
        cdef double *product = behind + n * n
        cdef double *own = product + n * n

        if start == graph.root:
            memset(own, 0, n * n * sizeof(double))
            for i in range(n):
                own[i * n + i] = 1.0
            memset(lag, 0, n * n * sizeof(double))
        else:
            multiply(n, row.T1, later, product)
            multiply(
                n,
                self.forward.node_values + there * self.forward.node_size,
                later,
                ahead,
            )
            multiply(n, row.factor, product, behind)
            multiply_transposed(n, ahead, behind, lag)
            for i in range(n):
                for j in range(n):
                    self.array[j * n + i] = product[i * n + j]
                    self.array[(n + j) * n + i] = row.T2[i * n + j]
            triangularise(self.array, n, n, 2 * n, self.weights)
            take_rows(self.array, n, 0, n, own)
        multiply(n, row.factor, own, behind)
        multiply_transposed(n, behind, behind, covariance)
        multiply(n, row.M, own, E)
        multiply_transposed(n, E, E, E + n * n)
        self.checksum += total(2 * n * n, covariance)
        for i in range(n):
            self.scale[i] = 1.0
        graph.edges[edge].end = settle(
            graph, n, start, kind, loop, self.scale, self.deviations
        )
        return edge

    cdef inline double take_in(
        self, Int edge, const double *x, const double *u, double *mean, double *v
    ) noexcept nogil:
        """Measurement update of the mean; returns the log density of the row.

        Writes the innovations to v (m,).
        """
        cdef Int n = self.n, m = self.m, i
        cdef Int kind = self.forward.edges[edge].kind
        cdef const unsigned char *observed = &self.observed[kind, 0]
        cdef const double *whitener = &self.whitener[kind, 0, 0]
        cdef Row row = self.row(edge)
        cdef double squares = 0.0
        cdef double *seen = self.seen
        if kind > 0 or self.D is not None:
            for i in range(m):
                seen[i] = 0.0
                if observed[i]:
                    seen[i] = x[i]
                    if self.D is not None:
                        seen[i] -= dot(self.p, &self.D[i, 0], u)
            x = seen
        for i in range(m):
            v[i] = dot(i + 1, whitener + i * m, x)
        add_product(m, n, m, &self.minus_C[kind, 0, 0], mean, v)
        for i in range(m):
            v[i] -= dot(i, row.lower + i * m, v)
            squares += v[i] * v[i] * row.inverse[i]
        add_product(n, m, 2 * n, row.gain, v, mean)
        return -0.5 * squares - self.forward.edges[edge].log_scale

    cdef inline void move(
        self, const double *u, const double *mean, double *moved
    ) noexcept nogil:
        """Time update of the mean: A a + B u."""
        cdef Int n = self.n, i
        for i in range(n):
            moved[i] = 0.0 if self.B is None else dot(self.p, &self.B[i, 0], u)
        add_product(n, n, n, self.transposed, mean, moved)

    cdef inline void look_back(
        self, Int edge, bint last, const double *v, double *mean, double *d
    ) noexcept nogil:
        """Turn the filtered mean of a row into the smoothed one.

        In place, d changes from the mean of e for the prediction of row t + 1 (unused
        at a last row) to that for the prediction of row t.
        """
        cdef Int n = self.n
        cdef Row row = self.row(edge)
        cdef double *own = self.weights
        memset(own, 0, n * sizeof(double))
        if not last:
            add_product(n, n, n, row.transposed, d, own)
        add_product(n, n, n, row.transposed + n * n, own, mean)
        memset(d, 0, n * sizeof(double))
        add_product(n, n, n, row.transposed + 2 * n * n, own, d)
        add_product(n, self.m, 2 * n, row.gain + n, v, d)


def filter_rows(
    system,
    const double[:, ::1] X,
    const Int[::1] offsets,
    const Int[::1] codes,
    const double[:, ::1] U,
    double[::1] log_density,
    double[:, ::1] means=None,
    double[:, :, ::1] covariances=None,
    double[:, ::1] predicted_means=None,
    double[:, :, ::1] predicted_covariances=None,
):
    """Filter all sequences; see `_reference.filter_rows`."""
    cdef Model model = Model(system, False, covariances is not None)
    cdef Graph *graph = &model.forward
    cdef Int n = model.n, k, t, edge, node
    cdef Int most = most_edges(graph)
    cdef Int vector = n * sizeof(double), matrix = n * n * sizeof(double)
    cdef double *mean = model.mean
    cdef double *moved = model.moved
    cdef const double *u = NULL
    with nogil:
        for k in range(offsets.shape[0] - 1):
            node = model.forward_root()
            memcpy(mean, &model.initial_mean[0], vector)
            for t in range(offsets[k], offsets[k + 1]):
                edge = model.forward_edge(node, 0 if codes is None else codes[t])
                if U is not None:
                    u = &U[t, 0]
                if predicted_means is not None:
                    memcpy(&predicted_means[t, 0], mean, vector)
                if predicted_covariances is not None:
                    memcpy(
                        &predicted_covariances[t, 0, 0],
                        graph.node_values + node * graph.node_size + n * n,
                        matrix,
                    )
                log_density[t] = model.take_in(edge, &X[t, 0], u, mean, model.innovation)
                if means is not None:
                    memcpy(&means[t, 0], mean, vector)
                if covariances is not None:
                    memcpy(
                        &covariances[t, 0, 0], model.row(edge).covariance, matrix
                    )
                model.move(u, mean, moved)
                mean, moved = moved, mean
                node = graph.edges[edge].end
                model.checksum += log_density[t]
                if graph.n_edges >= most:
                    node = keep_only(graph, node)
            model.checksum += total(n, mean)
    return model.checksum


def smooth_rows(
    system,
    const double[:, ::1] X,
    const Int[::1] offsets,
    const Int[::1] codes,
    const double[:, ::1] U,
    double[::1] log_density,
    double[:, ::1] means,
    double[:, :, ::1] covariances=None,
    double[:, :, ::1] lags=None,
    double[:, :, ::1] sums=None,
):
    """Smooth all sequences; see `_reference.smooth_rows`."""
    cdef Model model = Model(system, True, False)
    cdef Graph *graph = &model.forward
    cdef Int n = model.n, m = model.m, k, t, begin, end, edge, node, step, length = 0
    cdef Int most = most_edges(graph), most_backward = most_edges(&model.backward)
    cdef Int vector = n * sizeof(double), matrix = n * n * sizeof(double)
    cdef double *mean = model.mean
    cdef double *moved = model.moved
    cdef const double *u = NULL
    cdef double *values
    cdef double *first = NULL
    cdef double *arriving = NULL
    cdef double *leaving = NULL
    cdef double *lag = NULL
    if sums is not None:
        first = &sums[sums.shape[0] - 4, 0, 0]
        arriving, leaving, lag = first + n * n, first + 2 * n * n, first + 3 * n * n
    for k in range(offsets.shape[0] - 1):
        length = max(length, offsets[k + 1] - offsets[k])
    cdef Int *way = <Int *> malloc((length + 1) * sizeof(Int))
    cdef double *innovations = <double *> malloc((length * m + 1) * sizeof(double))
    try:
        if way == NULL or innovations == NULL:
            raise MemoryError
        with nogil:
            for k in range(offsets.shape[0] - 1):
                begin, end = offsets[k], offsets[k + 1]
                if graph.n_edges >= most:
                    reset(graph)
                    reset(&model.backward)
                node = model.forward_root()
                memcpy(mean, &model.initial_mean[0], vector)
                for t in range(begin, end):
                    edge = model.forward_edge(node, 0 if codes is None else codes[t])
                    if U is not None:
                        u = &U[t, 0]
                    log_density[t] = model.take_in(
                        edge, &X[t, 0], u, mean, innovations + (t - begin) * m
                    )
                    memcpy(&means[t, 0], mean, vector)
                    model.move(u, mean, moved)
                    mean, moved = moved, mean
                    model.checksum += log_density[t]
                    way[t - begin] = edge
                    node = graph.edges[edge].end

                node = model.backward_root()
                for t in range(end - 1, begin - 1, -1):
                    edge = way[t - begin]
                    model.look_back(
                        edge, t == end - 1, innovations + (t - begin) * m, &means[t, 0], mean
                    )
                    step = model.backward_edge(node, edge)
                    values = (
                        model.backward.edge_values + step * model.backward.edge_size
                    )
                    if covariances is not None:
                        memcpy(&covariances[t, 0, 0], values, matrix)
                    if lags is not None:
                        memcpy(&lags[t, 0, 0], values + n * n, matrix)
                    if sums is not None:
                        add(n * n, 1.0, values, &sums[graph.edges[edge].kind, 0, 0])
                        add(n * n, 1.0, values, first if t == begin else arriving)
                        if t < end - 1:
                            add(n * n, 1.0, values, leaving)
                            add(n * n, 1.0, values + n * n, lag)
                    node = model.backward.edges[step].end
                    if model.backward.n_edges >= most_backward:
                        node = keep_only(&model.backward, node)
                model.checksum += total(n, mean)
    finally:
        free(way)
        free(innovations)
    return model.checksum
