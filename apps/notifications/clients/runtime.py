"""The socket of notifications in generated clients."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from apps.common.client_runtime import SOCKETS, Readme, Runtime

_PYTHON: Final = """\
```python
from {module} import NotificationsSocket


async def listen() -> None:
    async with NotificationsSocket(session) as news:
        async for frame in news.frames():
            if frame["type"] == "notification":
                print(frame["seq"], frame["title"], frame["link"])
```"""
_TYPESCRIPT: Final = """\
```ts
import {{ NotificationsSocket }} from "{package}";

const news = new NotificationsSocket({{ session }});
news.on("notification", (frame) => console.log(frame.seq, frame.title, frame.link));
news.on("unread", ({{ unread }}) => console.log(unread));
news.open();
```"""
_BOTH: Final = """

The socket of notifications tells what is new and how many are unread. It comes back and resumes in the same way."""

RUNTIME: Final = Runtime(
    folder=Path(__file__).parent,
    python={
        "notifications": ("NotificationFrame", "NotificationsFrame", "NotificationsSocket", "UnreadFrame")
    },
    typescript=("notifications",),
    needs=(SOCKETS,),
    readmes={
        "python": Readme(section=_PYTHON + _BOTH),
        "typescript": Readme(section=_TYPESCRIPT + _BOTH),
    },
)
