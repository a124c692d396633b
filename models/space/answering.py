"""One answer, whichever route asked and whatever writes it: takes its turn, streams, stops when told to, is logged.

An answerer is any object with `version` (text), `mode` (text) and `stream(request, outcome)`, an async generator of
text parts. Closing or cancelling the generator must stop the work; `outcome.tokens` and `outcome.finish_reason` are
its report.

The log has one line per request: route, sizes, time and outcome. Prompt text and keys are never written.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from limits import InputError, Request
from settings import Settings

log = logging.getLogger("space")


@dataclass
class Outcome:
    """`finish_reason` is `stop`, `length`, or empty while the answer is being written."""

    tokens: int = 0
    finish_reason: str = ""
    seconds: float = 0.0


class Busy(InputError):
    """Everybody waiting is already as many as this Space lets wait."""

    def __init__(self, waiting: int):
        super().__init__(f"The Space is busy: {waiting} requests are waiting already. Try again in a few seconds.", 503)


class Answering:
    def __init__(self, settings: Settings, answerer):
        self.answerer = answerer
        self._turns = asyncio.Semaphore(settings.concurrency)
        self._queue_size = settings.queue_size
        self.running = 0
        self.waiting = 0

    async def parts(self, request: Request, route: str, outcome: Outcome) -> AsyncIterator[str]:
        """The answer part by part. Raises `Busy` before the first part when too many wait."""
        started = time.monotonic()
        result = "cancelled"
        try:
            await self._take_turn()
            self.running += 1
            stream = self.answerer.stream(request, outcome)
            try:
                async for part in stream:
                    outcome.seconds = time.monotonic() - started
                    yield part
            finally:
                try:
                    await stream.aclose()
                finally:
                    self.running -= 1
                    self._turns.release()
            result = outcome.finish_reason
        except Exception as error:
            result = "busy" if isinstance(error, Busy) else f"failed ({type(error).__name__})"
            raise
        finally:
            outcome.seconds = time.monotonic() - started
            log.info(
                "%s prompt_chars=%d history=%d max_new_tokens=%d tokens=%d ms=%d outcome=%s",
                route,
                len(request.prompt),
                len(request.history),
                request.max_new_tokens,
                outcome.tokens,
                outcome.seconds * 1000,
                result,
            )

    async def _take_turn(self) -> None:
        if self._turns.locked() and self.waiting >= self._queue_size:
            raise Busy(self.waiting)
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
