"""The socket of a room in generated clients."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from apps.common.client_runtime import SOCKETS, Readme, Runtime

_PYTHON: Final = """\
```python
from {module} import ChatSocket


async def talk() -> None:
    async with ChatSocket(session, "lobby") as chat:
        await chat.say("hello")
        async for frame in chat.frames():
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
const {{ seq }} = await chat.say("hello");
```"""
_BOTH: Final = """

The socket comes back by itself and resumes after the last number it has. What is said without a line is kept and sent when
there is one; keep `chat.unsent` and `chat.seq` to do so over a restart of the program."""

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
