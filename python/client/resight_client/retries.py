"""When a request is sent again, and after how long."""

import email.utils
import random
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from resight_client.errors import ApiError, Busy, ConnectionFailed, ResightError

# A later request meets the same failure until somebody mends the server.
_LASTING = {"data_folder_gone", "keys_damaged", "plugin_broken", "plugin_start_failed", "plugin_closed"}


@dataclass(frozen=True)
class Retries:
    """How often and how long to try. `Retries(attempts=1)` sends each request once.

    A request is sent again where doing it twice does no harm: reads, searches, changes of labels, removals, and
    additions, which have an `Idempotency-Key`. Making a job, a key or a registered folder is sent again only where
    the connection could not be opened.
    """

    #: How often a request is sent at most.
    attempts: int = 5
    #: Seconds before the second attempt, where the server names no time; they double with each further one.
    first_wait: float = 0.5
    #: A longer time is not waited for: the failure is raised then, with the time as `retry_after`.
    longest_wait: float = 60.0
    #: A number from 0 to 1 by which clients that were refused together come back apart.
    chance: Callable[[], float] = field(default=random.random)

    def wait(self, attempt: int, failure: ResightError, harmless: bool) -> Optional[float]:
        """Seconds until the next attempt after `attempt` (from 1); None to give up."""
        if attempt >= self.attempts or not self._may_help(failure, harmless):
            return None
        backoff = min(self.first_wait * 2.0 ** (attempt - 1), self.longest_wait)
        named = failure.retry_after if isinstance(failure, ApiError) else None
        if named is None:
            return backoff * (0.5 + 0.5 * self.chance())
        # Never before the time that the server named.
        return None if named > self.longest_wait else named + backoff * self.chance()

    @staticmethod
    def _may_help(failure: ResightError, harmless: bool) -> bool:
        if isinstance(failure, ConnectionFailed):
            return harmless or failure.unsent
        if not harmless or not isinstance(failure, ApiError):
            return False
        # The first attempt of an addition, whose connection broke, is still at work.
        if failure.code == "idempotency_key_in_use":
            return True
        return isinstance(failure, Busy) and failure.code not in _LASTING


def seconds_of(header: Optional[str], now: Callable[[], float] = time.time) -> Optional[float]:
    """What a Retry-After header says: seconds, or a date as proxies send it."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - now())
    except (TypeError, ValueError):
        return None
