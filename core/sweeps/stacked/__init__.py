"""Many replicas of LeNet trained as one batched program. Imports torch."""
