"""What `manage.py zones` does, one module an action. Each returns a `Report`; printing and exit codes are shared."""
