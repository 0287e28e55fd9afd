"""Mailquay's SMTP service for what comes in: MX, submission and LMTP."""
