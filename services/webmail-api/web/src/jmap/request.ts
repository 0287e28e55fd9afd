import { MethodError } from "./errors";

/**
 * A JMAP request as data. Nothing here touches the network: the builder can be
 * tested by looking at its JSON, and the reader by handing it a response.
 */

export type Arguments = Record<string, unknown>;
export type Invocation = [name: string, args: Arguments, callId: string];

export interface JmapRequestBody {
  using: string[];
  methodCalls: Invocation[];
}

export interface JmapResponseBody {
  methodResponses: Invocation[];
  sessionState?: string;
}

export interface ResultReference {
  resultOf: string;
  name: string;
  path: string;
}

export const CORE = "urn:ietf:params:jmap:core";
export const MAIL = "urn:ietf:params:jmap:mail";
export const SUBMISSION = "urn:ietf:params:jmap:submission";

/** A handle on one method call; the type parameter is its response. */
export class Call<T> {
  /** Carries the response type only; it has no value at run time. */
  declare readonly response: T;

  constructor(
    readonly name: string,
    readonly id: string,
  ) {}

  /** A reference to this call's result, to be used under a `#name` argument. */
  ref(path: string): ResultReference {
    return { resultOf: this.id, name: this.name, path };
  }
}

export class RequestBuilder {
  private readonly calls: Invocation[] = [];

  constructor(private readonly accountId: string) {}

  call<T>(name: string, args: Arguments): Call<T> {
    const id = `c${this.calls.length}`;
    this.calls.push([name, { accountId: this.accountId, ...args }, id]);
    return new Call<T>(name, id);
  }

  build(): JmapRequestBody {
    const using = [CORE, MAIL];
    const submits = this.calls.some(([name]) => /^(EmailSubmission|Identity)\//.test(name));
    if (submits) using.push(SUBMISSION);
    return { using, methodCalls: [...this.calls] };
  }
}

/**
 * The response to one call. An `error` invocation under the call's id is
 * thrown. The name must match too: EmailSubmission/set answers its implicit
 * Email/set under the same call id.
 */
export function responseOf<T>(body: JmapResponseBody, call: Call<T>): T {
  for (const [name, args, id] of body.methodResponses) {
    if (id !== call.id) continue;
    if (name === "error") throw new MethodError(call.name, args);
    if (name === call.name) return args as T;
  }
  throw new MethodError(call.name, { type: "serverPartialFail", description: "no answer came for this call" });
}
