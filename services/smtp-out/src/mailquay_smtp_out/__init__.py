"""Mailquay's outbound queue and delivery."""
