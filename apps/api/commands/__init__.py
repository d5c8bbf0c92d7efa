"""The actions of `manage.py zones`, one module each. Each returns a `Report`; printing and exit codes are shared."""


class RevisionUnknown(Exception):
    """Git does not know the revision, or is not installed. The text is git's own."""
