"""Roots of an autoregressive model's characteristic polynomial."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np

from ...autoregressive import ARRegressor
from ...targets import NEXT
from .._estimators import fitted_model
from ._plotting import begin_plot, end_plot, style

KINDS = ("eigenvalues", "roots")


class ARRootsDisplay:
    """Roots of an autoregressive model's characteristic polynomial.

    The eigenvalues λ of the companion matrix are the roots of

        det(λᵖ I - Φ₁ λᵖ⁻¹ - … - Φ_p),

    each a mode of the model: it decays by the factor |λ| in each time step, and turns
    by the angle of λ. The model is stationary if all lie within the unit circle. Their
    inverses z = 1/λ are the roots of det(I - Φ₁ z - … - Φ_p zᵖ), all beyond the circle
    then. Create it with :meth:`from_estimator`.

    Parameters
    ----------
    eigenvalues : ndarray of complex of shape (n_lags * n_features,)
        Eigenvalues of the companion matrix.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    points_ : matplotlib Line2D
        The roots: real part to the right, imaginary part upwards.

    circle_ : matplotlib Circle
        The unit circle.

    See Also
    --------
    ARSpectrumDisplay : The peaks that eigenvalues near the circle make.

    Examples
    --------
    >>> from sklearn_seq import ARRegressor
    >>> from sklearn_seq.datasets import load_sunspots
    >>> from sklearn_seq.inspection import ARRootsDisplay
    >>> X, _ = load_sunspots(return_X_y=True)
    >>> model = ARRegressor(n_lags=2).fit(X)
    >>> display = ARRootsDisplay.from_estimator(model)
    >>> display.eigenvalues.round(2)
    array([0.7-0.45j, 0.7+0.45j])
    """

    def __init__(self, eigenvalues):
        self.eigenvalues = eigenvalues

    def plot(
        self, ax=None, *, kind="eigenvalues", point_kwargs=None, circle_kwargs=None
    ) -> Self:
        """Draw the roots and the unit circle.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        kind : {"eigenvalues", "roots"}, default="eigenvalues"
            The eigenvalues, which a stationary model has within the circle, or their
            inverses, as in `roots_` of the estimator; eigenvalues of zero have none.

        point_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        circle_kwargs : dict, default=None
            Keyword arguments for matplotlib's `Circle`.

        Returns
        -------
        display : ARRootsDisplay
            The display itself.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r}: expected one of {list(KINDS)}.")
        points = self.eigenvalues if kind == "eigenvalues" else self._roots()
        ax = begin_plot(self, ax)
        from matplotlib.patches import Circle

        circle_style = style("patch", circle_kwargs, fill=False, color="gray")
        self.circle_ = ax.add_patch(Circle((0, 0), 1, **circle_style))
        point_style = style("line", point_kwargs, linestyle="", marker="x")
        (self.points_,) = ax.plot(points.real, points.imag, **point_style)
        ax.set_aspect("equal", adjustable="datalim")
        ax.autoscale_view()
        return end_plot(self, ax, xlabel="Real part", ylabel="Imaginary part")

    def _roots(self):
        sizes = np.abs(self.eigenvalues)
        return 1 / self.eigenvalues[sizes > 1e-12 * sizes.max(initial=0.0)]

    @classmethod
    def from_estimator(
        cls, estimator, *, kind="eigenvalues", ax=None, **kwargs
    ) -> Self:
        """Draw the roots of a fitted autoregressive model.

        Parameters
        ----------
        estimator : object
            An :class:`~sklearn_seq.autoregressive.ARRegressor` fitted without y, a
            pipeline that ends with one, or a search over either.

        kind : {"eigenvalues", "roots"}, default="eigenvalues"
            The eigenvalues, which a stationary model has within the circle, or their
            inverses, as in `roots_` of the estimator; eigenvalues of zero have none.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : ARRootsDisplay
            What was drawn.
        """
        model = fitted_model(estimator)
        check_autoregression(model, cls.__name__)
        eigenvalues = np.linalg.eigvals(model._companion()).astype(np.complex128)
        display = cls(np.sort_complex(eigenvalues))
        return display.plot(ax, kind=kind, **kwargs)


def check_autoregression(model, display):
    """Refuse models without linear feedback of their own outputs."""
    if not isinstance(model, ARRegressor):
        raise ValueError(
            f"{display} draws autoregressive models, but got a "
            f"{type(model).__name__}. Fit an ARRegressor, without y."
        )
    if model.target_kind_ != NEXT:
        raise ValueError(
            f"{display} needs an ARRegressor that predicts the next step, but this one "
            "was fitted with a y. Fit it without y."
        )
