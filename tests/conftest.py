"""What all tests have in common."""

from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("loanwright", deadline=None)
settings.load_profile("loanwright")
