"""Features as a person looks at them: told, explained, doubted."""
