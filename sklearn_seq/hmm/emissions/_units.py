"""Standardisation of rows for a fit, and of parameters and priors with them."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace

import numpy as np

from ._checks import as_numbers
from ._m_step import scale_matrix

CONSTANT = 1e-15  # relative spread of a feature below which it is constant
LARGEST = 1e153  # spread whose square is finite
SMALLEST = 1e-153  # spread whose square is a normal number


@dataclass(frozen=True, eq=False)
class Units:
    """Units of rows: row = centre + scale * standardised row.

    Parameters
    ----------
    centre : ndarray of shape (D,)
    scale : ndarray of shape (D,)
    """

    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, rows, common):
        """Means and standard deviations of the known values.

        Constant features are not scaled; with `common`, all features have one scale,
        the root of their mean variance.
        """
        rows = np.asarray(rows, dtype=np.float64)
        missing = np.isnan(rows)
        holes = missing if missing.any() else None
        counts, first = len(rows), rows[0]
        if holes is not None:
            counts = np.maximum(len(rows) - holes.sum(axis=0), 1)
            first = rows[holes.argmin(axis=0), np.arange(rows.shape[1])]
            first = np.where(np.isnan(first), 0.0, first)
        with np.errstate(over="ignore"):
            shifted = _filled(rows - first, holes)
        largest = np.abs(shifted).max(axis=0, initial=0.0)
        size = np.maximum(np.abs(first), largest)
        varies = largest > CONSTANT * size
        unit = np.where(varies, largest, 1.0)
        if (largest > np.finfo(np.float64).max).any():
            raise beyond(largest)
        shifted /= unit
        mean = shifted.sum(axis=0) / counts
        shifted -= mean
        squares = np.square(_filled(shifted, holes), out=shifted)
        spread = np.sqrt(squares.sum(axis=0) / counts) * unit
        if (spread > LARGEST).any():
            raise beyond(spread)
        if (spread[varies] < SMALLEST).any():
            raise beyond(spread[varies].min(initial=np.inf))
        centre = first + mean * unit
        if common and varies.any():
            spread, largest = spread[varies], spread[varies].max()
            common = largest * np.sqrt(np.mean(np.square(spread / largest)))
            return cls(centre, np.full(len(centre), common))
        return cls(centre, np.where(varies, spread, 1.0))

    def rows(self, rows):
        inside = rows - self.centre
        inside /= self.scale
        return inside

    def log_jacobian(self, rows):
        """Log Jacobian: to add to the log-likelihood of standardised rows."""
        counts = len(rows) - np.isnan(rows).sum(axis=0)
        return -float(counts @ np.log(self.scale))

    def inward(self, emissions, parameters):
        """Parameters in these units; None stays None."""
        return self._convert(emissions, parameters, True)

    def outward(self, emissions, parameters):
        """Parameters in the original units."""
        with np.errstate(over="ignore"):
            outside = self._convert(emissions, parameters, False)
        check_covariances(outside.covariances)
        return outside

    def _convert(self, emissions, parameters, inward):
        changes = {}
        if parameters.means is not None:
            if inward:
                changes["means"] = (parameters.means - self.centre) / self.scale
            else:
                changes["means"] = self.centre + self.scale * parameters.means
        if parameters.covariances is not None:
            scales = self._scales(emissions.covariance_type)
            value = parameters.covariances
            for scale in scales:
                value = value / scale if inward else value * scale
            changes["covariances"] = value
        return parameters._replace(**changes)

    def _scales(self, covariance_type):
        """Factors that scale the covariances, one after another."""
        if covariance_type in ("full", "tied"):
            return self.scale[:, None], self.scale
        scale = self.scale[0] if covariance_type == "spherical" else self.scale
        return scale, scale

    def settings(self, emissions):
        """The emissions, with priors in these units."""
        changes = {}
        if np.any(emissions.means_weight):
            means = as_numbers(emissions.means_prior, "means_prior")
            if means.ndim and means.shape[-1] != len(self.scale):
                raise ValueError(
                    f"means_prior has shape {means.shape}, but the rows have "
                    f"{len(self.scale)} features. Give a number, or one for each."
                )
            with np.errstate(over="ignore"):
                inside = (means - self.centre) / self.scale
            if (np.abs(inside) > LARGEST).any():
                raise ValueError(
                    f"means_prior={emissions.means_prior!r} is so far from X that the "
                    "square of the distance is beyond floating point. Give means like "
                    "those of X."
                )
            changes["means_prior"] = inside
        if np.any(emissions.covars_prior):
            kind = emissions.covariance_type
            value = scale_matrix(emissions.covars_prior, kind, len(self.scale))
            with np.errstate(over="ignore"):
                for scale in self._scales(kind):
                    value = value / scale
            check_covariances(value)
            changes["covars_prior"] = value
        return replace(emissions, **changes) if changes else emissions


def _filled(values, holes):
    """Replace missing values by zeros, in place."""
    if holes is not None:
        values[holes] = 0.0
    return values


def beyond(spread):
    return ValueError(
        f"A feature of X has a standard deviation of {np.max(spread):.3g}: its "
        "variance is beyond floating point. Scale X, for example with "
        "sklearn.preprocessing.StandardScaler."
    )


def check_covariances(covariances):
    """Refuse infinite covariances, from large data or a far larger floor or prior."""
    if covariances is not None and not np.isfinite(covariances).all():
        raise ValueError(
            "A covariance is beyond floating point. Scale X, for example with "
            "sklearn.preprocessing.StandardScaler, or lower reg_covar and covars_prior."
        )


@dataclass(frozen=True)
class Natural:
    """Units of counts and symbols: nothing is scaled."""

    def log_jacobian(self, rows):
        return 0.0

    def inward(self, emissions, parameters):
        return parameters

    def outward(self, emissions, parameters):
        return parameters
