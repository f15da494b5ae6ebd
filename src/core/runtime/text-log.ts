/**
 * turnout's own log lines as text, and the monitors behind /logs (spec 7): a ring of the last 100 KiB and live
 * subscribers each. Plain text on purpose, without pino: readers of /logs, of `docker logs` and of llama-swap's stdout
 * expect `[LEVEL] message`, and turning JSON lines back into it would only cost.
 * Must never block or fail a writer: not for a slow subscriber, not for a broken one.
 */
import { LIMITS } from '../limits.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogToStdout = 'proxy' | 'upstream' | 'both' | 'none';

/** One stream of log text: what it last said, and who listens. */
export interface LogMonitor {
  write(chunk: Buffer): void;
  /** At most the last 100 KiB, oldest bytes lost. */
  history(): Buffer;
  /** Listeners are called at once with each chunk and must only hand it on. Returns the way to stop. */
  subscribe(listener: (chunk: Buffer) => void): () => void;
}

export interface TextLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** An info line that cannot hold a secret (the access log): written without looking for one, which costs 5 us. */
  access(message: string): void;
  setLevel(level: LogLevel): void;
  setToStdout(toStdout: LogToStdout): void;
  readonly toStdout: LogToStdout;
  /** turnout's own lines. */
  readonly proxy: LogMonitor;
  /** Output of the models, written by whoever follows it. */
  readonly upstream: LogMonitor;
  /** What also goes to stdout (spec 7: empty with `none`). */
  readonly combined: LogMonitor;
}

export interface TextLogOptions {
  level: LogLevel;
  toStdout: LogToStdout;
  /** Where lines for stdout go; must not throw. */
  write(chunk: Buffer): void;
  /** Removes known secrets from a line before anyone sees it. */
  redact?(line: string): string;
  /** Bytes kept per monitor; default 100 KiB. */
  ringBytes?: number;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface MonitorOptions {
  ringBytes?: number | undefined;
  /** Called after the listeners with each chunk. */
  after?(chunk: Buffer): void;
  /** A listener threw and was dropped. */
  onBroken?(error: unknown): void;
}

const lineOf = (level: LogLevel, message: string): string => `[${level.toUpperCase()}] ${message}\n`;

/** A monitor over a fixed ring, allocated on its first write. */
export function createLogMonitor(options: MonitorOptions = {}): LogMonitor {
  const ringBytes = options.ringBytes ?? LIMITS.textRingBytes;
  const listeners = new Set<(chunk: Buffer) => void>();
  let ring: Buffer | null = null;
  let next = 0;
  let filled = false;

  const keep = (chunk: Buffer): void => {
    ring ??= Buffer.allocUnsafe(ringBytes);
    const part = chunk.length > ringBytes ? chunk.subarray(chunk.length - ringBytes) : chunk;
    const first = part.copy(ring, next, 0, Math.min(part.length, ringBytes - next));
    if (first < part.length) part.copy(ring, 0, first);
    if (next + part.length >= ringBytes) filled = true;
    next = (next + part.length) % ringBytes;
  };

  return {
    write(chunk) {
      if (chunk.length === 0) return;
      keep(chunk);
      for (const listener of listeners) {
        try {
          listener(chunk);
        } catch (error) {
          listeners.delete(listener);
          options.onBroken?.(error);
        }
      }
      options.after?.(chunk);
    },
    history() {
      if (ring === null) return Buffer.alloc(0);
      return filled
        ? Buffer.concat([ring.subarray(next), ring.subarray(0, next)])
        : Buffer.from(ring.subarray(0, next));
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** The text log of one turnout. `level` filters turnout's own lines only; output of models is raw (spec 7). */
export function createTextLog(options: TextLogOptions): TextLog {
  let level = options.level;
  let toStdout = options.toStdout;
  // Straight to stdout: telling it through a monitor would call the listeners again.
  const onBroken = (error: unknown): void => options.write(Buffer.from(`[ERROR] log listener failed: ${error}\n`));
  const monitor = (after: (chunk: Buffer) => void): LogMonitor =>
    createLogMonitor({ ringBytes: options.ringBytes, after, onBroken });
  const combined = monitor((chunk) => options.write(chunk));
  const proxy = monitor((chunk) => {
    if (toStdout === 'proxy' || toStdout === 'both') combined.write(chunk);
  });
  const upstream = monitor((chunk) => {
    if (toStdout === 'upstream' || toStdout === 'both') combined.write(chunk);
  });

  const line = (of: LogLevel, message: string): void => {
    if (RANK[of] < RANK[level]) return;
    const text = lineOf(of, message);
    proxy.write(Buffer.from(options.redact === undefined ? text : options.redact(text)));
  };

  return {
    debug: (message) => line('debug', message),
    info: (message) => line('info', message),
    warn: (message) => line('warn', message),
    error: (message) => line('error', message),
    access(message) {
      if (RANK.info >= RANK[level]) proxy.write(Buffer.from(lineOf('info', message)));
    },
    setLevel(next) {
      level = next;
    },
    setToStdout(next) {
      toStdout = next;
    },
    get toStdout() {
      return toStdout;
    },
    proxy,
    upstream,
    combined,
  };
}
