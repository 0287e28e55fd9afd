"""Every reply, with its enhanced status (RFC 3463). Clients and administrators read these."""

from typing import Final

__all__ = ["Reply"]


class Reply:
    """The replies, as bytes without their line end."""

    OK: Final = b"250 2.0.0 Ok"
    SENDER_OK: Final = b"250 2.1.0 Ok"
    RECIPIENT_OK: Final = b"250 2.1.5 Ok"
    RESET: Final = b"250 2.0.0 Flushed"
    BYE: Final = b"221 2.0.0 Bye"
    HELP: Final = b"214 2.0.0 https://www.rfc-editor.org/rfc/rfc5321"
    VRFY: Final = b"252 2.5.0 Cannot verify, but will take a message and try"
    SEND_DATA: Final = b"354 End data with <CR><LF>.<CR><LF>"
    START_TLS: Final = b"220 2.0.0 Ready to start TLS"
    AUTHENTICATED: Final = b"235 2.7.0 Authentication successful"

    GOING_DOWN: Final = b"421 4.3.2 Service is restarting, please come back"
    TOO_MANY_CONNECTIONS: Final = b"421 4.7.0 Too many connections, try again later\r\n"
    TIMED_OUT: Final = b"421 4.4.2 Nothing was heard for too long"
    TOO_MANY_ERRORS: Final = b"421 4.7.0 Too many errors"
    UNAVAILABLE: Final = b"451 4.3.0 Cannot store mail at the moment, try again later"
    LOOKUP_UNAVAILABLE: Final = b"451 4.3.0 Cannot look up the recipient, try again later"
    OVER_QUOTA: Final = b"452 4.2.2 The mailbox is full"
    TOO_MANY_RECIPIENTS: Final = b"452 4.5.3 Too many recipients"
    AUTH_UNAVAILABLE: Final = b"454 4.7.0 Cannot check credentials at the moment"
    THROTTLED: Final = b"421 4.7.0 Too many failed sign-ins, try again later"
    NO_TLS: Final = b"454 4.7.0 TLS is not available"

    NOT_RECOGNISED: Final = b"500 5.5.2 Command not recognized"
    LINE_TOO_LONG: Final = b"500 5.5.6 Command line too long"
    BARE_LINE_END: Final = b"500 5.5.2 A command must end in <CR><LF>"
    NOT_TEXT: Final = b"500 5.5.2 Command is not UTF-8"
    NO_ARGUMENT: Final = b"501 5.5.4 No argument is allowed here"
    HELLO_SYNTAX: Final = b"501 5.5.4 A host name is needed"
    AUTH_SYNTAX: Final = b"501 5.5.2 Malformed authentication"
    AUTH_CANCELLED: Final = b"501 5.7.0 Authentication cancelled"
    NOT_IMPLEMENTED: Final = b"502 5.5.1 Command not implemented"
    HELLO_FIRST: Final = b"503 5.5.1 Send EHLO first"
    MAIL_FIRST: Final = b"503 5.5.1 Need MAIL first"
    RECIPIENT_FIRST: Final = b"503 5.5.1 Need RCPT first"
    NESTED_MAIL: Final = b"503 5.5.1 Nested MAIL"
    ALREADY_TLS: Final = b"503 5.5.1 TLS is active already"
    ALREADY_AUTHENTICATED: Final = b"503 5.5.1 Already authenticated"
    AUTH_IN_MAIL: Final = b"503 5.5.1 Not during a mail transaction"
    UNKNOWN_MECHANISM: Final = b"504 5.5.4 Authentication mechanism not supported"
    LMTP_HELLO: Final = b"500 5.5.1 This is LMTP, send LHLO"
    SMTP_HELLO: Final = b"500 5.5.1 This is SMTP, send EHLO"

    AUTH_REQUIRED: Final = b"530 5.7.0 Authentication required"
    TLS_REQUIRED: Final = b"538 5.7.11 Encryption required, send STARTTLS first"
    AUTH_FAILED: Final = b"535 5.7.8 Name or password are wrong"
    UNKNOWN_USER: Final = b"550 5.1.1 No such user here"
    DISABLED_USER: Final = b"550 5.2.1 The mailbox is disabled"
    RELAY_DENIED: Final = b"550 5.7.1 Not a domain of ours, relaying is denied"
    BAD_BODY_LINE_END: Final = b"550 5.6.0 Bare <CR> or <LF> in the message"
    TOO_LARGE: Final = b"552 5.3.4 The message is too large"
    BAD_SENDER: Final = b"553 5.1.7 Malformed sender address"
    BAD_RECIPIENT: Final = b"553 5.1.3 Malformed recipient address"
    NOT_YOUR_ADDRESS: Final = b"553 5.7.1 That is not an address of yours"
    NEEDS_SMTPUTF8: Final = b"553 5.6.7 The address needs SMTPUTF8"
    LOOP: Final = b"554 5.4.6 Too many hops, the message is in a loop"
    PARAMETER: Final = b"555 5.5.4 Parameter not recognized"

    @staticmethod
    def syntax(why: str) -> bytes:
        """501 with what was wrong."""
        return f"501 5.5.4 Syntax: {why}".encode("ascii", "replace")
