"""What no slice owns: one file for each concern, which declares its variables and the settings made from them."""
