"""Serves a `transformers` causal language model, streaming. Needs requirements-model.txt.

The prompt is written with the tokenizer's own chat template; a model without one gets the plain text of the turns.
Generation runs in a thread; closing the stream sets a flag that a stopping criterion reads after every token.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator

import anyio

from answering import Outcome
from limits import InputError, Request

log = logging.getLogger("space")


class ModelAnswerer:
    mode = "model"

    def __init__(self, model_id: str, revision: str = ""):
        try:
            import torch
            import transformers
        except ImportError as error:
            raise SystemExit(
                f"MODEL_ID is set but {error.name} is not installed. "
                "Add the lines of requirements-model.txt to requirements.txt."
            ) from None
        self._torch = torch
        self._transformers = transformers
        source = {"revision": revision} if revision else {}
        log.info("Loading %s", model_id)
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(model_id, **source)
        self._model = transformers.AutoModelForCausalLM.from_pretrained(model_id, dtype="auto", **source)
        self._model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self.version = f"{model_id}@{revision}" if revision else model_id

    async def stream(self, request: Request, outcome: Outcome) -> AsyncIterator[str]:
        inputs = self._inputs(request)
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        parts: asyncio.Queue = asyncio.Queue()
        worker = threading.Thread(
            target=self._write,
            args=(inputs, request, stop, outcome, lambda item: loop.call_soon_threadsafe(parts.put_nowait, item)),
            daemon=True,
        )
        worker.start()
        try:
            while not isinstance(item := await parts.get(), _End):
                if item:
                    yield item
            if item.error is not None:
                raise item.error
            outcome.finish_reason = "length" if outcome.tokens >= request.max_new_tokens else "stop"
        finally:
            stop.set()
            # Nobody else takes this turn until the thread has really ended: at most one more token.
            with anyio.CancelScope(shield=True):
                while worker.is_alive():
                    await asyncio.sleep(0.01)

    def _write(self, inputs, request: Request, stop: threading.Event, outcome: Outcome, give) -> None:
        transformers = self._transformers
        prompt_tokens = inputs["input_ids"].shape[1]

        class Stopped(transformers.StoppingCriteria):
            def __call__(criterion, input_ids, scores, **_):
                outcome.tokens = input_ids.shape[1] - prompt_tokens
                return self._torch.full((input_ids.shape[0],), stop.is_set(), device=input_ids.device)

        class Parts(transformers.TextIteratorStreamer):
            def on_finalized_text(streamer, text: str, stream_end: bool = False):
                give(text)

        sampling = {"do_sample": True, "temperature": request.temperature} if request.temperature > 0 else {"do_sample": False}
        try:
            with self._torch.inference_mode():
                self._model.generate(
                    **inputs,
                    **sampling,
                    max_new_tokens=request.max_new_tokens,
                    streamer=Parts(self._tokenizer, skip_prompt=True, skip_special_tokens=True),
                    stopping_criteria=transformers.StoppingCriteriaList([Stopped()]),
                    pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                )
            give(_End())
        except Exception as error:
            give(_End(error))

    def _inputs(self, request: Request):
        turns = [{"role": turn.role, "content": turn.content} for turn in request.history]
        if request.system:
            turns.insert(0, {"role": "system", "content": request.system})
        turns.append({"role": "user", "content": request.prompt})
        if self._tokenizer.chat_template:
            text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            inputs = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)
        else:
            inputs = self._tokenizer("\n".join(turn["content"] for turn in turns), return_tensors="pt")
        inputs.pop("token_type_ids", None)
        room = getattr(self._model.config, "max_position_embeddings", None)
        size = inputs["input_ids"].shape[1]
        if room is not None and size + request.max_new_tokens > room:
            raise InputError(
                f"The prompt has {size:,} tokens and {request.max_new_tokens:,} may be added; the model holds {room:,}. "
                "Shorten the prompt or lower max_new_tokens.",
                413,
            )
        return inputs.to(self._model.device)


class _End:
    """Last in the queue of parts."""

    def __init__(self, error: Exception | None = None):
        self.error = error
