"""Routes of the slice by zone."""

from __future__ import annotations

from django.urls import path

from apps.notifications.views import internal, private, public

zones = {
    "public": [
        path("notifications/unsubscribe/", public.Unsubscribe.as_view(), name="unsubscribe"),
    ],
    "private": [
        path("notifications/", private.Notifications.as_view(), name="list"),
        path("notifications/summary/", private.Summary.as_view(), name="summary"),
        path("notifications/stream/", private.StreamEvents.as_view(), name="stream"),
        path("notifications/read-all/", private.ReadAll.as_view(), name="read-all"),
        path("notifications/preferences/", private.Preferences.as_view(), name="preferences"),
        path("notifications/<uuid:notification_id>/read/", private.Read.as_view(), name="read"),
    ],
    "internal": [
        path("notifications/", internal.Notify.as_view(), name="notify"),
        path("notifications/events/", internal.Push.as_view(), name="push"),
    ],
}
