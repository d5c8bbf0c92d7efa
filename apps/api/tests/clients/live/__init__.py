"""The packages as they are generated, on a server as it runs: `make clients-test`."""
