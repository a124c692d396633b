"""What a request may ask for. Both routes, Gradio's and the plain one, go through `checked`.

Everything refused is an `InputError` whose message says what to change and whose `status` is the HTTP status for it.
"""

import json
import sys
from dataclasses import dataclass, field

from settings import Settings

ROLES = ("system", "user", "assistant")
DEFAULT_NEW_TOKENS = 512
DEFAULT_TEMPERATURE = 0.7
MAX_TEMPERATURE = 2
MAX_TURNS = 200


class InputError(ValueError):
    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Turn:
    role: str
    content: str


@dataclass(frozen=True)
class Request:
    prompt: str
    system: str = ""
    history: tuple[Turn, ...] = field(default=())
    max_new_tokens: int = DEFAULT_NEW_TOKENS
    temperature: float = DEFAULT_TEMPERATURE


def checked(settings: Settings, prompt, system=None, history=None, max_new_tokens=None, temperature=None) -> Request:
    prompt = _text("prompt", prompt)
    if not prompt.strip():
        raise InputError("The prompt is empty. Write a question or an instruction.")
    system = "" if system is None else _text("system", system)
    turns = _turns(history)
    size = len(prompt) + len(system) + sum(len(turn.content) for turn in turns)
    if size > settings.max_input_chars:
        raise InputError(
            f"The request is {size:,} characters long; this Space takes {settings.max_input_chars:,} "
            "(prompt, system and history together). Shorten it or send less history.",
            413,
        )
    tokens = DEFAULT_NEW_TOKENS if max_new_tokens is None else _number("max_new_tokens", max_new_tokens)
    tokens = min(tokens, settings.max_new_tokens) if max_new_tokens is None else tokens
    if tokens != int(tokens) or not 1 <= tokens <= settings.max_new_tokens:
        raise InputError(
            f"max_new_tokens must be a whole number from 1 to {settings.max_new_tokens}; it is {tokens:g}."
        )
    heat = DEFAULT_TEMPERATURE if temperature is None else _number("temperature", temperature)
    if not 0 <= heat <= MAX_TEMPERATURE:
        raise InputError(f"temperature must be from 0 to {MAX_TEMPERATURE}; it is {heat:g}.")
    return Request(prompt, system, turns, int(tokens), float(heat))


def _text(name: str, value) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} must be text, not {_kind(value)}.")
    # Half of a surrogate pair cannot be encoded as UTF-8 on the way back.
    return value.encode("utf-8", "replace").decode("utf-8")


def _number(name: str, value) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{name} must be a number, not {_kind(value)}.")
    # JSON allows whole numbers that no float holds; Python's reader also NaN and Infinity.
    if not abs(value) <= sys.float_info.max:
        raise InputError(f"{name} must be an ordinary number.")
    return value


def _turns(history) -> tuple[Turn, ...]:
    """Takes messages, [question, answer] pairs, either as JSON text, or lines that start with a role."""
    if history is None or history == "":
        return ()
    if isinstance(history, str):
        history = _history_text(history)
    if not isinstance(history, (list, tuple)):
        raise InputError(f"history must be a list of messages, not {_kind(history)}.")
    turns: list[Turn] = []
    for number, entry in enumerate(history, 1):
        if isinstance(entry, dict) and entry.get("role") in ROLES:
            turns.append(Turn(entry["role"], _text(f"the content of history message {number}", entry.get("content"))))
        elif isinstance(entry, (list, tuple)) and len(entry) == 2:
            for role, content in zip(("user", "assistant"), entry):
                if content is not None:
                    turns.append(Turn(role, _text(f"history message {number}", content)))
        else:
            raise InputError(
                f"history message {number} must have a role (system, user or assistant) and a content, "
                "or be a [question, answer] pair."
            )
    if len(turns) > MAX_TURNS:
        raise InputError(f"history has {len(turns)} messages; this Space takes {MAX_TURNS}. Send the latest ones.", 413)
    return tuple(turns)


def _history_text(text: str):
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise InputError("history starts like JSON but cannot be read as JSON.") from None
    turns: list[dict] = []
    for line in text.splitlines():
        role, colon, content = line.partition(":")
        if colon and role.strip().lower() in ROLES:
            turns.append({"role": role.strip().lower(), "content": content.strip()})
        elif turns:
            turns[-1]["content"] += "\n" + line
        elif line.strip():
            raise InputError('history as text must be lines such as "user: Hello" and "assistant: Hi".')
    return turns


def _kind(value) -> str:
    if value is None:
        return "nothing"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
