"""JMAP (RFC 8620, RFC 8621): the protocol of the browser application, and of any other client."""
