"""The same routes; what was open is public."""

from apps.api.tests.fakes.standard_views import urls

zones = {"public" if name == "open" else name: routes for name, routes in urls.zones.items()}
