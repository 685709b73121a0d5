"""Display of the gradient flow of a recurrent network."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np

from ..._core.docs import documented
from ...metrics._last_step import last_step
from .._estimators import fitted_model
from ._plotting import begin_plot, end_plot, style


@documented
class GradientFlowDisplay:
    """Norm of the loss's gradient with respect to hidden states of k steps before.

    A straight line on the logarithmic axis is a gradient that vanishes, or explodes,
    exponentially. Create it with :meth:`from_estimator` or :meth:`from_norms`; several
    networks are compared by drawing on the same axes, with `ax`.

    Parameters
    ----------
    norms : ndarray of shape (n_layers, n_lags)
        Norms of the gradient, for each layer.

    lags : ndarray of int of shape (n_lags,)
        How many time steps before.

    name : str, default=None
        Name of the network.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    lines_ : list of matplotlib Line2D
        One for each layer.

    See Also
    --------
    gradient_flow : The norms themselves.

    Examples
    --------
    >>> from sklearn_seq import RNNRegressor
    >>> from sklearn_seq.datasets import make_adding_problem
    >>> from sklearn_seq.inspection import GradientFlowDisplay
    >>> X, y = make_adding_problem(20, n_timesteps=30, random_state=0)
    >>> ax = None
    >>> for cell in ("tanh", "lstm"):
    ...     model = RNNRegressor(8, cell=cell, max_iter=2, random_state=0).fit(X, y)
    ...     ax = GradientFlowDisplay.from_estimator(model, X, y, name=cell, ax=ax).ax_
    >>> [line.get_label() for line in ax.lines]
    ['tanh', 'lstm']
    """

    def __init__(self, norms, lags, *, name=None):
        self.norms = norms
        self.lags = lags
        self.name = name

    def plot(self, ax=None, *, line_kwargs=None) -> Self:
        """Draw the norms on a logarithmic axis.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        line_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        Returns
        -------
        display : GradientFlowDisplay
            The display itself.
        """
        ax = begin_plot(self, ax)
        self.lines_ = []
        several = len(self.norms) > 1
        for i, norms in enumerate(self.norms):
            layer = f"Layer {i}" if several else None
            label = ", ".join(part for part in (self.name, layer) if part)
            line_style = style("line", line_kwargs, label=label or None)
            self.lines_ += ax.plot(self.lags, norms, **line_style)
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        ax.set_yscale("log")
        return end_plot(
            self, ax, xlabel="Time steps before", ylabel="Norm of the gradient"
        )

    @classmethod
    def from_estimator(
        cls, estimator, X, y=None, *, groups=None, name=None, ax=None, **kwargs
    ) -> Self:
        """Compute the norms for a recurrent network, and draw them.

        Parameters
        ----------
        estimator : object
            A fitted recurrent network, a pipeline that ends with one, or a search over
            either.

        %(X)s

        y : array-like, default=None
            The targets of a network that was fitted with y.

        %(groups)s

        name : str, default=None
            Name for the legend. By default the name of the class.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : GradientFlowDisplay
            What was drawn.
        """
        from ..diagnostics._gradient_flow import gradient_flow

        fitted_model(estimator)
        model, X = last_step(estimator, X, groups)
        flow = gradient_flow(model, X, y, groups=groups)
        name = type(model).__name__ if name is None else name
        return cls.from_norms(flow.norms, flow.lags, name=name, ax=ax, **kwargs)

    @classmethod
    def from_norms(cls, norms, lags=None, *, name=None, ax=None, **kwargs) -> Self:
        """Draw norms that were computed before.

        Parameters
        ----------
        norms : array-like of shape (n_lags,) or (n_layers, n_lags)
            Norms of the gradient.

        lags : array-like of int of shape (n_lags,), default=None
            How many time steps before. By default 0, 1, …

        name : str, default=None
            Name of the network.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : GradientFlowDisplay
            What was drawn.
        """
        norms = np.asarray(norms, dtype=np.float64)
        if norms.ndim == 1:
            norms = norms[np.newaxis]
        if norms.ndim != 2 or not norms.size or not (norms >= 0).all():
            raise ValueError(
                f"norms has shape {norms.shape}: expected norms that are not negative, "
                "of shape (n_lags,) or (n_layers, n_lags)."
            )
        lags = np.arange(norms.shape[1]) if lags is None else np.asarray(lags)
        if lags.shape != norms.shape[1:]:
            raise ValueError(
                f"lags has shape {lags.shape}, but norms are of {norms.shape[1]} lags: "
                "expected one lag for each."
            )
        return cls(norms, lags, name=name).plot(ax, **kwargs)
