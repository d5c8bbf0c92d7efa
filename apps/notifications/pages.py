"""The page behind the link in a digest. Outside the zones: whoever follows it need not be signed in."""

from django.urls import path

from apps.notifications.views import digests

urlpatterns = [path("notifications/unsubscribe/", digests.unsubscribe, name="notifications-unsubscribe")]
