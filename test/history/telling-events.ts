/**
 * One event of each type that tells whatever it can: of clients, sessions, machines, directories and models. For tests of
 * what hides that. Must name every type: the compiler is the checklist.
 */
import type { EventData, EventType, PolicyFaultData, Verdict } from '../../src/core/events.ts';
import { emptyState } from '../../src/core/evolve.ts';
import { modelId, requestId, runId, swapId } from '../../src/core/ids.ts';
import { encodeState } from '../../src/core/state-codec.ts';

export const QWEN = modelId('org/qwen-8b');
export const LLAMA = modelId('llama:70b');
/** What must not be found when clients and places are hidden. */
export const WHO = [
  'anna.meier',
  'chat-of-anna',
  '/home/anna',
  'gpu-box.lan',
  '10.1.2.3',
  'boot-id-7',
  'because-anna-said',
  'carol',
];
/** What must not be found when models are hidden. */
export const WHICH = ['qwen', 'llama', 'big-group', 'my-tag', 'Qwen3', 'gpt-alias', 'nightset'];

const WORDS = `org/qwen-8b is pinned by anna.meier 10.1.2.3 (because-anna-said); chat-of-anna waits for llama:70b with carol in /home/anna/models/x.gguf at http://gpu-box.lan:80/x; group big-group`;
const PLAIN = `org/qwen-8b waits for llama:70b`;
const verdict: Verdict = {
  action: 'swap',
  evict: [QWEN],
  reason: WORDS,
  alternatives: [{ evict: [LLAMA], costMs: 1, reason: WORDS }],
};
const fault: PolicyFaultData = {
  kind: 'throw',
  during: 'plan',
  message: WORDS,
  file: '/home/anna/p.js',
  line: 1,
  column: 1,
  excerpt: 'if (client === "anna.meier")',
};

export const CONFIG = JSON.stringify({
  models: [
    {
      id: QWEN,
      group: 'big-group',
      tags: ['my-tag'],
      aliases: ['gpt-alias'],
      name: 'My Qwen3',
      description: 'for anna.meier',
      cmd: "'/home/anna/bin/llama-server' --port ${PORT} -m /home/anna/Qwen3.gguf -c 8192 --alias=gpt-alias",
      proxy: 'http://gpu-box.lan:${PORT}',
    },
  ],
  groups: [{ id: 'big-group', members: [QWEN] }],
  turnout: {
    clientPriority: { 'anna.meier': 2 },
    policy: { file: '/home/anna/p.js', options: { vip: 'carol', keep: [QWEN], weights: { carol: 2 } } },
  },
});

const settings: EventData['config.applied']['settings'] = {
  ...emptyState().settings,
  models: [QWEN, LLAMA].map((id) => ({
    id,
    group: 'big-group',
    concurrencyLimit: 1,
    ttlMs: 0,
    stopGraceMs: 1,
    startTimeoutMs: 1,
    minResidencyMs: 0,
    priority: 0,
    port: 1,
    specDigest: 'd',
    memory: { gpu0: 1 },
    tags: ['my-tag'],
    context: 0,
    keepWarm: [],
    onDemand: { action: 'redirect', to: [LLAMA], otherwise: 'load' },
  })),
  groups: [{ id: 'big-group', swap: true, exclusive: true, persistent: false }],
  matrix: {
    sets: [
      {
        name: 'nightset',
        text: 'org/qwen-8b & llama:70b',
        expression: { kind: 'and', parts: [QWEN, LLAMA].map((id) => ({ kind: 'model', id })) },
      },
    ],
    evictCosts: { [QWEN]: 5 },
  },
  protect: { models: [QWEN], otherwise: 'queue' },
  whenIdle: { afterMs: 1, load: QWEN },
  clientPriority: { 'anna.meier': 2 },
};

const run = runId(4);
const swap = swapId(3);
const shadow = '/home/anna/shadow.js';

