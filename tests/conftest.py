import scipy.linalg  # noqa: F401  (a BLAS can be limited only once it is loaded)
from hypothesis import settings
from threadpoolctl import threadpool_limits

# Times vary with the machine, and a slow example is no bug.
settings.register_profile("sklearn_seq", deadline=None, max_examples=30)
settings.load_profile("sklearn_seq")

# The data are so small that threads would only get into each other's way.
threadpool_limits(1)
