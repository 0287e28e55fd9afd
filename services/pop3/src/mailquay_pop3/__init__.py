"""Mailquay's POP3 service."""
