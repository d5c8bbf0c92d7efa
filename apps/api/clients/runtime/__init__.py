"""Written by hand and shipped inside of every generated package: what a schema cannot say. The product imports none of it."""
