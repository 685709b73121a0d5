"""Reading what users hand over: containers, labels, symbols, indexes, by name.

Every function here reads data as their owner means them, or raises an error.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause
