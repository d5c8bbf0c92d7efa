"""Full-text search in a room, with snippets of the matches."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from functools import reduce
from typing import Any, Final

from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, F, Func, IntegerField, QuerySet, TextField, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast

from apps.chat.models import LanguageField, Message, Room
from apps.chat.selectors import ngrams
from apps.chat.selectors.messages import as_posted, list_messages

# Control characters that keyboards do not produce; those in a text are removed from its snippet.
FOUND, END = "\x02", "\x03"
_LESS, _GREATER = "\x04", "\x05"
_SHOWN: Final = 160
_TERM: Final = re.compile(r'(-*)(?:"([^"]*)"|([^\s"]+))')


def search_messages(*, room: Room, query: str) -> QuerySet[Message]:
    """Lists a room's messages that match, the newest first; with `headline`, see `snippet`.

    The query is a list of words and `"phrases"`, with `or` between alternatives and `-` before what must not occur.
    """
    config = Value(room.language, output_field=LanguageField())
    query = unicodedata.normalize("NFC", query)
    words = _tsquery(config, query)
    if words is None:
        return list_messages(room_id=room.pk).none()
    # The room id is one of the words, so the index reads no messages of other rooms.
    here = Cast(Value(f"'{room.pk}'"), SearchQueryField())
    vector = Func(
        F("search"),
        Func(F("text"), function="chat_ngrams"),
        template="(%(expressions)s)",
        arg_joiner=" || ",
    )
    return (
        list_messages(room_id=room.pk)
        .alias(nodes=Func(words, function="numnode", output_field=IntegerField()))
        .filter(
            Func(
                vector,
                _combined(words, "&&", here),
                template="(%(expressions)s)",
                arg_joiner=" @@ ",
                output_field=BooleanField(),
            ),
            nodes__gt=0,  # stop words, such as "the", match nothing
        )
        .annotate(headline=_headline(config, query))
        .order_by("-seq")
    )


def _tsquery(config: Value, query: str) -> Any:
    """Returns the query as an expression; None when it has no word.

    PostgreSQL's parser gets one word or phrase at a time: sixty dashes would exceed its stack.
    """
    alternatives: list[list[Any]] = [[]]
    for dashes, phrase, word in _TERM.findall(query):
        if word.lower() == "or" and not dashes:
            alternatives.append([])
            continue
        term = _term(config, f'"{phrase}"' if phrase else word.lstrip("-"))
        if term is not None:
            alternatives[-1].append(Func(term, template="(!! %(expressions)s)") if dashes else term)
    joined = [reduce(_and, terms) for terms in alternatives if terms]
    return reduce(_or, joined) if joined else None


def _term(config: Value, text: str) -> Any:
    runs, rest = ngrams.split(text)
    parts: list[Any] = [Cast(Value(ngrams.phrase(run)), SearchQueryField()) for run in runs]
    if any(character.isalnum() for character in rest):
        parts.append(Func(config, Value(rest), function="websearch_to_tsquery"))
    return reduce(_and, parts) if parts else None


def _combined(left: Any, operator: str, right: Any) -> Any:
    return CombinedExpression(left, operator, right, output_field=SearchQueryField())


def _and(left: Any, right: Any) -> Any:
    return _combined(left, "&&", right)


def _or(left: Any, right: Any) -> Any:
    return _combined(left, "||", right)


def _headline(config: Value, query: str) -> Any:
    """Returns a piece of the text with FOUND and END around each match, and nowhere else."""
    # Angle brackets are replaced, since PostgreSQL removes what looks like a tag.
    plain = Func(
        F("text"),
        Value(f"<>{_LESS}{_GREATER}{FOUND}{END}"),
        Value(f"{_LESS}{_GREATER}"),
        function="translate",
        output_field=TextField(),
    )
    runs, rest = ngrams.split(query)
    if runs:
        longest = max(runs, key=len)
        marked = "|".join(sorted({re.escape(run) for run in (*runs, *rest.split())}, key=len, reverse=True))
        before = Func(Func(plain, function="lower"), Value(longest), function="strpos")
        begin = Func(before, template=f"GREATEST(%(expressions)s - {_SHOWN // 4}, 1)")
        piece = Func(plain, begin, Value(_SHOWN), function="substr", output_field=TextField())
        return Func(
            piece,
            Value(f"({marked})"),
            Value(f"{FOUND}\\1{END}"),
            Value("gi"),
            function="regexp_replace",
            output_field=TextField(),
        )
    marks = (
        f'StartSel={FOUND}, StopSel={END}, MaxWords=24, MinWords=8, MaxFragments=2, FragmentDelimiter=" … "'
    )
    words = _tsquery(config, query)
    return Func(config, plain, words, Value(marks), function="ts_headline", output_field=TextField())


def as_found(messages: Sequence[Any]) -> list[dict[str, Any]]:
    """Converts messages of `search_messages` as `as_posted` does, each with its `snippet`."""
    return [
        {**asdict(posted), "snippet": snippet(message.headline)}
        for posted, message in zip(as_posted(messages), messages, strict=True)
    ]


def snippet(headline: str) -> list[dict[str, Any]]:
    """Splits a headline into pieces of plain text, with the matches marked."""
    pieces: list[dict[str, Any]] = []
    for part in headline.replace(_LESS, "<").replace(_GREATER, ">").split(FOUND):
        found, end, rest = part.partition(END)
        if not end:
            found, rest = "", part
        pieces += [
            {"text": text, "match": is_match} for text, is_match in ((found, True), (rest, False)) if text
        ]
    return pieces
