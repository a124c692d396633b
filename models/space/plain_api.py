"""The plain contract beside Gradio: `POST /api/generate` and `POST /v1/generate`, and `GET /health`.

    {"inputs": "…", "parameters": {"max_new_tokens": 100, "temperature": 0.7}}  ->
    {"generated_text": "…", "model_version": "…", "generation_time": 0.42, "finish_reason": "stop"}

`generation_time` is in seconds. `{"prompt": "…", "params": {…}}` is taken as well. Known parameters: max_new_tokens (or
max_tokens, max_length), temperature, system, history (or messages, conversation_history), context; others are ignored.
With `"stream": true` the answer is server-sent events, as text-generation-inference sends them: `data:` frames with
`{"token": {"text": "…"}, "generated_text": null}`, the last one with the whole text and the fields above.

Errors are `{"error": "a sentence"}` with a 4xx or 5xx status; within a stream, one frame of that shape ends it.
Pages of any origin may call (CORS without credentials). When the caller goes away, the work stops.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

import limits
from access import REFUSAL, allowed
from answering import Answering, Busy, Outcome
from limits import InputError
from settings import Settings

log = logging.getLogger("space")

T = TypeVar("T")

PATHS = ("/api/generate", "/v1/generate")
FAILED = "The Space failed while answering. Try again; its log says why."
#: JSON may write one character as twelve bytes (a surrogate pair of \\u escapes); the rest is field names.
BYTES_PER_CHAR = 12
RETRY_AFTER_SECONDS = 5


class PlainApi:
    def __init__(self, settings: Settings, answering: Answering):
        self._settings = settings
        self._answering = answering

    def routes(self) -> list[Route]:
        cors = [
            Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=["*"], max_age=600)
        ]
        # Preflights are answered by the middleware; GET is let in to be told what to do instead.
        return [
            *(Route(path, self._generate, methods=["POST", "GET", "OPTIONS"], middleware=cors) for path in PATHS),
            Route("/health", self._health, methods=["GET", "OPTIONS"], middleware=cors),
        ]

    async def _health(self, _: Request) -> JSONResponse:
        answering = self._answering
        return JSONResponse(
            {
                "status": "ok",
                "mode": answering.answerer.mode,
                "model_version": answering.answerer.version,
                "running": answering.running,
                "waiting": answering.waiting,
            }
        )

    async def _generate(self, http: Request):
        try:
            if http.method != "POST":
                return JSONResponse({"error": "Send POST with a JSON body."}, 405, {"Allow": "POST"})
            if not allowed(self._settings.api_key, http.headers.get("authorization")):
                return JSONResponse({"error": REFUSAL}, 401, {"WWW-Authenticate": "Bearer"})
            body = await self._body(http)
            request = _request(self._settings, body)
            route = f"plain{http.url.path}"
            if body.get("stream") is True:
                return await self._streamed(http, request, route)
            return await self._whole(http, request, route)
        except InputError as error:
            log.info("plain%s refused status=%d", http.url.path, error.status)
            return _refused(error)
        except ClientDisconnect:
            return JSONResponse({"error": "The caller went away."}, 499)
        except Exception:
            log.exception("The answer failed.")
            return JSONResponse({"error": FAILED}, 500)

    async def _body(self, http: Request) -> dict:
        most = self._settings.max_input_chars * BYTES_PER_CHAR + 65_536
        read = bytearray()
        async for chunk in http.stream():
            read += chunk
            if len(read) > most:
                raise InputError(f"The request is larger than {most:,} bytes. Shorten it or send less history.", 413)
        try:
            body = json.loads(read)
        except (ValueError, RecursionError):
            raise InputError('The body must be JSON, such as {"inputs": "Hello"}.') from None
        if not isinstance(body, dict):
            raise InputError('The body must be a JSON object, such as {"inputs": "Hello"}.')
        return body

    async def _whole(self, http: Request, request: limits.Request, route: str) -> JSONResponse:
        outcome = Outcome()

        async def write() -> str:
            return "".join([part async for part in self._answering.parts(request, route, outcome)])

        return JSONResponse(self._result(await _unless_gone(http, write()), outcome))

    async def _streamed(self, http: Request, request: limits.Request, route: str) -> StreamingResponse:
        outcome = Outcome()
        parts = self._answering.parts(request, route, outcome)
        # The first part decides the status: what is refused before it is an ordinary HTTP error.
        first = await _unless_gone(http, anext(parts, None))

        async def frames() -> AsyncIterator[str]:
            text = ""
            try:
                if first is not None:
                    text = first
                    yield _frame({"token": {"text": first}, "generated_text": None})
                    async for part in parts:
                        text += part
                        yield _frame({"token": {"text": part}, "generated_text": None})
                yield _frame({"token": {"text": "", "special": True}, **self._result(text, outcome)})
            except Exception:
                log.exception("The answer failed.")
                yield _frame({"error": FAILED})
            finally:
                await parts.aclose()

        return StreamingResponse(
            frames(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )

    def _result(self, text: str, outcome: Outcome) -> dict:
        return {
            "generated_text": text.strip(),
            "model_version": self._answering.answerer.version,
            "generation_time": round(outcome.seconds, 3),
            "finish_reason": outcome.finish_reason,
        }


async def _unless_gone(http: Request, work: Awaitable[T]) -> T:
    """What `work` gives; stops it and raises `ClientDisconnect` when the caller goes away first."""

    async def gone() -> None:
        while (await http.receive())["type"] != "http.disconnect":
            pass

    async def working() -> T:
        return await work

    tasks = asyncio.create_task(working()), asyncio.create_task(gone())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise ClientDisconnect()
        return tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _request(settings: Settings, body: dict) -> limits.Request:
    parameters = body.get("parameters", body.get("params"))
    parameters = {} if parameters is None else parameters
    if not isinstance(parameters, dict):
        raise InputError("parameters must be an object, such as {\"max_new_tokens\": 100}.")
    prompt = body.get("inputs", body.get("prompt"))
    if prompt is None:
        raise InputError("The body needs the field inputs (or prompt) with the text to answer.")

    def first(*names):
        return next((parameters[name] for name in names if parameters.get(name) is not None), None)

    system = first("system")
    context = first("context")
    if context is not None:
        text = context if isinstance(context, str) else json.dumps(context, ensure_ascii=False)
        system = f"{system or ''}\n\nContext: {text}".strip()
    return limits.checked(
        settings,
        prompt,
        system,
        first("history", "messages", "conversation_history"),
        first("max_new_tokens", "max_tokens", "max_length"),
        first("temperature"),
    )


def _refused(error: InputError) -> JSONResponse:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if isinstance(error, Busy) else None
    return JSONResponse({"error": str(error)}, error.status, headers)


def _frame(value: dict) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
