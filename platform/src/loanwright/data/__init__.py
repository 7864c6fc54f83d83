"""Sources, their contracts, snapshots of them, and the split of their rows."""
