"""Display of a sequence and its forecasts."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from inspect import signature
from numbers import Real
from typing import Self

import numpy as np
from scipy.special import ndtri
from sklearn.base import is_classifier, is_regressor

from ..._core.closed_loop import check_next_step, check_positive
from ..._core.docs import documented
from ..._reading.future_inputs import future_inputs, only_those_of
from ...sequences import ROWS, Layout, Sequences
from ._plotting import (
    as_columns,
    ask,
    begin_plot,
    check_sequence_model,
    choose_features,
    end_plot,
    read_fitted,
    standard_deviations,
    style,
    times_ahead,
)

FROM_PREDICTIONS = (
    "Draw forecasts that you have with ForecastDisplay.from_predictions(history, "
    "forecast)."
)


@documented
class ForecastDisplay:
    """History of a sequence, and a forecast with its band.

    Create it with :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    history : ndarray of shape (n_timesteps, n_outputs)
        The rows so far; NaN is a gap.

    forecast : ndarray of shape (n_steps, n_outputs)
        The mean of the rows to come.

    std : ndarray of shape (n_steps, n_outputs), default=None
        Their standard deviation. Without, no band is drawn.

    predictions : ndarray of shape (n_timesteps - 1, n_outputs), default=None
        For the rows of the history from the second on, the predictions made one step
        before.

    times : ndarray of shape (n_timesteps,), default=None
        Numbers or dates. By default 0, 1, …

    future_times : ndarray of shape (n_steps,), default=None
        By default `times` goes on at its own pace.

    feature_names : list of str, default=None
        Names of the outputs.

    time_name : str, default="Time step"
        Label of the axis of time.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    history_lines_ : list of matplotlib Line2D
        The history, one line for each output.

    forecast_lines_ : list of matplotlib Line2D
        The forecasts.

    bands_ : list of matplotlib PolyCollection
        The bands, none without `std`.

    prediction_lines_ : list of matplotlib Line2D
        Predictions of one step ahead, none without `predictions`.

    See Also
    --------
    HiddenStateDisplay : What a model remembers of the history.

    Examples
    --------
    >>> from sklearn_seq import ARRegressor
    >>> from sklearn_seq.datasets import load_sunspots
    >>> from sklearn_seq.inspection import ForecastDisplay
    >>> X = load_sunspots(as_frame=True).data
    >>> model = ARRegressor(n_lags=9).fit(X)
    >>> display = ForecastDisplay.from_estimator(model, X, n_steps=20, n_history=50)
    >>> display.forecast.shape, display.std.shape
    ((20, 1), (20, 1))
    >>> print(display.future_times[:3])
    [2009 2010 2011]
    """

    def __init__(
        self,
        history,
        forecast,
        *,
        std=None,
        predictions=None,
        times=None,
        future_times=None,
        feature_names=None,
        time_name="Time step",
    ):
        self.history = history
        self.forecast = forecast
        self.std = std
        self.predictions = predictions
        self.times = times
        self.future_times = future_times
        self.feature_names = feature_names
        self.time_name = time_name

    def plot(
        self,
        ax=None,
        *,
        coverage=0.95,
        n_history=None,
        history_kwargs=None,
        forecast_kwargs=None,
        band_kwargs=None,
        prediction_kwargs=None,
    ) -> Self:
        """Draw the history, the forecast and the band.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        coverage : float, default=0.95
            Probability, at each step, with which a Gaussian lies within the band.

        n_history : int, default=None
            How many of the last rows of the history to draw. None draws all.

        history_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        forecast_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        band_kwargs : dict, default=None
            Keyword arguments for matplotlib's `fill_between`.

        prediction_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        Returns
        -------
        display : ForecastDisplay
            The display itself.
        """
        check_coverage(coverage)
        if n_history is not None:
            check_positive(n_history, "n_history")
        n_rows = len(self.history)
        first = 0 if n_history is None else max(0, n_rows - n_history)
        ax = begin_plot(self, ax)
        times = np.arange(n_rows) if self.times is None else np.asarray(self.times)
        future = self.future_times
        if future is None:
            future = times_ahead(times, len(self.forecast))
        z = ndtri(0.5 + coverage / 2)
        names = self.feature_names or [None] * self.history.shape[1]
        several = len(names) > 1
        self.history_lines_, self.forecast_lines_ = [], []
        self.bands_, self.prediction_lines_ = [], []
        for i, name in enumerate(names):
            once = "_" if i else ""  # the legend leaves out names that begin so
            (line,) = ax.plot(
                times[first:],
                self.history[first:, i],
                **style("line", history_kwargs, label=name if several else "History"),
            )
            self.history_lines_.append(line)
            color = line.get_color() if several else "C1"
            if self.predictions is not None:
                start = max(first, 1)
                self.prediction_lines_ += ax.plot(
                    times[start:],
                    self.predictions[start - 1 :, i],
                    **style(
                        "line",
                        prediction_kwargs,
                        color=color if several else "C2",
                        linestyle=":",
                        label=f"{once}One step ahead",
                    ),
                )
            self.forecast_lines_ += ax.plot(
                future,
                self.forecast[:, i],
                **style(
                    "line",
                    forecast_kwargs,
                    color=color,
                    linestyle="--",
                    marker="." if len(self.forecast) == 1 else "",
                    label=f"{once}Forecast",
                ),
            )
            if self.std is not None:
                band = ax.fill_between(
                    future,
                    self.forecast[:, i] - z * self.std[:, i],
                    self.forecast[:, i] + z * self.std[:, i],
                    **style(
                        "collection",
                        band_kwargs,
                        facecolor=color,
                        alpha=0.25,
                        linewidth=0,
                        label=f"{once}{100 * coverage:g} % band",
                    ),
                )
                self.bands_.append(band)
        ax.legend()
        ylabel = {} if several or names[0] is None else {"ylabel": names[0]}
        return end_plot(self, ax, xlabel=self.time_name, **ylabel)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        n_steps=10,
        groups=None,
        sequence=0,
        features=None,
        future_exogenous=None,
        one_step=False,
        coverage=0.95,
        n_history=None,
        ax=None,
        **kwargs,
    ) -> Self:
        """Forecast the rows that follow a sequence, and draw them.

        Parameters
        ----------
        estimator : object
            A fitted model with a method `forecast` of real numbers, a pipeline that
            ends with one, or a search over either. Behind other steps of a pipeline,
            history and forecast are drawn in the units that the model sees.

        %(X)s

        n_steps : int, default=10
            Number of time steps to forecast.

        %(groups)s

        sequence : int, default=0
            Position of the sequence to draw.

        features : int, str or list of them, default=None
            The predicted columns to draw, by their position among the columns of X
            or by name. None draws all.

        future_exogenous : array-like of shape (n_steps, n_inputs), default=None
            The driving inputs of the steps to come. A frame is read by the names of its
            columns, and by its sequences if its index has two levels, sequence and
            time.

        one_step : bool, default=False
            Whether to draw the predictions of one step ahead over the history, too.

        coverage : float, default=0.95
            Probability, at each step, with which a Gaussian lies within the band. The
            band is drawn where the model has the standard deviation of its forecast:
            autoregression, linear dynamical systems and hidden Markov models, but
            not :class:`~sklearn_seq.hmm.HMMRegressor` with driving inputs.

        n_history : int, default=None
            How many of the last rows of the history to draw. None draws all.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : ForecastDisplay
            What was drawn.
        """
        model, given, seen = read_fitted(estimator, X, groups, sequence)
        _check_forecasts_numbers(model)
        sequences = model.read_sequences(seen.X, seen.groups)
        columns = model._target_columns(getattr(model, "exogenous", None))
        names = np.asarray(model._input_names(), dtype=object)
        chosen = _among(columns, names, features)
        forecast, std = _forecast(model, seen, n_steps, future_exogenous, sequences)
        predictions = None
        if one_step:
            if not is_regressor(model):
                raise ValueError(
                    f"one_step=True, but a {type(model).__name__} does not predict "
                    "rows: take the regressor of the same family, or one_step=False."
                )
            predictions = model._outputs(sequences)[:-1, chosen]
        times = given.times
        display = cls(
            history=sequences.rows[:, columns[chosen]],
            forecast=given.only(forecast)[:, chosen],
            std=None if std is None else std[:, chosen],
            predictions=predictions,
            times=times,
            future_times=times_ahead(times, n_steps),
            feature_names=names[columns[chosen]].tolist(),
            time_name=given.time_name,
        )
        return display.plot(ax, coverage=coverage, n_history=n_history, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        history,
        forecast,
        std=None,
        *,
        predictions=None,
        times=None,
        future_times=None,
        feature_names=None,
        time_name="Time step",
        coverage=0.95,
        n_history=None,
        ax=None,
        **kwargs,
    ) -> Self:
        """Draw a forecast that was made before.

        Parameters
        ----------
        history : array-like of shape (n_timesteps,) or (n_timesteps, n_outputs)
            The rows of one sequence; NaN is a gap.

        forecast : array-like of shape (n_steps,) or (n_steps, n_outputs)
            The mean of the rows to come.

        std : array-like in the shape of `forecast`, default=None
            Their standard deviation. Without, no band is drawn.

        predictions : array-like of shape (n_timesteps - 1,) or \
                (n_timesteps - 1, n_outputs), default=None
            For the rows of the history from the second on, the predictions made one
            step before: all but the last of those that `predict` returns.

        times : array-like of shape (n_timesteps,), default=None
            Numbers or dates. By default 0, 1, …

        future_times : array-like of shape (n_steps,), default=None
            By default `times` goes on at its own pace.

        feature_names : list of str, default=None
            Names of the outputs.

        time_name : str, default="Time step"
            Label of the axis of time.

        coverage : float, default=0.95
            Probability, at each step, with which a Gaussian lies within the band.

        n_history : int, default=None
            How many of the last rows of the history to draw. None draws all.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : ForecastDisplay
            What was drawn.
        """
        history = as_columns(history, "history")
        forecast = as_columns(forecast, "forecast")
        n_rows, n_outputs = history.shape
        expected = {
            "forecast": (forecast, (len(forecast), n_outputs)),
            "std": (std, (len(forecast), n_outputs)),
            "predictions": (predictions, (n_rows - 1, n_outputs)),
        }
        columns = {}
        for name, (values, shape) in expected.items():
            columns[name] = None if values is None else as_columns(values, name)
            if values is not None and columns[name].shape != shape:
                raise ValueError(
                    f"{name} has shape {np.shape(values)}, but expected {shape}: "
                    f"history has {n_rows} rows of {n_outputs} output(s), forecast "
                    f"{len(forecast)} rows."
                )
        if std is not None and (columns["std"] < 0).any():
            raise ValueError(
                f"std has a negative entry, {columns['std'].min():.6g}: pass standard "
                "deviations, the square roots of variances."
            )
        display = cls(
            history,
            **columns,
            times=None if times is None else np.asarray(times),
            future_times=None if future_times is None else np.asarray(future_times),
            feature_names=None if feature_names is None else list(feature_names),
            time_name=time_name,
        )
        return display.plot(ax, coverage=coverage, n_history=n_history, **kwargs)


def check_coverage(coverage):
    if not isinstance(coverage, Real) or not 0 < coverage < 1:
        raise ValueError(
            f"coverage={coverage!r}: expected a probability between 0 and 1, such as "
            "0.95."
        )


def _check_forecasts_numbers(model):
    check_sequence_model(model, "ForecastDisplay.from_estimator", FROM_PREDICTIONS)
    if is_classifier(model) or hasattr(model, "symbols_"):
        raise ValueError(
            f"ForecastDisplay draws real numbers, but a {type(model).__name__} "
            "predicts symbols or labels. Take a regressor, or draw labels with "
            "SegmentationDisplay."
        )
    if is_regressor(model):
        check_next_step(model, "ForecastDisplay")


def _among(columns, names, features):
    """Positions among the predicted columns of those to draw."""
    if features is None:
        return np.arange(len(columns))
    asked = choose_features(names, features)
    missing = [names[i] for i in asked if i not in columns]
    if missing:
        raise ValueError(
            f"features={features!r}: {missing} are driving inputs, which are not "
            f"predicted. Expected among {names[columns].tolist()}."
        )
    return np.searchsorted(columns, asked)


def _forecast(model, seen, n_steps, future_exogenous, sequences):
    """Mean in the layout of X, and standard deviation (n_steps, n_targets) or None."""
    inputs = {}
    if future_exogenous is not None:
        future_exogenous = only_those_of(future_exogenous, sequences.layout)
        inputs["future_exogenous"] = future_exogenous
    parameters = signature(model.forecast).parameters
    panel = sequences.layout.kind != ROWS
    if "return_std" in parameters:
        mean, std = ask(model, "forecast", seen, n_steps, return_std=True, **inputs)
        return mean, std[0] if panel else std
    if "return_cov" in parameters:
        mean, covariances = ask(
            model, "forecast", seen, n_steps, return_cov=True, **inputs
        )
        return mean, standard_deviations(covariances[0] if panel else covariances)
    mean = ask(model, "forecast", seen, n_steps, **inputs)
    # A hidden Markov model learns of a state from the driving inputs of the same step.
    of_chain = hasattr(model, "model_")
    if model._allow_nan and not (of_chain and model.exogenous is not None):
        return mean, _std_of_missing_rows(model, n_steps, future_exogenous, sequences)
    return mean, None


def _std_of_missing_rows(model, n_steps, future_exogenous, sequences):
    """Standard deviations of rows that follow, by a filter over missing rows."""
    columns, future = future_inputs(
        model, future_exogenous, 1, n_steps, "forecast", sequences.layout
    )
    missing = np.full((n_steps - 1, sequences.rows.shape[1]), np.nan)
    missing[:, columns] = future[0, : n_steps - 1]
    rows = np.vstack([sequences.rows, missing])
    offsets = sequences.offsets.copy()
    offsets[-1] = len(rows)
    layout = Layout(ROWS, np.array([0, len(rows)]), offsets)
    _, variances = model._marginals(Sequences(rows, layout))
    return np.sqrt(np.maximum(variances[-n_steps:], 0.0))
