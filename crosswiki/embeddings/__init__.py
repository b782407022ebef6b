"""Word vectors: training, alignment, files and look-up. Nothing here depends on BERT."""
