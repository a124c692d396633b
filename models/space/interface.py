"""The Gradio side: the endpoint `generate`, and a page to talk to.

Both stream the answer so far, which is what Gradio calls streaming. The page has its own, private function, because a
browser's form cannot send the Authorization header that the endpoint asks for when a key is set.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from access import REFUSAL, allowed
from answering import Answering, Outcome
from limits import DEFAULT_NEW_TOKENS, DEFAULT_TEMPERATURE, MAX_TEMPERATURE, InputError, checked
from settings import Settings

log = logging.getLogger("space")

FONT = ["ui-sans-serif", "system-ui", "sans-serif"]
MONO = ["ui-monospace", "monospace"]
THEME = gr.themes.Default(primary_hue="indigo", neutral_hue="slate", font=FONT, font_mono=MONO)
CSS = ".gradio-container { max-width: 860px !important; margin: 0 auto !important }"


def build(settings: Settings, answering: Answering, suggestions: list[str]) -> gr.Blocks:
    answerer = answering.answerer
    title = settings.title or ("Tierwise Space" if answerer.mode == "model" else f"Ask about {_subject(answerer)}")
    limit = {"concurrency_limit": settings.concurrency, "concurrency_id": "generate"}
    most_tokens = settings.max_new_tokens

    async def answer(route: str, *asked) -> AsyncIterator[str]:
        try:
            text = ""
            async for part in answering.parts(checked(settings, *asked), route, Outcome()):
                text += part
                yield text
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception:
            log.exception("The answer failed.")
            raise gr.Error("The Space failed while answering. Try again; its log says why.", print_exception=False) from None

    with gr.Blocks(title=title, analytics_enabled=False, fill_height=True) as blocks:

        async def generate(
            prompt: str,
            system: str = "",
            history: list[dict[str, Any]] | None = None,
            max_new_tokens: int = min(DEFAULT_NEW_TOKENS, most_tokens),
            temperature: float = DEFAULT_TEMPERATURE,
            request: gr.Request | None = None,
        ) -> AsyncIterator[str]:
            """Answers a prompt, streaming the text so far. History: messages with role and content, oldest first."""
            if not allowed(settings.api_key, request.headers.get("authorization") if request else None):
                raise gr.Error(REFUSAL, title="API key needed", print_exception=False)
            async for text in answer("gradio/generate", prompt, system, history, max_new_tokens, temperature):
                yield text

        gr.api(generate, api_name="generate", **limit)

        gr.Markdown(f"# {title}\n{_introduction(settings, answerer)}")
        chat = gr.Chatbot(show_label=False, height=440, placeholder="Ask something to begin.")
        with gr.Row(equal_height=True):
            question = gr.Textbox(
                placeholder="Your question", label="Question", show_label=False, lines=1, max_lines=6, scale=8, autofocus=True
            )
            send = gr.Button("Send", variant="primary", scale=1, min_width=90)
            stop = gr.Button("Stop", scale=1, min_width=90)
        if suggestions:
            gr.Examples(suggestions, question, label="Try")
        with gr.Accordion("Settings", open=False):
            system = gr.Textbox(label="System prompt", lines=2, visible=answerer.mode == "model")
            tokens = gr.Slider(1, most_tokens, min(DEFAULT_NEW_TOKENS, most_tokens), step=1, label="Longest answer (tokens)")
            temperature = gr.Slider(
                0, MAX_TEMPERATURE, DEFAULT_TEMPERATURE, step=0.1, label="Temperature", visible=answerer.mode == "model"
            )
            key = gr.Textbox(label="API key", type="password", visible=bool(settings.api_key))

        def ask(text: str, turns: list) -> tuple[str, list]:
            return ("", [*turns, {"role": "user", "content": text}]) if text.strip() else ("", turns)

        async def reply(turns: list, instruction: str, most: int, heat: float, given_key: str) -> AsyncIterator[list]:
            if not turns or turns[-1]["role"] != "user":
                return
            if not allowed(settings.api_key, f"Bearer {given_key}"):
                raise gr.Error(
                    "This Space needs its API key. Enter it under Settings.", title="API key needed", print_exception=False
                )
            plain = [{"role": turn["role"], "content": _text_of(turn["content"])} for turn in turns]
            async for text in answer("gradio/page", plain[-1]["content"], instruction, plain[:-1], most, heat):
                yield [*turns, {"role": "assistant", "content": text}]

        hidden: dict[str, Any] = {"api_visibility": "private"}
        runs = [
            trigger(ask, [question, chat], [question, chat], queue=False, **hidden).then(
                reply, [chat, system, tokens, temperature, key], chat, **hidden, **limit
            )
            for trigger in (question.submit, send.click)
        ]
        stop.click(None, cancels=runs, **hidden)

    blocks.queue(max_size=settings.queue_size, default_concurrency_limit=settings.concurrency)
    return blocks


def _text_of(content) -> str:
    """Gradio gives a message's content as text or as a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, dict))


def _subject(answerer) -> str:
    return answerer.knowledge.sections[0].title


def _introduction(settings: Settings, answerer) -> str:
    if answerer.mode == "model":
        return f"Answers come from the model `{answerer.version}`."
    return "Answers are passages of this Space's own documents, with their source. No language model is involved."
