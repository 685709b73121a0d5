"""Base class of emissions of real numbers, which are standardised in a fit."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._columns import Prepared
from ._units import Units


class StandardisedEmissions:
    """Base of the emissions with a `covariance_type`."""

    def standardise(self, rows):
        """Standardised rows.

        Returns
        -------
        rows : ndarray of shape (N, D)
        emissions : StandardisedEmissions
            The emissions, with priors in these units.
        units : Units
        """
        units = Units.of(rows, common=self.covariance_type == "spherical")
        return units.rows(rows), units.settings(self), units

    def prepare(self, rows):
        """Standardised rows, prepared once for all E-steps.

        Returns
        -------
        rows : Prepared
            Slices of it are arguments of `evaluate`.
        """
        return Prepared(rows, self.covariance_type)
