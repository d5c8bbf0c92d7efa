"""Routes in every zone of the tests."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from apps.api.tests.fakes.standard_views import views

router = SimpleRouter()
router.register("widgets", views.Widgets, basename="widgets")

_all = [
    path("widget/", views.Widget.as_view(), name="widget"),
    path("overridden/", views.Overridden.as_view(), name="overridden"),
    path("function/", views.function, name="function"),
    path("plain/", views.plain, name="plain"),
    path("later/", views.later, name="later"),
    path("class/", views.PlainClass.as_view(), name="class"),
    path("nested/", include([re_path(r"^deep/(?P<number>[0-9]{1,3})/$", views.plain, name="deep")])),
    *router.urls,
]

zones = {
    "open": [
        *_all,
        path("fail/<str:kind>/", views.failing, name="fail"),
        path("fail-rest/<str:kind>/", views.FailingRest.as_view(), name="fail-rest"),
    ],
    "closed": _all,
    "closed/v2": [path("widget/", views.WidgetV2.as_view(), name="widget")],
    "machine": _all,
    "office": _all,
}
