"""What every JMAP method stands on: requests, references, errors, ids (RFC 8620 §3, §5)."""
