"""Identity: accounts, sessions, tokens, password and e-mail flows. Chat and other slices build on it, never the reverse."""
