"""Word vectors: trained, aligned with one another, saved and looked up. Nothing here knows of BERT."""
