"""What goes wrong between workers, and not with what they work on: a gang that ends with one of these is restarted.

EnvironmentFault
└── GangBroken
    ├── PeerLost       71   a worker is gone, or broke off
    ├── NotAllCame     73   the deadline passed before everybody was there
    ├── NetworkLost    74   a port is taken, or the work's own connections failed
    └── TurnedAway     75   the meeting is over, or this worker does not belong to it
"""

from __future__ import annotations

from loanwright.errors import EnvironmentFault
from loanwright.training.gang.exits import Exit


class GangBroken(EnvironmentFault):
    exit_code = Exit.PEER_LOST.value


class PeerLost(GangBroken):
    exit_code = Exit.PEER_LOST.value


class NotAllCame(GangBroken):
    exit_code = Exit.NOT_ALL_CAME.value


class NetworkLost(GangBroken):
    exit_code = Exit.NETWORK_LOST.value


class TurnedAway(GangBroken):
    exit_code = Exit.TURNED_AWAY.value
