"""Datasets of the Hugging Face Hub, streamed into a snapshot."""
