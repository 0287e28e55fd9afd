"""Mailquay's webmail: JMAP, sign-in and the browser application."""
