"""Skip-gram with negative sampling: the plain reference, the compiled CPU path, the GPU path, the trainer."""
