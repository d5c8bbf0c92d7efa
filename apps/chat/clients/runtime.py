"""The chat socket in generated clients."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from apps.common.client_runtime import SOCKETS, Readme, Runtime

_PYTHON: Final = """\
```python
from {module} import ChatSocket


async def chat_in_lobby() -> None:
    async with ChatSocket(session, "lobby") as chat:
        frames = chat.frames()
        await chat.send("hello")
        async for frame in frames:
            if frame["type"] == "message":
                print(frame["seq"], frame["from_name"], frame["message"])
```"""
_TYPESCRIPT: Final = """\
```ts
import {{ ChatSocket }} from "{package}";

const chat = new ChatSocket({{ room: "lobby", session }});
chat.on("message", (frame) => console.log(frame.seq, frame.from_name, frame.message));
chat.on("state", ({{ state, code }}) => console.log(state, code));
chat.open();
const {{ seq }} = await chat.send("hello");
```"""
_BOTH: Final = """

The socket reconnects by itself and resumes after the newest message and the newest change (`edited`, `deleted`) that it
received; more than one such frame may arrive for a message, and the last counts. Messages sent while it is disconnected are
kept and sent later. To go on after a restart of the program, save `chat.unsent`, `chat.seq` and `chat.change`.
Recognise your own message by `client_id` and `from` together: another member may choose the same `client_id`."""

RUNTIME: Final = Runtime(
    folder=Path(__file__).parent,
    python={
        "chat": ("ChatSocket",),
        "frames": ("AckFrame", "Draft", "Frame", "MessageFrame"),
        "outbox": ("ChatRefused",),
    },
    typescript=("frames", "chat"),
    typescript_internal=("outbox",),
    needs=(SOCKETS,),
    readmes={
        "python": Readme(section=_PYTHON + _BOTH),
        "typescript": Readme(section=_TYPESCRIPT + _BOTH),
    },
)
