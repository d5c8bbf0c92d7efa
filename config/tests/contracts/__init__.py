"""Every zone's schema against a live server, thousands of generated calls. Run by `make contract-test`."""
