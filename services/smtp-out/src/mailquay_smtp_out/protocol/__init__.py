"""The SMTP client as pure code: replies, the dialogue, and the message's form on the wire."""
