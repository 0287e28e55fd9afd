"""Load generators for SMTP, LMTP, IMAP and POP3: bounded in count and time, loopback only."""
