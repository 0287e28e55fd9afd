import type { SetError } from "./types";

/** The session has ended (401): the application goes back to sign-in. */
export class UnauthorizedError extends Error {
  constructor() {
    super("Your session has ended. Please sign in again.");
  }
}

/** The server could not be reached, or answered outside the protocol. */
export class HttpError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** A whole method call failed (RFC 8620, section 3.6.2). */
export class MethodError extends Error {
  readonly type: string;

  constructor(method: string, args: Record<string, unknown>) {
    const type = typeof args.type === "string" ? args.type : "unknown";
    const detail = typeof args.description === "string" ? args.description : null;
    super(METHOD_ERRORS[type] ?? sentence(detail) ?? `The server refused “${method}” (${type}).`);
    this.type = type;
  }
}

/** One object of a /set call failed (RFC 8620, section 5.3). */
export class ObjectError extends Error {
  readonly type: string;

  constructor(readonly setError: SetError) {
    super(describeSetError(setError));
    this.type = setError.type;
  }
}

const METHOD_ERRORS: Record<string, string> = {
  serverUnavailable: "The mail server is busy. Please try again in a moment.",
  serverFail: "Something went wrong on the mail server. Please try again.",
  serverPartialFail: "The mail server did only part of the work. Please look again.",
  requestTooLarge: "That is too much at once. Please select fewer messages.",
  tooManyChanges: "Too much has changed to follow. Reload the page.",
  accountReadOnly: "This account may only be read at the moment.",
  accountNotFound: "This account is no longer there.",
  unsupportedFilter: "The server cannot search for that.",
  forbidden: "You are not allowed to do that.",
};

const SET_ERRORS: Record<string, string> = {
  forbidden: "You are not allowed to do that.",
  overQuota: "Your mailbox is full. Delete something or empty the Trash.",
  tooLarge: "The message is too large.",
  rateLimit: "You have sent a lot in a short time. Please wait a little.",
  notFound: "It is no longer there; perhaps another device removed it.",
  willDestroy: "It is being deleted.",
  alreadyExists: "There is one like it already.",
  mailboxHasChild: "The folder holds other folders. Delete or move those first.",
  mailboxHasEmail: "The folder still holds messages.",
  tooManyKeywords: "The message has too many marks.",
  tooManyMailboxes: "The message is in too many folders.",
  blobNotFound: "An attachment is no longer on the server. Please attach it again.",
  invalidEmail: "The message is not complete enough to be sent.",
  tooManyRecipients: "The message has too many recipients.",
  noRecipients: "The message has no recipient.",
  invalidRecipients: "One of the recipients’ addresses is not valid.",
  forbiddenMailFrom: "You are not allowed to send from this address.",
  forbiddenFrom: "You are not allowed to send from this address.",
  forbiddenToSend: "You are not allowed to send at the moment.",
};

export function describeSetError(error: SetError): string {
  const known = SET_ERRORS[error.type];
  const detail = sentence(error.description);
  // The server's own words say more than a general phrase, when there are any.
  if (error.type === "invalidProperties") {
    const names = error.properties?.join(", ");
    return detail ?? (names ? `The server did not accept: ${names}.` : "The server did not accept that.");
  }
  if (error.type === "invalidRecipients" && Array.isArray(error.invalidRecipients)) {
    return `Not a valid address: ${error.invalidRecipients.join(", ")}.`;
  }
  if (known && detail && !known.includes(detail)) return `${known} (${detail.replace(/\.$/, "")})`;
  return known ?? detail ?? `The server refused it (${error.type}).`;
}

/** The first failure of a /set response, whichever of the three it is. */
export function firstSetError(response: {
  notCreated?: Record<string, SetError> | null;
  notUpdated?: Record<string, SetError> | null;
  notDestroyed?: Record<string, SetError> | null;
}): ObjectError | null {
  for (const part of [response.notCreated, response.notUpdated, response.notDestroyed]) {
    const error = part && Object.values(part)[0];
    if (error) return new ObjectError(error);
  }
  return null;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "Something went wrong.";
}

function sentence(text: string | null | undefined): string | null {
  const trimmed = text?.trim();
  if (!trimmed) return null;
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
