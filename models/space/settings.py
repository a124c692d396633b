"""What an operator can set, read from the environment once. README.md has the same list as a table."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


class SettingsError(ValueError):
    """A setting cannot be used; the message names it and says what is accepted."""


@dataclass(frozen=True)
class Settings:
    """Sizes in characters, times in milliseconds. Empty text means "not set"."""

    model_id: str = ""
    model_revision: str = ""
    knowledge: Path = FOLDER / "knowledge" / "base"
    api_key: str = ""
    title: str = ""
    max_input_chars: int = 16_000
    max_new_tokens: int = 1024
    word_delay_ms: float = 20
    concurrency: int = 8
    queue_size: int = 32
    port: int = 7860
    host: str = "127.0.0.1"

    def with_knowledge(self, folder: str) -> "Settings":
        return replace(self, knowledge=_knowledge_folder(folder))


def _number(env, name: str, default, least, most):
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = type(default)(text)
    except ValueError:
        raise SettingsError(f"{name} must be a number, not {text!r}.") from None
    if not least <= value <= most:
        raise SettingsError(f"{name} must be between {least} and {most}; it is {text}.")
    return value


def _knowledge_folder(name: str) -> Path:
    folder = (FOLDER / name).resolve()
    if not folder.is_dir():
        raise SettingsError(f"KNOWLEDGE_DIR names {folder}, which is not a folder. Use one with Markdown files in it.")
    return folder


def settings_from_env(env=os.environ) -> Settings:
    model_id = env.get("MODEL_ID", "").strip()
    # Hugging Face sets SPACE_ID in a Space, where the server must listen on every address of its container.
    default_host = "0.0.0.0" if env.get("SPACE_ID") else "127.0.0.1"
    return Settings(
        model_id=model_id,
        model_revision=env.get("MODEL_REVISION", "").strip(),
        knowledge=_knowledge_folder(env.get("KNOWLEDGE_DIR", "").strip() or "knowledge/base"),
        api_key=env.get("SPACE_API_KEY", "").strip(),
        title=env.get("SPACE_TITLE", "").strip(),
        max_input_chars=_number(env, "MAX_INPUT_CHARS", 16_000, 100, 1_000_000),
        max_new_tokens=_number(env, "MAX_NEW_TOKENS", 1024, 1, 32_768),
        word_delay_ms=_number(env, "WORD_DELAY_MS", 20.0, 0, 5_000),
        concurrency=_number(env, "CONCURRENCY", 1 if model_id else 8, 1, 256),
        queue_size=_number(env, "QUEUE_SIZE", 32, 1, 10_000),
        port=_number(env, "PORT", _number(env, "GRADIO_SERVER_PORT", 7860, 1, 65_535), 1, 65_535),
        host=env.get("GRADIO_SERVER_NAME", "").strip() or default_host,
    )
