/**
 * Every bound of the policy sandbox, with its unit last in its name. Read on both sides of the pipe, so it must never
 * import anything.
 */
export const BOUNDS = {
  // time
  policyCallMs: 50, // what one call may take inside the isolate
  policyAnswerMs: 150, // after which the asker is told that no answer came
  policyKillMs: 500, // without a sign of life under a job, after which the child is killed
  policyLoadKillMs: 2_000, // the same while a program is loaded: nobody waits, and the host itself has much to do
  policyLoadStarvedMs: 400, // as below, then
  policyStarvedMs: 50, // on the processor; a late child that had less was waiting for the machine
  policyChildStartMs: 10_000, // from the start of the child to its first word
  policyWatchMs: 10, // how often time and memory are looked at under a job; hostile programs take 1 GB a second
  policyRestartMinMs: 100,
  policyRestartMaxMs: 30_000,
  policyHealthyMs: 60_000, // a child that lived this long starts again without delay
  policyEventsGatherMs: 50, // events wait this long for others, unless a question needs them
  policyQuietMs: 2, // after a call, before contexts for later ones are prepared

  // memory
  policyContextsReady: 4, // of each policy: questions come in small bursts, and a context takes longer than a call
  policyHeapMegabytes: 32,
  policyChildBytesMax: 320 * 1024 * 1024, // resident, of the whole child

  // what goes in
  policyViewBytesMax: 1024 * 1024,
  policyOptionsBytesMax: 64 * 1024,
  policyBatchEvents: 256,
  policyBatchCharsMax: 256 * 1024,
  policyEventsWaitingMax: 10_000, // beyond it the memory of a policy is rebuilt from the log instead
  policyQuestionsWaitingMax: 64,

  // what comes out
  policyAnswerCharsMax: 64 * 1024,
  policyStateCharsMax: 64 * 1024,
  policyLogLinesMax: 100,
  policyLogLineCharsMax: 500,
  policyMessageCharsMax: 500,
  policyStackCharsMax: 4_000,
  policyFrameHeadBytesMax: 32 * 1024,
  policyFrameBodyBytesMax: 1024 * 1024, // the largest answer with its log, three bytes a character, is 350 kB
  policyStderrCharsMax: 4_000, // kept; it says nothing unless it dies
  policyStderrTotalCharsMax: 256 * 1024, // of one child, which is then stopped

  // what an answer may hold
  policyIdsMax: 1_000,
  policyIdCharsMax: 200,
  policyReasonCharsMax: 500,
  policyAlternativesMax: 5,
  policyKeepsMax: 100,
  policyRetryAfterSecMax: 7 * 24 * 3600,
} as const;
