"""The console's own pages, outside `/api/`: `/` and, on a development server, `/mails/`."""

from django.urls import path

from apps.console import views

urlpatterns = [
    path("", views.console, name="console"),
    path("mails/", views.mails, name="console-mails"),
]
