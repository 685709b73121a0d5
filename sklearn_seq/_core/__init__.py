"""Code that the families of models share."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause
