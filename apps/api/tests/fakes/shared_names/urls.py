"""A second slice for the open zone."""

from django.urls import path

from apps.api.tests.fakes.standard_views import views

zones = {"open": [path("gizmo/", views.plain, name="gizmo")]}
