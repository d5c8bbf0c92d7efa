"""The routes of this slice, by zone."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.audit import views

zones: dict[str, list[URLPattern | URLResolver]] = {
    "admin": [path("audit/", views.EventsView.as_view(), name="list")]
}
