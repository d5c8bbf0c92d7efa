"""Composition only: settings, the zone table, URL root, ASGI, WSGI and Celery entry points. No business code."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
