/**
 * One ordinary request that is passed through: what happens with it once the library has opened the upstream request.
 * Client gone closes the upstream; an answer that breaks closes the client (bare, the library does neither).
 * Must never let a body's framing differ from what the upstream was told.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { cutAnswer } from './cut-answer.ts';
import { responseHead } from './headers.ts';
import { type Pass, passBytes, settlePass } from './pass.ts';
import { upstreamError } from './upstream-error.ts';

export interface WebPass extends Pass {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  upstream: ClientRequest | null;
  answer: IncomingMessage | null;
}

/** The client's side; call before the library is. */
export function watchClient(pass: WebPass): void {
  const { req, res } = pass;
  res.on('close', () => {
    if (settlePass(pass, 'client-gone', null)) pass.upstream?.destroy();
  });
  // seen by the library as well; without a listener of its own a late error would end the process
  res.on('error', () => res.destroy());
  if (!req.complete) req.on('data', pass.track.moved);
}

/** The upstream request has a socket. */
export function onUpstream(pass: WebPass, upstream: ClientRequest): void {
  pass.upstream = upstream;
  if (pass.settled) upstream.destroy();
}

export function onAnswer(pass: WebPass, answer: IncomingMessage): void {
  const { res } = pass;
  pass.answer = answer;
  const status = answer.statusCode ?? 502;
  const head = responseHead(answer.rawHeaders, status);
  if (pass.settled) {
    answer.destroy();
    return;
  }
  try {
    if (head.fault !== null) throw new Error(head.fault);
    res.writeHead(status, head.headers);
  } catch (error) {
    settlePass(pass, 'no-answer', upstreamError(pass.origin, error as Error, false));
    answer.destroy();
    return;
  }
  pass.status = status;
  pass.track.answered();
  answer.on('data', (chunk: Buffer) => passBytes(pass, chunk.length));
  answer.on('end', () => finish(pass));
  answer.on('close', () => {
    if (answer.complete) return;
    const error = upstreamError(pass.origin, new Error('a closed connection'), true);
    if (settlePass(pass, 'cut', error)) cutAnswer(res, head.contentLength);
  });
  res.flushHeaders();
  answer.pipe(res);
}

/** Errors of the upstream request and of reading the client's body. Once an answer began, its end says it all. */
export function onError(pass: WebPass, error: Error): void {
  if (pass.answer !== null) return;
  pass.upstream?.destroy();
  settlePass(pass, 'no-answer', upstreamError(pass.origin, error, false));
}

export function cutPass(pass: WebPass, reason: string): void {
  const began = pass.status !== null;
  const error = upstreamError(pass.origin, new Error(reason), began);
  if (!settlePass(pass, began ? 'cut' : 'no-answer', error)) return;
  pass.upstream?.destroy();
  if (began) cutAnswer(pass.res, null);
}

function finish(pass: WebPass): void {
  const { req, upstream } = pass;
  settlePass(pass, 'ok', null);
  if (upstream === null || upstream.writableFinished) return;
  // answered before the body was sent: the rest must not flow, nor the connection be used again
  req.unpipe(upstream);
  upstream.destroy();
}
