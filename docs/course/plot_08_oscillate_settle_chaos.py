"""
==================================
Oscillate, settle, or be chaotic
==================================

A recurrent network whose predictions are fed back as its next inputs needs no data
any more: it is a dynamical system of its own. What such a system does in the long run
depends on its weights alone, and there are three things that it can do. It can come to
rest, go round and round, or wander for ever without repeating itself.

Here the same kind of net, twelve tanh units, learns each of the three. Then a single
net learns all three at once, and we look at how it divides the work among its units.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.inspection import fixed_points, lyapunov_exponents
from sklearn_seq.rnn import RNNRegressor

# %%
# Three processes
# ---------------
#
# The first column below is an oscillation of period 20 whose amplitude approaches one
# from any start. The second approaches +1 or -1, whichever is nearer. The third is a
# quadratic map, chaotic although each number follows from the one before by a single
# formula. Sixty short sequences start in random places.

PROGRAMS = ["oscillate", "settle", "chaos"]


def run(n_sequences, n_steps, rng):
    phase = rng.uniform(0, 2 * np.pi, n_sequences)
    radius = rng.uniform(0.3, 1.5, n_sequences)
    place = rng.uniform(-1.4, 1.4, n_sequences)
    chaos = rng.uniform(-1, 1, n_sequences)
    X = np.empty((n_sequences, n_steps, 3))
    for t in range(n_steps):
        swing = radius * np.cos(phase + 2 * np.pi * t / 20)
        X[:, t] = np.column_stack([swing, place, chaos])
        radius = radius + 0.1 * radius * (1 - radius**2)
        place = place + 0.1 * (place - place**3)
        chaos = 1 - 1.9 * chaos**2
    return X


X = run(60, 60, np.random.RandomState(0))

# %%
# Training stops after 500 iterations whether the loss still falls a little or not. That
# is enough here, so the warning about it is switched off.

warnings.filterwarnings("ignore", category=ConvergenceWarning)


def learn(n_units, X):
    return RNNRegressor(
        n_units, solver="lbfgs", alpha=1e-6, max_iter=500, tol=1e-4, random_state=0
    ).fit(X)


# %%
# One net for each
# ----------------
#
# Two courses of each net are drawn on the left. Both have seen the same four rows of
# data, but the units of the second have been moved by a thousandth before it ran on
# alone. On the right is how far apart the units of the two then are. The largest
# Lyapunov exponent is the slope to expect: a difference grows or shrinks by so many
# nats in each step, on a straight line until it is as large as it can get.

N_ALONE = 60
figure, axes = plt.subplots(3, 2, figsize=(9, 7), layout="constrained", sharex=True)
exponents = []
for k, (name, (left, right)) in enumerate(zip(PROGRAMS, axes, strict=True)):
    column = X[:, :, [k]]
    net = learn(12, column)
    exponents.append(lyapunov_exponents(net, column[:10], n_steps=3000).exponents[0])
    rows, states = net.predict(column[5:6, :4], return_state=True)
    first = np.repeat(rows[:, -1:], 2, axis=0)
    starts = np.concatenate([states, states + 1e-3])
    courses = net.forecast(first, n_steps=N_ALONE, initial_states=starts)
    fed_back = np.concatenate([first, courses], axis=1)
    units = net.transform(fed_back, initial_states=starts)
    apart = np.linalg.norm(units[0] - units[1], axis=1)
    for course, style in zip(fed_back[:, :, 0], ["-", "--"], strict=True):
        left.plot(course, style, lw=1.2)
    left.set(title=f"{name}: two runs", ylabel="prediction", ylim=(-1.2, 1.2))
    steps = np.arange(N_ALONE + 1)
    right.semilogy(steps, apart, label="distance of the units")
    expected = apart[0] * np.exp(exponents[-1] * steps)
    right.semilogy(steps, expected, "k:", label="as the exponent says")
    right.set(title=f"exponent {exponents[-1]:+.2f} nats", ylim=(1e-9, 30))
    if name == "settle":
        found = fixed_points(net, column, n_starts=50, random_state=0)
axes[0, 1].legend()
for ax in axes[-1]:
    ax.set_xlabel("steps since the net runs alone")

# %%
# An oscillation keeps the difference: the exponent is zero, since a run that is ahead
# stays ahead. At rest the difference dies, and the exponent is negative. In chaos it
# grows until the two courses have nothing to do with each other. The exponent of the
# map itself is about 0.55; the net has learned 60 steps at a time and is not far off.

oscillating, settling, chaotic = exponents
assert abs(oscillating) < 0.01 and settling < -0.1 and 0.4 < chaotic < 0.65
print("Lyapunov exponents:", np.round(exponents, 3))

# %%
# The net that settles does so in fixed points, and these can be found without waiting
# for it: two that attract, and one between them that repels.

for output, stable in zip(found.outputs[:, 0], found.stable, strict=True):
    print(f"stays at {output:+.3f}: {'attracts' if stable else 'repels'}")
assert found.stable.sum() == 2 and len(found.stable) == 3

# %%
# All three in one net
# --------------------
#
# Now one net of forty units sees the three columns side by side. Nobody tells it to
# keep them apart, but they have nothing to do with each other, and to mix them up would
# only cost it. Its three largest exponents have the three signs: one direction in which
# runs part, one in which they keep their distance, and from there on directions in
# which they come together.

together = learn(40, X)
spectrum = lyapunov_exponents(together, X[:10], n_exponents=3, n_steps=1000).exponents
print("Largest exponents of the net with three programs:", np.round(spectrum, 3))
assert spectrum[0] > 0.4 and abs(spectrum[1]) < 0.01 and spectrum[2] < -0.005

# %%
# Which units run which program? Let one column vary from sequence to sequence while
# the other two are the same in all of them. The units that then differ take part in
# that column's program.

others = run(60, 30, np.random.RandomState(1))
parts = []
for k in range(3):
    varied = np.repeat(others[:1], 60, axis=0)
    varied[:, :, k] = others[:, :, k]
    parts.append(together.transform(varied)[:, 10:].var(axis=0).mean(axis=0))
shares = np.array(parts) / np.sum(parts, axis=0)
order = np.lexsort((shares.max(axis=0), shares.argmax(axis=0)))

figure, axes = plt.subplots(2, figsize=(8, 6), layout="constrained")
alone = together.forecast(X[5:6, :3], n_steps=100)[0]
for k, name in enumerate(PROGRAMS):
    axes[0].plot(alone[:, k], lw=1.2, label=name)
axes[0].set(title="One net, three programs", xlabel="steps alone", ylabel="prediction")
axes[0].legend(loc="lower center", ncols=3)
axes[0].set_ylim(-1.7, 1.2)
bottom = np.zeros(40)
for share, name in zip(shares[:, order], PROGRAMS, strict=True):
    axes[1].bar(np.arange(40), share, bottom=bottom, width=0.9, label=name)
    bottom += share
axes[1].set(title="Who works for whom", xlabel="unit (sorted)", ylabel="share")
plt.show()

# %%
# Some units serve one program almost alone and others several, so that programs are
# spread over units: they run side by side in the same state. More about nets that run
# freely is in :doc:`/recurrent_networks`, about the measures in :doc:`/inspection`.

print("units whose activity belongs to one program by 90 %:", (shares > 0.9).sum())
