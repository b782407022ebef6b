"""crosswiki: an English text classifier, carried over to a language that has few labels or none."""
