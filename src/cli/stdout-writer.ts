/**
 * Log lines to stdout without waiting for it: a synchronous write per line costs a request 15 us, and a reader that does
 * not read would stop everything. A line goes out at once when none did lately, else with those of the next few
 * milliseconds, one write at a time; what a reader that is too slow would make pile up is dropped, and said.
 */
import { write as writeFd } from 'node:fs';
import { LIMITS } from '../core/limits.ts';

export interface StdoutWriter {
  write(chunk: Buffer): void;
  /** Resolves when everything taken so far is written, or the reader is gone. */
  flush(): Promise<void>;
}

const STDOUT = 1;

export function createStdoutWriter(fd: number = STDOUT): StdoutWriter {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let dropped = 0;
  let busy = false;
  let scheduled = false;
  let broken = false;
  let wroteAt = Number.NEGATIVE_INFINITY;
  let idle: (() => void)[] = [];

  /** Each write costs a turn of the thread pool, which thousands of lines a second must not pay one by one. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    if (performance.now() - wroteAt < LIMITS.stdoutGatherMs) setTimeout(next, LIMITS.stdoutGatherMs);
    else setImmediate(next);
  }

  function next(): void {
    scheduled = false;
    if (busy) return;
    if (waiting.length === 0 || broken) {
      waiting = [];
      for (const resolve of idle.splice(0)) resolve();
      return;
    }
    if (dropped > 0) waiting.push(Buffer.from(`[WARN] ${dropped} bytes of log lines dropped: stdout is not read\n`));
    const chunk = Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
    dropped = 0;
    busy = true;
    wroteAt = performance.now();
    send(chunk);
  }

  function send(chunk: Buffer): void {
    writeFd(fd, chunk, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => send(chunk), LIMITS.stdoutRetryMs);
        return;
      }
      if (error !== null)
        broken = true; // nobody reads any more: the lines are still in /logs
      else if (written < chunk.length) return send(chunk.subarray(written));
      busy = false;
      if (waiting.length === 0 || idle.length > 0) next();
      else schedule();
    });
  }

  return {
    write(chunk) {
      if (broken) return;
      if (bytes + chunk.length > LIMITS.stdoutBacklogBytesMax) {
        dropped += chunk.length;
        return;
      }
      waiting.push(chunk);
      bytes += chunk.length;
      if (!busy) schedule();
    },
    flush: () =>
      new Promise((resolve) => {
        idle = [...idle, resolve];
        next();
      }),
  };
}
