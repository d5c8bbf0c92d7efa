"""Registers the app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """`apps.audit`, labelled `audit`."""

    name = "apps.audit"
    label = "audit"
