"""The slice of the tests, with its open routes in a zone named public."""
