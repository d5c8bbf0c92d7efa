"""What is written by hand in this client: the session, failures as exceptions, pages, the chat socket."""
