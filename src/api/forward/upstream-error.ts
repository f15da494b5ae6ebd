/**
 * Puts what undici and sockets report into words, and tells a connection that merely closed from everything else.
 * Must never quote what an upstream sent.
 */
import { TurnoutError } from '../../core/errors.ts';

const CLOSED = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** The connection was closed or reset. On a reused one, before any byte of an answer, that calls for one more try. */
export function isSocketClose(error: Error): boolean {
  return CLOSED.has((error as NodeJS.ErrnoException).code ?? '');
}

/** `upstream-unreachable` before the head of the answer, `upstream-cut` after it. */
export function upstreamError(origin: string, error: Error, headSeen: boolean): TurnoutError {
  const why = reasonOf(error);
  return headSeen
    ? new TurnoutError('upstream-cut', `relay the answer of "${origin}": expected it to its end, got ${why}`, {
        cause: error,
      })
    : new TurnoutError('upstream-unreachable', `ask "${origin}": expected an answer, got ${why}`, { cause: error });
}

function reasonOf(error: Error): string {
  // a name with several addresses fails once per address
  const inner = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  const code = (error as NodeJS.ErrnoException).code ?? (inner as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'UND_ERR_SOCKET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return 'a closed connection';
    case 'ECONNRESET':
      return 'a reset connection';
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'no connection in time';
    case 'UND_ERR_HEADERS_OVERFLOW':
      return 'more headers than are allowed';
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return 'fewer bytes than it announced';
    default:
      return error.message || inner?.message || error.name;
  }
}
