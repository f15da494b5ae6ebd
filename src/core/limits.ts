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
  adoptHealthMs: 5_000, // of a child that lives; a start waits for it, and a reload would take longer
  restartGapMs: 10_000, // how long a hand-over waits for a moment at which nothing is being answered
  restartSettleMs: 20,
  restartSilentMs: 250, // a connection that has not asked for anything for so long is not about to
  restartHolderMs: 10_000, // of the helper that holds the listening socket meanwhile
  restartCheckMs: 60_000, // of the program that is about to take over, to say that it starts and reads the configuration
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

  pinMaxMs: 366 * 86_400_000, // a pin that outlives a year is meant to be one without an end
  objectBytesMax: 64 * 1024, // JSON body of a call of turnout's own API

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
  stopSamples: 5,
  stopUnknownMs: 2_000,
  demandRecent: 8, // arrivals of each model whose times are kept
  demandBucketMs: 300_000,
  candidatesMax: 20,
  budgetExactModelsMax: 24, // up to so many models that may leave the search is exact while its steps last; beyond it is greedy
  budgetStepsMax: 6_000, // steps (0.1 us each) for the cheapest set: 20 models in three needs were measured to take 230, at worst 3,600
  budgetMoreStepsMax: 4_000, // steps for all that come after it
  matrixJoinedMax: 5_000, // joined choices that one question may cost; that many take about 1 ms. Ten groups of ten alternatives take ten
  matrixBeyondMax: 20_000, // after as many again only the heaviest of each part is looked at, which takes no longer than reading the sets
  matrixKeptBeyond: 8, // once the effort is spent: choices of what is joined already that are kept, and of the part that comes next
  matrixOfferedBeyond: 16,
  matrixMissedMax: 8, // of the models that leave in the best way, so many are looked at for a way that keeps them; the costliest first
  alternativesMax: 5, // that a recorded verdict keeps
  reasonCharsMax: 500, // of a sentence that a planner gives
  keepWarmIdleMs: 60_000, // quiet time before a model is loaded again that its window wants loaded
  drainTimeoutMs: 300_000,
  queueTimeoutMs: 900_000,

  deviceToolMs: 2_000,
  deviceToolFailuresMax: 3,
  deviceToolAgainMs: 300_000,
  deviceJitterBytes: 64 * 1024 * 1024, // less than before by no more than this is what other programs do all the time: the run holds nothing
  deviceBaselineFreshMs: 15_000, // a figure that is older when a run starts says nothing of the moment before it
  deviceBaselineStartMs: 250, // a program takes longer than this from its start to the first memory that it takes on a device
  deviceToolSaidCharsMax: 120,
  deviceSampleMs: 10_000,
  deviceSampleUrgentMs: 500,
  deviceReadyUrgentMs: 10_000, // a run is looked at more often for this long after it became ready: its size is learned then
  deviceSampleGapMs: 100, // smallest gap between the beginnings of two looks, however often one is asked for
  zoneDays: 400, // of a time zone's offsets that the settings hold

  // memory
  memoryWaitMs: 15_000,
  memoryFreshMs: 1_000, // longest wait for a first sample after the evicted models are gone
  memorySamples: 5,
  memorySettledSamples: 3, // of a run whose size was not known before they replace "everything"
  memoryNewsShare: 0.05, // an observation is recorded when it differs by more than this part
  memoryNewsBytes: 64 * 1024 * 1024,
  devicesStaleMs: 60_000, // without a sample for so long a device counts as not observed

  // policies
  policyStrikesMax: 3,
  policyStrikesWithinMs: 300_000,
  policySourceBytesMax: 256 * 1024,
  policyFileCheckMs: 500, // one look at the dates of a file; whoever writes a policy tries it at once
  policyStartMs: 3_000, // longest time that the start waits for policies

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
  configWindowsMax: 32, // of one model; each is looked at whenever something becomes idle
  configMatrixLevelsMax: 256, // levels of brackets, operators and references, one inside the other
  configShapePassesMax: 4, // what stands around a value that was left out may be wrong without it
  checkQuestionsMax: 5_000, // questions to the planner before the search for sets ends; each takes some microseconds
  checkProductsMax: 200, // a matrix that comes to more products than this is not looked into further

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
