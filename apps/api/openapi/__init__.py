"""OpenAPI and AsyncAPI documents of the zones, and the pages that show them."""
