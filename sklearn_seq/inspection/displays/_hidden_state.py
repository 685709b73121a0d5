"""Display of hidden states in time."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import Self

import numpy as np
from scipy.special import ndtri
from sklearn.base import is_regressor

from ..._core.docs import documented
from ...hmm._regressor import without_targets
from ...targets import NEXT, STEP
from ._forecast import check_coverage
from ._plotting import (
    as_columns,
    ask,
    begin_plot,
    choose_features,
    end_plot,
    read_fitted,
    standard_deviations,
    state_names,
    style,
)

KINDS = ("lines", "image")


@documented
class HiddenStateDisplay:
    """Hidden states of a model in time: causal, from the rows so far.

    Create it with :meth:`from_estimator` or :meth:`from_states`.

    Parameters
    ----------
    states : ndarray of shape (n_timesteps, n_states)
        Activities of units, means of a linear dynamical system's state, or
        probabilities of the states of a hidden Markov model.

    std : ndarray of shape (n_timesteps, n_states), default=None
        Standard deviation of the states given the rows so far. Without, no bands are
        drawn.

    times : ndarray of shape (n_timesteps,), default=None
        Numbers or dates. By default 0, 1, …

    names : list of str, default=None
        Names of the states. By default their numbers.

    time_name : str, default="Time step"
        Label of the axis of time.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    lines_ : list of matplotlib Line2D
        One for each state; none with ``kind="image"``.

    bands_ : list of matplotlib PolyCollection
        The bands about the lines; none without `std`.

    image_ : matplotlib QuadMesh or None
        The image, one row for each state; None with ``kind="lines"``.

    colorbar_ : matplotlib Colorbar or None
        The scale of the image's colours.

    See Also
    --------
    SegmentationDisplay : The one state or label that is decoded at each step.

    Examples
    --------
    >>> from sklearn_seq import GaussianHMM
    >>> from sklearn_seq.datasets import load_nile
    >>> from sklearn_seq.inspection import HiddenStateDisplay
    >>> X = load_nile(as_frame=True).data
    >>> model = GaussianHMM(n_components=2, random_state=0).fit(X)
    >>> display = HiddenStateDisplay.from_estimator(model, X, kind="image")
    >>> display.states.shape
    (100, 2)
    """

    def __init__(
        self, states, *, std=None, times=None, names=None, time_name="Time step"
    ):
        self.states = states
        self.std = std
        self.times = times
        self.names = names
        self.time_name = time_name

    def plot(
        self,
        ax=None,
        *,
        kind="lines",
        coverage=0.95,
        line_kwargs=None,
        band_kwargs=None,
        image_kwargs=None,
        colorbar=True,
    ) -> Self:
        """Draw the states.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        kind : {"lines", "image"}, default="lines"
            One line for each state, or an image with one row for each state.

        coverage : float, default=0.95
            Probability with which a Gaussian state lies within its band.

        line_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        band_kwargs : dict, default=None
            Keyword arguments for matplotlib's `fill_between`.

        image_kwargs : dict, default=None
            Keyword arguments for matplotlib's `pcolormesh`.

        colorbar : bool, default=True
            Whether to draw the scale of the image's colours.

        Returns
        -------
        display : HiddenStateDisplay
            The display itself.
        """
        check_coverage(coverage)
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r}: expected one of {list(KINDS)}.")
        ax = begin_plot(self, ax)
        n_rows, n_states = self.states.shape
        times = np.arange(n_rows) if self.times is None else self.times
        names = self.names or [str(k) for k in range(n_states)]
        self.lines_, self.bands_, self.image_, self.colorbar_ = [], [], None, None
        if kind == "image":
            self._draw_image(ax, times, names, image_kwargs, colorbar)
            return end_plot(self, ax, xlabel=self.time_name, ylabel="State")
        z = ndtri(0.5 + coverage / 2)
        for k, name in enumerate(names):
            line_style = style("line", line_kwargs, label=name)
            (line,) = ax.plot(times, self.states[:, k], **line_style)
            self.lines_.append(line)
            if self.std is None:
                continue
            band_style = style(
                "collection",
                band_kwargs,
                facecolor=line.get_color(),
                alpha=0.25,
                linewidth=0,
            )
            lower = self.states[:, k] - z * self.std[:, k]
            upper = self.states[:, k] + z * self.std[:, k]
            self.bands_.append(ax.fill_between(times, lower, upper, **band_style))
        if n_states <= 10:
            ax.legend(title="State")
        return end_plot(self, ax, xlabel=self.time_name, ylabel="Value of the state")

    def _draw_image(self, ax, times, names, image_kwargs, colorbar):
        image_style = {"shading": "nearest", **(image_kwargs or {})}
        rows = np.arange(len(names))
        self.image_ = ax.pcolormesh(times, rows, self.states.T, **image_style)
        if len(names) <= 20:
            ax.set_yticks(rows, names)
        if colorbar:
            self.colorbar_ = ax.figure.colorbar(self.image_, ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        groups=None,
        sequence=0,
        components=None,
        kind="lines",
        ax=None,
        **kwargs,
    ) -> Self:
        """Infer the hidden states of a sequence, and draw them.

        Parameters
        ----------
        estimator : object
            A fitted model with hidden states, or any other with a method `transform`;
            a pipeline that ends with one, or a search over either. Linear dynamical
            systems have bands.

        %(X)s

        %(groups)s

        sequence : int, default=0
            Position of the sequence to draw.

        components : int, str or list of them, default=None
            The states to draw, by position or name. None draws all.

        kind : {"lines", "image"}, default="lines"
            One line for each state, or an image with one row for each state.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : HiddenStateDisplay
            What was drawn.
        """
        model, given, seen = read_fitted(estimator, X, groups, sequence)
        states, std = _infer(model, seen)
        names = state_names(model, states.shape[1])
        chosen = choose_features(names, components, "state")
        display = cls(
            states[:, chosen],
            std=None if std is None else std[:, chosen],
            times=given.times,
            names=[names[k] for k in chosen],
            time_name=given.time_name,
        )
        return display.plot(ax, kind=kind, **kwargs)

    @classmethod
    def from_states(
        cls,
        states,
        std=None,
        *,
        times=None,
        names=None,
        time_name="Time step",
        kind="lines",
        ax=None,
        **kwargs,
    ) -> Self:
        """Draw states that were inferred before, such as smoothed ones.

        Parameters
        ----------
        states : array-like of shape (n_timesteps, n_states)
            The states of one sequence.

        std : array-like of shape (n_timesteps, n_states), default=None
            Their standard deviation. Without, no bands are drawn.

        times : array-like of shape (n_timesteps,), default=None
            Numbers or dates. By default 0, 1, …

        names : list of str, default=None
            Names of the states. By default their numbers.

        time_name : str, default="Time step"
            Label of the axis of time.

        kind : {"lines", "image"}, default="lines"
            One line for each state, or an image with one row for each state.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : HiddenStateDisplay
            What was drawn.
        """
        states = as_columns(states, "states")
        std = None if std is None else as_columns(std, "std")
        if std is not None and std.shape != states.shape:
            raise ValueError(
                f"std has shape {std.shape}, but states {states.shape}: expected one "
                "standard deviation for each state and time step, not covariances."
            )
        display = cls(
            states,
            std=std,
            times=None if times is None else np.asarray(times),
            names=None if names is None else list(names),
            time_name=time_name,
        )
        return display.plot(ax, kind=kind, **kwargs)


def _infer(model, seen):
    """States and their standard deviations or None, both (n_timesteps, n_states)."""
    if hasattr(model, "filter"):
        means, covariances = map(seen.only, ask(model, "filter", seen))
        return means, standard_deviations(covariances)
    if hasattr(model, "transform"):
        return as_columns(seen.only(ask(model, "transform", seen)), "states"), None
    if not hasattr(model, "system_") and not hasattr(model, "model_"):
        raise ValueError(
            f"A {type(model).__name__} shows no hidden states: it has no method "
            "transform. Draw a recurrent or echo state network, a linear dynamical "
            "system or a hidden Markov model (where there is one for each class, one "
            "of its models_ or systems_), or states that you have with "
            "HiddenStateDisplay.from_states."
        )
    sequences = model.read_sequences(seen.X, seen.groups)
    if hasattr(model, "system_"):
        filtered = model.system_._filter(_rows_of_system(model, sequences))
        return filtered.means, standard_deviations(filtered.covariances)
    if is_regressor(model) and model.target_kind_ != NEXT:
        rows = without_targets(sequences.rows, model._n_targets)
        sequences = sequences.with_rows(rows)
    return model.model_._filter(sequences), None


def _rows_of_system(model, sequences):
    """The sequence as the system of an LDSRegressor sees it."""
    if model.target_kind_ == STEP:  # X are the inputs, and no output is seen
        unseen = np.full((sequences.n_rows, len(model.mean_)), np.nan)
        parts = [unseen, sequences.rows - model.input_mean_]
    else:
        parts = [part for part in model._observations(sequences) if part is not None]
    return sequences.with_rows(np.hstack(parts))
