"""The restricted SQL of declarations, and what the engines spell differently."""
