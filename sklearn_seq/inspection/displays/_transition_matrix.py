"""A matrix of transition probabilities, with numbers."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np

from ..._core.markov import check_probabilities
from .._estimators import fitted_model
from ._plotting import begin_plot, end_plot, state_names, style


class TransitionMatrixDisplay:
    """Transition probabilities of a Markov chain, as a matrix with numbers.

    Create it with :meth:`from_estimator` or :meth:`from_transmat`.

    Parameters
    ----------
    transmat : ndarray of shape (n_states, n_states)
        Entry (i, j) is the probability that state j follows state i.

    display_labels : list of str, default=None
        Names of the states. By default their numbers.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    im_ : matplotlib AxesImage
        The matrix as an image.

    text_ : ndarray of matplotlib Text of shape (n_states, n_states) or None
        The numbers; None without them.

    colorbar_ : matplotlib Colorbar or None
        The scale of the colours.

    See Also
    --------
    SegmentationDisplay : The states along a sequence.
    sklearn.metrics.ConfusionMatrixDisplay : The like for confusion matrices.

    Examples
    --------
    >>> from sklearn_seq import GaussianHMM
    >>> from sklearn_seq.datasets import load_nile
    >>> from sklearn_seq.inspection import TransitionMatrixDisplay
    >>> X, _ = load_nile(return_X_y=True)
    >>> model = GaussianHMM(n_components=2, random_state=0).fit(X)
    >>> display = TransitionMatrixDisplay.from_estimator(model)
    >>> display.text_.shape
    (2, 2)
    """

    def __init__(self, transmat, *, display_labels=None):
        self.transmat = transmat
        self.display_labels = display_labels

    def plot(
        self,
        ax=None,
        *,
        include_values=True,
        values_format=".2f",
        cmap="viridis",
        xticks_rotation="horizontal",
        colorbar=True,
        im_kwargs=None,
        text_kwargs=None,
    ) -> Self:
        """Draw the matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        include_values : bool, default=True
            Whether to write the probabilities.

        values_format : str, default=".2f"
            Format of the probabilities.

        cmap : str or matplotlib Colormap, default="viridis"
            Colours from 0 to 1.

        xticks_rotation : {"horizontal", "vertical"} or float, default="horizontal"
            Rotation of the labels below.

        colorbar : bool, default=True
            Whether to draw the scale of the colours.

        im_kwargs : dict, default=None
            Keyword arguments for matplotlib's `imshow`.

        text_kwargs : dict, default=None
            Keyword arguments for matplotlib's `text`.

        Returns
        -------
        display : TransitionMatrixDisplay
            The display itself.
        """
        ax = begin_plot(self, ax)
        n_states = len(self.transmat)
        labels = self.display_labels
        if labels is None:
            labels = [str(k) for k in range(n_states)]
        image_style = {"vmin": 0, "vmax": 1, "cmap": cmap, **(im_kwargs or {})}
        self.im_ = ax.imshow(self.transmat, interpolation="nearest", **image_style)
        self.text_, self.colorbar_ = None, None
        if include_values:
            self.text_ = np.empty((n_states, n_states), dtype=object)
            for i, j in np.ndindex(n_states, n_states):
                self.text_[i, j] = ax.text(
                    j,
                    i,
                    format(self.transmat[i, j], values_format),
                    **style(
                        "text",
                        text_kwargs,
                        horizontalalignment="center",
                        verticalalignment="center",
                        color=self._contrast(self.transmat[i, j]),
                    ),
                )
        if colorbar:
            self.colorbar_ = ax.figure.colorbar(self.im_, ax=ax)
        ticks = np.arange(n_states)
        ax.set_xticks(ticks, labels, rotation=xticks_rotation)
        ax.set_yticks(ticks, labels)
        return end_plot(self, ax, xlabel="Next state", ylabel="State")

    def _contrast(self, probability):
        """Black on bright, white on dark, by the luminance of the colour beneath."""
        red, green, blue, _ = self.im_.cmap(self.im_.norm(probability))
        bright = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
        return "black" if bright else "white"

    @classmethod
    def from_estimator(
        cls, estimator, *, display_labels=None, ax=None, **kwargs
    ) -> Self:
        """Draw the transition matrix of a fitted model.

        Parameters
        ----------
        estimator : object
            A fitted hidden Markov model, a regressor or classifier with one, or a
            classifier with transitions between labels; a pipeline that ends with one,
            or a search over either.

        display_labels : list of str, default=None
            Names of the states. By default their numbers, or the labels where states
            belong to labels: ``"label/k"`` for several states of each.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : TransitionMatrixDisplay
            What was drawn.
        """
        model = fitted_model(estimator)
        within = getattr(model, "model_", None)
        transmat = getattr(model, "transmat_", getattr(within, "transmat_", None))
        if transmat is None and hasattr(model, "models_"):
            raise ValueError(
                f"This {type(model).__name__} has one transition matrix for each of "
                f"{len(model.models_)} classes: pass one of its models, such as "
                "estimator.models_[0], in the order of classes_."
            )
        if transmat is None:
            raise ValueError(
                f"A {type(model).__name__} as it was fitted has no transition matrix "
                "(transmat_). Take a hidden Markov model, or draw probabilities that "
                "you have with TransitionMatrixDisplay.from_transmat."
            )
        if display_labels is None:
            display_labels = state_names(model, len(transmat))
        return cls.from_transmat(
            transmat, display_labels=display_labels, ax=ax, **kwargs
        )

    @classmethod
    def from_transmat(cls, transmat, *, display_labels=None, ax=None, **kwargs) -> Self:
        """Draw a transition matrix.

        Parameters
        ----------
        transmat : array-like of shape (n_states, n_states)
            Probabilities: each row sums to 1.

        display_labels : list of str, default=None
            Names of the states. By default their numbers.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : TransitionMatrixDisplay
            What was drawn.
        """
        n_states = len(np.atleast_1d(transmat))
        transmat = check_probabilities(
            np.atleast_1d(transmat), "transmat", (n_states, n_states)
        )
        if display_labels is not None and len(display_labels) != n_states:
            raise ValueError(
                f"display_labels has {len(display_labels)} entries, but transmat "
                f"{n_states} states: expected one label for each state."
            )
        return cls(transmat, display_labels=display_labels).plot(ax, **kwargs)
