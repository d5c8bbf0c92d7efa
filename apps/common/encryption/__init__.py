"""Encrypted model fields, their blind indexes, and key rotation."""
