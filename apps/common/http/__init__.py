"""The parts that the HTTP views of all slices share."""
