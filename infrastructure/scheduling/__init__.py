"""Celery's worker and beat: reading queues safely, electing a leader, and the file that health checks look at."""
