"""The compiled recursions and the reference: which one runs, and that both agree."""

import subprocess
import sys

import numpy as np
import pytest
from engines import NO_KERNEL
from hypothesis import given, settings
from hypothesis import strategies as st
from test_inference import KINDS, assert_close, offsets_of, random_model

from sklearn_seq.hmm import inference
from sklearn_seq.hmm.inference import forward, log_likelihood, smooth, viterbi

needs_kernel = pytest.mark.skipif(inference.compiled is None, reason=NO_KERNEL)


def run_all(model, rows, offsets):
    return (
        forward(*model, rows, offsets),
        smooth(*model, rows, offsets),
        viterbi(*model, rows, offsets),
    )


@settings(max_examples=100)
@given(
    seed=st.integers(0, 2**32 - 1),
    K=st.integers(1, 40),
    kind=st.sampled_from(KINDS),
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=5),
    spread=st.sampled_from([0.1, 3.0, 30.0, 300.0]),
    impossible=st.sampled_from([0.0, 0.0, 0.05, 0.6]),
    repeats=st.sampled_from([1, 10]),
)
def test_compiled_equals_reference(seed, K, kind, lengths, spread, impossible, repeats):
    rng = np.random.default_rng(seed)
    model = random_model(rng, K, kind)
    offsets = offsets_of(lengths)
    rows = spread * rng.standard_normal((offsets[-1], K)).repeat(repeats, axis=0)
    rows = rows[: offsets[-1]]
    rows[rng.random(rows.shape) < impossible] = -np.inf
    filtered, smoothed, (_, best) = run_all(model, rows, offsets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "compiled", None)
        expected, expected_smoothed, (_, best_expected) = run_all(model, rows, offsets)
    assert_close(filtered.proba, expected.proba, 1e-11)
    bound = 1e-13 * max(spread, 1)
    assert_close(filtered.log_likelihood, expected.log_likelihood, 1e-12, bound)
    assert_close(smoothed.proba, expected_smoothed.proba, 1e-11)
    bound = 1e-12 * len(rows)
    assert_close(smoothed.transitions, expected_smoothed.transitions, 1e-10, bound)
    assert_close(best, best_expected, 1e-12, 1e-10)


def rows_of_few_symbols(rng, n_rows, n_states):
    """Log densities of symbols, half of which are impossible in each state."""
    symbols = rng.dirichlet(np.ones(6), n_states)
    symbols[rng.random(symbols.shape) < 0.5] = 0.0
    symbols[:, 0] = 0.1
    with np.errstate(divide="ignore"):
        return np.log(symbols.T)[rng.integers(6, size=n_rows)]


@needs_kernel
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tiny"])
@pytest.mark.parametrize("emission", ["normal", "outliers", "apart", "symbols"])
def test_the_reference_is_seldom_needed(kind, emission, monkeypatch):
    """Exact zeros lose nothing, and losses that cannot come back do not count."""
    rng = np.random.default_rng(0)
    startprob, transmat = random_model(rng, 4, kind)
    model = startprob, (transmat + np.eye(4)) / 2  # every state may last
    rows = -np.square(rng.standard_normal((2_000, 4)))
    if emission == "outliers":
        rows[::100] *= 1e4
    elif emission == "apart":
        rows -= 1e4
        rows[np.arange(2_000), np.arange(2_000) // 50 % 4] = -1.0
    elif emission == "symbols":
        rows = rows_of_few_symbols(rng, 2_000, 4)
    offsets = np.arange(0, 2_001, 50)
    calls = []
    for name in ("filter_rows", "smooth_rows"):
        monkeypatch.setattr(inference.reference, name, calls.append)
    run_all(model, rows, offsets)


def test_without_the_kernel_the_reference_runs():
    """And a line in the log says so."""
    code = (
        "import logging, sys\n"
        "sys.modules['sklearn_seq.hmm._forward_backward'] = None\n"
        "logging.basicConfig(level=logging.DEBUG, format='%(name)s: %(message)s')\n"
        "from sklearn_seq.hmm import inference\n"
        "assert inference.compiled is None\n"
        "inference.forward([1.0], [[1.0]], [[0.0]], [0, 1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    expected = "sklearn_seq: Hidden Markov models run on the NumPy reference.\n"
    assert done.stderr == expected


@np.errstate(invalid="ignore")
@pytest.mark.parametrize("n_states", [1, 3])
def test_what_is_no_number_ends_as_no_number(n_states):
    """The recursions end, whatever they are given."""
    model = np.ones(n_states) / n_states, np.ones((n_states, n_states)) / n_states
    rows = np.zeros((20, n_states))
    rows[7, 0] = np.nan
    assert np.isnan(log_likelihood(*model, rows, [0, 20])[7:]).all()
    run_all(model, rows, [0, 20])
    run_all((0 * model[0], 0 * model[1]), 0 * rows, [0, 20])
