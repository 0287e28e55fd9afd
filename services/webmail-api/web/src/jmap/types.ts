/** The parts of JMAP (RFC 8620, RFC 8621) that this application uses. */

export type Id = string;

export interface EmailAddress {
  name: string | null;
  email: string;
}

export interface MailboxRights {
  mayReadItems?: boolean;
  mayAddItems?: boolean;
  mayRemoveItems?: boolean;
  mayCreateChild?: boolean;
  mayRename?: boolean;
  mayDelete?: boolean;
}

export interface Mailbox {
  id: Id;
  name: string;
  parentId: Id | null;
  role: string | null;
  sortOrder: number;
  totalEmails: number;
  unreadEmails: number;
  myRights?: MailboxRights;
}

export type Keywords = Record<string, boolean>;

export interface BodyPart {
  partId: string | null;
  blobId: Id | null;
  size: number;
  name: string | null;
  type: string;
  disposition: string | null;
  cid: string | null;
}

export interface BodyValue {
  value: string;
  isEncodingProblem?: boolean;
  isTruncated?: boolean;
}

/** What a line of the message list needs. */
export interface EmailRow {
  id: Id;
  threadId: Id;
  mailboxIds: Record<Id, boolean>;
  keywords: Keywords;
  receivedAt: string;
  from: EmailAddress[] | null;
  to: EmailAddress[] | null;
  subject: string | null;
  hasAttachment: boolean;
  preview: string;
  size: number;
}

/** What the reader and a reply need. */
export interface EmailDetail extends EmailRow {
  blobId: Id;
  messageId: string[] | null;
  inReplyTo: string[] | null;
  references: string[] | null;
  cc: EmailAddress[] | null;
  bcc: EmailAddress[] | null;
  replyTo: EmailAddress[] | null;
  sentAt: string | null;
  textBody: BodyPart[];
  htmlBody: BodyPart[];
  attachments: BodyPart[];
  bodyValues: Record<string, BodyValue>;
}

export interface Identity {
  id: Id;
  name: string;
  email: string;
  replyTo: EmailAddress[] | null;
  textSignature?: string;
}

export type Filter = FilterOperator | FilterCondition;

export interface FilterOperator {
  operator: "AND" | "OR" | "NOT";
  conditions: Filter[];
}

export interface FilterCondition {
  inMailbox?: Id;
  inMailboxOtherThan?: Id[];
  text?: string;
  from?: string;
  to?: string;
  cc?: string;
  bcc?: string;
  subject?: string;
  body?: string;
  hasKeyword?: string;
  notKeyword?: string;
  hasAttachment?: boolean;
  before?: string;
  after?: string;
  minSize?: number;
  maxSize?: number;
}

export interface SetError {
  type: string;
  description?: string | null;
  properties?: string[] | null;
  [extra: string]: unknown;
}

export interface GetResponse<T> {
  accountId: Id;
  state: string;
  list: T[];
  notFound: Id[];
}

export interface ChangesResponse {
  accountId: Id;
  oldState: string;
  newState: string;
  hasMoreChanges: boolean;
  created: Id[];
  updated: Id[];
  destroyed: Id[];
}

export interface QueryResponse {
  accountId: Id;
  queryState: string;
  position: number;
  ids: Id[];
  total?: number;
}

export interface SetResponse<T = { id: Id }> {
  accountId: Id;
  newState?: string;
  created?: Record<Id, T> | null;
  updated?: Record<Id, unknown> | null;
  destroyed?: Id[] | null;
  notCreated?: Record<Id, SetError> | null;
  notUpdated?: Record<Id, SetError> | null;
  notDestroyed?: Record<Id, SetError> | null;
}

export interface JmapSession {
  apiUrl: string;
  downloadUrl: string;
  uploadUrl: string;
  eventSourceUrl: string;
  username?: string;
  primaryAccounts: Record<string, Id>;
  capabilities: Record<string, Record<string, unknown>>;
  accounts?: Record<Id, { name?: string }>;
}

export interface UploadedBlob {
  accountId: Id;
  blobId: Id;
  type: string;
  size: number;
}
