"""A recurrent net learns to add binary numbers, and what it has found is an automaton.

Two streams of bits come in, least significant bit first, and their sum goes out. A net
with eight simple units is trained on numbers of at most ten bits, with the sum two
steps late, and adds numbers of fifty bits without a mistake, from any random start.

Then the states of a net are looked at. With the sum at once three units suffice: an
input reaches the units and their readout in the same step, where a net that takes one
step from inputs to units and one from units to outputs has to be late by two. Few
distinct states turn up, and they are the states of an automaton: carry or no carry,
with 0 or 1 to put out. A delay adds the memory of the last bits, so that two steps of
it make sixteen such states out of four.

Last, how few units do with a delay: three with a delay of one, four with two. Three
with a delay of two have not been seen to. Four bits have to be told apart in all their
combinations, the carry and the last three of the sum, and four planes cut the space of
three units into fifteen parts at most, not sixteen. Squashing bends the planes, so that
this is no proof, but of thousands of random starts none got beyond 95 % of the bits.

    python examples/binary_addition.py
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier

from sklearn_seq.datasets import make_binary_addition
from sklearn_seq.rnn import RNNClassifier

N_TEST, TEST_BITS = 200, 50
ADDED = "0+0", "0+1", "1+1"


def additions(n_sequences, n_bits, delay, seed):
    """The task, with classes 0 and 1, and NaN in steps without a target."""
    return make_binary_addition(n_sequences, n_bits, delay=delay, random_state=seed)


def share_right(model, X, y):
    """The share of bits of the sums that are right."""
    predicted = model.predict(X)
    return np.mean(predicted[y >= 0] == y[y >= 0])


def train(n_units, delay, seed, *, n_sequences=5000, max_iter=40, learning_rate=0.01):
    X, y = additions(n_sequences, (1, 10), delay, 0)
    return RNNClassifier(
        (n_units,),
        alpha=0.01,
        learning_rate_init=learning_rate,
        max_iter=max_iter,
        n_iter_no_change=max_iter,
        standardize=False,  # bits as they are
        random_state=seed,
    ).fit(X, y)


def many_seeds(n_seeds):
    X, y = additions(N_TEST, TEST_BITS, 2, 1000)
    print(f"Eight units, sum two steps late: {N_TEST} sums of {TEST_BITS} bits")
    print("random_state  bits right  seconds to train")
    for seed in range(n_seeds):
        start = time.perf_counter()
        model = train(8, 2, seed)
        seconds = time.perf_counter() - start
        share = share_right(model, X, y)
        print(f"{seed:>12}  {share:>10.2%}  {seconds:>16.1f}", flush=True)
    return model


def smallest_net(n_tries):
    """Three units, from several random starts: most of them end in the solution."""
    X, y = additions(N_TEST, TEST_BITS, 0, 1000)
    print("\nThree units, sum at once")
    print("random_state  bits right  seconds to train")
    for seed in range(n_tries):
        start = time.perf_counter()
        model = train(3, 0, seed)
        seconds = time.perf_counter() - start
        share = share_right(model, X, y)
        print(f"{seed:>12}  {share:>10.2%}  {seconds:>16.1f}", flush=True)
        if share == 1:
            return model
    return None


def fewest_units(n_tries):
    """Nets with a delay: random starts until one adds without a mistake."""
    print("\nFew units, sum late: random starts until all bits are right")
    print("units  delay  starts  bits right of the best  seconds")
    for n_units, delay in (3, 1), (4, 2), (3, 2):
        X, y = additions(N_TEST, TEST_BITS, delay, 1000)
        start = time.perf_counter()
        best = 0
        for seed in range(n_tries):
            model = train(n_units, delay, seed, learning_rate=0.03)
            best = max(best, share_right(model, X, y))
            if best == 1:
                break
        seconds = time.perf_counter() - start
        print(
            f"{n_units:>5}  {delay:>5}  {seed + 1:>6}  {best:>22.2%}  {seconds:>7.1f}",
            flush=True,
        )


def truth(X):
    """The carry after each step, and the bit of the sum that belongs to it."""
    carry = np.zeros(len(X), int)
    carries, bits = [], []
    for column in X.sum(axis=2).astype(int).T:
        total = column + carry
        carry = total // 2
        carries.append(carry)
        bits.append(total % 2)
    return np.stack(carries, axis=1), np.stack(bits, axis=1)


def signs_of(activities):
    """A state as a string: which units are on."""
    on = np.where(activities > 0, "+", "-")
    return np.apply_along_axis("".join, -1, on)


def show_automaton(model):
    """Group the states by what they put out and by the carry that they stand for."""
    X, _ = additions(N_TEST, TEST_BITS, 0, 1000)
    activities = model.transform(X)
    states, outputs = signs_of(activities), model.predict(X)
    carries, bits = truth(X)
    added = X.sum(axis=2).astype(int)
    names, codes = np.unique(states, return_inverse=True)
    codes = codes.reshape(states.shape)
    print(f"\n{len(names)} states turn up (which units are on), at the activities")
    kinds = {}
    for k, name in enumerate(names):
        here = codes == k
        mean, spread = activities[here].mean(axis=0), activities[here].std(axis=0)
        pairs = np.unique(np.column_stack([carries[here], outputs[here]]), axis=0)
        kinds.setdefault(tuple(map(tuple, pairs.tolist())), []).append(name)
        shown = " ".join(f"{value:5.2f}" for value in mean)
        print(f"  {name}  {shown}  (spread at most {spread.max():.2f})")

    print("\nThe automaton that they make, and what follows when two bits come in")
    heads = "".join(f"{head:>15}" for head in ADDED)
    print(f"{'carry':>5}{'output':>8}  {'states':<12}{heads}")
    kind_of = {name: kind for kind, members in kinds.items() for name in members}
    for kind, members in sorted(kinds.items()):
        here = np.isin(states[:, :-1], members)
        after = []
        for k in range(3):
            follows = np.unique(states[:, 1:][here & (added[:, 1:] == k)])
            after.append("/".join(sorted({label(kind_of[name]) for name in follows})))
        carry, output = ("/".join(str(pair[i]) for pair in kind) for i in range(2))
        followers = "".join(f"{name:>15}" for name in after)
        print(f"{carry:>5}{output:>8}  {', '.join(members):<12}{followers}")
    print(
        f"The output is the right bit in {np.mean(outputs == bits):.2%} of all steps."
    )


def label(kind):
    return "/".join(f"carry {carry}, {output}" for carry, output in kind)


def show_delayed(model):
    """What a delay of two asks for: the carry, and the last three bits of the sum."""
    X, _ = additions(N_TEST, TEST_BITS, 2, 1000)
    activities = model.transform(X)[:, 2:]
    carries, bits = truth(X)
    needed = 8 * carries[:, 2:] + 4 * bits[:, 2:] + 2 * bits[:, 1:-1] + bits[:, :-2]
    half = N_TEST // 2
    nearest = KNeighborsClassifier(1)
    nearest.fit(activities[:half].reshape(-1, 8), needed[:half].ravel())
    share = nearest.score(activities[half:].reshape(-1, 8), needed[half:].ravel())
    n_kinds = len(np.unique(needed))
    print(
        f"\nThe carry and the last three bits of the sum make {n_kinds} kinds of "
        f"steps; of the last net,\nthe nearest state in other sequences is of the "
        f"same kind in {share:.2%} of steps."
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tries", type=int, default=10, help="of the smallest nets")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    model = many_seeds(args.seeds)
    show_delayed(model)
    smallest = smallest_net(args.tries)
    if smallest is None:
        print("No start led to the solution; try more.")
    else:
        show_automaton(smallest)
    fewest_units(args.tries)


if __name__ == "__main__":
    main()
