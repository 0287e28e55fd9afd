"""Every reply, with its enhanced status (RFC 3463). Clients and administrators read these."""

from typing import Final

__all__ = ["ConnectionEnd", "Refused", "Reply"]


class ConnectionEnd(Exception):
    """The conversation is over; the replies so far are sent."""


class Refused(Exception):
    """A command is not done; ``reply`` tells why.

    ``is_mistake`` is False where the client could not know: it does not count towards the errors
    after which a client is cut off.
    """

    def __init__(self, reply: bytes, *, is_mistake: bool = True) -> None:
        super().__init__(reply.decode("utf-8", "replace"))
        self.reply = reply
        self.is_mistake = is_mistake


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

    SERVER_FAULT: Final = b"421 4.3.0 Something went wrong here, try again later"
    GOING_DOWN: Final = b"421 4.3.2 Service is restarting, please come back"
    TIMED_OUT: Final = b"421 4.4.2 Nothing was heard for too long"
    TOO_MANY_CONNECTIONS: Final = b"421 4.7.0 Too many connections, try again later"
    TOO_MANY_ERRORS: Final = b"421 4.7.0 Too many errors"
    THROTTLED: Final = b"421 4.7.0 Too many failed sign-ins, try again later"
    REVOKED: Final = b"421 4.7.0 The account was changed, please sign in again"
    OTHER_PROTOCOL: Final = b"421 4.7.0 This is no web server"
    OUT_OF_STEP: Final = b"421 4.7.0 It is not clear where the message ends"
    SENT_ENOUGH: Final = b"450 4.7.1 You have sent to as many recipients as a day allows"
    UNAVAILABLE: Final = b"451 4.3.0 Cannot store mail at the moment, try again later"
    LOOKUP_UNAVAILABLE: Final = b"451 4.3.0 Cannot look up the recipient, try again later"
    PARTLY_REFUSED: Final = b"451 4.3.0 A recipient's mailbox has changed, try again"
    OVER_QUOTA: Final = b"452 4.2.2 The mailbox is full"
    TOO_MANY_RECIPIENTS: Final = b"452 4.5.3 Too many recipients"
    AUTH_UNAVAILABLE: Final = b"454 4.7.0 Cannot check credentials at the moment"
    TLS_UNAVAILABLE: Final = b"454 4.7.0 TLS is not available at the moment"

    NOT_RECOGNISED: Final = b"500 5.5.2 Command not recognized"
    LINE_TOO_LONG: Final = b"500 5.5.2 Command line too long"
    BARE_LINE_END: Final = b"500 5.5.2 A command must end in <CR><LF>"
    CONTROL: Final = b"500 5.5.2 Control character in the command"
    NOT_TEXT: Final = b"500 5.5.2 Command is not UTF-8"
    LMTP_HELLO: Final = b"500 5.5.1 This is LMTP, send LHLO"
    SMTP_HELLO: Final = b"500 5.5.1 This is SMTP, send EHLO"
    AUTH_TOO_LONG: Final = b"500 5.5.6 Authentication line too long"
    NO_ARGUMENT: Final = b"501 5.5.4 No argument is allowed here"
    HELLO_SYNTAX: Final = b"501 5.5.4 A host name is needed"
    NEEDS_ADDRESS: Final = b"501 5.5.4 An address is needed"
    AUTH_SYNTAX: Final = b"501 5.5.2 Malformed authentication"
    AUTH_CANCELLED: Final = b"501 5.7.0 Authentication cancelled"
    NOT_IMPLEMENTED: Final = b"502 5.5.1 Command not implemented"
    HELLO_FIRST: Final = b"503 5.5.1 Send EHLO first"
    MAIL_FIRST: Final = b"503 5.5.1 Need MAIL first"
    RECIPIENT_FIRST: Final = b"503 5.5.1 Need RCPT first"
    NESTED_MAIL: Final = b"503 5.5.1 Nested MAIL"
    ALREADY_TLS: Final = b"503 5.5.1 TLS is active already"
    ALREADY_AUTHENTICATED: Final = b"503 5.5.1 Already authenticated"
    IN_MAIL: Final = b"503 5.5.1 Not during a mail transaction"
    UNKNOWN_MECHANISM: Final = b"504 5.5.4 Authentication mechanism not supported"

    AUTH_REQUIRED: Final = b"530 5.7.0 Authentication required"
    TLS_REQUIRED: Final = b"530 5.7.0 Must issue a STARTTLS command first"
    AUTH_FAILED: Final = b"535 5.7.8 Name or password are wrong"
    TLS_FOR_AUTH: Final = b"538 5.7.11 Encryption required, send STARTTLS first"
    UNKNOWN_USER: Final = b"550 5.1.1 No such user here"
    DISABLED_USER: Final = b"550 5.2.1 The mailbox is disabled"
    OUTBOUND_DENIED: Final = b"550 5.7.1 You may send to no domain but ours"
    RELAY_DENIED: Final = b"550 5.7.1 Not a domain of ours, relaying is denied"
    NOT_YOUR_FROM: Final = b"550 5.7.1 The message's From is not an address of yours"
    BARE_IN_MESSAGE: Final = b"550 5.6.0 Bare <CR> or <LF> in the message"
    NUL_IN_MESSAGE: Final = b"550 5.6.0 NUL in the message"
    TOO_LARGE: Final = b"552 5.3.4 The message is too large"
    HEADER_TOO_LARGE: Final = b"552 5.3.4 The message's header is too large"
    BAD_SENDER: Final = b"553 5.1.7 Malformed sender address"
    BAD_RECIPIENT: Final = b"553 5.1.3 Malformed recipient address"
    NOT_YOUR_ADDRESS: Final = b"553 5.7.1 That is not an address of yours"
    NEEDS_SMTPUTF8: Final = b"553 5.6.7 The address needs SMTPUTF8"
    LOOP: Final = b"554 5.4.6 Too many hops, the message is in a loop"
    PARAMETER: Final = b"555 5.5.4 Parameter not recognized"

    @staticmethod
    def syntax(code: str, why: str) -> bytes:
        """501 with that enhanced code, and what was wrong."""
        return f"501 {code} Syntax: {why}".encode("ascii", "backslashreplace")
