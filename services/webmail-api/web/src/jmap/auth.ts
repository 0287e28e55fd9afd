import { HttpError, UnauthorizedError } from "./errors";
import { type Http, problemOf, reach, type SignedIn } from "./http";

/** Sign-in is plain HTTP beside JMAP: a cookie session and a CSRF token. */

export async function currentSession(): Promise<SignedIn | null> {
  const response = await reach("/auth/session", { credentials: "same-origin" });
  if (response.status === 401) return null;
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as SignedIn;
}

export async function signIn(address: string, password: string): Promise<SignedIn> {
  const response = await reach("/auth/login", {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ address, password }),
  });
  if (response.ok) return (await response.json()) as SignedIn;
  const problem = await problemOf(response);
  if (response.status === 401) throw new HttpError("The address or the password is not right.", 401);
  if (response.status === 429) throw new HttpError(throttled(problem.retryAfter), 429, problem.retryAfter);
  throw problem;
}

export async function signOut(http: Http): Promise<void> {
  try {
    await http.json<void>("/auth/logout", { method: "POST" });
  } catch (error) {
    // Already signed out is what was wanted.
    if (!(error instanceof UnauthorizedError)) throw error;
  }
}

export function throttled(seconds: number | null): string {
  if (seconds === null) return "Too many attempts. Please wait a moment before you try again.";
  if (seconds < 90) return `Too many attempts. Please try again in ${seconds} seconds.`;
  return `Too many attempts. Please try again in ${Math.ceil(seconds / 60)} minutes.`;
}
