"""
=========================
Why training is difficult
=========================

On its way forward through time, a signal in a recurrent net is squashed at every step
and cannot grow without limit. The derivative on its way back is not squashed. At each
step it is multiplied by a matrix, and that is all; a vector that is multiplied by
nearly the same matrix again and again either dies out or explodes, both exponentially.

Here this is measured, and then shown for the case in which it does the most harm: a
net that has attractors, which is what a net with a memory ought to have.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_seq.inspection import GradientFlowDisplay, gradient_flow
from sklearn_seq.rnn import RNNRegressor

# %%
# The spectral radius decides
# ---------------------------
#
# Fifty sequences of tiny random numbers come in, and the target stands at the end. The
# net's recurrent matrix is orthogonal, all eigenvalues having modulus one, and is
# multiplied by a number: that is then the spectral radius. Nothing is to be learned
# yet: ``fit`` is used with a step size of almost nothing, to have a net at all, and
# the weights are set afterwards.

rng = np.random.RandomState(0)
N_STEPS = 60
X, y = 1e-5 * rng.normal(size=(50, N_STEPS, 1)), rng.normal(size=50)


def net_of_radius(radius, n_units=30, X=X, y=y):
    net = RNNRegressor(
        n_units,
        initial_state=0.0,
        learning_rate_init=1e-12,
        standardize=False,  # tiny inputs stay tiny
        random_state=0,
    )
    net.partial_fit(X, y)
    net.recurrent_weights_[0][:] *= radius
    return net


radii = [0.7, 0.9, 1.0, 1.1]
figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
slopes = {}
for k, radius in enumerate(radii):
    net = net_of_radius(radius)
    GradientFlowDisplay.from_estimator(
        net, X, y, name=f"radius {radius}", ax=ax, line_kwargs={"color": f"C{k}"}
    )
    norms = gradient_flow(net, X, y).norms[0]
    slopes[radius] = np.exp(np.polyfit(np.arange(30), np.log(norms[:30]), 1)[0])
ax.set(title="The gradient so many steps before the target")

# %%
# Straight lines on a logarithmic axis: a factor for each step, and the factor is the
# spectral radius. At 0.7 a millionth is left after forty steps, at 1.1 there is forty-
# five times as much. Only the net at 1.0 passes on what it gets.

for radius, slope in slopes.items():
    print(f"spectral radius {radius}: factor {slope:.3f} in each step")
    assert abs(slope - radius) < 0.03
assert 0.7**40 < 1e-6 and 1.1**40 > 45

# %%
# These units work where tanh is straight. Larger inputs drive them to where it is flat,
# and each flat unit makes the gradient smaller: a large radius does not explode then.

loud = net_of_radius(1.1)
loud_norms = gradient_flow(loud, 1e5 * X, y).norms[0]
print(f"radius 1.1, large inputs: {loud_norms[40] / loud_norms[0]:.1e} after 40 steps")
assert loud_norms[40] < 0.1 * loud_norms[0]

# %%
# At the edge between attractors
# ------------------------------
#
# A memory that lasts needs states that are kept, hence attractors. Take two units that
# excite each other. They have two: both on, and both off. A start is drawn into one or
# the other, and in between there is an edge.

pair = net_of_radius(1.0, n_units=2)
pair.input_weights_[0][:] = 0.0
pair.biases_[0][:] = 0.0
pair.recurrent_weights_[0][:] = [[0.3, 1.0], [1.0, 0.3]]


def run(first_unit, n_steps=20):
    """The first unit's course; the second starts at 0.2."""
    starts = np.column_stack([first_unit, np.full(len(first_unit), 0.2)])
    silence = np.zeros((len(starts), n_steps, 1))
    return pair.transform(silence, initial_states=starts)[:, :, 0]


starts = np.linspace(-1, 1, 401)
ends = run(starts)[:, -1]
tiny = 1e-6
slope = (run(starts + tiny)[:, -1] - run(starts - tiny)[:, -1]) / (2 * tiny)

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
two = np.array([-0.21, -0.19])
for start, course in zip(two, run(two, 30), strict=True):
    axes[0].plot(range(31), [start, *course], "o-", ms=3, label=f"start {start}")
axes[0].set(title="Two courses", xlabel="time step", ylabel="first unit")
axes[0].legend()
axes[1].plot(starts, ends, label="state after 20 steps")
axes[1].plot(starts, slope, label="its derivative by the start")
axes[1].set(title="All starts", xlabel="first unit at the start", yscale="symlog")
axes[1].set(
    xticks=[-1, -0.5, 0, 0.5, 1], ylim=(-2, 1000), ylabel="value (symmetric log)"
)
axes[1].legend()
figure.suptitle("Two attractors and the edge between them")
plt.show()

# %%
# Two starts that differ by 0.02 end up at opposite ends. The final state as a function
# of the start is two plateaus and a cliff. On the plateaus the derivative is nearly
# zero, as the attractor has swallowed the difference; at the cliff it is huge. Gradient
# descent finds either nothing to follow or a step that throws it far away. No step size
# is right for both, and it is no accident: a net cannot keep a bit safe against noise
# unless it also keeps it safe against the gradient.

plateau, cliff = np.abs(slope[starts > 0.5]).max(), slope.max()
print(f"derivative on the right plateau {plateau:.0e}, at the cliff {cliff:.0f}")
print("ends of the two courses:", run(two, 30)[:, -1].round(2))
assert plateau < 1e-3 and cliff > 50
assert np.prod(run(two, 30)[:, -1]) < -0.4

# %%
# :doc:`/recurrent_networks` lists what can be done about it. The next chapter compares
# four remedies; :doc:`/inspection` describes the measure.
