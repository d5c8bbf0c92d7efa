"""Reads the audit log. Every slice writes it through apps.common.audit."""
