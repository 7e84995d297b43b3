"""Commands that look at a run: show, why, whatif, diff, verify."""
