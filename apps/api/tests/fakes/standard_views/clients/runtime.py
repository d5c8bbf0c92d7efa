"""A runtime for generated clients, with a socket."""

from __future__ import annotations

from pathlib import Path

from apps.common.client_runtime import SOCKETS, Readme, Runtime

RUNTIME = Runtime(
    folder=Path(__file__).parent,
    python={"widget_socket": ("WidgetSocket",), "widget_frames": ()},
    typescript=("widget_socket",),
    typescript_internal=("widget_frames",),
    needs=(SOCKETS,),
    readmes={
        "python": Readme(
            section="Import `{module}`.", imports=("WidgetSocket",), setup=('socket = WidgetSocket("a")',)
        ),
        "typescript": Readme(section="Install `{package}`."),
    },
)
