/** Policies as text, a view of a usual size, and a host that is closed with the test file. */
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { createPolicyHost } from '../../../src/policies/sandbox/policy-host.ts';
import type {
  Hook,
  PolicyFault,
  PolicyHost,
  PolicyHostOptions,
  PolicyProgram,
  PolicyReply,
  PolicyResult,
  PolicyShape,
} from '../../../src/policies/sandbox/types.ts';
import { residentBytes } from '../../../src/policies/sandbox/usage.ts';
import { until } from '../../support/until.ts';

const FAKE_HOST = fileURLToPath(new URL('../../fixtures/policies/fake-host.mjs', import.meta.url));

/** A host that the end of the file closes. */
export function testHost(options: PolicyHostOptions = {}): PolicyHost {
  const host = createPolicyHost(options);
  afterAll(() => host.close());
  return host;
}

/** A child that does not keep to the rules; see there how. */
export function fakeHost(how: string): { file: string; args: string[] } {
  return { file: process.execPath, args: [FAKE_HOST, how] };
}

export function programOf(source: string, more: Partial<PolicyProgram> = {}): PolicyProgram {
  return { slot: 'live', file: '/etc/turnout/test.js', source, options: {}, live: true, position: 0, ...more };
}

/** A policy of which only the body of `plan` matters. */
export function planning(body: string): string {
  return `export default { name: 'test', apiVersion: 1, plan(view) { ${body} } };`;
}

/** A policy that answers with whatever an expression gives, as the reason of a `wait`. */
export function telling(expression: string): string {
  return planning(`return { action: 'wait', reason: 'told: ' + (${expression}) };`);
}

/** Evicts the model that is idle longest. */
export const LRU = planning(`
  let oldest = null;
  for (const model of view.models) {
    if (model.phase === 'ready' && (oldest === null || model.idleMs > oldest.idleMs)) oldest = model;
  }
  return { action: 'swap', evict: oldest === null ? [] : [oldest.id], reason: 'idle longest' };`);

const CLIENTS = ['key:alice', 'key:bob', 'open-webui 10.0.0.7'];

/** 20 models and 50 waiting requests, as the kernel would show them; 20 kB. */
export function usualView(): string {
  const models = Array.from({ length: 20 }, (_, i) => ({
    id: `qwen3-coder-${i}b-instruct`,
    phase: i % 4 === 0 ? 'ready' : 'stopped',
    group: '(default)',
    tags: ['chat', 'code'],
    priority: 0,
    inFlight: 0,
    serving: [],
    lastClient: CLIENTS[i % 3],
    stale: false,
    idleMs: i % 4 === 0 ? 10_000 + i : null,
    loadedMs: i % 4 === 0 ? 100_000 : null,
    loadMs: { last: 14_211, median: 13_900 },
    requestsLastHour: i,
    askedAgoMs: [12_000, 40_000],
    cachedTokens: 4_096,
    prefillPerSecond: 1_800,
    context: 32_768,
    memory: { declared: { gpu0: 12e9 }, observed: { gpu0: 11.4e9 }, counts: { gpu0: 12e9 } },
    pinned: null,
    protected: false,
    etaMs: 14_000,
    evictable: true,
  }));
  const waiting = Array.from({ length: 50 }, (_, i) => ({
    request: `r-${i}`,
    model: models[i % 20]?.id,
    ageMs: 50_000 - 1_000 * i,
    client: CLIENTS[i % 3],
    session: null,
    priority: 0,
    endpoint: '/v1/chat/completions',
    bytes: 12_345,
    streaming: true,
  }));
  const target = models[1]?.id;
  return JSON.stringify({
    position: 4711,
    now: 1_790_000_000_000,
    target,
    asking: ['r-1'],
    models,
    waiting,
    swaps: [],
  });
}

/** Loads and gives the shape; fails the test with the fault otherwise. */
export async function loaded(host: PolicyHost, program: PolicyProgram): Promise<PolicyShape> {
  return unwrap(await tried(host, program));
}

/** Loads, again as long as something else than the program is in the way. */
async function tried(host: PolicyHost, program: PolicyProgram): Promise<PolicyResult<PolicyShape>> {
  return until('a program to be loaded or refused', async () => {
    const result = await host.load(program);
    return result.ok || result.fault.guilty ? result : null;
  });
}

export function unwrap<T>(result: PolicyResult<T>): T {
  if (!result.ok) throw new Error(`${result.fault.kind}: ${result.fault.message}`);
  return result.value;
}

export function faultOf(result: PolicyResult<unknown>): PolicyFault {
  expect(result).toMatchObject({ ok: false });
  return (result as { fault: PolicyFault }).fault;
}

/** The fault of a program that does not even load. */
export async function loadFault(
  host: PolicyHost,
  source: string,
  more: Partial<PolicyProgram> = {},
): Promise<PolicyFault> {
  return faultOf(await tried(host, programOf(source, more)));
}

/** Asks until the policy itself answers or fails: a busy machine is not what these tests are about. */
export async function asked<H extends Hook = 'plan'>(
  host: PolicyHost,
  {
    slot = 'live',
    hook = 'plan' as H,
    view = '{"models":[]}',
    seed = 1,
  }: { slot?: string; hook?: H; view?: string; seed?: number } = {},
): Promise<PolicyResult<PolicyReply<H>>> {
  return until('an answer or a fault of the policy', async () => {
    const result = await host.ask(slot, hook, view, seed);
    return result.ok || result.fault.guilty ? result : null;
  });
}

/** What `telling` tells. */
export async function told(host: PolicyHost, expression: string, seed = 1): Promise<string> {
  await loaded(host, programOf(telling(expression)));
  return reasonOf(await asked(host, { seed }));
}

export function reasonOf(result: PolicyResult<PolicyReply<'plan'>>): string {
  return unwrap(result).answer.reason?.replace('told: ', '') ?? '';
}

/** Resident memory of the child, in MB; 0 while there is none. */
export function childMegabytes(host: PolicyHost): number {
  const { pid } = host.status();
  return pid === null ? 0 : (residentBytes(pid) ?? 0) / 1024 / 1024;
}

/** Samples the child's memory until it is asked for the highest. */
export function watchMemory(host: PolicyHost): () => number {
  let highest = 0;
  const timer = setInterval(() => {
    highest = Math.max(highest, childMegabytes(host));
  }, 5);
  return () => {
    clearInterval(timer);
    return highest;
  };
}

export function pidOf(host: PolicyHost): number {
  return host.status().pid ?? 0;
}

export async function isReady(host: PolicyHost, slot: string): Promise<void> {
  const ready = () => host.status().slots.some((one) => one.slot === slot && one.phase === 'ready');
  await until(`"${slot}" to be ready`, ready);
}
