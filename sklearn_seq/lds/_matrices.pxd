# cython: cdivision=True
"""Products and factors of small matrices, whose rows stand one after another."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from libc.float cimport DBL_MIN
from libc.math cimport copysign, sqrt
from libc.string cimport memset

ctypedef Py_ssize_t Int


cdef inline double dot(Int n, const double *x, const double *y) noexcept nogil:
    cdef Int i
    cdef double total = 0.0
    for i in range(n):
        total += x[i] * y[i]
    return total


cdef inline void add_product(
    Int n, Int m, Int stride, const double *columns, const double *x, double *out
) noexcept nogil:
    """out += M x, where M (n, m) is held column by column, two rows at a time.

    Two are stored at once, so that the next product need not wait to load them.
    """
    cdef Int i, j
    cdef double first, second
    for i in range(0, n - 1, 2):
        first, second = out[i], out[i + 1]
        for j in range(m):
            first += columns[j * stride + i] * x[j]
            second += columns[j * stride + i + 1] * x[j]
        out[i], out[i + 1] = first, second
    if n % 2:
        for j in range(m):
            out[n - 1] += columns[j * stride + n - 1] * x[j]


cdef inline double total(Int n, const double *x) noexcept nogil:
    cdef Int i
    cdef double result = 0.0
    for i in range(n):
        result += x[i]
    return result


cdef inline void add(Int n, double factor, const double *x, double *y) noexcept nogil:
    """y += factor x"""
    cdef Int i
    for i in range(n):
        y[i] += factor * x[i]


cdef inline void swap(double *column, Int i, Int j) noexcept nogil:
    cdef double kept = column[i]
    column[i] = column[j]
    column[j] = kept


cdef inline void transpose(Int n, const double *matrix, double *out) noexcept nogil:
    cdef Int i, j
    for i in range(n):
        for j in range(n):
            out[j * n + i] = matrix[i * n + j]


cdef inline void multiply(
    Int n, const double *left, const double *right, double *out
) noexcept nogil:
    cdef Int i, k
    memset(out, 0, n * n * sizeof(double))
    for i in range(n):
        for k in range(n):
            add(n, left[i * n + k], right + k * n, out + i * n)


cdef inline void multiply_transposed(
    Int n, const double *left, const double *right, double *out
) noexcept nogil:
    """left right'; exactly symmetric if they are the same."""
    cdef Int i, j
    for i in range(n):
        for j in range(n):
            out[i * n + j] = dot(n, left + i * n, right + j * n)


cdef inline double observe(
    double *L, Int n, Int rows, const double *c, double *gain, double *x
) noexcept nogil:
    """L given an observation c's + e, e ~ N(0, 1): z, and L x / z in the gain.

    Below L may be other rows, which are transformed along with it.
    """
    cdef Int i
    cdef double z, seen
    memset(x, 0, n * sizeof(double))
    for i in range(n):
        add(n, c[i], L + i * n, x)
    z = 1.0 + dot(n, x, x)
    for i in range(rows):
        seen = dot(n, L + i * n, x)
        gain[i] = seen / z
        add(n, -seen / (z + sqrt(z)), x, L + i * n)
    return z


cdef inline void triangularise(
    double *array, Int n, Int rows, Int columns, double *weights
) noexcept nogil:
    """Make the upper n rows lower triangular, by reflections of all rows.

    The array is held column by column.
    """
    cdef Int i
    for i in range(n):
        reflect(array, rows, columns, i, weights)


cdef inline void reflect(
    double *array, Int rows, Int columns, Int i, double *weights
) noexcept nogil:
    """The Householder reflection of columns i to the last that leaves row i one."""
    cdef Int j, r, below = rows - i - 1
    cdef double squares = 0.0, length, scale
    for j in range(i, columns):
        squares += array[j * rows + i] * array[j * rows + i]
    length = copysign(sqrt(squares), array[i * rows + i])
    array[i * rows + i] += length
    scale = length * array[i * rows + i]
    if scale > DBL_MIN:
        memset(weights, 0, below * sizeof(double))
        for j in range(i, columns):
            add(below, array[j * rows + i], array + j * rows + i + 1, weights)
        for r in range(below):
            weights[r] /= scale
        for j in range(i, columns):
            add(below, -array[j * rows + i], weights, array + j * rows + i + 1)
    array[i * rows + i] = -length
    for j in range(i + 1, columns):
        array[j * rows + i] = 0.0


cdef inline void take_rows(
    const double *array, Int rows, Int first, Int n, double *out
) noexcept nogil:
    """Rows and columns n of an array that is held column by column."""
    cdef Int i, j
    for i in range(n):
        for j in range(n):
            out[i * n + j] = array[j * rows + first + i]
