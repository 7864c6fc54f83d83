"""Python runs this at its start where this folder is on PYTHONPATH: in worker processes it arms the ordered faults."""

import os

if "LOANWRIGHT_HOTLINE" in os.environ and os.environ.get("TEST_FAULTS"):
    from tests.builders.faulty import arm

    arm()
