"""Full-text search in a room, and what is shown of what it finds."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchQueryField
from django.db.models import (
    BooleanField,
    F,
    Func,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Cast

from apps.chat.models import LanguageField, Message, Room
from apps.chat.selectors.messages import list_messages

# Control characters that no keyboard makes; those in a text are left out of what is shown of it.
FOUND, END = "\x02", "\x03"
_LESS, _GREATER = "\x04", "\x05"


def search_messages(*, room: Room, query: str) -> QuerySet[Message]:
    """A room's messages with these words (PostgreSQL's websearch syntax), the newest first; with `headline`.

    In a headline, FOUND and END stand around each word that was found; both occur nowhere else in it.
    """
    config = Value(room.language, output_field=LanguageField())
    words = Func(config, Value(query), function="websearch_to_tsquery")
    # The room is one of the words, so the index reads nothing of what was said elsewhere.
    here = Cast(Value(f"'{room.pk}'"), SearchQueryField())
    wanted = CombinedExpression(words, "&&", here, output_field=SearchQueryField())
    marks = (
        f'StartSel={FOUND}, StopSel={END}, MaxWords=24, MinWords=8, MaxFragments=2, FragmentDelimiter=" … "'
    )
    # Angle brackets are put by, since PostgreSQL takes what they enclose for tags and leaves it out.
    plain = Func(
        F("text"),
        Value(f"<>{_LESS}{_GREATER}{FOUND}{END}"),
        Value(f"{_LESS}{_GREATER}"),
        function="translate",
        output_field=TextField(),
    )
    return (
        list_messages(room_id=room.pk)
        .filter(
            Func(
                F("search"),
                wanted,
                template="(%(expressions)s)",
                arg_joiner=" @@ ",
                output_field=BooleanField(),
            )
        )
        .annotate(
            headline=Func(
                config, plain, words, Value(marks), function="ts_headline", output_field=TextField()
            )
        )
        .order_by("-seq")
    )


def snippet(headline: str) -> list[dict[str, Any]]:
    """A headline in pieces, those that were looked for told apart. No markup: nothing in it can be taken for some."""
    pieces: list[dict[str, Any]] = []
    for part in headline.replace(_LESS, "<").replace(_GREATER, ">").split(FOUND):
        found, end, rest = part.partition(END)
        if not end:
            found, rest = "", part
        pieces += [
            {"text": text, "match": is_match} for text, is_match in ((found, True), (rest, False)) if text
        ]
    return pieces
