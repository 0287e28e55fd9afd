import { HttpError, UnauthorizedError } from "./errors";

export interface SignedIn {
  address: string;
  displayName: string;
  csrfToken: string;
}

/**
 * The edge to the network. It holds the CSRF token, turns a 401 into one call
 * of `onUnauthorized`, and everything else that is not a success into an error
 * with words a person can read.
 */
export class Http {
  csrfToken = "";
  address = "";
  onUnauthorized: () => void = () => {};
  /** Told after each request whether the server, and not only what stands before it, answered. */
  onReach: (reached: boolean) => void = () => {};

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    let response = await this.send(path, init);
    if (response.status === 403 && init.method === "POST" && (await this.renewToken())) {
      response = await this.send(path, init);
    }
    return readJson<T>(response, this.onUnauthorized);
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Accept", "application/json");
    if (init.method === "POST") headers.set("X-CSRF-Token", this.csrfToken);
    try {
      const response = await reach(path, { ...init, headers, credentials: "same-origin" });
      this.onReach(![502, 503, 504].includes(response.status));
      return response;
    } catch (error) {
      if (error instanceof HttpError) this.onReach(false);
      throw error;
    }
  }

  /**
   * A 403 may only mean that another tab signed in again, which made a new
   * token. True when there is a different one to try with.
   */
  private async renewToken(): Promise<boolean> {
    const response = await reach("/auth/session", { credentials: "same-origin" });
    if (!response.ok) return false;
    const session = (await response.json()) as SignedIn;
    if (session.address !== this.address) {
      // Another person signed in in another tab; nothing on this page is theirs.
      this.onUnauthorized();
      throw new UnauthorizedError();
    }
    const changed = session.csrfToken !== this.csrfToken;
    this.csrfToken = session.csrfToken;
    return changed;
  }
}

export async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new HttpError("The mail server cannot be reached. Check your connection.", 0);
  }
}

async function readJson<T>(response: Response, onUnauthorized: () => void): Promise<T> {
  if (response.status === 401) {
    onUnauthorized();
    throw new UnauthorizedError();
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** An error from a problem document (RFC 7807 members `title` and `detail`). */
export async function problemOf(response: Response): Promise<HttpError> {
  const body: unknown = await response.json().catch(() => null);
  const problem = (body ?? {}) as { title?: unknown; detail?: unknown };
  const said = [problem.detail, problem.title].find((text) => typeof text === "string" && text !== "");
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  return new HttpError((said as string) ?? fallback(response.status), response.status, retryAfter);
}

function fallback(status: number): string {
  if (status === 413) return "That is too large for the server.";
  if (status === 429) return "Too many requests. Please wait a moment.";
  if (status >= 500) return "Something went wrong on the mail server. Please try again.";
  return `The server refused the request (${status}).`;
}
