"""
========================================
Targets come from the sequence itself
========================================

A learner needs a target. Some sequences come with a second one to be learnt from them:
the words that belong to a recording, the fault that belongs to a vibration. Most come
alone. Such a sequence can still teach, for it carries an answer to the question *what
comes next?* at every step but the last.

This chapter shows that the two cases differ by no more than a ``y``: the models are
the same, the methods are those of supervised learning, and what is learnt without a
teacher is good for more than forecasts.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression, RidgeCV

from sklearn_seq import (
    ARRegressor,
    EchoStateRegressor,
    MLPSequenceRegressor,
    RNNRegressor,
)
from sklearn_seq.datasets import load_sunspots
from sklearn_seq.preprocessing import DelayTaps

# %%
# The input, advanced by one
# --------------------------
#
# The yearly sunspot numbers (on a square-root scale, which makes rises and falls more
# alike) are one sequence, without labels. Its target is made by moving it one step to
# the left: what stands over a year is the number of the year after.

sunspots = load_sunspots()
years, X = sunspots.time, np.sqrt(sunspots.data) / 10
inputs, targets = X[:-1], X[1:]

figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
shown = slice(-50, None)
axes.plot(years[:-1][shown], inputs[shown], "o-", ms=3, label="input: this year")
axes.plot(years[:-1][shown], targets[shown], "o--", ms=3, label="target: the next")
axes.set(
    title="The target is the input advanced by one step",
    xlabel="year",
    ylabel="square root of sunspots / 10",
    ylim=(0, 1.7),
)
axes.legend(loc="upper center", ncols=2)
assert np.array_equal(targets[:-1], inputs[1:])

# %%
# Now it is a table with inputs and targets, and any regression will do.
# :class:`~sklearn_seq.preprocessing.DelayTaps` puts the last nine years side by side,
# and scikit-learn's ``LinearRegression`` learns the next year from them. The first
# eight rows have no complete taps and are left out. Without any ``y``,
# :class:`~sklearn_seq.autoregressive.ARRegressor` finds the same coefficients.

taps = DelayTaps(n_lags=9).fit_transform(inputs)[8:]
regression = LinearRegression().fit(taps, targets[8:, 0])
autoregression = ARRegressor(n_lags=9).fit(X)
print("LinearRegression:", regression.coef_.round(3))
print("ARRegressor:     ", autoregression.coef_.ravel().round(3))
assert np.allclose(regression.coef_, autoregression.coef_.ravel())

# %%
# One model, two ways to fit it
# -----------------------------
#
# This is no property of linear models. Each of the following is fitted twice: as
# ``fit(X)``, where it takes its targets from X by itself, and as ``fit(inputs,
# targets)``, like any supervised learner. All points lie on the diagonal, for the two
# are one and the same fit. (``truncate=None`` lets the recurrent net see the sequence
# in one piece, so that its pieces cannot differ.)

models = {
    "ARRegressor": ARRegressor(n_lags=9),
    "MLPSequenceRegressor": MLPSequenceRegressor(
        6, (8,), solver="lbfgs", max_iter=2000, random_state=0
    ),
    "RNNRegressor": RNNRegressor((8,), truncate=None, random_state=0),
    "EchoStateRegressor": EchoStateRegressor(100, random_state=0),
}
figure, panels = plt.subplots(
    1, 4, figsize=(11, 3.2), sharex=True, sharey=True, layout="constrained"
)
figure.suptitle("With the sequence as its own teacher, or with a y: the same forecasts")
for axes, (name, model) in zip(panels, models.items(), strict=True):
    alone = model.fit(X).predict(X)[:-1, 0]
    taught = model.fit(inputs, targets).predict(inputs).ravel()
    axes.axline((0, 0), slope=1, color="0.7", lw=1)
    axes.plot(alone, taught, ".", ms=3)
    axes.set(title=name, xlabel="forecast after fit(X)")
    assert np.allclose(alone, taught, atol=1e-6)
panels[0].set_ylabel("after fit(inputs, targets)")

# %%
# Supervised in its method, unsupervised in what it asks for
# ----------------------------------------------------------
#
# Is forecasting supervised learning, then? By its means, yes; but nobody had to label
# anything, and what was learnt may serve another purpose. Here are noisy waves, each
# with a frequency of its own. There are 1000 of which nobody has told the frequency,
# and 20 of which somebody has. The question is the frequency of new waves.

rng = np.random.RandomState(0)


def make_waves(n_waves):
    frequency, phase = rng.uniform([[0.3], [0.0]], [[1.2], [2 * np.pi]], (2, n_waves))
    waves = np.sin(frequency[:, None] * np.arange(40) + phase[:, None])
    waves += rng.normal(scale=0.2, size=waves.shape)
    return waves[:, :, None], frequency


unlabelled, _ = make_waves(1000)
labelled, frequency = make_waves(20)
new, new_frequency = make_waves(500)
net = RNNRegressor((24,), cell="gru", max_iter=60, random_state=0)

# %%
# The same net answers in two ways. ``fit(labelled, frequency)`` is supervised, with one
# target for each sequence. ``fit(unlabelled)`` forecasts the next row and never hears
# of frequencies; then a linear model reads the frequency from the state in which the
# net is at the end of each labelled wave. For comparison, the same linear model reads
# the waves themselves.


def read_linearly(features, new_features):
    reader = RidgeCV(np.logspace(-4, 3, 15)).fit(features, frequency)
    return reader.predict(new_features)


answers = {
    "linear model\nof the 20 waves": read_linearly(labelled[..., 0], new[..., 0])
}
supervised = net.set_params(max_iter=500).fit(labelled, frequency)
answers["net fitted\nto 20 labels"] = supervised.predict(new)
by_itself = net.set_params(max_iter=60).fit(unlabelled)
answers["net fitted without labels,\nstates read with 20"] = read_linearly(
    by_itself.transform(labelled)[:, -1], by_itself.transform(new)[:, -1]
)

errors = [np.sqrt(np.mean((a - new_frequency) ** 2)) for a in answers.values()]
figure, axes = plt.subplots(figsize=(8, 3), layout="constrained")
bars = axes.barh(list(answers), errors, color=["0.6", "tab:orange", "tab:blue"])
axes.bar_label(bars, fmt="%.3f", padding=3)
axes.invert_yaxis()
axes.set(
    title="Forecasting alone taught the net what a frequency is",
    xlabel="root-mean-square error of the frequency of new waves",
    ylabel="learner",
    xlim=(0, 1.15 * max(errors)),
)
assert errors[2] < errors[1] < errors[0]

# %%
# To forecast a wave one has to know its frequency, so that the net that was asked for
# nothing but the next row has it in its state, and 20 labels suffice to find it there.
# The answers of this net have the smallest error of the three.
#
# What can be a row, a sequence and a ``y`` is told in :doc:`/sequences`; the next
# chapter takes the simplest way to use a fixed number of past rows.
