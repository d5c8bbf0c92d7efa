"""The ASGI server: uvicorn's protocol classes with limits, the WSGI bridge, lifespan hooks."""
