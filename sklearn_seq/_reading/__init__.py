"""Reading what users hand over: containers, labels, symbols, indexes, by name.

Everything here either gives what the owner of the data means, or says what is wrong.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause
