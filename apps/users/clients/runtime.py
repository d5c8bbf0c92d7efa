"""The session of generated clients: sign-in, renewal, sign-out."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from apps.common.client_runtime import Readme, Runtime

_SECTION: Final = """\
A `Session` renews its token by itself: calls with an expired token wait for one renewal. A `store` keeps the session between
runs of the program; each program, or tab, needs its own. If `{sign_in}` returns a challenge, answer it with `{complete}`."""

RUNTIME: Final = Runtime(
    folder=Path(__file__).parent,
    python={"session": ("Challenge", "Session", "TokenPair", "TokenStore")},
    typescript=("session",),
    in_every_package=True,
    readmes={
        "python": Readme(
            section=_SECTION.format(sign_in="sign_in", complete="complete_sign_in"),
            imports=("Session",),
            setup=("session = Session(base_url)", 'session.sign_in("ada@example.com", "her password")'),
        ),
        "typescript": Readme(
            section=_SECTION.format(sign_in="signIn", complete="completeSignIn"),
            imports=("Session",),
            setup=(
                "const session = new Session({ baseUrl });",
                'await session.signIn("ada@example.com", "her password");',
            ),
        ),
    },
)
