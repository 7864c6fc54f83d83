"""What the components call: one module for each step, where the layers below meet."""

import gc

# A step is a short process that imports much: at Python's own threshold, up to half of MLflow's import
# and exit is spent looking for garbage that is not there.
gc.set_threshold(100_000)
