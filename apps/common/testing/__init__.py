"""The test kit: what tests of every slice share. Only tests import it, and images do not contain it."""
