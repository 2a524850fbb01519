"""The page as a whole: tabs, looks, and the server behind it."""

import os
import socket
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from threading import Timer

import fastapi
import gradio as gr
import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from kangaroo.app import attack_tab, compare_tab, guess_tab, play_tab
from kangaroo.app.scenes import with_scenes
from kangaroo.app.security import Guard, swept
from kangaroo.app.state import Settings, State
from kangaroo.errors import KangarooError
from kangaroo.models.classifier import Classifier

SESSIONS = 200
"""Visitors whose photo is remembered; of more, those who came first start anew."""
WORKERS = 4
"""Requests of one kind that are worked on at once; those that decode uploads are one kind."""
LOCAL = ("127.0.0.1", "localhost")
LIGHT = "() => document.body.classList.remove('dark')"


def build(classifier: Classifier, settings: Settings) -> gr.Blocks:
    """The page of a model; Play and Compare are on it where there are photos to play with.

    DataError: the folder of examples has no photo.
    """
    state = State(classifier, settings)
    with gr.Blocks(title="kangaroo", analytics_enabled=False) as blocks:
        gr.HTML("<header><h1>kangaroo</h1><p>Which country does this photo show, and why?</p></header>")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Guess", id="guess"):
                guess_tab.add(state)
            with gr.Tab("Attack", id="attack"):
                attack_tab.add(state)
            for tab, name in ((play_tab, "Play"), (compare_tab, "Compare")) if settings.photos else ():
                with gr.Tab(name, id=name.lower()):
                    tab.add(state)
    blocks.state_session_capacity = SESSIONS
    return blocks.queue(max_size=settings.queue, default_concurrency_limit=WORKERS, api_open=False)


def application(
    classifier: Classifier, settings: Settings, folder: Path, hosts: tuple[str, ...]
) -> fastapi.FastAPI:
    """The page behind its guard, as an ASGI application; Gradio keeps uploads in ``folder``.

    ``hosts`` are the names by which browsers may ask for it ('*': any), so that no other page's name can be
    pointed at this machine.
    """
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lambda _: swept(folder))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(Guard, folder=folder, max_bytes=settings.max_bytes)
    return gr.mount_gradio_app(
        app,
        build(classifier, settings),
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=True,
        max_file_size=settings.max_bytes,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        css=(files("kangaroo.app") / "page.css").read_text(encoding="utf-8"),
        js=LIGHT,
    )


def serve(classifier: Classifier, settings: Settings, *, host: str, port: int, open_browser: bool) -> None:
    """Serve the page until Ctrl-C; nothing is left behind but games. KangarooError: the port is in use."""
    temporary = partial(tempfile.TemporaryDirectory, prefix="kangaroo-")
    with _listening(host, port) as listening, temporary() as uploads, temporary() as scenes:
        hosts = LOCAL if host in LOCAL else ("*",)
        settings = with_scenes(classifier, settings, Path(scenes))
        app = application(classifier, settings, Path(uploads), hosts)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
        )
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}/"
        print(f"{address} (Ctrl-C ends it)", flush=True)
        if open_browser:
            Timer(1, webbrowser.open, [address]).start()
        with suppress(KeyboardInterrupt):  # the way to end it
            uvicorn.Server(config).run(sockets=[listening])


def theme() -> gr.themes.Base:
    """The looks of kangaroo's pages: system fonts, one accent colour, contrast of WCAG AA; light only."""
    fonts = ["system-ui", "sans-serif"]
    looks = {
        "body_background_fill": "#ffffff",
        "body_text_color": "#1c2024",
        "body_text_color_subdued": "#545b63",
        "background_fill_primary": "#ffffff",
        "background_fill_secondary": "#f4f6f8",
        "block_background_fill": "#ffffff",
        "block_border_color": "#d5d9de",
        "block_label_background_fill": "#ffffff",
        "block_label_text_color": "#545b63",
        "block_title_text_color": "#1c2024",
        "block_info_text_color": "#545b63",
        "border_color_primary": "#d5d9de",
        "border_color_accent": "#0b5cad",
        "color_accent": "#0b5cad",
        "color_accent_soft": "#e3edf7",
        "input_background_fill": "#ffffff",
        "input_border_color": "#8b98a6",
        "input_border_color_focus": "#0b5cad",
        "input_placeholder_color": "#5f676f",
        "slider_color": "#0b5cad",
        "link_text_color": "#0b5cad",
        "button_primary_background_fill": "#0b5cad",
        "button_primary_background_fill_hover": "#094a8c",
        "button_primary_text_color": "#ffffff",
        "button_secondary_background_fill": "#eef1f4",
        "button_secondary_text_color": "#1c2024",
    }
    base = gr.themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        radius_size="md",
        font=fonts,
        font_mono=["ui-monospace", "monospace"],
    )
    return base.set(block_shadow="none", button_primary_shadow="none", **looks)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens before anything else is made, so that a port in use is said at once."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:  # the latter of a number that no port has
        reason = getattr(error, "strerror", None) or error
        raise KangarooError(
            f"port {port} of {host} can't be had ({reason}): give another with --port"
        ) from error
    with found:
        yield found
