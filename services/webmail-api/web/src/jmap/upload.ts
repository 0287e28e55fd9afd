import { HttpError, UnauthorizedError } from "./errors";
import type { Http } from "./http";

export interface UploadHandle<T> {
  done: Promise<T>;
  abort(): void;
}

/** XMLHttpRequest and not fetch, because only it reports upload progress. */
export function upload<T>(
  url: string,
  file: Blob,
  http: Http,
  onProgress: (fraction: number) => void,
): UploadHandle<T> {
  const xhr = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject) => {
    xhr.open("POST", url);
    xhr.responseType = "json";
    xhr.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    xhr.setRequestHeader("X-CSRF-Token", http.csrfToken);
    xhr.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) return resolve(xhr.response as T);
      if (xhr.status === 401) {
        http.onUnauthorized();
        return reject(new UnauthorizedError());
      }
      const problem = (xhr.response ?? {}) as { detail?: string; title?: string };
      const tooLarge = xhr.status === 413 ? "The file is too large." : undefined;
      reject(new HttpError(tooLarge ?? problem.detail ?? problem.title ?? "The upload failed.", xhr.status));
    };
    xhr.onerror = () => reject(new HttpError("The upload was interrupted.", 0));
    xhr.onabort = () => reject(new DOMException("aborted", "AbortError"));
    xhr.send(file);
  });
  return { done, abort: () => xhr.abort() };
}
