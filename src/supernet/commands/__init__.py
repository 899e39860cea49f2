"""What people ask: one file a command. It answers with plain values, as JSON for scripts or as text for people."""
