import type { Http } from "./http";
import { CORE, type JmapResponseBody, MAIL, RequestBuilder, responseOf } from "./request";
import type { JmapSession, UploadedBlob } from "./types";
import { Slots } from "./slots";
import { expand } from "./template";
import { upload, type UploadHandle } from "./upload";

/** One account of one signed-in person. */
export class JmapClient {
  readonly accountId: string;
  private readonly uploads: Slots;

  private constructor(
    readonly http: Http,
    readonly session: JmapSession,
  ) {
    const accountId = session.primaryAccounts[MAIL] ?? Object.keys(session.accounts ?? {})[0];
    if (!accountId) throw new Error("This sign-in has no mail account.");
    this.accountId = accountId;
    this.uploads = new Slots(Math.min(3, this.coreLimit("maxConcurrentUpload", 3)));
  }

  static async connect(http: Http): Promise<JmapClient> {
    return new JmapClient(http, await http.json<JmapSession>("/jmap/session"));
  }

  request(): RequestBuilder {
    return new RequestBuilder(this.accountId);
  }

  /** With `keepalive` the request outlives the page that makes it. */
  async send(
    request: RequestBuilder,
    options: { signal?: AbortSignal; keepalive?: boolean } = {},
  ): Promise<JmapResponseBody> {
    return this.http.json<JmapResponseBody>(this.session.apiUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request.build()),
      ...options,
    });
  }

  /** A request of one call. */
  async one<T>(name: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<T> {
    const request = this.request();
    const call = request.call<T>(name, args);
    return responseOf(await this.send(request, { signal }), call);
  }

  downloadUrl(blobId: string, name: string, type: string): string {
    return expand(this.session.downloadUrl, { accountId: this.accountId, blobId, name, type });
  }

  eventSourceUrl(pingSeconds: number): string {
    return expand(this.session.eventSourceUrl, { types: "*", closeafter: "no", ping: String(pingSeconds) });
  }

  upload(file: Blob, onProgress: (fraction: number) => void): UploadHandle<UploadedBlob> {
    const url = expand(this.session.uploadUrl, { accountId: this.accountId });
    return this.uploads.run(() => upload<UploadedBlob>(url, file, this.http, onProgress));
  }

  /** How many method calls one request may hold. */
  get maxCalls(): number {
    return this.coreLimit("maxCallsInRequest", 16);
  }

  get maxUploadBytes(): number {
    return this.coreLimit("maxSizeUpload", 50_000_000);
  }

  /** How many objects one /set or /get may name. */
  get maxObjects(): number {
    return Math.min(this.coreLimit("maxObjectsInSet", 500), this.coreLimit("maxObjectsInGet", 500));
  }

  private coreLimit(name: string, otherwise: number): number {
    const value = this.session.capabilities[CORE]?.[name];
    return typeof value === "number" && value > 0 ? value : otherwise;
  }
}
