import type { UploadHandle } from "./upload";

/** Starts at most so many uploads at once; the others wait for their turn. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(size: number) {
    this.free = Math.max(1, size);
  }

  run<T>(start: () => UploadHandle<T>): UploadHandle<T> {
    let running: UploadHandle<T> | null = null;
    let aborted = false;
    const done = (async () => {
      await this.take();
      try {
        if (aborted) throw new DOMException("aborted", "AbortError");
        running = start();
        return await running.done;
      } finally {
        this.give();
      }
    })();
    const abort = () => {
      aborted = true;
      running?.abort();
    };
    return { done, abort };
  }

  private async take(): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** A slot goes straight to the next in line, if there is one. */
  private give(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free++;
  }
}
