"""Settings that no slice owns: one file for each concern, with its variables and the settings made from them."""
