"""The notifications socket in generated clients."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from apps.common.client_runtime import SOCKETS, Readme, Runtime

_PYTHON: Final = """\
```python
from {module} import NotificationsSocket


async def print_notifications() -> None:
    async with NotificationsSocket(session) as notifications:
        async for frame in notifications.frames():
            if frame["type"] == "notification":
                print(frame["seq"], frame["title"], frame["link"])
```"""
_TYPESCRIPT: Final = """\
```ts
import {{ NotificationsSocket }} from "{package}";

const notifications = new NotificationsSocket({{ session }});
notifications.on("notification", (frame) => console.log(frame.seq, frame.title, frame.link));
notifications.on("unread", ({{ unread }}) => console.log(unread));
notifications.open();
```"""
_BOTH: Final = """

The socket receives new, changed and removed notifications and the number of unread ones. It reconnects by itself and resumes
after the newest number that it received. Changes and removals that were missed are replayed, some of them perhaps again."""

RUNTIME: Final = Runtime(
    folder=Path(__file__).parent,
    python={
        "notifications": (
            "ChangedFrame",
            "NotificationFrame",
            "NotificationsFrame",
            "NotificationsSocket",
            "RemovedFrame",
            "UnreadFrame",
        )
    },
    typescript=("notifications",),
    needs=(SOCKETS,),
    readmes={
        "python": Readme(section=_PYTHON + _BOTH),
        "typescript": Readme(section=_TYPESCRIPT + _BOTH),
    },
)
