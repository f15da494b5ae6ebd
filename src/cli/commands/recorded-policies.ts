/**
 * The policies of a log, asked again: their sources and options come from the log, they run in the real host, and their
 * memory is rebuilt from the events up to the question. Must never run a policy anywhere else, nor read its file.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../../core/config/canonical.ts';
import type { EventType } from '../../core/events.ts';
import { eventsOf, pagesOf } from '../../core/history/pages.ts';
import { policyFaultText } from '../../core/history/policy-fault.ts';
import type { PastDecision } from '../../core/history/verify/decisions.ts';
import type { PolicySaid } from '../../core/history/verify/verify.ts';
import type { ModelId, Position } from '../../core/ids.ts';
import { eventJson } from '../../core/runtime/policy-events.ts';
import { createViewWriter } from '../../core/runtime/policy-view.ts';
import type { PolicyHost, PolicyShape } from '../../policies/sandbox/types.ts';
import { patiently } from '../../policies/testing/run-case.ts';
import type { PastLog } from './past-log.ts';

export interface RecordedPolicies {
  ask(past: PastDecision): Promise<PolicySaid>;
  close(): Promise<void>;
}

interface Loaded {
  key: string;
  slot: string;
  shape: PolicyShape;
  /** Its memory holds the events up to here. */
  fedTo: Position;
}

export function recordedPolicies(log: PastLog): RecordedPolicies {
  let host: PolicyHost | null = null;
  let loaded: Loaded | null = null;
  let slots = 0;
  const writer = createViewWriter();

  async function opened(): Promise<PolicyHost> {
    if (host !== null) return host;
    const { createPolicyHost } = await import('../../policies/sandbox/policy-host.ts');
    host = createPolicyHost({
      async *replay({ types, upTo }) {
        const query = { from: log.base + 1, to: upTo, types: types as EventType[] };
        for await (const page of pagesOf(log, query)) yield page.map(eventJson);
      },
    });
    return host;
  }

  /** Loads it unless it is loaded, and feeds it what happened since it was asked last. */
  async function bringUp(past: PastDecision): Promise<Loaded | PolicySaid> {
    const { sourceHash = '', optionsHash = '' } = past.decision.data.planner;
    const models = past.state.settings.models.map(({ id }) => id);
    const key = [sourceHash, optionsHash, ...models].join('\n');
    const { viewPosition } = past.decision.data;
    if (loaded?.key !== key || loaded.fedTo > viewPosition) return load(past, key, models);
    if (loaded.shape.hooks.evolve) await feed(loaded, viewPosition);
    return loaded;
  }

  async function load(past: PastDecision, key: string, models: ModelId[]): Promise<Loaded | PolicySaid> {
    const { sourceHash = '', optionsHash = '' } = past.decision.data.planner;
    const { viewPosition } = past.decision.data;
    const source = await log.getBlob(sourceHash);
    if (source === null) return { notComparable: 'the source of the policy is not in the log' };
    const options = await recordedOptions(log, past.state.configHash, optionsHash);
    if (options === null) return { notComparable: 'the options of the policy are not in the log' };
    const file = past.state.policies.get('live')?.file ?? 'policy.js';
    const place = await opened();
    if (loaded !== null) place.drop(loaded.slot);
    loaded = null;
    const slot = `recorded ${++slots}`;
    const program = { slot, file, source, options, models, live: true, position: viewPosition };
    const result = await patiently(() => place.load(program));
    if (!result.ok) return { failed: policyFaultText(result.fault) };
    if (result.value.hooks.evolve && log.base > 0) {
      place.drop(slot);
      return { notComparable: 'the memory of the policy goes back further than the log' };
    }
    loaded = { key, slot, shape: result.value, fedTo: viewPosition };
    return loaded;
  }

  async function feed(one: Loaded, to: Position): Promise<void> {
    const types = one.shape.events as EventType[];
    const jsons: string[] = [];
    for await (const event of eventsOf(log, { from: one.fedTo + 1, to, types })) jsons.push(eventJson(event));
    one.fedTo = to;
    (await opened()).evolve(one.slot, to, jsons);
  }

  return {
    async ask(past) {
      const up = await bringUp(past);
      if (!('slot' in up)) return up;
      const place = await opened();
      const json = writer.forTarget(past.view);
      const reply = await patiently(() => place.ask(up.slot, 'plan', json, past.decision.data.seed));
      if (reply.ok) return { said: reply.value.answer };
      const { kind, guilty } = reply.fault;
      if (!guilty || kind === 'timeout' || kind === 'memory')
        return { notReproducible: `the policy gave no answer (${kind})` };
      return { failed: policyFaultText(reply.fault) };
    },
    async close() {
      await host?.close();
    },
  };
}

/** Options stand in the configuration, of which the log holds the redacted text. Null: they are not the ones of this hash. */
export async function recordedOptions(
  log: PastLog,
  configHash: string,
  wanted: string,
): Promise<{ [name: string]: Json } | null> {
  const text = await log.getBlob(configHash);
  const config = text === null ? null : (JSON.parse(text) as { turnout?: { policy?: { options?: Json } | null } });
  for (const options of [config?.turnout?.policy?.options, {}]) {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) continue;
    if (createHash('sha256').update(canonicalJson(options)).digest('hex') === wanted) return options;
  }
  return null;
}
