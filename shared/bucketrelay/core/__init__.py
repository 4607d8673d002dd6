"""From task to result: look, decide, transfer, look again."""
