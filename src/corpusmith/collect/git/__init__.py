"""Repositories: fetched at a revision into a snapshot, read file by file."""
