"""The declared features, checked and resolved: what is made of what."""
