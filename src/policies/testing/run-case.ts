/**
 * Runs one case of a test table in the real host: the policy is loaded with the case's options and memory, asked about the
 * View that the case gives, and its answer held against what the case expects. Must never decide whether a policy is good.
 */
import type { Json } from '../../core/config/canonical.ts';
import type { Refusal } from '../../core/referee.ts';
import { resolve } from '../../core/runtime/asking.ts';
import type { View } from '../../core/view.ts';
import type { AnswerOf, Hook, PolicyFault, PolicyHost, PolicyResult } from '../sandbox/types.ts';
import { type Stage, stageOf } from './given.ts';
import { startingWith } from './instrument.ts';
import { illegal } from './legal.ts';
import { type Difference, differences } from './match.ts';
import { type PolicyCase, TableFault } from './table.ts';

export interface CaseResult {
  name: string;
  hook: Hook;
  ok: boolean;
  /** What the policy answered; with `resolved` for what a delegate then says. Null where it failed. */
  answer: AnswerOf[Hook] | null;
  resolved: Json;
  differences: Difference[];
  /** What is wrong with the policy; what is wrong with the case is thrown. */
  fault: PolicyFault | null;
  /** Why the kernel would not do what was answered, unless the case expects that. */
  illegal: Refusal | null;
  logs: string[];
  tookMs: number;
}

/** The machine may be busy with other things; the policy had no part in that. */
const ATTEMPTS = 5;

let slots = 0;

/** Throws TableFault where the case cannot be understood. */
export async function runCase(
  host: PolicyHost,
  policy: { file: string; source: string },
  one: PolicyCase,
): Promise<CaseResult> {
  const stage = stageOf(one);
  const { view, events, state } = stage;
  const source = state === null ? policy.source : startingWith(policy.source, state);
  if (source === null) {
    const path = [...one.path, 'given', 'state'];
    throw new TableFault(path, 'a test gives "state" only to a policy with a line that begins with "export default"');
  }
  const slot = `case ${++slots}`;
  const blank = { name: one.name, hook: one.hook, answer: null, resolved: null, illegal: null, logs: [], tookMs: 0 };
  try {
    const program = { slot, file: policy.file, source, options: one.options, live: true, position: 0 };
    const loaded = await patiently(() => host.load({ ...program, models: view.models.map(({ id }) => id) }));
    if (!loaded.ok) return { ...blank, ...judgeFault(one, loaded.fault) };
    const { hooks, events: wanted } = loaded.value;
    if (one.hook !== 'plan' && !hooks[one.hook]) {
      throw new TableFault([...one.path, 'hook'], `the policy has no ${one.hook}()`);
    }
    const mine = events.filter((event) => wanted.includes(String(event['type'])));
    host.evolve(
      slot,
      events.length,
      mine.map((event) => JSON.stringify(event)),
    );
    const json = JSON.stringify(one.hook === 'plan' ? view : sharedPart(view));
    const reply = await patiently(() => host.ask(slot, one.hook, json, stage.seed));
    if (!reply.ok) return { ...blank, ...judgeFault(one, reply.fault) };
    const { answer, logs, tookMs } = reply.value;
    return { ...blank, answer, logs, tookMs, fault: null, ...judge(one, stage, answer, logs) };
  } finally {
    host.drop(slot);
  }
}

/** Asks again where something else than the policy was in the way. */
export async function patiently<T>(ask: () => Promise<PolicyResult<T>>): Promise<PolicyResult<T>> {
  for (let attempt = 1; ; attempt++) {
    const result = await ask();
    if (result.ok || result.fault.guilty || attempt === ATTEMPTS) return result;
  }
}

function sharedPart({ target: _target, asking: _asking, candidates: _candidates, ...shared }: View) {
  return shared;
}

function judge(
  one: PolicyCase,
  { view, settings, fallback, builtIn }: Stage,
  answer: AnswerOf[Hook],
  logs: string[],
): Pick<CaseResult, 'ok' | 'resolved' | 'differences' | 'illegal'> {
  if (one.hook !== 'plan') {
    const expected = one.hook === 'rank' && isMap(one.expect) ? (one.expect['order'] ?? one.expect) : one.expect;
    const found = differences(expected, answer);
    return { ok: found.length === 0, resolved: null, differences: found, illegal: null };
  }
  const seat = { name: 'policy', version: '1', planner: null, fallback, builtIn };
  const said = answer as AnswerOf['plan'];
  const { verdict } = resolve(said, seat, view, { protect: [], prefer: [] });
  const against = illegal(view, verdict, builtIn(settings.fallback));
  const whole = { ...said, resolved: verdict, logs, illegal: against?.rule };
  const found = differences(one.expect, whole);
  const isExpected = isMap(one.expect) && one.expect['illegal'] !== undefined;
  const unexpected = isExpected ? null : against;
  const ok = found.length === 0 && unexpected === null;
  return { ok, resolved: verdict as unknown as Json, differences: found, illegal: unexpected };
}

/** A case may expect that the policy fails: `expect: { fault: { kind: throw } }`. */
function judgeFault(one: PolicyCase, fault: PolicyFault): Pick<CaseResult, 'ok' | 'differences' | 'fault'> {
  if (!isMap(one.expect) || one.expect['fault'] === undefined) return { ok: false, differences: [], fault };
  const found = differences(one.expect['fault'], fault, ['fault']);
  return { ok: found.length === 0, differences: found, fault: found.length === 0 ? null : fault };
}

function isMap(value: Json): value is { [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
