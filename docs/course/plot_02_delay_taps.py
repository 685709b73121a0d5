"""
======================================
Delay taps, and what they cannot see
======================================

The simplest model of a sequence predicts the next row from a fixed number of rows
before it, its *delay taps*. It has no state: what lies further back than the last tap
does not exist for it. Within that reach such a model is hard to beat, as the sunspots
show. Beyond it, no amount of data and no amount of fitting helps.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np

from sklearn_seq import ARRegressor, MLPSequenceClassifier, RNNClassifier
from sklearn_seq.datasets import load_sunspots, make_ar_process
from sklearn_seq.inspection import ARRootsDisplay, ARSpectrumDisplay

# %%
# Two taps make an oscillation
# ----------------------------
#
# Linear in two taps, a model can already swing: the next value is the present one,
# turned a little further round a circle. Yule had this idea for the sunspots in 1927.
# The roots say how: an eigenvalue near the unit circle is an oscillation that lasts,
# and its angle is the frequency. Nine taps draw a sharper peak than two, in the place
# where the periodogram of the data has its own.

X, _ = load_sunspots(return_X_y=True)
models = {n_lags: ARRegressor(n_lags=n_lags).fit(X) for n_lags in (2, 9)}

figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4), width_ratios=(3, 2), layout="constrained"
)
periods = {}
for n_lags, color in ((2, "tab:orange"), (9, "tab:blue")):
    display = ARSpectrumDisplay.from_estimator(
        models[n_lags],
        X if n_lags == 9 else None,
        ax=left,
        line_kwargs={"color": color, "label": f"AR({n_lags})"},
    )
    peak = display.spectrum[:, 0].argmax()
    periods[n_lags] = 1 / display.frequencies[peak]
left.set_title("Spectrum of sunspot numbers")
left.legend()
ARRootsDisplay.from_estimator(models[9], ax=right)
right.set_title("Roots of AR(9), as eigenvalues")
print({n_lags: f"peak at {period:.1f} years" for n_lags, period in periods.items()})
assert 10 < periods[9] < 12

# %%
# How many taps? Fitted to the years up to 1920 and asked for each next year from 1921
# on, the error falls with the number of taps at first, and later slowly rises: every
# further tap is one more coefficient to be learnt from the same 221 years.

years = load_sunspots().time
known = years <= 1920
orders = np.arange(1, 25)
errors = []
for n_lags in orders:
    forecast = ARRegressor(n_lags).fit(X[known]).predict(X)
    errors.append(np.sqrt(np.mean((X[1:] - forecast[:-1])[years[1:] > 1920] ** 2)))
best = orders[np.argmin(errors)]

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(orders, errors, "o-")
axes.plot(best, min(errors), "o", color="tab:red", ms=9, label=f"best: {best} taps")
axes.set(
    title="Sunspots, one year ahead, after 1920",
    xlabel="number of taps",
    ylabel="root-mean-square error",
)
axes.legend()
assert errors[0] > 1.2 * min(errors) and errors[-1] > 1.03 * min(errors)

# %%
# One tap short is as good as none
# --------------------------------
#
# In the next series each value depends on the one twelve steps before, and on nothing
# in between, like sales that repeat the month of the last year. With eleven taps
# nothing can be known of it, and with the twelfth nearly everything that there is to
# know: 0.9² = 81 % of the variance.

seasonal = make_ar_process(20_000, coef=[0.0] * 11 + [0.9], random_state=0)
orders_seasonal = np.arange(1, 17)
scores = [
    ARRegressor(n_lags, burn_in=16).fit(seasonal[:10_000]).score(seasonal[10_000:])
    for n_lags in orders_seasonal
]
assert max(scores[:11]) < 0.1 and min(scores[11:]) > 0.7

# %%
# At least twelve taps cure this. No number of them cures the next case, a switch: a
# pulse up or down, which comes at one step in five, turns it on or off, and the target
# is its position. How long ago the last pulse came has no bound. A model with p taps
# sees no pulse in them with probability 0.8 to the power of p, and then has to guess:
# it cannot be right more often than ``1 - 0.8 ** p / 2``. A feed-forward net with
# p taps comes up to this line, give or take the chance in the test data.

rng = np.random.RandomState(0)


def make_switch(n_sequences, n_steps=100):
    pulses = rng.choice([-1.0, 0.0, 1.0], (n_sequences, n_steps), p=[0.1, 0.8, 0.1])
    pulses[:, 0] = rng.choice([-1.0, 1.0], size=n_sequences)
    since = np.maximum.accumulate(np.where(pulses != 0, np.arange(n_steps), 0), axis=1)
    return pulses[:, :, None], np.take_along_axis(pulses, since, axis=1) > 0


pulses, on = make_switch(100)
new_pulses, new_on = make_switch(400)
taps = np.array([1, 2, 4, 6, 8, 10, 12])
accuracies = []
for n_lags in taps:
    net = MLPSequenceClassifier(
        n_lags, (16,), learning_rate_init=0.01, tol=1e-3, burn_in=20, random_state=0
    )
    accuracies.append(net.fit(pulses, on).score(new_pulses, new_on))
bound = 1 - 0.8**taps / 2
assert np.all(accuracies < bound + 0.01)

# %%
# What is needed is no longer view but a memory: one bit, "on" or "off". Two recurrent
# units, whose activities go on from step to step, learn to be such a switch.

recurrent = RNNClassifier((2,), learning_rate_init=0.03, max_iter=100, random_state=0)
remembered = recurrent.set_params(burn_in=20).fit(pulses, on).score(new_pulses, new_on)

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
left.plot(orders_seasonal, scores, "o-")
left.axvline(12, color="0.6", ls=":", label="distance of the dependence")
left.set(
    title="A fixed distance", xlabel="number of taps", ylabel="R² of the next value"
)
left.legend()
right.axhline(remembered, color="tab:green", label="two recurrent units")
right.plot(taps, bound, color="0.6", label="the most that p taps can know")
right.plot(taps, accuracies, "o", label="feed-forward net with p taps")
right.set(title="Any distance", xlabel="number of taps p", ylabel="accuracy")
right.legend(loc="lower right")
assert remembered > 0.99

# %%
# Where the past matters at a short and known distance, take taps: see
# :doc:`/memoryless`. Where it matters at an unknown one, take a model with a state. The
# chapters after the next are about those.
