"""What removed slices left: the migrations that drop their tables, and the tables that are kept. `make remove-slice` writes both."""
