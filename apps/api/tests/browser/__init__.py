"""The router's pages in a real browser. Run by `make browser-test`; not part of the suite, which needs no browser."""
