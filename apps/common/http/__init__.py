"""What every slice's HTTP interface is built from: requests, responses, problems, middleware."""
