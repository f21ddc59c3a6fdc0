"""Events come in through a table: each has its effect once, however often it is delivered."""

from __future__ import annotations

from preau_chassis.consumer_runner import ConsumerRunner
from preau_chassis.consumers import Consumer, Envelope, Handler, RetryLater
from preau_chassis.dead_letters import replay_dead_letters

__all__ = ["Consumer", "ConsumerRunner", "Envelope", "Handler", "RetryLater", "replay_dead_letters"]
