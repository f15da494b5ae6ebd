/**
 * The one way from an upstream's answer to a client: undici's dispatch handler writes each chunk as it comes. No pipe,
 * no async iteration, no parser, no copy per chunk (with 1,000 streams those cost between 4 % and 160 % of the delay).
 * Must never hold a chunk back, and never ask an upstream twice but for a reused connection that closed unheard.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { TurnoutError } from '../../core/errors.ts';
import {
  type Exchange,
  fail,
  isComplete,
  newExchange,
  type RelayOptions,
  sendHead,
  settle,
  stopTimer,
  takeHead,
} from './exchange.ts';
import { responseHead } from './headers.ts';
import { joinPath } from './path.ts';
import type { RelayResult } from './result.ts';
import { isSocketClose, upstreamError } from './upstream-error.ts';

const EXCHANGE = Symbol('exchange');
const CLIENT_GONE = new Error('the client left');

/** Resolves when the answer is complete or can no longer become so; never rejects. */
export function relay(options: RelayOptions): Promise<RelayResult> {
  return new Promise((resolve) => {
    const exchange = newExchange(options, resolve);
    const { res, signal } = options;
    listen(exchange);
    if (res.destroyed || res.req.socket.destroyed) leave(exchange);
    else if (signal?.aborted) giveUp(exchange);
    else send(exchange, handlerOf(exchange));
  });
}

/** An answer and what is relayed into it. */
interface Relayed extends ServerResponse {
  [EXCHANGE]?: Exchange;
}

/**
 * The listeners on the answer are the same functions for all requests and are never taken off: a settled exchange
 * ignores them. (Closures of each request, in the lists of its answer and in the exchange, outlived
 * collections of young garbage by the thousand.)
 */
function listen(exchange: Exchange): void {
  const { signal } = exchange.options;
  const res: Relayed = exchange.options.res;
  res[EXCHANGE] = exchange;
  res.on('close', onClose);
  res.on('drain', onDrain);
  res.on('error', onClose);
  // behind another answer on the same connection `res` has no socket yet and would not hear of its end
  const waitsFor = res.socket === null ? res.req.socket : null;
  exchange.release = waitsFor === null && signal === undefined ? null : listenBeside(exchange, waitsFor, signal);
}

/** What only some exchanges listen to; returns the way to stop. */
function listenBeside(exchange: Exchange, connection: Socket | null, signal: AbortSignal | undefined): () => void {
  const onGone = (): void => leave(exchange);
  const onSignal = (): void => giveUp(exchange);
  connection?.on('close', onGone);
  signal?.addEventListener('abort', onSignal);
  return () => {
    connection?.off('close', onGone);
    signal?.removeEventListener('abort', onSignal);
  };
}

function onClose(this: Relayed): void {
  const exchange = this[EXCHANGE];
  if (exchange !== undefined) leave(exchange);
}

function onDrain(this: Relayed): void {
  const exchange = this[EXCHANGE];
  if (exchange?.settled === false) exchange.controller?.resume();
}

/** Settles before it aborts, because the abort reports an error at once. */
function leave(exchange: Exchange): void {
  if (exchange.settled) return;
  settle(exchange, isComplete(exchange) ? 'ok' : 'client-gone', null);
  exchange.controller?.abort(CLIENT_GONE);
}

function giveUp(exchange: Exchange): void {
  const { pool, signal } = exchange.options;
  const reason: unknown = signal?.reason;
  const error = reason instanceof Error ? reason : new Error(String(reason));
  fail(exchange, upstreamError(pool.origin, error, exchange.headSent));
  exchange.controller?.abort(error);
}

function send(exchange: Exchange, handler: Dispatcher.DispatchHandler): void {
  const { pool, request } = exchange.options;
  exchange.dispatch = {
    path: joinPath(pool.basePath, request.path),
    method: request.method,
    headers: request.headers,
    body: request.body,
  };
  pool.dispatch(exchange.dispatch, handler, exchange.attempt > 0);
}

function handlerOf(exchange: Exchange): Dispatcher.DispatchHandler {
  const { res } = exchange.options;
  const flushHead = () => flush(exchange);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      exchange.controller = controller;
      const link = exchange.dispatch?.link;
      if (link !== undefined) exchange.reused = ++link.requests > 1;
      // the client left while the connection was being made
      if (exchange.settled) controller.abort(CLIENT_GONE);
    },
    onRequestSent() {
      waitForHead(exchange);
    },
    onResponseStarted() {
      exchange.answerBegan = true;
    },
    onResponseStart(controller, status) {
      // 1xx are for turnout's own connection
      if (exchange.settled || status < 200) return;
      stopTimer(exchange);
      const head = responseHead(controller.rawHeaders as readonly (Buffer | string)[], status);
      if (head.fault !== null) {
        controller.abort(new Error(head.fault));
        return;
      }
      takeHead(exchange, head, status);
      queueMicrotask(flushHead);
    },
    onResponseData(controller, chunk) {
      if (exchange.settled) return;
      exchange.firstByteMs ??= performance.now() - exchange.startedAt;
      sendHead(exchange);
      exchange.bytes += chunk.length;
      if (exchange.options.sent !== undefined) exchange.options.sent.bytes = exchange.bytes;
      exchange.lastChunk = chunk;
      exchange.collector?.add(chunk);
      if (exchange.bytes === exchange.head?.contentLength) {
        exchange.ended = true;
        res.end(chunk);
      } else if (!res.write(chunk)) {
        controller.pause();
      }
    },
    onResponseEnd() {
      if (exchange.settled) return;
      sendHead(exchange);
      settle(exchange, 'ok', null);
      if (!exchange.ended) res.end();
    },
    onResponseError(_controller, error) {
      if (exchange.settled) return;
      if (mayRetry(exchange, error)) send(exchange, handler);
      else fail(exchange, upstreamError(exchange.options.pool.origin, error, exchange.headSent));
    },
  };
  return handler;
}

/** Runs after the turn in which the head came: a body of the same turn has taken the head along by then. */
function flush(exchange: Exchange): void {
  if (exchange.headSent || exchange.settled) return;
  try {
    sendHead(exchange);
    exchange.options.res.flushHeaders();
  } catch (error) {
    exchange.controller?.abort(error as Error);
  }
}

function waitForHead(exchange: Exchange): void {
  const { pool, responseHeaderMs } = exchange.options;
  if (exchange.settled || responseHeaderMs <= 0 || exchange.head !== null) return;
  stopTimer(exchange);
  exchange.headTimer = setTimeout(() => {
    const expected = `expected an answer within ${responseHeaderMs} ms (timeouts.responseHeader), got none`;
    settle(exchange, 'timeout', new TurnoutError('upstream-timeout', `ask "${pool.origin}": ${expected}`));
    exchange.controller?.abort(new Error('timeouts.responseHeader'));
  }, responseHeaderMs);
}

/** 0.1 % of requests meet a server that closes an idle connection at that very moment. */
function mayRetry(exchange: Exchange, error: Error): boolean {
  if (exchange.attempt > 0 || !exchange.reused || exchange.answerBegan || !isSocketClose(error)) return false;
  if (exchange.options.shouldRetry?.() !== true) return false;
  exchange.attempt = 1;
  exchange.controller = null;
  stopTimer(exchange);
  exchange.options.onRetry?.(
    `the upstream closed a reused connection (${(error as NodeJS.ErrnoException).code ?? error.name})`,
  );
  return true;
}
