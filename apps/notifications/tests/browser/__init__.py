"""Browser tests of this slice, run by `make browser-test`."""
