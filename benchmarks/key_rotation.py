"""Kills a rotation of the field keys in the middle and runs it again: `python -m benchmarks.key_rotation [rows]`.

Starts its own PostgreSQL and Valkey. Afterwards every value has to decrypt with the new key alone, every number has to
be found by its blind index, and the second run must have written only the rest.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

from cryptography.fernet import Fernet

from infrastructure.embedded import servers

ROTATE = [sys.executable, "manage.py", "rotate_field_keys", "--batch", "200"]
_LINE = re.compile(r"users_user\.phone: (\d+) of (\d+), (\d+) rotated")
_FILL = """
from apps.users.models import User
User.objects.bulk_create(
    [User(email=f"p{{n}}@example.com", name="P", password="!", phone=f"+44 20 {{n:07}}") for n in range({rows})],
    batch_size=1_000,
)
"""
_CHECK = """
from apps.users.models import User
assert all(u.phone == f"+44 20 {{int(u.email[1:-12]):07}}" for u in User.objects.filter(name="P"))
found = sum(User.objects.get(phone_index=f"004420{{n:07}}").email == f"p{{n}}@example.com" for n in range(0, {rows}, 50))
print("decrypted", User.objects.filter(name="P").count(), "found", found)
"""


def shell(code: str, environment: dict[str, str]) -> str:
    """Returns the output of Python code in the project's shell."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    return subprocess.run(command, env=environment, check=True, text=True, stdout=subprocess.PIPE).stdout


def rotated(line: str) -> int:
    """Returns the number of written values in a line of progress."""
    match = _LINE.search(line)
    return int(match[3]) if match else 0


def main(rows: int) -> int:
    """Fill, rotate, kill, rotate, check."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with servers.throwaway({}) as engines:

        def with_keys(*keys: str) -> dict[str, str]:
            return {
                **os.environ,
                **engines.urls,
                "DJANGO_READ_DOT_ENV": "0",
                "DJANGO_SETTINGS_MODULE": "config.settings.development",
                "FIELD_ENCRYPTION_KEY": ",".join(keys),
            }

        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env=with_keys(old), check=True)
        shell(_FILL.format(rows=rows), with_keys(old))
        with subprocess.Popen(ROTATE, env=with_keys(new, old), stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout is not None
            line = ""
            for line in first.stdout:
                if (match := _LINE.search(line)) and int(match[1]) >= rows // 2:
                    break
            first.kill()
        print(f"killed after    {line.strip()}")
        started = time.perf_counter()
        second = subprocess.run(
            ROTATE, env=with_keys(new, old), check=True, text=True, stdout=subprocess.PIPE
        ).stdout
        last = [line for line in second.splitlines() if _LINE.search(line)][-1]
        print(f"then to the end {last} ({time.perf_counter() - started:.1f} s)")
        # The killed batch was rolled back, or committed but not yet reported.
        rest = rows - rotated(line)
        again = subprocess.run(ROTATE, env=with_keys(new, old), check=True, text=True, stdout=subprocess.PIPE)
        checked = shell(_CHECK.format(rows=rows), with_keys(new)).strip()
        print(f"new key alone   {checked}")
        held = (
            rest - 200 <= rotated(last) <= rest
            and f"users_user.phone: {rows} of {rows}, 0 rotated" in again.stdout
            and checked == f"decrypted {rows} found {len(range(0, rows, 50))}"
        )
        print("ok" if held else "MISS")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
