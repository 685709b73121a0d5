"""Display of the training loss."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np

from .._estimators import fitted_model
from ._plotting import begin_plot, end_plot, style


class LossCurveDisplay:
    """Loss in the course of a fit: epochs of training or steps of EM.

    Create it with :meth:`from_estimator` or :meth:`from_curves`. Several models are
    compared by drawing on the same axes, with `ax`.

    Parameters
    ----------
    loss_curves : list of ndarray of shape (n_iter,)
        The loss after each iteration, of one or several fits.

    validation_losses : list of (ndarray or None), default=None
        For each fit, the loss on held-out data after each iteration.

    names : list of str, default=None
        Names of the fits.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    lines_ : list of matplotlib Line2D
        The loss, one line for each fit.

    validation_lines_ : list of matplotlib Line2D
        The loss on held-out data, for the fits that have it.

    See Also
    --------
    sklearn.model_selection.LearningCurveDisplay : Scores by the size of the training
        data.

    Examples
    --------
    >>> from sklearn_seq import LinearDynamicalSystem
    >>> from sklearn_seq.datasets import make_sines
    >>> from sklearn_seq.inspection import LossCurveDisplay
    >>> X = make_sines(20, 50, random_state=0)
    >>> start = LinearDynamicalSystem(2, max_iter=20, random_state=0)
    >>> display = LossCurveDisplay.from_estimator(start.fit(X), name="subspace")
    >>> other = start.set_params(init="random").fit(X)
    >>> both = LossCurveDisplay.from_estimator(other, name="random", ax=display.ax_)
    >>> [line.get_label() for line in both.ax_.lines]
    ['subspace', 'random']
    """

    def __init__(self, loss_curves, *, validation_losses=None, names=None):
        self.loss_curves = loss_curves
        self.validation_losses = validation_losses
        self.names = names

    def plot(self, ax=None, *, line_kwargs=None, validation_kwargs=None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        line_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        validation_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`, for the loss on held-out data.

        Returns
        -------
        display : LossCurveDisplay
            The display itself.
        """
        ax = begin_plot(self, ax)
        n_curves = len(self.loss_curves)
        names = self.names or [
            f"Fit {i}" if n_curves > 1 else "Loss" for i in range(n_curves)
        ]
        held_out = self.validation_losses or [None] * n_curves
        self.lines_, self.validation_lines_ = [], []
        for name, losses, validation in zip(
            names, self.loss_curves, held_out, strict=True
        ):
            line_style = style("line", line_kwargs, label=name)
            (line,) = ax.plot(np.arange(len(losses)), losses, **line_style)
            self.lines_.append(line)
            if validation is not None:
                line_style = style(
                    "line",
                    validation_kwargs,
                    color=line.get_color(),
                    linestyle="--",
                    label=f"{name}, held out",
                )
                self.validation_lines_ += ax.plot(
                    np.arange(len(validation)), validation, **line_style
                )
        ax.legend()
        return end_plot(self, ax, xlabel="Iteration", ylabel="Loss")

    @classmethod
    def from_estimator(cls, estimator, *, name=None, ax=None, **kwargs) -> Self:
        """Draw the loss in the course of an estimator's fit.

        Parameters
        ----------
        estimator : object
            A model fitted by iterations that record their loss, a pipeline that ends
            with one, or a search over either. The loss of EM is minus the
            log-likelihood per time step, from before the first step on. A classifier
            with one model for each class has one curve for each.

        name : str, default=None
            Name for the legend. By default the name of the class.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay
            What was drawn.
        """
        model = fitted_model(estimator)
        name = type(model).__name__ if name is None else name
        parts = getattr(model, "models_", getattr(model, "systems_", None))
        if parts is None:
            within = getattr(model, "model_", model)
            parts = [model if hasattr(model, "loss_curve_") else within]
            names = [name]
        else:
            names = [f"{name}, {label}" for label in model.classes_]
        if not all(hasattr(part, "loss_curve_") for part in parts):
            raise ValueError(
                f"This {type(model).__name__} has no loss_curve_: it was not fitted "
                "by iterations that record their loss. Take a network, a hidden Markov "
                "model or a LinearDynamicalSystem, or draw numbers that you have with "
                "LossCurveDisplay.from_curves."
            )
        scores = [getattr(part, "validation_scores_", None) for part in parts]
        held_out = [None if s is None else -np.asarray(s) for s in scores]
        return cls.from_curves(
            [part.loss_curve_ for part in parts],
            validation_losses=held_out,
            names=names,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_curves(
        cls, loss_curves, *, validation_losses=None, names=None, ax=None, **kwargs
    ) -> Self:
        """Draw losses that were recorded before.

        Parameters
        ----------
        loss_curves : list of array-like of shape (n_iter,)
            The loss after each iteration, of one or several fits.

        validation_losses : list of (array-like or None), default=None
            For each fit, the loss on held-out data after each iteration.

        names : list of str, default=None
            Names of the fits.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay
            What was drawn.
        """
        curves = [_curve(losses, "loss_curves") for losses in loss_curves]
        held_out = validation_losses
        for given, called in ((held_out, "validation_losses"), (names, "names")):
            if given is not None and len(given) != len(curves):
                raise ValueError(
                    f"{called} has {len(given)} entries, but there are {len(curves)} "
                    "loss curves: expected one for each."
                )
        if held_out is not None:
            held_out = [
                None if losses is None else _curve(losses, "validation_losses")
                for losses in held_out
            ]
        return cls(curves, validation_losses=held_out, names=names).plot(ax, **kwargs)


def _curve(losses, name):
    curve = np.asarray(losses, dtype=np.float64)
    if curve.ndim != 1 or not len(curve):
        raise ValueError(
            f"{name} holds an entry of shape {curve.shape}: expected a list of curves, "
            "each with one loss for each iteration. Put a single curve into a list."
        )
    return curve
