raise RuntimeError("the quarry is closed")
