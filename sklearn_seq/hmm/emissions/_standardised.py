"""Emissions of real numbers: a fit works in units of their spread."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._columns import Prepared
from ._units import Units


class StandardisedEmissions:
    """Base of the emissions that have a `covariance_type`."""

    def standardise(self, rows):
        """Rows in units in which fitting is safe.

        Returns
        -------
        rows : ndarray of shape (N, D)
        emissions : StandardisedEmissions
            Of the same family, with priors in these units.
        units : Units
        """
        units = Units.of(rows, common=self.covariance_type == "spherical")
        return units.rows(rows), units.settings(self), units

    def prepare(self, rows):
        """Standardised rows, with what every E-step needs of them found once.

        Returns
        -------
        rows : Prepared
            To be cut along the rows, and given to `evaluate`.
        """
        return Prepared(rows, self.covariance_type)
