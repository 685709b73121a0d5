"""A signal over coloured segments of equal state or label."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np
from sklearn.base import is_classifier, is_regressor

from ..._core.docs import documented
from ...sequences import PANEL, RAGGED, read_layout
from ...targets import NEXT, SEQUENCE, STEP
from ._plotting import (
    ask,
    begin_plot,
    choose_features,
    choose_sequence,
    end_plot,
    read_fitted,
    style,
    time_edges,
)

REMEDY = (
    "Fit a classifier with a label for each time step, take a hidden Markov model, or "
    "draw states that you have with SegmentationDisplay.from_predictions(X, states)."
)


@documented
class SegmentationDisplay:
    """A signal over coloured segments of equal state or label.

    Create it with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    signal : ndarray of shape (n_timesteps, n_features)
        The rows of one sequence: numbers, where NaN is a gap, or symbols.

    states : ndarray of shape (n_timesteps,)
        State or label of each row.

    times : ndarray of shape (n_timesteps,), default=None
        Numbers or dates. By default 0, 1, …

    feature_names : list of str, default=None
        Names of the features.

    display_labels : dict, default=None
        Names of states for the legend. By default the states themselves.

    all_states : array-like, default=None
        Every state that has a colour, in order, so that several sequences are
        coloured alike. By default those in `states`.

    time_name : str, default="Time step"
        Label of the axis of time.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    lines_ : list of matplotlib Line2D
        The signal, one line for each feature.

    segments_ : dict of matplotlib PolyCollection
        By state, its segments: from half a step before the first row to half a step
        after the last.

    See Also
    --------
    HiddenStateDisplay : The probabilities of the states.

    Examples
    --------
    >>> from sklearn_seq import GaussianHMM
    >>> from sklearn_seq.datasets import load_nile
    >>> from sklearn_seq.inspection import SegmentationDisplay
    >>> X = load_nile(as_frame=True).data
    >>> model = GaussianHMM(n_components=2, random_state=0).fit(X)
    >>> display = SegmentationDisplay.from_estimator(model, X)
    >>> print(display.times[1:][display.states[1:] != display.states[:-1]])
    [1899]
    """

    def __init__(
        self,
        signal,
        states,
        *,
        times=None,
        feature_names=None,
        display_labels=None,
        all_states=None,
        time_name="Time step",
    ):
        self.signal = signal
        self.states = states
        self.times = times
        self.feature_names = feature_names
        self.display_labels = display_labels
        self.all_states = all_states
        self.time_name = time_name

    def plot(
        self, ax=None, *, cmap="tab10", line_kwargs=None, segment_kwargs=None
    ) -> Self:
        """Draw the signal and the segments.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        cmap : str or matplotlib Colormap, default="tab10"
            Colours of the states, in their order; those of a qualitative map come
            round again.

        line_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        segment_kwargs : dict, default=None
            Keyword arguments for matplotlib's `fill_between`.

        Returns
        -------
        display : SegmentationDisplay
            The display itself.
        """
        ax = begin_plot(self, ax)
        n_rows = len(self.signal)
        times = np.arange(n_rows) if self.times is None else self.times
        edges = time_edges(times)
        ends = np.column_stack([edges[:-1], edges[1:]]).ravel()
        present = set(self.states.tolist())
        labels = self.display_labels or {}
        self.segments_ = {}
        for state, color in zip(*self._colors(cmap), strict=True):
            if state not in present:
                continue
            self.segments_[state] = ax.fill_between(
                ends,
                0,
                1,
                where=np.repeat(self.states == state, 2),
                transform=ax.get_xaxis_transform(),
                **style(
                    "collection",
                    segment_kwargs,
                    facecolor=color,
                    alpha=0.3,
                    linewidth=0,
                    label=str(labels.get(state, state)),
                ),
            )
        handles = list(self.segments_.values())
        self.lines_ = self._draw_signal(ax, times, line_kwargs)
        if len(self.lines_) > 1:
            handles += self.lines_
        if len(handles) <= 20:
            ax.legend(handles=handles)
        ax.set_xlim(edges[0], edges[-1])
        names = self.feature_names
        one = names is not None and len(names) == 1
        ylabel = {"ylabel": names[0]} if one else {}
        return end_plot(self, ax, xlabel=self.time_name, **ylabel)

    def _colors(self, cmap):
        from matplotlib import colormaps

        cmap = colormaps[cmap] if isinstance(cmap, str) else cmap
        states = np.unique(self.states) if self.all_states is None else self.all_states
        numbers = np.arange(len(states))
        qualitative = cmap.N <= 20
        places = numbers % cmap.N if qualitative else numbers / max(1, len(states) - 1)
        return list(np.asarray(states).tolist()), [cmap(place) for place in places]

    def _draw_signal(self, ax, times, line_kwargs):
        lines = []
        symbols = self.signal.dtype.kind not in "biuf"
        several = self.signal.shape[1] > 1
        values, drawing = self.signal, {}
        if symbols:
            alphabet, codes = np.unique(self.signal.astype(str), return_inverse=True)
            values = codes.reshape(self.signal.shape)
            drawing = {"linestyle": "", "marker": "."}
            if len(alphabet) <= 30:
                ax.set_yticks(np.arange(len(alphabet)), alphabet)
        names = self.feature_names or [f"x{j}" for j in range(values.shape[1])]
        for j, name in enumerate(names):
            color = {} if several else {"color": "black"}
            line_style = style(
                "line", line_kwargs, **color, **drawing, linewidth=1.0, label=name
            )
            lines += ax.plot(times, values[:, j], **line_style)
        return lines

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        groups=None,
        sequence=0,
        features=None,
        display_labels=None,
        ax=None,
        **kwargs,
    ) -> Self:
        """Predict the state or label of each row of a sequence, and draw them.

        Parameters
        ----------
        estimator : object
            A fitted hidden Markov model, or a classifier with a label for each time
            step; a pipeline that ends with one, or a search over either.

        X : array-like
            Sequences in any layout. The signal is drawn as it is given here, not as
            the steps of a pipeline transform it.

        %(groups)s

        sequence : int, default=0
            Position of the sequence to draw.

        features : int, str or list of them, default=None
            The columns of X to draw, by position or name. None draws all.

        display_labels : dict, default=None
            Names of states for the legend. By default the states themselves.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : SegmentationDisplay
            What was drawn.
        """
        model, given, seen = read_fitted(estimator, X, groups, sequence)
        if is_regressor(model) or not hasattr(model, "predict"):
            raise ValueError(
                f"A {type(model).__name__} predicts no states or labels. {REMEDY}"
            )
        kind = getattr(model, "target_kind_", STEP)
        if is_classifier(model) and kind != STEP:
            predicted = {NEXT: "next symbols", SEQUENCE: "one label for each sequence"}
            raise ValueError(
                f"This {type(model).__name__} predicts {predicted[kind]}, no labels "
                f"of time steps. {REMEDY}"
            )
        states = given.only(ask(model, "predict", seen))
        if hasattr(model, "classes_"):
            every = model.classes_
        else:
            n_states = len(getattr(model, "transmat_", ()))
            every = np.arange(n_states) if n_states else None
        return _display(cls, given, states, features, display_labels, every).plot(
            ax, **kwargs
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        states,
        *,
        groups=None,
        sequence=0,
        features=None,
        display_labels=None,
        ax=None,
        **kwargs,
    ) -> Self:
        """Draw states or labels that are known, or were predicted before.

        Parameters
        ----------
        %(X)s

        states : array-like
            State or label of each row, in the layout of X without its last axis: of
            shape (n_timesteps,) for rows.

        %(groups)s

        sequence : int, default=0
            Position of the sequence to draw.

        features : int, str or list of them, default=None
            The columns of X to draw, by position or name. None draws all.

        display_labels : dict, default=None
            Names of states for the legend. By default the states themselves.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : SegmentationDisplay
            What was drawn.
        """
        given = choose_sequence(X, groups, sequence)
        _, layout = read_layout(X, groups)
        if len(states) != layout.n_samples:
            raise ValueError(
                f"states has {len(states)} entries, but X holds {layout.n_samples} "
                "samples: pass them in the layout of X, as predict returns them."
            )
        if layout.kind in (PANEL, RAGGED):
            every = np.concatenate([np.asarray(part).ravel() for part in states])
            states = np.asarray(states[sequence])
        else:
            every = np.asarray(states)
            begin = layout.sequence_offsets[:-1][sequence]
            states = every[begin : begin + len(given.rows)]
        display = _display(
            cls, given, states, features, display_labels, np.unique(every)
        )
        return display.plot(ax, **kwargs)


def _display(cls, given, states, features, display_labels, all_states):
    names = getattr(given.rows, "columns", None)
    signal = np.asarray(given.rows)
    if signal.ndim == 1:
        signal = signal[:, np.newaxis]
    if names is None:
        names = [f"x{j}" for j in range(signal.shape[1])]
    if states.shape != (len(signal),):
        raise ValueError(
            f"states has shape {states.shape} for a sequence of {len(signal)} rows: "
            "expected one state or label for each row."
        )
    chosen = choose_features(names, features)
    return cls(
        signal[:, chosen],
        states,
        times=given.times,
        feature_names=[str(names[j]) for j in chosen],
        display_labels=display_labels,
        all_states=all_states,
        time_name=given.time_name,
    )
