"""One file for each concern of the settings. All of them read the environment through `config.env` only."""
