"""
=====================================
From taps to a neural language model
=====================================

A linear model adds up what its taps say, each by itself. Put hidden units between taps
and output, and the taps can be heard together: what one of them means may depend on the
others. For symbols, one thing more is learnt on the way. Each symbol becomes a vector,
and symbols that are used alike get vectors that are alike. This is how neural language
models began (Bengio, Ducharme, Vincent and Jauvin, 2003).
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import re
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity

from sklearn_seq import (
    ARClassifier,
    ARRegressor,
    MLPSequenceClassifier,
    MLPSequenceRegressor,
)
from sklearn_seq.datasets import load_python_topics
from sklearn_seq.metrics import bits_per_symbol

# %%
# What a hidden layer adds
# ------------------------
#
# The logistic map x[t+1] = 4 x[t] (1 - x[t]) needs a single tap, but not a straight
# line. On average over its range the slope is zero, so that the linear model predicts
# nothing but the mean. Eight hidden units bend the line into the parabola.

series = np.full((600, 1), 0.3)
for t in range(599):
    series[t + 1] = 4 * series[t] * (1 - series[t])
linear = ARRegressor(n_lags=1).fit(series[:300])
net = MLPSequenceRegressor(
    1, (8,), activation="tanh", solver="lbfgs", max_iter=2000, random_state=0
).fit(series[:300])

grid = np.linspace(0, 1, 101)[:, None]
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
axes.plot(series[300:-1], series[301:], ".", color="0.6", ms=4, label="new data")
for name, model in (("linear", linear), ("8 hidden units", net)):
    r2 = model.score(series[300:])
    axes.plot(grid, model.predict(grid), label=f"{name}, R² = {r2:.2f}")
axes.set(title="Logistic map, one tap", xlabel="x[t]", ylabel="x[t+1]")
axes.legend(loc="lower center")
assert linear.score(series[300:]) < 0.1 and net.score(series[300:]) > 0.99

# %%
# Letters
# -------
#
# Now to text, the documentation of the Python language, reduced to small letters and
# spaces. (It comes with Python, and the figures below change a little from one version
# to the next.) The measure is the number of bits that a model needs for each character
# of text that it has not seen. The frequencies of the characters alone need about four.
#
# :class:`~sklearn_seq.autoregressive.ARClassifier` is an n-gram model in which each tap
# casts its own vote for each next character.
# :class:`~sklearn_seq.autoregressive.MLPSequenceClassifier` looks up the vector of each
# character, eight numbers, and hears all vectors together in its hidden layer.

text = re.sub("[^a-z]+", " ", load_python_topics().text.lower())
train, test = text[:60_000], text[60_000:70_000]

taps = [1, 2, 3, 5, 7]
n_gram_bits, net_bits = [], []
for n_lags in taps:
    n_gram = ARClassifier(n_lags, C=0.3).fit(train)
    n_gram_bits.append(bits_per_symbol(n_gram.score_samples(test)))
    language_model = MLPSequenceClassifier(
        n_lags,
        (64,),
        embedding_dim=8,
        direct_connections=True,
        alpha=0.1,
        learning_rate_init=0.005,
        max_iter=50,
        early_stopping=True,
        n_iter_no_change=3,
        random_state=0,
    ).fit(train)
    net_bits.append(bits_per_symbol(language_model.score_samples(test)))

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.plot(taps, n_gram_bits, "o-", label="log-linear n-gram")
axes.plot(taps, net_bits, "o-", label="net with embeddings")
axes.set(
    title="Bits for each character of new text",
    xlabel="number of taps",
    ylabel="bits per character",
)
axes.legend()
assert net_bits[-1] < n_gram_bits[-1] - 0.3

# %%
# With a single tap there is nothing to combine, and both models know the same. As soon
# as there are two, the net is ahead, and the n-gram does not catch up with any number
# of taps: votes that are added up cannot say what letters mean together.

gaps = np.subtract(n_gram_bits, net_bits)
print("bits per character saved:", dict(zip(taps, gaps.round(2).tolist(), strict=True)))
assert abs(gaps[0]) < 0.1 and min(gaps[1:]) > 0.2

# %%
# What the vectors of words have learnt
# -------------------------------------
#
# The same net reads words: the 400 most frequent ones of the text, and one symbol for
# all others. It predicts each from the three before it. Nobody tells it about grammar.
# But the net predicts best if it treats words alike that stand in the same places, and
# the only way to do so is to give them vectors that are alike.

words = text.split()
frequent = {word for word, _ in Counter(words).most_common(400)}
words = np.array([word if word in frequent else "<other>" for word in words])
reader = MLPSequenceClassifier(
    3,
    (64,),
    embedding_dim=16,
    alpha=1.0,
    learning_rate_init=0.003,
    max_iter=30,
    early_stopping=True,
    n_iter_no_change=3,
    random_state=0,
).fit(words.reshape(-1, 1))

vocabulary = reader.symbols_[0]
vectors = reader.embedding_[:-1]  # the last is "no symbol"
closeness = cosine_similarity(vectors)
np.fill_diagonal(closeness, -1)
neighbours = {
    word: vocabulary[np.argsort(-closeness[vocabulary == word][0])[:4]]
    for word in ("must", "is", "the", "of")
}
for word, nearest in neighbours.items():
    print(f"{word:>5} is near to", ", ".join(nearest))

# %%
# The plane of the two largest principal components has room for some of it: here are
# three kinds of words.

kinds = {
    "modal verbs": ["can", "may", "must", "should", "will"],
    "articles": ["a", "an", "the"],
    "prepositions": ["by", "for", "from", "in", "of", "on", "with"],
}
chosen = [np.flatnonzero(np.isin(vocabulary, kind)) for kind in kinds.values()]
pca = PCA(2).fit(vectors[np.concatenate(chosen)])
figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
for kind, index in zip(kinds, chosen, strict=True):
    plane = pca.transform(vectors[index])
    axes.scatter(*plane.T, s=12, label=f"{kind}: {', '.join(vocabulary[index])}")
    for word, place in zip(vocabulary[index], plane, strict=True):
        axes.annotate(word, place, (4, 3), textcoords="offset points")
axes.set(
    title="Vectors of words: one kind stands together",
    xlabel="first principal component",
    ylabel="second principal component",
)
axes.margins(0.12)
axes.legend(loc="lower left", fontsize=8)
assert len(set(neighbours["must"]) & set(kinds["modal verbs"])) >= 3

# %%
# Each prediction still comes from the last few symbols and nothing else. What can be
# said about taps is in :doc:`/memoryless`; to remember more than they show, a model
# needs a state of its own, which is the subject of the next chapters.
