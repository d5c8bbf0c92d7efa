"""Identity: accounts, sessions, tokens, password and e-mail flows. Other slices build on it, never the reverse."""
