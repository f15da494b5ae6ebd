/**
 * The validated configuration, as the rest of turnout sees it: macros replaced, defaults filled in, ports given, names
 * resolved. Times are milliseconds. Made by load.ts, never changed afterwards.
 */
import type { ModelId } from '../ids.ts';
import type { GroupSettings } from '../settings.ts';
import type { Diagnostic } from './diagnostics.ts';

export interface UpstreamTimeouts {
  connectMs: number;
  keepAliveMs: number;
  /** 0 = none. */
  responseHeaderMs: number;
  tlsHandshakeMs: number;
  expectContinueMs: number;
  idleConnMs: number;
}

export interface ModelConfig {
  id: ModelId;
  /** As written, comments removed, every macro but `${PID}` and `${PORT}` replaced; `${PORT}` stays symbolic here. */
  cmd: string;
  cmdStop: string;
  proxy: string;
  /** Path, or null for `none`. */
  checkEndpoint: string | null;
  env: string[];
  /** null when `cmd` does not use `${PORT}`. */
  port: number | null;
  aliases: string[];
  /** Empty = the client's name is forwarded unchanged. */
  useModelName: string;
  unlisted: boolean;
  name: string;
  description: string;
  concurrencyLimit: number;
  /** 0 = never. */
  ttlMs: number;
  unloadTimeoutMs: number;
  /** True when the user set `unloadTimeout`, here or globally. */
  unloadTimeoutSet: boolean;
  startTimeoutMs: number;
  /** null = the global one. */
  minResidencyMs: number | null;
  timeouts: UpstreamTimeouts;
  group: string;
  priority: number;
}

export interface Config {
  /** In the order of the file. */
  models: Map<ModelId, ModelConfig>;
  /** Any name of a model (id or alias) to its id. */
  names: Map<string, ModelId>;
  groups: GroupSettings[];
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  logToStdout: 'proxy' | 'upstream' | 'both' | 'none';
  preload: ModelId[];
  /** Empty = no key is asked for. */
  apiKeys: string[];
  /** `turnout:` */
  turnout: {
    maxWaitMs: number | null;
    minResidencyMs: number;
    queueTimeoutMs: number;
    drainTimeoutMs: number;
    maxBodyBytes: number;
    /** Header names, in order of preference, that say who a request comes from. */
    clientFrom: string[];
    sessionFrom: string[];
    onTrouble: 'serve' | 'refuse';
  };
  /** Canonical JSON of the configuration with keys and secrets replaced by `[REDACTED]`; stands in the log as a blob. */
  redacted: string;
  /** SHA-256 of `redacted`, hex. */
  hash: string;
  /** Hides what this configuration keeps secret in a text that is shown or kept. */
  redact(text: string): string;
  warnings: Diagnostic[];
  /** Absolute paths of the files that it was read from. */
  files: string[];
}
