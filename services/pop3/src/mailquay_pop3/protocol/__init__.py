"""POP3 as bytes: lines to commands, messages to multi-line replies. Pure."""
