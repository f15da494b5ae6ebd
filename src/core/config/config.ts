/**
 * The validated configuration, as the rest of turnout sees it: macros replaced, defaults filled in, ports given, names
 * resolved. Times are milliseconds. Made by load.ts, never changed afterwards.
 */
import type { ModelId } from '../ids.ts';
import type { BuiltInName, GroupSettings, LocalWindow, Memory, OnDemand, Settings } from '../settings.ts';
import type { Json } from './canonical.ts';
import type { Diagnostic } from './diagnostics.ts';
import type { Expression } from './matrix-expression.ts';

export interface UpstreamTimeouts {
  connectMs: number;
  keepAliveMs: number;
  /** 0 = none. */
  responseHeaderMs: number;
  tlsHandshakeMs: number;
  expectContinueMs: number;
  idleConnMs: number;
}

/** Changes of a JSON request (spec 2.4). The key `model` is in none of them; keys are sorted. */
export interface Filters {
  strip: string[];
  set: [key: string, value: Json][];
  /** By the name that the client used, these win over `set`. */
  setById: Map<string, [key: string, value: Json][]>;
}

export type Modality = 'text' | 'audio' | 'image';

export interface Capabilities {
  in: Modality[];
  out: Modality[];
  tools: boolean;
  reranker: boolean;
  /** Tokens; 0 = not told. */
  context: number;
}

/** Always set by the loader; optional in `ModelConfig`, so that parts that use none of it can be tried without it. */
interface ModelFeatures {
  filters: Filters;
  capabilities: Capabilities;
  /** Shown in listings; null when there is none. */
  metadata: Record<string, Json> | null;
  sendLoadingState: boolean;
  ignoreWebsockets: boolean;
  /** What it takes, with the default of `turnout.memory`; null = not told. */
  memory: Memory | null;
  tags: string[];
  keepWarm: LocalWindow[];
  onDemand: OnDemand;
}

export interface ModelConfig extends Partial<ModelFeatures> {
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
  /** Those of `filters.setParamsByID` too. */
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

export interface PeerConfig {
  id: string;
  proxy: string;
  /** Model ids as the peer knows them, without duplicates. */
  models: string[];
  /** Empty = none is sent. */
  apiKey: string;
  filters: Filters;
  timeouts: UpstreamTimeouts;
}

export interface SelectorConfig {
  id: string;
  strategy: 'pin' | 'warm' | 'spillover';
  /** Names as written: a filter may belong to an alias. At least one; each resolves to a model or a peer's model. */
  targets: string[];
  spillover: number;
  name: string;
  description: string;
  unlisted: boolean;
  metadata: Record<string, Json> | null;
}

export interface ProfileConfig {
  id: string;
  description: string;
  /** What a name leads to; null = requests for it get 404. */
  pins: Map<string, string | null>;
}

export interface MatrixConfig {
  vars: Map<string, ModelId>;
  /** By id; 1 for a model that is not here. */
  evictCosts: Map<ModelId, number>;
  /** In the order of the file. */
  sets: { name: string; text: string; expression: Expression }[];
}

/** A policy file, with its path made absolute where the place of the naming file is known. */
export interface PolicyConfig {
  file: string;
  options: Record<string, Json>;
}

/** Always set by the loader; optional in `Config`, as `ModelFeatures` is. */
interface ConfigFeatures {
  /** Name of a Go time layout in lower case; empty = no times. */
  logTimeFormat: string;
  metricsMaxInMemory: number;
  /** 0 = no captures. */
  captureBufferBytes: number;
  /** Null = the activity is kept in memory. */
  store: { path: string } | null;
  /** Headers with the id of a session, for the activity page. */
  uiSessionHeaders: string[];
  performance: { disabled: boolean; everyMs: number };
  includeAliasesInList: boolean;
  /** A path under /upstream that one of these finds does not load a model. */
  ignorePaths: RegExp[];
  router: 'group' | 'matrix';
  /** What stands in the file, in use or not. */
  matrix: MatrixConfig | null;
  profiles: Map<string, ProfileConfig>;
  selectors: Map<string, SelectorConfig>;
  peers: Map<string, PeerConfig>;
  /** Every name of a peer's model, `peer/model` and what only one peer calls so, to the peer and its own id. */
  peerNames: Map<string, { peer: string; model: string }>;
}

/** Always set by the loader; optional in `Config`, as `ModelFeatures` is. */
interface TurnoutFeatures {
  planner: 'group' | 'matrix' | 'budget' | 'policy';
  policy: PolicyConfig | null;
  shadow: PolicyConfig[];
  /** 0 = for ever. */
  retentionDays: number;
  eventLogBytesMax: number;
  /** Bytes of each device. */
  devices: Map<string, number>;
  protect: Settings['protect'];
  whenIdle: Settings['whenIdle'];
  memoryWaitMs: number;
  /** By client label; added to the priority of the model. */
  clientPriority: Record<string, number>;
  antiThrash: boolean;
  /** What answers when the policy does not. */
  fallback: BuiltInName;
  /** IANA name; null = that of the machine. */
  timeZone: string | null;
  /** Whether models that outlived an earlier turnout go on in this one. */
  adopt: boolean;
  /** What SIGTERM does with models. */
  shutdown: 'stop-models' | 'keep-models';
}

interface TurnoutConfig extends Partial<TurnoutFeatures> {
  maxWaitMs: number | null;
  minResidencyMs: number;
  queueTimeoutMs: number;
  drainTimeoutMs: number;
  maxBodyBytes: number;
  /** Header names, in order of preference, that say who a request comes from. */
  clientFrom: string[];
  sessionFrom: string[];
  onTrouble: 'serve' | 'refuse';
}

export interface Config extends Partial<ConfigFeatures> {
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
  turnout: TurnoutConfig;
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
