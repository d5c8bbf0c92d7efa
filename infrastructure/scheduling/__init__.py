"""Celery's worker and beat: hardened queue reading, leader election, and the file for health checks."""
