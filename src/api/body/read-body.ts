/**
 * Reads a request body whole, because the name of the model stands in it. Bounded in size and in silence: an announced
 * length over the limit is refused before a byte is read. Compressed bodies are decoded with a bounded output.
 * Must never leave a timer or a listener behind, and never reject for a client that merely left.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TurnoutError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { decodeBody, decoderOf } from './decode-body.ts';

export interface ReadBodyOptions {
  /** `turnout.maxBodyBytes`. */
  maxBytes: number;
  /** Longest silence between two pieces; default `LIMITS.bodyGapMs`. */
  gapMs?: number;
}

/** `gone`: the client left before the body was complete; there is no one to answer. */
export type BodyResult =
  | { gone: false; body: Buffer /** `Content-Encoding` was undone. */; decoded: boolean; wireBytes: number }
  | { gone: true };

/**
 * Throws `body-too-large` (413), `unsupported-encoding` (415), `bad-request` (400: not what its encoding says; 408:
 * silence). After a throw the rest of the body is unread: answer, then call `discardBody`.
 */
export async function readBody(req: IncomingMessage, options: ReadBodyOptions): Promise<BodyResult> {
  const decoder = decoderOf(req.headers['content-encoding']);
  const announced = announcedLength(req);
  if (announced !== null && announced > options.maxBytes) throw tooLarge(announced, options.maxBytes);
  const bytes = await readBytes(req, announced, options);
  if (bytes === null) return { gone: true };
  if (decoder === null || bytes.length === 0)
    return { gone: false, body: bytes, decoded: false, wireBytes: bytes.length };
  const body = await decodeBody(bytes, decoder, options.maxBytes);
  return { gone: false, body, decoded: true, wireBytes: bytes.length };
}

/**
 * For a refusal before the body was read: once the answer is written, the client may go on sending for a moment, so that
 * it reads the answer (on a connection closed at once it would see a broken pipe instead); then the connection is cut.
 * Does nothing when the body is already complete.
 */
export function discardBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.complete || req.destroyed) return;
  let left = LIMITS.refusalDiscardBytes;
  let timer: NodeJS.Timeout | null = null;
  const answered = () => {
    timer ??= setTimeout(cut, LIMITS.refusalDiscardMs);
  };
  const count = (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) cut();
  };
  const done = () => {
    if (timer !== null) clearTimeout(timer);
    res.off('finish', answered);
    req.off('data', count).off('end', done).off('close', done);
  };
  const cut = () => {
    done();
    req.socket.destroy();
  };
  if (res.writableFinished) answered();
  else res.once('finish', answered);
  // without a reader of its own, node would discard the rest of the body without any bound
  req.on('data', count).on('end', done).on('close', done);
  req.resume();
}

/** Null when the client left. */
function readBytes(req: IncomingMessage, announced: number | null, options: ReadBodyOptions): Promise<Buffer | null> {
  if (announced === 0) {
    req.resume();
    return Promise.resolve(Buffer.alloc(0));
  }
  const sink = announced === null ? listSink(options.maxBytes) : exactSink(announced);
  const gapMs = options.gapMs ?? LIMITS.bodyGapMs;
  return new Promise((resolve, reject) => {
    if (req.destroyed && !req.complete) {
      resolve(null);
      return;
    }
    const timer = setTimeout(() => stop(silent(gapMs, sink.bytes(), announced)), gapMs);
    const onData = (chunk: Buffer) => {
      timer.refresh();
      const fault = sink.add(chunk);
      if (fault !== null) stop(fault);
    };
    const onEnd = () => {
      release();
      resolve(sink.finish());
    };
    const onGone = () => {
      release();
      resolve(null);
    };
    const stop = (error: TurnoutError) => {
      release();
      req.pause();
      reject(error);
    };
    const release = () => {
      clearTimeout(timer);
      req.off('data', onData).off('end', onEnd).off('close', onGone);
    };
    // no listener for 'error': without one, node reports a client that left by 'close' alone
    req.on('data', onData).on('end', onEnd).on('close', onGone);
  });
}

interface Sink {
  bytes(): number;
  /** The error to stop with, or null. */
  add(chunk: Buffer): TurnoutError | null;
  finish(): Buffer;
}

/** One buffer of the announced length, taken when the first piece arrives; none when that piece is all. */
function exactSink(length: number): Sink {
  let whole: Buffer | null = null;
  let at = 0;
  return {
    bytes: () => at,
    add(chunk) {
      if (whole === null && chunk.length === length) {
        whole = chunk;
      } else {
        whole ??= Buffer.allocUnsafeSlow(length);
        chunk.copy(whole, at);
      }
      at += chunk.length;
      return null;
    },
    finish: () => whole ?? Buffer.alloc(0),
  };
}

function listSink(maxBytes: number): Sink {
  const chunks: Buffer[] = [];
  let total = 0;
  return {
    bytes: () => total,
    add(chunk) {
      total += chunk.length;
      if (total > maxBytes) return tooLarge(total, maxBytes);
      chunks.push(chunk);
      return null;
    },
    finish: () => (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, total)),
  };
}

/** Null for a chunked body; 0 when there is none. Node's parser has already refused lengths that are no numbers. */
function announcedLength(req: IncomingMessage): number | null {
  if (req.headers['transfer-encoding'] !== undefined) return null;
  return Number(req.headers['content-length'] ?? 0);
}

function tooLarge(bytes: number, maxBytes: number): TurnoutError {
  return new TurnoutError(
    'body-too-large',
    `read the request body: expected at most ${maxBytes} bytes (turnout.maxBodyBytes), got ${bytes} or more`,
  );
}

function silent(gapMs: number, bytes: number, announced: number | null): TurnoutError {
  const of = announced === null ? '' : ` of ${announced}`;
  return new TurnoutError(
    'bad-request',
    `read the request body: expected more within ${gapMs} ms, got silence after ${bytes}${of} bytes`,
    { status: 408 },
  );
}
