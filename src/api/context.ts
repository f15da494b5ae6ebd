/**
 * What every route has at hand: the parts of turnout that the HTTP side was given, and what is known of one request.
 * Types and the making of the shared parts only; no behaviour of any route.
 */
import type { ParameterizedContext } from 'koa';
import type { Config } from '../core/config/config.ts';
import type { Diagnostic } from '../core/config/diagnostics.ts';
import type { RequestId } from '../core/ids.ts';
import type { Router } from '../core/runtime/router.ts';
import type { TextLog } from '../core/runtime/text-log.ts';
import { createKeyRing, type KeyRing } from './auth.ts';
import type { OpenStreams } from './stream/open-streams.ts';
import type { Upstreams } from './upstreams.ts';

export interface VersionInfo {
  version: string;
  commit: string;
  buildDate: string;
}

/** Where the output of runs is read; paths are relative to the state directory. */
export interface OutputSource {
  /** The newest part of the file; empty when it does not exist (any more). */
  readOutput(stateDir: string, file: string): Promise<Buffer>;
  /** `history`: bytes of the past that come first. Resolves when `signal` aborts. */
  followOutput(
    stateDir: string,
    file: string,
    options: { signal: AbortSignal; onChunk(chunk: Buffer): void | Promise<void>; history: number },
  ): Promise<void>;
}

export interface ApiOptions {
  router: Router;
  textLog: TextLog;
  version: VersionInfo;
  stateDir: string;
  output: OutputSource;
  /** PEM certificate and key; without them it speaks plain HTTP. */
  tls?: { cert: Buffer; key: Buffer } | null;
  /** Hands over to a successor; absent where that cannot be done. Resolves when it is decided, before it begins. */
  restart?: (by: string) => Promise<RestartAnswer>;
}

/** What became of a wish to restart. */
export type RestartAnswer = { ok: true } | { ok: false; why: string; diagnostics: readonly Diagnostic[] };

export interface App extends ApiOptions {
  /** API keys of the configuration of this moment. */
  keys(): KeyRing;
  streams: OpenStreams;
  upstreams: Upstreams;
}

/** What is known of one request. */
export interface ApiState {
  id: RequestId;
  /** Label of the valid API key it carries; null when none is asked for. */
  keyLabel: string | null;
  /** Bytes of the answer's body, set by those who write it themselves. */
  bytes: number | null;
}

export type ApiContext = ParameterizedContext<ApiState>;
export type Handler = (ctx: ApiContext) => Promise<void> | void;

/** Key rings are made once per configuration. */
export function keysOf(config: () => Config): () => KeyRing {
  let of: Config | null = null;
  let ring = createKeyRing([]);
  return () => {
    const now = config();
    if (now !== of) {
      of = now;
      ring = createKeyRing(now.apiKeys);
    }
    return ring;
  };
}
