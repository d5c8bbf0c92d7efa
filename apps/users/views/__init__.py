"""The HTTP interface, one module for each part of the slice. A view makes one domain call; `@operation` does the rest."""
