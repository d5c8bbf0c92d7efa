"""Reading of `.env`, and messages for invalid lines without their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from infrastructure import dot_env
from infrastructure.dot_env import DotEnvError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\rB=2", {"A": "1", "B": "2"}),
        ("A = 1\n\tB\t=\t2  \n", {"A": "1", "B": "2"}),
        ("export A=1\nexport  B = 2", {"A": "1", "B": "2"}),
        ("# A=0\n\n   # more\nA=1", {"A": "1"}),
        ("A=1 # why\nB=2\t#why", {"A": "1", "B": "2"}),
        ("A=x#y\nB=#1\nC= # nothing", {"A": "x#y", "B": "#1", "C": ""}),
        ("A=\nB=''\nC=\"\"", {"A": "", "B": "", "C": ""}),
        ("A='x # y' # why\nB=\"x # y\"#why", {"A": "x # y", "B": "x # y"}),
        ('A=\'a$b\\n\'\nB="a\\"b\\\\\\n\\$c"', {"A": "a$b\\n", "B": 'a"b\\\n$c'}),
        ("A=it's\nB=a=b==", {"A": "it's", "B": "a=b=="}),
        ('A=[{"name":"acme"}]', {"A": '[{"name":"acme"}]'}),
        ("A='[\n 1\n]'\nB=2", {"A": "[\n 1\n]", "B": "2"}),
        ("", {}),
    ],
)
def test_valid_lines_are_read(text: str, expected: dict[str, str]) -> None:
    assert dot_env.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("A=1\nsecret", ".env, line 2: write NAME=value, or begin a comment with #."),
        ("1A=secret", ".env, line 1: write NAME=value, or begin a comment with #."),
        ("A B=secret", ".env, line 1: write NAME=value, or begin a comment with #."),
        ("A: secret", ".env, line 1: write NAME=value, or begin a comment with #."),
        ("A='secret", ".env, line 1: A: the quotes do not end, or something follows them."),
        ('A="secret" secret', ".env, line 1: A: the quotes do not end, or something follows them."),
        (
            "A=x\n\nB=secret$x",
            ".env, line 3: B has a $, which Docker Compose would replace: put the value in single quotes.",
        ),
        (
            'A="secret${B}"',
            ".env, line 1: A has a $, which Docker Compose would replace: put the value in single quotes.",
        ),
        ("A=1\nB=2\nA=secret", ".env, line 3: A has a value already, in line 1."),
        ("A='\n\n'\nexport A = secret", ".env, line 4: A has a value already, in line 1."),
    ],
)
def test_invalid_values_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(DotEnvError) as refused:
        dot_env.parse(text)
    assert str(refused.value) == complaint


def test_files(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert dot_env.read(path) == {}
    path.write_bytes(b"\xef\xbb\xbfA=\xc3\xa4")
    assert dot_env.read(path) == {"A": "ä"}
    path.write_bytes("A=secret".encode("utf-16"))
    with pytest.raises(DotEnvError, match=r"^\.env is not UTF-8 text: save it as UTF-8\.$"):
        dot_env.read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DotEnvError, match=r"^\.env cannot be read: Is a directory\.$"):
        dot_env.read(path)
