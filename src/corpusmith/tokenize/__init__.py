"""From kept documents to token shards, a mix of them, and packed windows for training."""
