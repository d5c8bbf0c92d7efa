"""A second slice for the open zone."""

from django.urls import path

from apps.api.tests.fakes.stones import views

zones = {"open": [path("river/", views.plain, name="river")]}
