"""Serves several knowledge folders on loopback from one process: the Space's app once for each, one import of Gradio.

    python serve_local.py --tier base:7861 --tier company:7862 --tier abstraction:0

Each `--tier` is a folder under `knowledge/` (or a path) and a port; 0, or a port that is taken, means a free one. One
line of JSON on standard output says where each listens once all answer: {"ready": {"base": "http://127.0.0.1:7861"}}.
The log goes to standard error. Ends on SIGTERM, on SIGINT, and, with --stop-with-stdin, when standard input closes
(the parent process is gone).
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import quick_gradio  # noqa: F401  before anything that imports Gradio
import uvicorn

from app import create_app, start_log
from settings import FOLDER, SettingsError, settings_from_env

LOOPBACK = "127.0.0.1"


class Server(uvicorn.Server):
    """Leaves the signals to this file: of several servers in one process, only the last would hear them."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


def listening(port: int) -> socket.socket:
    for wanted in (port, 0):
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((LOOPBACK, wanted))
            return one
        except OSError:
            one.close()
            if wanted == 0:
                raise
    raise AssertionError("unreachable")


async def serve(tiers: list[tuple[str, int]], stop_with_stdin: bool) -> None:
    base = settings_from_env()
    servers: dict[str, tuple[Server, socket.socket]] = {}
    for name, port in tiers:
        under = FOLDER / "knowledge" / name
        settings = base.with_knowledge(str(under if under.is_dir() else Path(name).resolve()))
        config = uvicorn.Config(create_app(settings), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        servers[name] = Server(config), listening(port)

    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server, _ in servers.values():
            server.should_exit = True

    for one in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(one, stop)
    if stop_with_stdin:

        def wait_for_end() -> None:
            # Unbuffered: a thread inside a buffered read makes Python abort when it ends.
            while os.read(0, 4096):
                pass
            loop.call_soon_threadsafe(stop)

        threading.Thread(target=wait_for_end, daemon=True).start()

    running = [asyncio.create_task(server.serve(sockets=[one])) for server, one in servers.values()]
    while not all(server.started for server, _ in servers.values()):
        if any(task.done() for task in running):
            break
        await asyncio.sleep(0.02)
    else:
        urls = {name: "http://%s:%d" % one.getsockname() for name, (_, one) in servers.items()}
        print(json.dumps({"ready": urls}), flush=True)
    await asyncio.gather(*running)


def tier(text: str) -> tuple[str, int]:
    name, _, port = text.rpartition(":")
    if not name or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} must be a folder and a port, such as base:7861")
    return name, int(port)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve knowledge folders on loopback.")
    parser.add_argument("--tier", type=tier, action="append", required=True, metavar="FOLDER:PORT")
    parser.add_argument("--stop-with-stdin", action="store_true")
    options = parser.parse_args()
    start_log()
    try:
        asyncio.run(serve(options.tier, options.stop_with_stdin))
    except (SettingsError, ValueError) as error:
        logging.getLogger("space").error("%s", error)
        sys.exit(1)
