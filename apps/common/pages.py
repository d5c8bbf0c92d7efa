"""Pages outside the zones that the shared bricks show: uploads from local disk, where no nginx serves them."""

from django.conf import settings
from django.urls import path

from apps.common.http.media import media

urlpatterns = [path("media/<path:path>", media, name="media")] if settings.SERVE_MEDIA else []
