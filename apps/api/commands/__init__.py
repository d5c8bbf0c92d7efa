"""What `manage.py zones` does, one module an action. Each returns a `Report`; printing and exit codes are shared."""


class RevisionUnknown(Exception):
    """Git does not know the revision, or there is no git here. The text is git's own."""
