/**
 * An answer that stays open until its client leaves, its source ends it, or the server closes. Takes the response out of
 * koa's hands; counts what it sends.
 * Must never buffer without a bound: `backlog` tells its writer how much the client has not taken.
 */
import { LIMITS } from '../../core/limits.ts';
import type { ApiContext } from '../context.ts';
import type { OpenStreams } from './open-streams.ts';

export interface HeldResponse {
  /** Aborts when the client left, the server closes, or `end` was called. */
  readonly signal: AbortSignal;
  /** Bytes that the client has not taken yet. */
  readonly backlog: number;
  /** True from a `write` that returned false until the client took it all. */
  readonly full: boolean;
  /** False when the client should be given time; `onDrain` tells when. Ignored once ended. */
  write(chunk: Buffer | string): boolean;
  onDrain(listener: () => void): void;
  end(): void;
  /** Resolves when the answer is over, however it ended. */
  readonly done: Promise<void>;
}

/** Sends the head at once, so that a client knows it is heard, and holds the answer open. HEAD ends it right there. */
export function holdResponse(ctx: ApiContext, streams: OpenStreams, contentType: string): HeldResponse {
  const { req, res } = ctx;
  const over = new AbortController();
  ctx.respond = false;
  ctx.state.bytes = 0;
  res.writeHead(200, {
    'content-type': contentType,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no',
  });
  res.flushHeaders();

  let stalled: NodeJS.Timeout | null = null;
  const end = (): void => {
    if (!res.writableEnded) res.end();
  };
  const forget = streams.add(end);
  const done = new Promise<void>((resolve) => {
    res.once('close', () => {
      forget();
      if (stalled !== null) clearTimeout(stalled);
      over.abort();
      resolve();
    });
  });
  // A client that takes nothing for long is as good as gone; it would hold memory and a place for ever.
  const watch = (): void => {
    stalled ??= setTimeout(() => res.destroy(), LIMITS.streamStallMs);
  };
  res.on('drain', () => {
    if (stalled !== null) clearTimeout(stalled);
    stalled = null;
  });
  res.once('finish', () => over.abort());
  if (req.method === 'HEAD') end();

  return {
    signal: over.signal,
    get backlog() {
      return res.writableLength;
    },
    get full() {
      return res.writableNeedDrain;
    },
    write(chunk) {
      if (res.writableEnded || res.destroyed) return true;
      ctx.state.bytes = (ctx.state.bytes ?? 0) + Buffer.byteLength(chunk);
      const taken = res.write(chunk);
      if (!taken) watch();
      return taken;
    },
    onDrain(listener) {
      res.on('drain', listener);
    },
    end() {
      over.abort();
      end();
    },
    done,
  };
}
