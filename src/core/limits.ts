/**
 * Every bound of turnout, with its unit last in its name. Values that a user can set are the defaults here.
 * Where a figure was measured or comes from a rule, the line says so.
 */
export const LIMITS = {
  // requests
  bodyBytesMax: 256 * 1024 * 1024,
  jsonParseBytesMax: 256 * 1024, // above it a scanner finds `model` and `stream` without parsing
  bodyGapMs: 120_000, // longest silence between two pieces of a request body
  headersTimeoutMs: 15_000,
  connectionsCheckMs: 1_000,
  clientKeepAliveMs: 95_000, // Node's 5 s gives resets behind pooling proxies
  clientHeaderBytesMax: 32 * 1024,
  refusalDiscardMs: 2_000,
  refusalDiscardBytes: 16 * 1024 * 1024,
  concurrencyDefault: 10, // spec 4.4
  labelCharsMax: 200, // client, session, endpoint and asked names as they stand in events

  // upstreams
  upstreamKeepAliveMs: 2_000, // uvicorn and cpp-httplib close at 5 s
  upstreamHeaderBytesMax: 64 * 1024,
  usageTailBytesMax: 1024 * 1024, // a JSON answer larger than this is not searched for usage
  busyBytesWithinMs: 60_000, // pass-through and WebSockets count as busy only while bytes moved this recently

  // processes
  healthProbeMs: 1_000,
  healthProbeGapMaxMs: 100,
  healthCheckTimeoutMs: 120_000, // spec 2.2
  healthCheckTimeoutMinMs: 15_000, // spec 2.2
  unloadTimeoutMs: 10_000, // spec 2.2
  startAbortGraceMs: 5_000, // spec 5.3
  killConfirmMs: 5_000,
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
  textRingBytes: 100 * 1024, // spec 7
} as const;
