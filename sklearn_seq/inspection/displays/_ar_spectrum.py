"""Power spectral density of an autoregressive model."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import Self

import numpy as np

from ..._core.docs import documented
from .._estimators import fitted_model
from ._ar_roots import check_autoregression
from ._plotting import (
    begin_plot,
    choose_features,
    end_plot,
    read_fitted,
    style,
)


@documented
class ARSpectrumDisplay:
    """Power spectral density of an autoregressive model.

    For each feature, the diagonal of

        S(f) = H(f) Σ H(f)*,  H(f) = (I - Σ_k Φ_k exp(-2πi f k))⁻¹,

    of one feature σ² / |1 - Σ_k a_k exp(-2πi f k)|². Its integral over f from -1/2 to
    1/2 is the variance of the feature. Create it with :meth:`from_estimator`.

    Parameters
    ----------
    frequencies : ndarray of shape (n_frequencies,)
        In cycles per time step, from 0 to 1/2.

    spectrum : ndarray of shape (n_frequencies, n_features)
        Density at each of them, in squared units of the feature per cycle per time
        step.

    periodogram : ndarray of shape (n_periods, n_features), default=None
        Squared modulus of the Fourier transform of data, divided by their number.

    periodogram_frequencies : ndarray of shape (n_periods,), default=None
        The frequencies of the periodogram.

    feature_names : list of str, default=None
        Names of the features.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the plot.

    figure_ : matplotlib Figure
        Figure with the plot.

    lines_ : list of matplotlib Line2D
        The spectrum, one line for each feature.

    periodogram_lines_ : list of matplotlib Line2D
        The periodogram, none without it.

    See Also
    --------
    ARRootsDisplay : The roots that make the peaks.

    References
    ----------
    Brockwell, P. J. and Davis, R. A. (1991). Time Series: Theory and Methods. Springer.

    Examples
    --------
    The cycle of the sunspots, of about eleven years:

    >>> from sklearn_seq import ARRegressor
    >>> from sklearn_seq.datasets import load_sunspots
    >>> from sklearn_seq.inspection import ARSpectrumDisplay
    >>> X, _ = load_sunspots(return_X_y=True)
    >>> model = ARRegressor(n_lags=9).fit(X)
    >>> display = ARSpectrumDisplay.from_estimator(model, X)
    >>> peak = display.frequencies[display.spectrum[:, 0].argmax()]
    >>> print(f"{1 / peak:.1f} years")
    10.5 years
    """

    def __init__(
        self,
        frequencies,
        spectrum,
        *,
        periodogram=None,
        periodogram_frequencies=None,
        feature_names=None,
    ):
        self.frequencies = frequencies
        self.spectrum = spectrum
        self.periodogram = periodogram
        self.periodogram_frequencies = periodogram_frequencies
        self.feature_names = feature_names

    def plot(self, ax=None, *, line_kwargs=None, periodogram_kwargs=None) -> Self:
        """Draw the spectrum on a logarithmic axis.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        line_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        periodogram_kwargs : dict, default=None
            Keyword arguments for matplotlib's `plot`.

        Returns
        -------
        display : ARSpectrumDisplay
            The display itself.
        """
        ax = begin_plot(self, ax)
        self.lines_, self.periodogram_lines_ = [], []
        n_features = self.spectrum.shape[1]
        names = self.feature_names or [f"x{j}" for j in range(n_features)]
        for j, name in enumerate(names):
            label = name if n_features > 1 else "Model"
            line_style = style("line", line_kwargs, label=label, zorder=2.5)
            (line,) = ax.plot(self.frequencies, self.spectrum[:, j], **line_style)
            self.lines_.append(line)
            if self.periodogram is not None:
                line_style = style(
                    "line",
                    periodogram_kwargs,
                    color=line.get_color() if n_features > 1 else "gray",
                    alpha=0.5,
                    linewidth=0.8,
                    label=f"{'_' if j else ''}Periodogram",
                )
                self.periodogram_lines_ += ax.plot(
                    self.periodogram_frequencies, self.periodogram[:, j], **line_style
                )
        if n_features > 1 or self.periodogram is not None:
            ax.legend()
        ax.set_yscale("log")
        return end_plot(
            self,
            ax,
            xlabel="Frequency (cycles per time step)",
            ylabel="Power spectral density",
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        groups=None,
        sequence=0,
        features=None,
        n_frequencies=512,
        ax=None,
        **kwargs,
    ) -> Self:
        """Compute the spectrum of a fitted autoregressive model, and draw it.

        Parameters
        ----------
        estimator : object
            An :class:`~sklearn_seq.autoregressive.ARRegressor` fitted without y, a
            pipeline that ends with one, or a search over either. Driving inputs are
            left out: the spectrum is that of the response to the noise. Behind other
            steps of a pipeline, units are those that the model sees.

        X : array-like, default=None
            Sequences in any layout, of which one's periodogram is drawn, too.

        %(groups)s

        sequence : int, default=0
            Position of the sequence of the periodogram; where it has holes in time,
            its longest stretch without is taken.

        features : int, str or list of them, default=None
            The predicted columns to draw, by position among them or by name. None
            draws all.

        n_frequencies : int, default=512
            Number of frequencies, evenly spaced from 0 to 1/2.

        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.

        **kwargs : dict
            Further arguments of :meth:`plot`.

        Returns
        -------
        display : ARSpectrumDisplay
            What was drawn.
        """
        model = fitted_model(estimator)
        check_autoregression(model, cls.__name__)
        if not isinstance(n_frequencies, Integral) or n_frequencies < 2:
            raise ValueError(
                f"n_frequencies={n_frequencies!r}: expected an integer of at least 2."
            )
        _check_stationary(model)
        columns = model._target_columns(model.exogenous)
        names = np.asarray(model._input_names(), dtype=object)[columns].tolist()
        chosen = choose_features(names, features)
        frequencies = np.linspace(0, 0.5, n_frequencies)
        coef = model.coef_[:, :, columns]
        spectrum = power_spectrum(coef, model.noise_covariance_, frequencies)
        periods = periodogram = None
        if X is not None:
            _, _, seen = read_fitted(estimator, X, groups, sequence)
            sequences = model.read_sequences(seen.X, seen.groups)
            longest = np.diff(sequences.offsets).argmax()
            begin, end = sequences.offsets[[longest, longest + 1]]
            rows = sequences.rows[begin:end, columns[chosen]]
            periods, periodogram = periodogram_of(rows)
        display = cls(
            frequencies,
            spectrum[:, chosen],
            periodogram=periodogram,
            periodogram_frequencies=periods,
            feature_names=[names[j] for j in chosen],
        )
        return display.plot(ax, **kwargs)


def power_spectrum(coef, noise_covariance, frequencies):
    """Spectral density of the features of an autoregressive process.

    Parameters
    ----------
    coef : ndarray of shape (n_features, n_lags, n_features)
    noise_covariance : ndarray of shape (n_features, n_features)
    frequencies : ndarray of shape (n_frequencies,)
        In cycles per time step.

    Returns
    -------
    spectrum : ndarray of shape (n_frequencies, n_features)
    """
    lags = np.arange(1, coef.shape[1] + 1)
    waves = np.exp(-2j * np.pi * np.outer(frequencies, lags))
    transfer = np.linalg.inv(np.eye(len(coef)) - np.einsum("fk,ikj->fij", waves, coef))
    spectrum = np.einsum(
        "fij,jk,fik->fi", transfer, noise_covariance, transfer.conj()
    ).real
    return np.maximum(spectrum, 0.0)


def periodogram_of(rows):
    """Frequencies above 0, (n_periods,), and the periodogram there."""
    if len(rows) < 2:
        raise ValueError(
            f"The periodogram needs at least 2 rows in a sequence, but got "
            f"{len(rows)}: choose another sequence, or pass no X."
        )
    fourier = np.fft.rfft(rows - rows.mean(axis=0), axis=0)[1:]
    return np.fft.rfftfreq(len(rows))[1:], np.abs(fourier) ** 2 / len(rows)


def _check_stationary(model):
    largest = np.abs(np.linalg.eigvals(model._companion())).max()
    if largest >= 1 - 1e-9:
        raise ValueError(
            "The model is not stationary, and has no spectrum: the largest eigenvalue "
            f"of its companion matrix has modulus {largest:.6g}, not below 1. Take "
            "differences of the rows, or fit with method='yule_walker' or 'burg', "
            "whose models of a single feature are stationary. ARRootsDisplay draws the "
            "eigenvalues."
        )
