"""The most memory that each method of each family takes, over the bytes of X.

By tracemalloc, which counts what NumPy allocates; X itself and what a fit holds are not
counted. Two kinds of data: a long series of many features, and many short sequences of
one feature under models of many states.
"""

import argparse
import tracemalloc
import warnings

import numpy as np

from sklearn_seq import (
    GMMHMM,
    ARClassifier,
    ARRegressor,
    CategoricalHMM,
    EchoStateClassifier,
    EchoStateRegressor,
    GaussianHMM,
    HMMClassifier,
    HMMRegressor,
    LDSClassifier,
    LDSRegressor,
    LinearDynamicalSystem,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
    PoissonHMM,
    RNNClassifier,
    RNNRegressor,
)

SHORT = {"max_iter": 2, "random_state": 0}
METHODS = {
    "fit": lambda model, X, y: model.fit(X, *y),
    "predict": lambda model, X, y: model.predict(X),
    "return_std": lambda model, X, y: model.predict(X, return_std=True),
    "proba": lambda model, X, y: model.predict_proba(X),
    "transform": lambda model, X, y: model.transform(X),
    "filter": lambda model, X, y: model.filter(X),
    "smooth": lambda model, X, y: model.smooth(X),
    "score": lambda model, X, y: model.score(X, *y),
    "densities": lambda model, X, y: model.score_samples(X, *y),
    "forecast": lambda model, X, y: model.forecast(X, 10),
    "sample": lambda model, X, y: model.sample(100, random_state=0),
}


def models(n_states):
    """Models by the data that they take, and what they learn of it."""
    numbers = [
        ARRegressor(2),
        MLPSequenceRegressor(2, **SHORT),
        LinearDynamicalSystem(n_states, **SHORT),
        LDSRegressor(n_states, **SHORT),
        GaussianHMM(n_states, covariance_type="diag", **SHORT),
        GMMHMM(n_states, n_mix=2, covariance_type="diag", **SHORT),
        HMMRegressor(n_states, covariance_type="diag", **SHORT),
        RNNRegressor(n_states, **SHORT),
        EchoStateRegressor(n_states, random_state=0),
    ]
    labels = [
        ARClassifier(2, max_iter=2),
        MLPSequenceClassifier(2, **SHORT),
        LDSClassifier(n_states, **SHORT),
        HMMClassifier(n_states, covariance_type="diag", **SHORT),
        RNNClassifier(n_states, **SHORT),
        EchoStateClassifier(n_states, random_state=0),
    ]
    return numbers, labels, PoissonHMM(n_states, **SHORT)


def peak(call):
    """The most bytes that a call held, or None if there is no such method."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    except (AttributeError, TypeError):
        return None
    finally:
        tracemalloc.stop()


def show(model, X, y, chosen):
    cells = []
    for name, call in METHODS.items():
        supported = name in chosen or name == "fit"
        supported &= not (y and name in ("forecast", "sample"))  # next steps alone
        held = peak(lambda call=call: call(model, X, y)) if supported else None
        cells.append("–" if held is None else f"{held / X.nbytes:.1f}")
    kind = "" if not y else ", labels"
    name = f"{type(model).__name__}{kind}"
    print(f"{name:32s}" + "".join(f"{cell:>11s}" for cell in cells), flush=True)


def table(title, X, labels, n_states, chosen):
    print(f"\n{title}: {X.nbytes / 1e6:.2g} MB\n")
    print(f"{'':32s}" + "".join(f"{name:>11s}" for name in METHODS))
    numbers, classifiers, counts = models(n_states)
    for model in numbers:
        show(model, X, (), chosen)
    for model in classifiers:
        show(model, X, (labels,), chosen)
    show(counts, np.floor(np.abs(3 * X)), (), chosen)
    symbols = np.floor(np.clip(X[..., :1], -2, 2)).astype(np.int64)
    show(CategoricalHMM(n_states, **SHORT), symbols, (), chosen)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--states", type=int, default=64)
    parser.add_argument(
        "--methods", nargs="+", default=list(METHODS), choices=list(METHODS)
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    rng = np.random.default_rng(0)
    X = rng.normal(size=(args.rows, args.features))
    X[1:] += 0.8 * X[:-1]
    labels = np.arange(args.rows) // 50 % 2
    title = f"One series of {args.rows} rows, {args.features} features, 2 states"
    table(title, X, labels, 2, args.methods)

    n = max(2, args.rows // 50)
    X = rng.normal(size=(n, 50, 1))
    X[:, 1:] += 0.8 * X[:, :-1]
    title = f"{n} sequences of 50 rows, 1 feature, {args.states} states"
    table(title, X, np.arange(n) % 2, args.states, args.methods)


if __name__ == "__main__":
    main()
