"""
===========================================
Unrolled in time, it is a feed-forward net
===========================================

Give every connection of a recurrent net a delay of one step, and draw the units anew
for each step. What comes out is a feed-forward net with one layer for each time step.
Its only peculiarity is that all layers have the same weights.

So the gradient of a recurrent net needs no theory of its own: let the layers of the
unrolled net have weights that are theirs alone, differentiate by each copy, and add.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_seq.rnn import RNNRegressor

# %%
# Two ways to one gradient
# ------------------------
#
# Thirty sequences of twelve random numbers come in, and at the end the net is to tell
# the difference between the first and the last of them.

rng = np.random.RandomState(0)
N_STEPS, N_UNITS = 12, 6
X = rng.uniform(-1, 1, (30, N_STEPS, 1))
y = X[:, 0, 0] - X[:, -1, 0]

# %%
# :class:`~sklearn_seq.rnn.RNNRegressor` does not show its gradient, but it can be made
# to: after one step of plain gradient descent over all sequences, without momentum,
# penalty or limit on its length, weights have changed by minus the gradient times the
# learning rate.

RATE = 1e-3
plain = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False, "alpha": 0.0}
plain |= {"max_grad_norm": None, "batch_size": len(X), "learning_rate_init": RATE}
plain |= {"standardize": False}  # X and y as they are
net = RNNRegressor(N_UNITS, initial_state=0.0, random_state=0, **plain)
net.partial_fit(X, y)
W, R, b = (
    part[0].copy() for part in (net.input_weights_, net.recurrent_weights_, net.biases_)
)
V, c = net.coef_.copy(), net.intercept_.copy()
net.partial_fit(X, y)
of_recurrent_net = (R - net.recurrent_weights_[0]) / RATE

# %%
# Now the feed-forward net, in plain NumPy. ``copies`` is a list of matrices, one for
# each layer. They start out equal, but nothing below knows that: the loss is
# differentiated by each of them separately.


def layered_net(copies):
    """Half the mean squared error, and its derivative by each layer's weights."""
    activities = [np.zeros((len(X), N_UNITS))]
    for t, weights in enumerate(copies):
        activities.append(np.tanh(X[:, t] @ W + activities[-1] @ weights + b))
    error = (activities[-1] @ V.T + c)[:, 0] - y
    back = np.outer(error, V[0]) / len(X)
    gradients = []
    for t in reversed(range(len(copies))):
        back = back * (1 - activities[t + 1] ** 2)
        gradients.insert(0, activities[t].T @ back)
        back = back @ copies[t].T
    return 0.5 * np.mean(error**2), np.array(gradients)


copies = [R.copy() for _ in range(N_STEPS)]
loss, of_copies = layered_net(copies)

# %%
# A derivative that is right can be checked by brute force: change one weight in one
# layer, and see how the loss changes.

nudged = [copy.copy() for copy in copies]
nudged[7][2, 3] += 1e-6
brute_force = (layered_net(nudged)[0] - loss) / 1e-6
assert abs(brute_force - of_copies[7, 2, 3]) < 1e-6

# %%
# Bars show the derivative by each layer's copy of one weight, the line their running
# sum from the last layer back to the first. It ends on the dashed line, which is what
# the recurrent net found, and it does so for all weights:

difference = np.abs(of_copies.sum(axis=0) - of_recurrent_net).max()
print(f"largest difference, of {R.size} weights: {difference:.1e}")
assert difference < 1e-10

i, j = np.unravel_index(np.abs(of_recurrent_net).argmax(), R.shape)
layers = np.arange(1, N_STEPS + 1)
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.bar(layers, of_copies[:, i, j], color="C0", alpha=0.6, label="each copy alone")
running = np.cumsum(of_copies[::-1, i, j])[::-1]
ax.plot(layers, running, "o-", color="C1", label="sum from the last layer back")
ax.axhline(of_recurrent_net[i, j], color="k", ls="--", label="recurrent net")
ax.set(
    title="The gradient by a shared weight is a sum over its copies",
    xlabel="layer of the unrolled net (time step)",
    ylabel="derivative of the loss",
)
ax.legend()

# %%
# Other ties between weights
# --------------------------
#
# Nothing in this is special to time. Any weights that are to stay equal do so if they
# start equal and are changed equally: find the gradient by each of them, and give all
# of them the same, made of the sum. Other linear constraints, such as symmetry, go the
# same way. ``recurrent_constraint`` does it for recurrent weights, by names or by a
# pattern of numbers: places with the same number share a weight. In the third net
# below, units stand in a ring, and a weight depends only on the distance along it.

place = np.arange(N_UNITS)
ring = (place[:, np.newaxis] - place) % N_UNITS
constraints = {"no constraint": None, "symmetric": "symmetric", "ring": ring}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
learned = {}
for ax, (name, constraint) in zip(axes, constraints.items(), strict=True):
    tied = RNNRegressor(N_UNITS, recurrent_constraint=constraint, random_state=0)
    tied.fit(X, y)
    learned[name] = weights = tied.recurrent_weights_[0]
    image = ax.imshow(weights, cmap="RdBu", vmin=-1.5, vmax=1.5)
    n_free = len(np.unique(weights.round(12)))
    ax.set(title=f"{name}: {n_free} weights", xlabel="to unit", ylabel="from unit")
figure.colorbar(image, ax=axes, label="weight")
figure.suptitle("Recurrent weights after training")
plt.show()

# %%
# After all these updates the constraints hold to rounding, since each of them keeps
# what was there before. See :doc:`/recurrent_networks` for the other constraints.

assert np.allclose(learned["symmetric"], learned["symmetric"].T, atol=1e-12)
assert all(np.ptp(learned["ring"][ring == k]) < 1e-12 for k in range(N_UNITS))
assert not np.allclose(learned["no constraint"], learned["no constraint"].T, atol=0.1)
