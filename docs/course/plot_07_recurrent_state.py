"""
=====================================================
A recurrent net's state is its idea of the posterior
=====================================================

Linear dynamical systems and hidden Markov models are stochastic, a recurrent net is
not: the same rows always bring its units to the same activities. This looks like a
great difference, but it compares the wrong things. The counterpart of the net's state
is not the state of the system. It is what is *known* of that state, the posterior given
the rows so far, and this is a deterministic function of the rows, too.

Here the claim is tested: a net that has only ever been asked for the next row should
have found out by itself what the Kalman filter computes.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.inspection import LossCurveDisplay
from sklearn_seq.lds import LinearDynamicalSystem
from sklearn_seq.rnn import RNNRegressor

# %%
# A system of which one coordinate is seen
# ----------------------------------------
#
# The state turns in a plane, pushed about by noise. Only its first coordinate is
# seen, through more noise. The Kalman filter, to which the matrices are told, has the
# best possible forecast of the next row, C A times its mean.

A = 0.97 * np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
C = np.array([[1.0, 0.0]])
system = LinearDynamicalSystem.from_parameters(
    transition_matrix=A,
    observation_matrix=C,
    transition_covariance=0.06 * np.eye(2),
    observation_covariance=[[0.5]],
    initial_state_mean=[0.0, 0.0],
    initial_state_covariance=np.eye(2),
)
X, _ = system.sample(60, n_sequences=600, random_state=0)
X_new, _ = system.sample(60, n_sequences=300, random_state=1)


def forecast_error(rows):
    forecast = system.filter(rows)[0] @ (C @ A).T
    return np.mean((forecast[:, :-1] - rows[:, 1:]) ** 2)


# %%
# A net learns to forecast
# ------------------------
#
# Sixteen units, ``fit(X)``, and no word about a state. The loss is half the mean
# squared error, so that half the error of the filter on the same rows is as far as it
# can fall, short of learning the noise by heart. On new rows the net forecasts nearly
# as well as the filter, and better than what sees the last few rows alone. (With
# ``tol=0`` training takes as many epochs as it is given, unless the loss stops
# falling; the warning that it might have gone on is not of interest here.)

warnings.simplefilter("ignore", ConvergenceWarning)
net = RNNRegressor(
    (16,), learning_rate_init=0.003, max_iter=150, tol=0.0, random_state=0
).fit(X)

figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
LossCurveDisplay.from_estimator(net, name="recurrent net", ax=axes)
optimum = forecast_error(X) / 2
axes.axhline(optimum, color="black", ls=":", label="Kalman filter")
axes.set(
    title="The net's loss falls to that of the filter",
    yscale="linear",
    ylim=(0.98 * optimum, 1.2 * optimum),
)
axes.legend()

errors = {}
for n_lags in (1, 2, 5):
    forecast = ARRegressor(n_lags, burn_in=n_lags).fit(X).predict(X_new)
    errors[f"{n_lags} taps"] = np.mean((forecast[:, :-1] - X_new[:, 1:]) ** 2)
errors["net"] = np.mean((net.predict(X_new)[:, :-1] - X_new[:, 1:]) ** 2)
errors["filter"] = forecast_error(X_new)
for name, error in errors.items():
    print(f"{name:<10} mean squared error of new rows {error:.3f}")
assert errors["filter"] < errors["net"] < 1.03 * errors["filter"] < errors["5 taps"]

# %%
# Read the filter's mean from the net's units
# -------------------------------------------
#
# If the units hold what the filter knows, a linear map should find it. It is fitted on
# the training sequences, from the activities of the units to the filter's mean, and
# judged on new ones. The second coordinate of the state is never seen at all, neither
# by the net nor by the filter. For comparison the same is tried from the last row, and
# from a net of the same size before training, whose random units are also a function of
# all the rows so far.

means, means_new = system.filter(X)[0], system.filter(X_new)[0]
untrained = RNNRegressor((16,), max_iter=1, learning_rate_init=1e-9, random_state=0)
untrained.fit(X)


def read_linearly(features, features_new, target, target_new):
    """Predictions for new sequences, and R² of each column."""
    reader = LinearRegression().fit(np.concatenate(features), np.concatenate(target))
    read = reader.predict(np.concatenate(features_new)).reshape(target_new.shape)
    residual = np.sum((read - target_new) ** 2, axis=(0, 1))
    return read, 1 - residual / np.sum(
        (target_new - target_new.mean(axis=(0, 1))) ** 2, axis=(0, 1)
    )


scores = {}
for name, f, f_new in (
    ("last row", X, X_new),
    ("untrained net", untrained.transform(X), untrained.transform(X_new)),
    ("trained net", net.transform(X), net.transform(X_new)),
):
    read, scores[name] = read_linearly(f, f_new, means, means_new)
    print(f"{name:<14} R² of the two coordinates: {scores[name].round(3)}")
assert scores["trained net"].min() > 0.97
assert scores["trained net"].min() > scores["untrained net"].min() + 0.02

figure, panels = plt.subplots(2, 1, figsize=(8, 4.5), sharex=True, layout="constrained")
for i, axes in enumerate(panels):
    axes.plot(means_new[0, :, i], color="black", label="mean of the Kalman filter")
    axes.plot(read[0, :, i], "--", color="tab:red", label="read from the net's units")
    seen = "seen with noise" if i == 0 else "never seen"
    axes.set(
        title=f"Coordinate {i} of the state ({seen}), R² = "
        f"{scores['trained net'][i]:.3f}",
        ylabel="coordinate",
    )
panels[0].plot(X_new[0], ".", color="0.6", ms=4, label="rows")
panels[0].set_ylim(-3.5, 3.5)
panels[0].legend(ncols=3, loc="upper right", fontsize=8)
panels[1].set_xlabel("time step")

# %%
# The two lines are nearly one. Of the coordinate that is never seen, the last row says
# nothing, and what it is can only come from how rows follow one another. Even random
# units hold much of it, which is what echo state networks live on; training brings the
# rest. What the net has is a code of its own for what it knows, no bands, and no
# assumption that the system is linear: where it is not, there is no Kalman filter to
# compare with, and the net learns all the same. See :doc:`/recurrent_networks`.