export const TELLING: { readonly [T in EventType]: EventData[T] } = {
  'router.started': { instance: 'i', pid: 1, version: '0', node: '26', bootId: 'boot-id-7', seed: 1, unfinished: null },
  'config.applied': { hash: 'config', trigger: 'start', settings },
  'request.arrived': {
    id: requestId('req_1'),
    kind: 'inference',
    asked: 'gpt-alias',
    client: 'anna.meier 10.1.2.3',
    session: 'chat-of-anna',
    method: 'POST',
    endpoint: '/files/home/anna',
    bytes: 1,
    streaming: true,
    priority: 0,
  },
  'policy.loaded': {
    slot: shadow,
    file: shadow,
    name: 'p',
    sourceHash: 'source',
    optionsHash: 'options',
    hooks: { rank: false, idle: false, evolve: false },
  },
  'model.pinned': { owner: 'anna.meier 10.1.2.3 (because-anna-said)', until: null },
  'process.starting': {
    deadline: 9,
    port: 1,
    logFile: 'logs/org%2Fqwen-8b/4.log',
    specDigest: 'd',
    swap,
    memory: null,
  },
  'process.spawned': { run, pid: 1, startTime: '1', bootId: 'boot-id-7' },
  'process.adopted': {
    run,
    pid: 1,
    startTime: '1',
    bootId: 'boot-id-7',
    baseUrl: 'http://gpu-box.lan:80',
    how: 'killed',
    deadline: null,
  },
  'process.ready': { run, baseUrl: 'http://gpu-box.lan:80', loadMs: 1 },
  'target.blocked': { on: 'pin', until: null, reason: WORDS },
  'plan.decided': {
    epoch: 1,
    viewPosition: 1,
    viewNow: 1,
    seed: 1,
    planner: { name: 'p', version: '1', sourceHash: 'source', optionsHash: 'options' },
    via: 'live',
    verdict,
    logs: [WORDS],
    outcome: 'pending',
  },
  'plan.rejected': { rule: 'pinned', detail: WORDS, verdict: { action: 'redirect', model: QWEN, reason: WORDS } },
  'policy.refused': { slot: shadow, fault },
  'policy.failed': { slot: shadow, fault, strike: 1 },
  'policy.disabled': { slot: shadow, why: WORDS },
  'policy.idled': {
    epoch: 1,
    verdict: { action: 'load', model: QWEN, reason: WORDS, keep: [{ model: LLAMA, until: 1 }] },
  },
  'policy.disagreed': {
    plan: 1,
    slot: shadow,
    verdict: { action: 'delegate', protect: [QWEN], prefer: [LLAMA], reason: WORDS },
    reason: WORDS,
  },
  'policy.unloaded': { slot: shadow },
  'targets.ranked': { order: [QWEN, LLAMA] },
  'request.redirected': { to: LLAMA, reason: WORDS },
  'request.retried': { reason: WORDS },
  'request.quieted': { forMs: 1 },
  'request.resumed': {},
  'request.granted': { run, waitedMs: 1 },
  'request.finished': {
    outcome: 'no-answer',
    status: 502,
    bytes: 0,
    firstByteMs: null,
    totalMs: 1,
    usage: null,
    error: `connect to http://gpu-box.lan:80 (10.1.2.3): ${WORDS}`,
  },
  'request.rejected': {
    status: 500,
    code: 'start-failed',
    reason: `${PLAIN}; last output: loading Qwen3 | done`,
    retryAfterSec: null,
  },
  'request.cancelled': { stage: 'waiting', status: null, bytes: 0 },
  'request.lost': { stage: 'waiting' },
  'swap.draining': { evict: [QWEN], until: 1, reason: WORDS },
  'drain.ended': { drain: 1, why: 'served' },
  'swap.started': { evict: [QWEN], drain: null, plan: null },
  'swap.finished': { swap, ok: false, why: WORDS, tookMs: 1 },
  'swap.abandoned': { swap, why: WORDS },
  'process.stopping': { run, reason: 'unload', killAt: 1, detail: 'asked by anna.meier 10.1.2.3' },
  'process.killed': { run, why: WORDS },
  'process.exited': { run, code: 1, signal: null, by: 'itself', detail: WORDS, tail: [`load /home/anna/Qwen3.gguf`] },
  'process.flooded': { run, bytesPerSec: 1 },
  'model.backed-off': { run, failures: 1, until: 1, why: WORDS, tail: [`load /home/anna/Qwen3.gguf`] },
  'model.unpinned': { by: 'anna.meier 10.1.2.3 (because-anna-said)', why: 'expired' },
  'memory.observed': { run, bytes: { gpu0: 1 } },
  'memory.forgotten': { by: 'anna.meier 10.1.2.3' },
  'memory.short': { swap, missing: { gpu0: 1 }, until: 1 },
  'memory.awaited': { swap, why: 'freed', waitedMs: 1 },
  'devices.sampled': { devices: [{ id: 'gpu0', totalBytes: 1, usedBytes: 1 }] },
  'unload.requested': { models: [QWEN], by: 'anna.meier 10.1.2.3', cause: 'operator' },
  'stall.detected': { what: WORDS, repaired: true },
  'clock.stepped': { byMs: 1 },
  'log.gap': { count: 1 },
  'log.troubled': { code: 'disk-full', message: 'write /home/anna/state/events.db' },
  'log.recovered': { waitedMs: 1, kept: 1 },
  'log.replaced': { reason: 'damaged: /home/anna/x is bad', movedTo: '/home/anna/events.db.damaged' },
  'log.rebased': { stateVersion: 1, state: JSON.parse(encodeState(emptyState())) as object },
  'router.draining': { signal: 'SIGTERM' },
  'router.stopped': {},
};
