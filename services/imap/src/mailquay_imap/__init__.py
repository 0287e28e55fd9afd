"""Mailquay's IMAP service."""
