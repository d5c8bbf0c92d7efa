"""`manage.py announce`."""
