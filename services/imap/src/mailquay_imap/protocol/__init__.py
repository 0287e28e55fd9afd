"""IMAP4rev2 and IMAP4rev1 as bytes: from the client's to commands, from answers to bytes. Pure."""
