"""The pages outside of the zones: the console at `/`, and `/mails/` on development servers."""

from django.urls import path

from apps.console import views

urlpatterns = [
    path("", views.console, name="console"),
    path("mails/", views.mail, name="console-mail"),
]
