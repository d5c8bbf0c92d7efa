"""Shared parts of browser tests: a WebDriver client, a server, an accessibility check."""
