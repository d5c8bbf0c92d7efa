"""The edge hands the event stream on as it comes."""

from __future__ import annotations

import re

from django.urls import reverse

from config.env import BASE_DIR

ROUTES = (BASE_DIR / "deploy" / "nginx" / "templates" / "site.conf.template").read_text(encoding="utf-8")


def test_endless_answers_go_to_the_event_loop_unbuffered() -> None:
    path = reverse("api:private:v1:notifications:stream")
    found = re.findall(r"location ~ (\S+) \{(.*?)\n    \}", ROUTES, flags=re.DOTALL)
    (inside,) = [inside for pattern, inside in found if re.search(pattern, path)]
    assert "set $channels channels;" in inside
    assert "proxy_buffering off;" in inside
    others = [reverse("api:private:v1:notifications:list"), reverse("api:private:v1:users:me")]
    assert not any(re.search(pattern, other) for pattern, _ in found for other in others)
