"""Routes of the slice by zone."""

from __future__ import annotations

from django.urls import path

from apps.notifications.views import digests, inbox, notifying, stream

zones = {
    "public": [path("notifications/unsubscribe/", digests.UnsubscribeView.as_view(), name="unsubscribe")],
    "private": [
        path("notifications/", inbox.NotificationsView.as_view(), name="list"),
        path("notifications/summary/", inbox.SummaryView.as_view(), name="summary"),
        path("notifications/stream/", stream.StreamView.as_view(), name="stream"),
        path("notifications/read-all/", inbox.ReadAllView.as_view(), name="read-all"),
        path("notifications/preferences/", inbox.PreferencesView.as_view(), name="preferences"),
        path("notifications/<uuid:notification_id>/read/", inbox.ReadView.as_view(), name="read"),
    ],
    "internal": [
        path("notifications/", notifying.NotifyView.as_view(), name="notify"),
        path("notifications/events/", notifying.PushEventView.as_view(), name="push"),
    ],
}
