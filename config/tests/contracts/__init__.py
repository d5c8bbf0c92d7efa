"""Every zone's schema against a live server, thousands of calls made up from it. Run by `make contract-test`."""
