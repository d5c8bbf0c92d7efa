"""`make compose-test`: the production shape in Docker, from build to down, seen from outside as a user sees it.

Standard library only, so that it runs wherever Docker does. It brings up an installation of its own (project name,
port, images, volumes, secrets) beside whatever runs already, and removes all of it. Nothing of the product is imported:
what it knows is the contract over HTTP and WebSocket.
"""
