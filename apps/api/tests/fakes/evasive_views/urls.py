"""The same routes in every zone of the tests."""

from functools import partial

from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.routers import SimpleRouter

from apps.api.tests.fakes.evasive_views import views

router = SimpleRouter()
router.register("gadgets", views.Gadgets, basename="gadgets")

_all = [
    path("bare/", views.Bare.as_view(permission_classes=[AllowAny], authentication_classes=[]), name="bare"),
    path("skipping/", views.Skipping.as_view(), name="skipping"),
    path("dispatching/", views.Dispatching.as_view(), name="dispatching"),
    path("forgiving/", views.Forgiving.as_view(), name="forgiving"),
    path("function/", views.function, name="function"),
    path("decorated/", views.decorated, name="decorated"),
    path("partial/", partial(views.numbered, number=7), name="partial"),
    path("object/", views.Answering(), name="object"),
    path("async-class/", views.AsyncClass.as_view(), name="async-class"),
    path("limited/", views.Limited.as_view(), name="limited"),
    path("narrow/", views.Narrow.as_view(), name="narrow"),
    path(
        "open-gadgets/",
        views.Gadgets.as_view({"get": "list"}, permission_classes=[views.Open]),
        name="open-gadgets",
    ),
    path("router/", include(router.urls)),
]

zones = dict.fromkeys(("open", "closed", "machine", "office"), _all)
