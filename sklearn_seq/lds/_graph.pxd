# cython: cdivision=True
"""A graph of covariances, in which rows that are alike share what is made of them."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from libc.float cimport DBL_EPSILON, DBL_MAX
from libc.math cimport fabs, sqrt
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from ._matrices cimport Int


cdef enum:
    MOST_VALUES = 1 << 18  # numbers in a graph, beyond which it is begun anew
    LEAST_EDGES = 64  # which it holds in any case
    PATIENCE = 8  # steps without a smaller change after which that is rounding


cdef struct Node:
    Int first  # edge from here, -1 if none
    Int kind  # of the edge by which it was reached first
    Int steady  # node of the steady state on the way here, -1 if none
    double least  # change of a step without gaps on the way here, since a gap
    int waited  # steps since then


cdef struct Edge:
    Int start, end  # nodes
    Int kind  # forward: the pattern of missing values; backward: the forward edge
    Int sibling  # another edge from the same node, -1 if none
    double log_scale  # of the density of the row


cdef struct Graph:
    Node *nodes
    Edge *edges
    double *node_values  # forward: L and L L'; backward: E and E E'
    double *edge_values
    Int n_nodes, n_edges, node_size, edge_size, node_room, edge_room, root


cdef inline void reset(Graph *graph) noexcept nogil:
    """An empty graph, which keeps its memory."""
    graph.n_nodes = graph.n_edges = 0
    graph.root = -1


cdef inline Int most_edges(Graph *graph) noexcept nogil:
    return max(MOST_VALUES // (graph.node_size + graph.edge_size), LEAST_EDGES)


cdef inline int make_room(Graph *graph) except -1 nogil:
    """For an edge and two nodes; what is there may move."""
    cdef Int room
    if graph.n_nodes + 2 > graph.node_room:
        room = 2 * graph.node_room + 16
        extend(<void **> &graph.nodes, room * sizeof(Node))
        extend(
            <void **> &graph.node_values, room * graph.node_size * sizeof(double)
        )
        graph.node_room = room
    if graph.n_edges + 1 > graph.edge_room:
        room = 2 * graph.edge_room + 16
        extend(<void **> &graph.edges, room * sizeof(Edge))
        extend(
            <void **> &graph.edge_values, room * graph.edge_size * sizeof(double)
        )
        graph.edge_room = room
    return 0


cdef inline int extend(void **memory, size_t size) except -1 nogil:
    cdef void *larger = realloc(memory[0], size)
    if larger == NULL:
        with gil:
            raise MemoryError
    memory[0] = larger
    return 0


cdef inline void free_graph(Graph *graph) noexcept nogil:
    free(graph.nodes)
    free(graph.edges)
    free(graph.node_values)
    free(graph.edge_values)


cdef inline void new_node(
    Graph *graph, Int kind, Int steady, double least, int waited
) noexcept nogil:
    cdef Node *node = graph.nodes + graph.n_nodes
    node.first = -1
    node.kind, node.steady, node.least, node.waited = kind, steady, least, waited
    graph.n_nodes += 1


cdef inline Int new_edge(Graph *graph, Int start, Int kind) noexcept nogil:
    """Second among the edges of its node: the first one is the most used."""
    cdef Int new = graph.n_edges
    cdef Int first = graph.nodes[start].first
    graph.edges[new].start, graph.edges[new].kind = start, kind
    graph.edges[new].sibling = -1
    if first < 0:
        graph.nodes[start].first = new
    else:
        graph.edges[new].sibling = graph.edges[first].sibling
        graph.edges[first].sibling = new
    graph.n_edges += 1
    return new


cdef inline Int find(Graph *graph, Int node, Int kind) noexcept nogil:
    """The edge of some kind from a node, -1 if it is not there yet."""
    cdef Int edge = graph.nodes[node].first
    while edge >= 0 and graph.edges[edge].kind != kind:
        edge = graph.edges[edge].sibling
    return edge


cdef inline Int keep_only(Graph *graph, Int node) except -1 nogil:
    """Forget all but a node and the steady state on the way there."""
    cdef Int steady = graph.nodes[node].steady
    cdef Int kept = node, k
    for k in range(2):
        make_room(graph)
        graph.nodes[graph.n_nodes] = graph.nodes[kept]
        graph.nodes[graph.n_nodes].first = -1
        memcpy(
            graph.node_values + graph.n_nodes * graph.node_size,
            graph.node_values + kept * graph.node_size,
            graph.node_size * sizeof(double),
        )
        graph.n_nodes += 1
        if steady >= 0:
            kept = steady
    k = graph.n_nodes - 2
    memcpy(graph.nodes, graph.nodes + k, 2 * sizeof(Node))
    memcpy(
        graph.node_values,
        graph.node_values + k * graph.node_size,
        2 * graph.node_size * sizeof(double),
    )
    reset(graph)
    graph.n_nodes = 2
    if steady >= 0:
        graph.nodes[0].steady = 0 if steady == node else 1
        graph.nodes[1].steady = 1
    return 0


cdef inline Int settle(
    Graph *graph,
    Int n,
    Int start,
    Int kind,
    bint may_rest,
    const double *scale,
    double *deviations,
) noexcept nogil:
    """Where an edge leads: to the values after the last node, or to a steady state.

    Two states are one if they are apart by roundings. A step has come to its steady
    state if it changes no more than roundings; or little, and no longer less.
    """
    cdef Int new = graph.n_nodes, steady = graph.nodes[start].steady
    cdef double *covariance = graph.node_values + new * graph.node_size + n * n
    cdef double change, least = DBL_MAX
    cdef int waited = 0
    cdef Int i
    if may_rest:
        if steady == start and graph.nodes[start].kind == kind:
            return start
        for i in range(n):
            deviations[i] = sqrt(covariance[i * n + i])
        if steady >= 0 and graph.nodes[steady].kind == kind:
            change = distance(
                n,
                covariance,
                graph.node_values + steady * graph.node_size + n * n,
                scale,
                deviations,
            )
            if change <= 8 * n * DBL_EPSILON:
                return steady
        change = distance(
            n,
            covariance,
            graph.node_values + start * graph.node_size + n * n,
            scale,
            deviations,
        )
        least, waited = graph.nodes[start].least, graph.nodes[start].waited + 1
        if change < least:
            least, waited = change, 0
        if change <= DBL_EPSILON or (
            waited >= PATIENCE and least <= 64 * n * DBL_EPSILON
        ):
            steady = new
    new_node(graph, kind, steady, least, waited)
    return new


cdef inline double distance(
    Int n,
    const double *new,
    const double *old,
    const double *scale,
    const double *deviations,
) noexcept nogil:
    """Between two covariances, in units of what rounding makes of their factors.

    An error of scale[i] in row i of L changes L L' by no more than this.
    """
    cdef Int i, j
    cdef double difference, bound, largest = 0.0
    for i in range(n):
        for j in range(i + 1):
            difference = fabs(new[i * n + j] - old[i * n + j])
            bound = (
                scale[i] * deviations[j]
                + scale[j] * deviations[i]
                + DBL_EPSILON * scale[i] * scale[j]
            )
            if difference > largest * bound:
                largest = difference / bound
    return largest
