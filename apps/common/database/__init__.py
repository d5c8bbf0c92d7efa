"""Primary keys and migration settings that every slice's models share."""
