"""The Space: Gradio's page and endpoint with the plain contract beside them, served by one process."""

import logging
import warnings

import gradio as gr
import uvicorn
from fastapi import FastAPI

from answering import Answering
from interface import CSS, THEME, build
from passages import PassageAnswerer
from plain_api import PlainApi
from retrieval import Knowledge
from settings import Settings, SettingsError, settings_from_env

SUGGESTIONS = 4
#: Bytes.
MOST_UPLOADED = 1024


def create_app(settings: Settings) -> FastAPI:
    suggestions: list[str] = []
    if settings.model_id:
        from model import ModelAnswerer

        answerer = ModelAnswerer(settings.model_id, settings.model_revision)
    else:
        knowledge = Knowledge.from_folder(settings.knowledge)
        answerer = PassageAnswerer(knowledge, settings.word_delay_ms)
        suggestions = first_headings(knowledge)
    answering = Answering(settings, answerer)
    app = FastAPI(openapi_url=None, routes=PlainApi(settings, answering).routes())
    return gr.mount_gradio_app(
        app,
        build(settings, answering, suggestions),
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        show_error=True,
        # Nothing here takes a file, and Gradio asks nobody for a key before it stores one.
        max_file_size=MOST_UPLOADED,
        ssr_mode=False,
        run_history=False,
        footer_links=["api"],
        theme=THEME,
        css=CSS,
    )


def first_headings(knowledge: Knowledge) -> list[str]:
    """The first section of each file, as something to try."""
    by_file: dict[str, str] = {}
    for section in knowledge.sections:
        if not section.direct:
            by_file.setdefault(section.file, section.heading)
    return list(by_file.values())[:SUGGESTIONS]


def start_log() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("space").setLevel(logging.INFO)
    # Gradio's use of its own libraries is nothing an operator of this Space can change.
    warnings.filterwarnings("ignore", module="gradio")


if __name__ == "__main__":
    start_log()
    try:
        settings = settings_from_env()
        app = create_app(settings)
    except (SettingsError, ValueError) as error:
        raise SystemExit(str(error)) from None
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False)
