"""Processes that work together and end together: how they meet, talk, are watched, leave and are started again.

Nothing here knows what they work on. One process is a *worker*, known by its *rank* (0, 1, …); all of one
attempt are a *gang*. Rank 0 is where the others meet and who decides.

    supervisor    starts a gang on this machine, and starts it again when it breaks
    membership    the worker's side: takes part in a gang as its environment says
    meeting       all of a gang find each other, and nobody else gets in
    circle        who has met talks to rank 0, and everybody notices who is gone
    watchdog      ends a process that makes no progress
"""
