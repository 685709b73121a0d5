"""
====================================
Where inputs and targets can be put
====================================

A layered net has its inputs at the bottom and its targets at the top. A recurrent net
is less particular. Inputs can come in at each time step, or all at once as the state in
which the units start, or as the state of only some of them. Targets can be given for
all steps, for the last one, or for the last few, and for all units or only for some.

One choice here is easily got wrong. To make a net *stay* at a place it does not
suffice to ask it to be there at the end.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.inspection import fixed_points
from sklearn_seq.rnn import RNNRegressor

# %%
# Memories as attractors
# ----------------------
#
# Four random patterns of 16 numbers, each 0.9 or -0.9, are to be remembered. The net
# has 16 units that are its outputs, too (``readout="units"``). Its input is the state
# in which it starts (``initial_states``): a pattern in which up to two units have the
# wrong sign. Nothing comes in afterwards. Its target is the pattern itself.

N_UNITS, N_STEPS = 16, 20
rng = np.random.RandomState(0)
patterns = 0.9 * rng.choice([-1.0, 1.0], (4, N_UNITS))


def corrupted(n_each, n_flipped, rng):
    states = np.repeat(patterns, n_each, axis=0)
    for state in states:
        state[rng.choice(N_UNITS, n_flipped, replace=False)] *= -1
    return states


starts = np.concatenate([corrupted(50, n, rng) for n in (0, 1, 2)])
targets = np.tile(np.repeat(patterns, 50, axis=0), (3, 1))
silence = np.zeros((len(starts), N_STEPS, 1))

# %%
# ``target_steps`` says for how many steps at the end the target holds: once for the
# last of twenty alone, once for the last ten. Training to the very end of what is
# possible is not the point, so a warning that it has not got there is switched off.

warnings.filterwarnings("ignore", category=ConvergenceWarning)
nets = {
    name: RNNRegressor(
        N_UNITS,
        readout="units",
        target_steps=target_steps,
        max_iter=300,
        n_iter_no_change=50,
        tol=1e-6,
        random_state=0,
    ).fit(silence, targets, initial_states=starts)
    for name, target_steps in {"last step": "last", "last ten steps": 10}.items()
}

# %%
# Then both run for a hundred steps from new corrupted patterns.

N_TEST = 100
own = np.repeat(patterns, 50, axis=0)
states = corrupted(50, 2, np.random.RandomState(1))
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
distances = {}
for name, net in nets.items():
    course = net.transform(np.zeros((200, N_TEST, 1)), initial_states=states)
    distance = np.linalg.norm(course - own[:, np.newaxis], axis=2).mean(axis=0)
    distances[name] = distance
    ax.plot(np.arange(1, N_TEST + 1), distance, lw=1.2, label=f"target: {name}")
ax.axvline(N_STEPS, color="0.5", ls="--", label="end of training sequences")
ax.set(
    title="To be there once is not to stay there",
    xlabel="time step",
    ylabel="mean distance from the pattern",
    xlim=(0, 60),
    ylim=(-0.2, 6.5),
)
ax.legend(loc="upper right")

# %%
# The net that was asked for its last state is near the pattern in step 20, as it was
# told, and far away in step 19 and in step 21. What it does in between is its own
# business: it has found a cycle of ten steps that passes by there, and goes round for
# ever. The other one comes down
# within a few steps and stays for as long as one cares to look, although it was trained
# for twenty steps only. To be at a place ten times in succession is hard to arrange
# without standing still there, and to arrive from many corrupted patterns is hard
# without an attraction.

for name, distance in distances.items():
    print(f"{name:<16} step 19, 20, 21, 100:", distance[[18, 19, 20, 99]].round(2))
once, stays = distances.values()
assert once[19] < 1 < once[20] and stays[19:].max() < 0.2

# %%
# Whether it is a fixed point that attracts can be asked directly. Of those that are
# stable, four are the patterns; unstable ones are on the borders in between.

for name, net in nets.items():
    found = fixed_points(net, n_starts=200, random_state=0)
    memories = found.points[found.stable]
    gaps = np.linalg.norm(memories[:, np.newaxis] - patterns, axis=2).min(axis=0)
    n_kept = int((gaps < 0.3).sum())
    print(f"{name:<16} patterns that are stable fixed points: {n_kept} of 4")
assert n_kept == 4

# %%
# Only some of the units
# ----------------------
#
# The net can be given a part of a pattern as well. NaN leaves a unit at the initial
# state that the model has anyway. With eight of sixteen units set, the attractor fills
# in the others, although the net was never trained to complete anything.

half = np.where(np.arange(N_UNITS) < 8, patterns, np.nan)
net = nets["last ten steps"]
course = net.transform(np.zeros((4, 12, 1)), initial_states=half)
figure, axes = plt.subplots(1, 4, figsize=(9, 3.4), layout="constrained", sharey=True)
shown = {"given": half, "after 1 step": course[:, 0], "after 12": course[:, -1]}
shown["pattern"] = patterns
for ax, (name, activities) in zip(axes, shown.items(), strict=True):
    image = ax.imshow(activities.T, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
    ax.set(title=name, xlabel="pattern", xticks=range(4))
axes[0].set_ylabel("unit")
figure.colorbar(image, ax=axes, label="activity")
figure.suptitle("Half a pattern comes in, the whole comes out")
plt.show()

# %%
# All other places for inputs and targets are in a table in :doc:`/recurrent_networks`.

completed = np.abs(course[:, -1] - patterns).max()
print(f"largest error of the completed patterns: {completed:.2f}")
assert completed < 0.3
