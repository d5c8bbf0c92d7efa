"""The journeys of docs/flows, each driven through real server and worker processes."""
