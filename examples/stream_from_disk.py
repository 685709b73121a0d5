"""Learn from a file that does not fit in memory.

The sequences of a memory-mapped file, driven oscillators measured with noise, are read
a chunk of whole sequences at a time, and each chunk is given to `partial_fit` of four
models. The process forbids itself to hold as much as the file: what it allocates from
the start on is limited to less, so that the file cannot be copied, not even as it is.
The linear model and the echo state network end with what one fit to all they have seen
would have given; the nets take one pass of mini-batches.

    python examples/stream_from_disk.py
    python examples/stream_from_disk.py --megabytes 4000 --limit 300
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from sklearn_seq import (
    ARRegressor,
    EchoStateRegressor,
    MLPSequenceRegressor,
    RNNRegressor,
)

try:
    import resource
except ImportError:  # not on every system
    resource = None

N_TIMESTEPS, N_FEATURES, N_TEST = 500, 8, 100
SHARE = 0.15  # of the file, for models that take longer
MEGABYTE = 1 << 20


def write(path, n_sequences, rng):
    """Write sequences of shape (n_sequences, N_TIMESTEPS, N_FEATURES) in float32.

    Each feature is an oscillator, kicked at random and measured with noise; its next
    value is bent by a sine, which a linear model cannot follow.
    """
    shape = n_sequences, N_TIMESTEPS, N_FEATURES
    file = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=shape)
    turn = np.linspace(0.2, 0.9, N_FEATURES)
    for start in range(0, n_sequences, 500):
        chunk = file[start : start + 500]
        state, before = rng.normal(size=(2, len(chunk), N_FEATURES))
        for t in range(N_TIMESTEPS):
            kicks = 0.1 * rng.standard_normal(state.shape, dtype=np.float32)
            pull = 1.96 * np.cos(turn) * state - 0.96 * before
            state, before = 2 * np.sin(pull / 2) + kicks, state
            chunk[:, t] = state
    file.flush()


def memory(field):
    """A figure of this process in MB, as Linux tells it; None on other systems.

    "VmData" is what the process has allocated, "RssAnon" what of it is in use.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if "kB" in line}
    return int(sizes[field]) / 1024 if field in sizes else None


def limit_memory(megabytes):
    """Let this process allocate no more than so much from now on, if that can be had.

    Returns True if so. The interpreter, its libraries and their threads have theirs.
    """
    np.ones((500, 500)) @ np.ones((500, 500))  # a BLAS allocates when first used
    held = memory("VmData")
    if resource is None or held is None:
        return False
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        soft = int((held + megabytes) * MEGABYTE)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    except (OSError, ValueError):
        return False
    return True


def models(seed):
    """The models, and how large a share of the file each is shown."""
    net = {"learning_rate_init": 3e-3, "random_state": seed}
    reservoir = EchoStateRegressor(100, input_scaling=0.2, random_state=seed)
    return {
        "ARRegressor": (ARRegressor(8), 1.0),
        "EchoStateRegressor": (reservoir, SHARE),
        "MLPSequenceRegressor": (MLPSequenceRegressor(4, (32,), **net), SHARE),
        "RNNRegressor": (RNNRegressor((32,), **net), SHARE),
    }


def stream(path, seed, chunk_megabytes):
    """Show the file to each model chunk by chunk; print scores, speed and memory."""
    file = np.load(path, mmap_mode="r")
    n_train = len(file) - N_TEST
    held_out = np.array(file[n_train:])
    step = max(1, int(chunk_megabytes * MEGABYTE / file[0].nbytes))
    print(f"\n{'':<22}{'rows':>12}{'rows/s':>12}{'R², held out':>14}{'memory':>10}")
    print("-" * 70)
    for name, (model, share) in models(seed).items():
        n, peak, seconds = int(share * n_train), 0.0, 0.0
        for start in range(0, n, step):
            begin = time.perf_counter()
            model.partial_fit(file[start : min(start + step, n)])
            seconds += time.perf_counter() - begin
            peak = max(peak, memory("RssAnon") or 0.0)
        rows = n * N_TIMESTEPS
        print(
            f"{name:<22}{rows:12,}{rows / seconds:12,.0f}{model.score(held_out):14.4f}"
            + (f"{peak:7.0f} MB" if peak else f"{'?':>10}")
        )


def copy_fails(path):
    """Whether the limit keeps even one copy of the file out of memory."""
    try:
        np.array(np.load(path, mmap_mode="r"))
    except MemoryError:
        return True
    return False


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=512, help="size of the file")
    parser.add_argument(
        "--limit", type=int, default=200, help="megabytes to allocate at most"
    )
    parser.add_argument("--chunk", type=float, default=8, help="megabytes at a time")
    parser.add_argument("--seed", type=int, default=0, help="of data and models")
    parser.add_argument("--folder", type=Path, default=None, help="where to write")
    args = parser.parse_args()
    n_sequences = args.megabytes * MEGABYTE // (4 * N_TIMESTEPS * N_FEATURES)
    if n_sequences < 10 * N_TEST:
        parser.error(f"--megabytes={args.megabytes} is too small: use at least 20")
    if not 0 < args.limit < args.megabytes:
        parser.error("--limit must be below --megabytes")
    if not 0 < args.chunk <= args.megabytes:
        parser.error("--chunk must be positive and at most --megabytes")

    limited = limit_memory(args.limit)
    with tempfile.TemporaryDirectory(
        dir=args.folder, ignore_cleanup_errors=True
    ) as folder:
        path = Path(folder) / "sequences.npy"
        start = time.perf_counter()
        write(path, n_sequences, np.random.default_rng(args.seed))
        print(
            f"{n_sequences} sequences of {N_TIMESTEPS} steps and {N_FEATURES} features "
            f"written in {time.perf_counter() - start:.0f} s"
        )
        size = path.stat().st_size / MEGABYTE
        if not limited:
            print(f"file: {size:.0f} MB; no limit can be set on this system")
        else:
            print(f"file: {size:.0f} MB; may be allocated: {args.limit} MB more")
            print(f"too large to be copied: {'yes' if copy_fails(path) else 'no'}")
        stream(path, args.seed, args.chunk)


if __name__ == "__main__":
    main()
