"""Tell nine speakers apart by the way they say two vowels.

The Japanese vowels: 270 recordings of 7 to 26 steps to learn from, 370 to test on, and
nine speakers. One hidden Markov model for each speaker, and Bayes' rule. The number of
states, the form of the covariances and their floor are chosen by cross-validation on
the 270 alone. Beside it stands what can be said without any regard to time: logistic
regression on the mean and standard deviation of each recording.

    python examples/classify_vowels.py
"""

import argparse
import time

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.datasets import load_japanese_vowels
from sklearn_seq.hmm import HMMClassifier

GRID = {
    "n_components": [3, 4, 5],
    "covariance_type": ["diag", "full", "tied"],
    "reg_covar": [0.01, 0.1],
}


def summaries(X):
    """Mean and standard deviation of each recording."""
    return np.array([np.concatenate([x.mean(axis=0), x.std(axis=0)]) for x in X])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for all")
    args = parser.parse_args()
    X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)

    static = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    static.fit(summaries(X_train), y_train)
    accuracy = static.score(summaries(X_test), y_test)
    print(f"mean and standard deviation, logistic regression: {accuracy:.3f}")

    start = time.perf_counter()
    search = GridSearchCV(
        HMMClassifier(init="segments", max_iter=300, random_state=0),
        GRID,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        n_jobs=args.jobs,
    ).fit(X_train, y_train)
    accuracy = search.score(X_test, y_test)
    seconds = time.perf_counter() - start
    print(f"one hidden Markov model for each speaker:         {accuracy:.3f}")
    print(
        f"\nchosen by cross-validation ({search.best_score_:.3f}) in {seconds:.0f} s:"
    )
    for name, value in search.best_params_.items():
        print(f"  {name} = {value}")


if __name__ == "__main__":
    main()
