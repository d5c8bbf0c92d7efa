"""Celery beat: leader election, and the heartbeat file that health checks read."""
