"""The page of the link in a digest. Outside the zones, because it needs no sign-in."""

from django.urls import path

from apps.notifications.views import digests

urlpatterns = [path("notifications/unsubscribe/", digests.unsubscribe, name="notifications-unsubscribe")]
