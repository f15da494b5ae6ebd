/**
 * One request on its way: what is known of it so far, and the few things that can be done with it (send the head, settle,
 * break off). `relay.ts` says when.
 * Must never settle twice, never write after the client left, and never end a broken answer as if it were whole.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { TurnoutError } from '../../core/errors.ts';
import { type Dialect, errorEvent } from '../dialect.ts';
import { type Collector, collectPlain, collectStream } from '../usage/collect.ts';
import { readUsage } from '../usage/read-usage.ts';
import { cutAnswer } from './cut-answer.ts';
import type { ResponseHead } from './headers.ts';
import { pathOf } from './path.ts';
import type { LinkedDispatch, UpstreamPool } from './pool.ts';
import type { RelayResult } from './result.ts';

export interface RelayRequest {
  method: string;
  /** Forwarded path with its query. */
  path: string;
  /** Flat list from `requestHeaders`. */
  headers: string[];
  body: Buffer | null;
}

export interface RelayOptions {
  pool: UpstreamPool;
  request: RelayRequest;
  res: ServerResponse<IncomingMessage>;
  /** How to say inside an event stream that it broke. */
  dialect: Dialect;
  /** Search a 200 answer for usage (spec 6.1). */
  readUsage: boolean;
  /** From the request sent whole to the head of its answer; 0 = none. */
  responseHeaderMs: number;
  /** Flat list of headers that turnout adds to the answer. */
  addHeaders?: readonly string[];
  /** Aborting it ends the request like a broken upstream, with the reason as its message. */
  signal?: AbortSignal;
  /** Told of every byte as it goes out: whoever asks when the connection closes must not be early. */
  sent?: { bytes: number | null };
  /** The head is about to be written. */
  onHead?: (status: number) => void;
  /** A reused connection closed at that moment: may the request be sent once more? Asked at most once. */
  shouldRetry?: () => boolean;
  onRetry?: (reason: string) => void;
}

export interface Exchange {
  readonly options: RelayOptions;
  readonly resolve: (result: RelayResult) => void;
  /** Undoes the listeners on what outlives the answer. */
  release: (() => void) | null;
  readonly startedAt: number;
  settled: boolean;
  /** 1 after the retry. */
  attempt: number;
  dispatch: LinkedDispatch | null;
  controller: Dispatcher.DispatchController | null;
  /** Written to a connection that had served a request before. */
  reused: boolean;
  /** A byte of an answer came, be it a 1xx. */
  answerBegan: boolean;
  headTimer: NodeJS.Timeout | null;
  head: ResponseHead | null;
  status: number;
  /** The head was handed to `res`. */
  headSent: boolean;
  /** `res.end` was called with the last byte of a known length. */
  ended: boolean;
  bytes: number;
  firstByteMs: number | null;
  /** The chunk that came last, by reference: it says whether a stream that stops here is whole. */
  lastChunk: Buffer | null;
  collector: Collector | null;
}

const LF = 0x0a;
const CR = 0x0d;

export function newExchange(options: RelayOptions, resolve: (result: RelayResult) => void): Exchange {
  return {
    options,
    resolve,
    release: null,
    startedAt: performance.now(),
    settled: false,
    attempt: 0,
    dispatch: null,
    controller: null,
    reused: false,
    answerBegan: false,
    headTimer: null,
    head: null,
    status: 0,
    headSent: false,
    ended: false,
    bytes: 0,
    firstByteMs: null,
    lastChunk: null,
    collector: null,
  };
}

/** Keeps the head until a byte of the body, the end, or the end of this turn sends it. */
export function takeHead(exchange: Exchange, head: ResponseHead, status: number): void {
  exchange.head = head;
  exchange.status = status;
  if (exchange.options.readUsage && status === 200 && !head.encoded) exchange.collector = collectorFor(head);
}

/** Throws what `writeHead` throws for headers that must not be sent; nothing was sent then. */
export function sendHead(exchange: Exchange): void {
  const { head, options, status } = exchange;
  if (exchange.headSent || exchange.settled || head === null) return;
  if (options.addHeaders !== undefined) head.headers.push(...options.addHeaders);
  options.onHead?.(status);
  options.res.writeHead(status, head.headers);
  exchange.headSent = true;
}

/** Ends the exchange, once. Whatever happens to its sockets afterwards says nothing new. */
export function settle(exchange: Exchange, outcome: RelayResult['outcome'], error: TurnoutError | null): void {
  const { collector, options, resolve } = exchange;
  exchange.settled = true;
  stopTimer(exchange);
  exchange.release?.();
  resolve({
    outcome,
    status: exchange.headSent ? exchange.status : null,
    bytes: exchange.bytes,
    firstByteMs: exchange.firstByteMs,
    usage: collector === null ? null : readUsage(collector.evidence(), pathOf(options.request.path)),
    error,
  });
}

/** The upstream's fault: before the head the caller answers, behind it the client must see that the answer broke. */
export function fail(exchange: Exchange, error: TurnoutError): void {
  if (!exchange.headSent) {
    settle(exchange, 'no-answer', error);
    return;
  }
  settle(exchange, 'cut', error);
  breakOff(exchange, error);
}

/** What the last event of a whole stream looks like, in each dialect. */
const LAST_EVENTS = ['data: [DONE]', 'data:[DONE]', '"message_stop"', '"response.completed"', '"response.incomplete"'];

/**
 * Whether the client has all of the answer already. Clients close the connection when they have read the last event,
 * which can be before the upstream ends its answer: that is no cancellation.
 */
export function isComplete({ ended, head, lastChunk }: Exchange): boolean {
  if (ended) return true;
  return head?.eventStream === true && lastChunk !== null && LAST_EVENTS.some((event) => lastChunk.includes(event));
}

export function stopTimer(exchange: Exchange): void {
  if (exchange.headTimer !== null) clearTimeout(exchange.headTimer);
  exchange.headTimer = null;
}

function breakOff(exchange: Exchange, error: TurnoutError): void {
  const { head, options, lastChunk } = exchange;
  const { res } = options;
  const lastByte = lastChunk?.at(-1) ?? LF;
  const lineEnded = lastByte === LF || lastByte === CR;
  const canAppend = head?.eventStream && !head.encoded && head.contentLength === null && lineEnded;
  if (canAppend) {
    res.end(errorEvent(options.dialect, { message: error.message, type: 'server_error', code: error.code }));
  } else {
    cutAnswer(res, head?.contentLength ?? null);
  }
}

function collectorFor(head: ResponseHead): Collector | null {
  if (head.eventStream) return collectStream();
  return head.contentType.includes('json') ? collectPlain() : null;
}
