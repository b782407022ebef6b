"""Skip-gram with negative sampling: the plain reference, the CPU and GPU trainers, and the ensemble."""
