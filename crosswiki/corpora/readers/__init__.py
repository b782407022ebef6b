"""One reader for each kind of corpus, and what they read with."""
