"""Hidden Markov models: hidden states that are one of a few, with Markov dynamics."""
