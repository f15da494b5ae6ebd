/**
 * The one error class. A stable `code` for programs, an HTTP `status` for clients, a message for people.
 * Messages: the action, the value in quotes, what was expected and what was got, no full stop.
 * Expected outcomes of the kernel are events, not errors.
 */

/** HTTP status of each error code; the code is part of the API and never renamed. */
export const STATUS_OF = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'no-model': 404,
  'unknown-model': 404,
  'not-found': 404,
  conflict: 409,
  'model-not-loaded': 409,
  'body-too-large': 413,
  'unsupported-encoding': 415,
  'concurrency-limit': 429,
  'planner-refused': 429,
  internal: 500,
  'start-failed': 500,
  'model-unloaded': 500,
  'shutting-down': 500,
  'upstream-unreachable': 502,
  'upstream-cut': 502,
  'not-ready': 503,
  'backed-off': 503,
  'model-removed': 503,
  'queue-timeout': 503,
  'drain-timeout': 503,
  'log-unavailable': 503,
  'upstream-timeout': 504,
  config: 500,
  usage: 500,
  'state-dir': 500,
  'log-locked': 500,
  'log-damaged': 500,
  'port-in-use': 500,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof STATUS_OF;

export class TurnoutError extends Error {
  readonly code: ErrorCode;
  readonly status: number;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; status?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TurnoutError';
    this.code = code;
    this.status = options?.status ?? STATUS_OF[code];
  }
}
