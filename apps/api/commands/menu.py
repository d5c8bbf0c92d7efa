"""`zones` without an action, on a terminal: a numbered menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def choose(actions: Mapping[str, str], ask: Callable[[str], str] = input) -> str | None:
    """The action of that number or name; None when the user quits."""
    from rich.console import Console

    console = Console(highlight=False)
    names = list(actions)
    for number, name in enumerate(names, 1):
        console.print(f"  [bold]{number}[/]  {name:<10} {actions[name]}")
    while True:
        try:
            answer = ask("number, or q to leave: ").strip().lower()
        except (EOFError, KeyboardInterrupt):
            return None
        if answer in ("", "q", "quit"):
            return None
        if answer in names:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        console.print(f"  {answer!r} is none of them", markup=False)
