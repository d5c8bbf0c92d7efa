"""Reading the audit log. Writing it is every slice's, by apps.common.audit."""
