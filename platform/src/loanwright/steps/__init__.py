"""What the components call: one module for each step, where the layers below meet."""

import gc
import os

# A step is a short process that imports much: at Python's own threshold, up to half of MLflow's import
# and exit is spent looking for garbage that is not there.
gc.set_threshold(100_000)

# Arrow's own pool keeps what it once took; training's peak is a quarter lower without it. Arrow reads
# this when it is first imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
