/**
 * Log text as an endless plain answer (spec 3.14, 7). A client that is too slow loses text, and is told in the stream how
 * much: a log line must never wait for a reader.
 */
import { LIMITS } from '../../core/limits.ts';
import type { LogMonitor } from '../../core/runtime/text-log.ts';
import type { ApiContext, App } from '../context.ts';
import { type HeldResponse, holdResponse } from './held-response.ts';

/** Opens a plain text stream and returns what to write log text to. */
export function openTextStream(ctx: ApiContext, app: App): { held: HeldResponse; write(chunk: Buffer): void } {
  const held = holdResponse(ctx, app.streams, 'text/plain; charset=utf-8');
  let dropped = 0;
  const tellDropped = (): void => {
    if (dropped === 0) return;
    const notice = `\n— ${dropped} bytes dropped —\n`;
    dropped = 0;
    held.write(notice);
  };
  held.onDrain(tellDropped);
  return {
    held,
    write(chunk) {
      if (held.backlog + chunk.length > LIMITS.streamBacklogBytesMax) dropped += chunk.length;
      else {
        tellDropped();
        held.write(chunk);
      }
    },
  };
}

/** Streams a monitor: its history first unless told not to, then what comes. Resolves when the client is gone. */
export async function streamMonitor(ctx: ApiContext, app: App, monitor: LogMonitor, history: boolean): Promise<void> {
  const { held, write } = openTextStream(ctx, app);
  if (history) write(monitor.history());
  const stop = monitor.subscribe(write);
  await held.done;
  stop();
}
