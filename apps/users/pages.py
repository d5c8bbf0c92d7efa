"""Pages of this slice outside the zones: the key set by which others verify access tokens."""

from django.urls import path

from apps.users.views import well_known

urlpatterns = [
    path(".well-known/jwks.json", well_known.key_set, name="jwks"),
]
