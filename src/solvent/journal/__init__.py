"""The durable journal: every batch and its events on disk before anyone sees them. Start reading at docs/journal.md."""
