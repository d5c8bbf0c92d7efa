"""Code that slices share: models, exceptions, events, encryption, HTTP and sockets. Imports no slice."""
