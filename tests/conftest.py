from hypothesis import settings

# Times vary with the machine, and a slow example is no bug.
settings.register_profile("sklearn_seq", deadline=None, max_examples=30)
settings.load_profile("sklearn_seq")
