/**
 * Every bound of turnout, with its unit last in its name. Values that a user can set are the defaults here.
 * Where a figure was measured or comes from a rule, the line says so.
 */
export const LIMITS = {
  // requests
  bodyBytesMax: 256 * 1024 * 1024,
  jsonParseBytesMax: 256 * 1024, // above it a scanner finds `model` and `stream` without parsing
  decodedBodyBytesMax: 64 * 1024 * 1024, // of a compressed request body, so that a bomb stays small
  bodyGapMs: 120_000, // longest silence between two pieces of a request body
  headersTimeoutMs: 15_000,
  connectionsCheckMs: 1_000,
  clientKeepAliveMs: 95_000, // Node's 5 s gives resets behind pooling proxies
  clientHeaderBytesMax: 32 * 1024,
  refusalDiscardMs: 2_000,
  refusalDiscardBytes: 16 * 1024 * 1024,
  concurrencyDefault: 10, // spec 4.4
  labelCharsMax: 200, // client, session, endpoint and asked names as they stand in events

  // answers that stay open, and what may be asked of the log
  sseHeartbeatMs: 15_000,
  streamStallMs: 30_000, // a reader of an endless answer that takes nothing for this long is cut off
  streamBacklogBytesMax: 1024 * 1024, // beyond it log text is dropped and its amount told
  logQueryEventsDefault: 1_000,
  logQueryEventsMax: 10_000,
  explainEventsMax: 2_000,
  explainModelEvents: 100,
  explainCauseDepth: 10,

  // upstreams
  upstreamKeepAliveMs: 2_000, // uvicorn and cpp-httplib close at 5 s
  upstreamHeaderBytesMax: 64 * 1024,
  usageTailBytesMax: 1024 * 1024, // of a larger answer only the last part of this size is searched for usage
  endedRunsKept: 10_000, // runs that are over and still known as such to the connection pools and the runtime
  upgradeHalfCloseMs: 5_000, // a WebSocket of which one side ended is given this long to end the other
  quietCheckMs: 1_000,
  busyBytesWithinMs: 60_000, // pass-through and WebSockets count as busy only while bytes moved this recently

  // processes
  healthProbeMs: 1_000,
  healthProbeGapMaxMs: 100,
  healthCheckTimeoutMinMs: 15_000, // spec 2.2
  unloadTimeoutMs: 10_000, // spec 2.2
  startAbortGraceMs: 5_000, // spec 5.3
  killConfirmMs: 5_000,
  leftoverGraceMs: 2_000, // TERM to KILL for what a leader leaves behind when it ends by itself
  stopAgainMs: 30_000, // longest wait for a `cmdStop` while the port still accepts; docker stop takes 10 s and more
  adoptedPollMs: 250,
  portProbeMs: 500,
  outputPollMs: 250,
  backoffFirstMs: 5_000,
  backoffMaxMs: 300_000,
  outputTailLines: 20,
  outputLineCharsMax: 2_000,
  outputFileBytesMax: 8 * 1024 * 1024,
  outputRunsKept: 3,
  outputFloodBytesPerSec: 20 * 1024 * 1024,
  outputFloodMs: 10_000,
  portStart: 5_800, // spec 2.2

  // planning and fairness
  planTargetsPerPass: 16,
  planStaleMax: 3, // dropped answers before the fallback is asked
  planAnswerMs: 500,
  waitMinMs: 250,
  waitMaxMs: 600_000,
  waitDefaultMs: 5_000,
  blockedAgainMs: 1_000, // the same `target.blocked` at most this often
  viewWaitingMax: 256,
  maxWaitFloorMs: 10_000,
  loadUnknownMs: 30_000,
  loadSamples: 5,
  drainTimeoutMs: 300_000,
  queueTimeoutMs: 900_000,

  // router
  shutdownMs: 30_000, // spec 1.3
  shutdownBackstopMs: 35_000, // spec 1.3
  clockStepMs: 1_000,
  clockCheckMs: 5_000,
  configPollMs: 2_000, // spec 1.4
  configSettleMs: 200, // a file that changed is looked at once more after this long

  // configuration: what one load may use, so that a hostile file costs an error and not the process
  configBytesMax: 1024 * 1024, // of one file
  configTokensMax: 64_000, // pieces of YAML; 500 models are 27,000, and 64,000 take 0.15 s
  configDepthMax: 64,
  configNodesMax: 200_000, // values once anchors are resolved
  configExpandedCharsMax: 4 * 1024 * 1024, // text that comes out of macros
  configDiagnosticsMax: 100, // shown of each severity
  configHelpsMax: 30, // of these, how many look for the nearest known name
  configExpressionCharsMax: 16 * 1024, // of one matrix set
  configDevicesMax: 64,

  // log
  logBatchMs: 10,
  logBatchEvents: 256,
  logRowsPerInsert: 16,
  logPendingEventsMax: 50_000,
  logPendingBytesMax: 32 * 1024 * 1024,
  logBallastBytes: 16 * 1024 * 1024,
  logRetryMs: 1_000,
  logFileCheckMs: 10_000,
  logCheckpointIdleMs: 1_000,
  logCheckpointBytes: 16 * 1024 * 1024,
  logWalKeptBytes: 4 * 1024 * 1024, // size to which the write-ahead file is cut when it starts again
  logMemoryEventsMax: 100_000, // newest events kept by a log without a file
  textRingBytes: 100 * 1024, // spec 7
  stdoutBacklogBytesMax: 1024 * 1024,
  stdoutRetryMs: 20,
  stdoutGatherMs: 50, // lines that follow a write this soon go out together
} as const;
