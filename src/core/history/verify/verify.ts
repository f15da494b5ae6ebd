/**
 * Asks every recorded decision again of the planner that made it: it must say the same, and the kernel must make the same
 * of it. What cannot be asked again (a policy that ran out of time, another version of a built-in) is counted and said.
 */
import type { EventOf, PolicyVerdict, Verdict } from '../../events.ts';
import type { ModelId, Position } from '../../ids.ts';
import type { TimeTravel } from '../../log/log.ts';
import { resolve } from '../../runtime/asking.ts';
import type { LogReader } from '../collect.ts';
import { decisionsOf, type MakeBuiltIn, type PastDecision, type Range } from './decisions.ts';

type Outcome = EventOf<'plan.decided'>['data']['outcome'];

/** What a policy says to a recorded question; or why it cannot be asked, or why asking again proves nothing. */
export type PolicySaid =
  | { said: PolicyVerdict }
  | { failed: string }
  | { notReproducible: string }
  | { notComparable: string };

export interface VerifyPorts {
  makeBuiltIn: MakeBuiltIn;
  /** The policy of a decision, in its real host, with the memory that it had. */
  askPolicy(past: PastDecision): Promise<PolicySaid>;
  onProgress?(position: Position): void;
  signal?: AbortSignal;
}

export interface Divergence {
  position: Position;
  at: number;
  target: ModelId;
  planner: string;
  recorded: { verdict: Verdict; outcome: Outcome };
  /** `verdict` null: it gave no answer, `failed` says why. `outcome` null: it would not have been recorded. */
  answered: { verdict: Verdict | null; outcome: Outcome | null; failed: string | null };
}

export interface Verification {
  range: Range;
  decisions: number;
  same: number;
  different: number;
  /** How often, by reason. */
  notReproducible: Record<string, number>;
  notComparable: Record<string, number>;
  /** The first that differs. */
  first: Divergence | null;
}

type Asked =
  | { kind: 'said'; verdict: Verdict }
  | { kind: 'failed'; why: string }
  | { kind: 'not-reproducible'; why: string }
  | { kind: 'not-comparable'; why: string };

/** Goes through the decisions of a range. Rejects when `signal` aborts. */
export async function verifyDecisions(
  log: LogReader & Pick<TimeTravel, 'stateAt'>,
  range: Range,
  ports: VerifyPorts,
): Promise<Verification> {
  const result: Verification = {
    range,
    decisions: 0,
    same: 0,
    different: 0,
    notReproducible: {},
    notComparable: {},
    first: null,
  };
  for await (const past of decisionsOf(log, range, ports.makeBuiltIn)) {
    ports.signal?.throwIfAborted();
    ports.onProgress?.(past.decision.position);
    result.decisions++;
    const asked = await askAgain(log, past, ports);
    if (asked.kind === 'not-comparable') add(result.notComparable, asked.why);
    else if (asked.kind === 'not-reproducible') add(result.notReproducible, asked.why);
    else await compare(result, past, asked);
  }
  return result;
}

/** Whether everything that could be asked again gave the same. */
export const isReproduced = ({ different }: Verification): boolean => different === 0;

async function compare(
  result: Verification,
  past: PastDecision,
  asked: Extract<Asked, { kind: 'said' } | { kind: 'failed' }>,
): Promise<void> {
  const { position, at, model, data } = past.decision;
  const { verdict, outcome } = data;
  const failed = asked.kind === 'failed' ? asked.why : null;
  const answer = asked.kind === 'said' ? asked.verdict : null;
  const made = answer === null ? null : await past.outcome(answer);
  if (answer !== null && sameJson(answer, verdict) && made === outcome) {
    result.same++;
    return;
  }
  result.different++;
  result.first ??= {
    position,
    at,
    target: model as ModelId,
    planner: data.planner.name,
    recorded: { verdict, outcome },
    answered: { verdict: answer, outcome: made, failed },
  };
}

async function askAgain(log: LogReader, past: PastDecision, ports: VerifyPorts): Promise<Asked> {
  const { decision, view, hints, seat } = past;
  const { planner, via } = decision.data;
  if (via === 'fallback') return fromFallback(log, past);
  if (planner.sourceHash === undefined) return fromBuiltIn(past);
  const said = await ports.askPolicy(past);
  if ('notReproducible' in said) return { kind: 'not-reproducible', why: said.notReproducible };
  if ('notComparable' in said) return { kind: 'not-comparable', why: said.notComparable };
  if ('failed' in said) return { kind: 'failed', why: said.failed };
  const { name, version } = planner;
  const who = { name, version, planner: null, fallback: seat.fallback, builtIn: seat.builtIn };
  const resolved = resolve(said.said, who, view, hints);
  if (resolved.via === 'delegate' && resolved.by.version !== version && resolved.by.name === name) {
    return { kind: 'not-comparable', why: otherVersion(name, version, resolved.by.version) };
  }
  return { kind: 'said', verdict: resolved.verdict };
}

/** What made a policy silent then may not happen again; what the fallback said in its place must. */
async function fromFallback(log: LogReader, past: PastDecision): Promise<Asked> {
  const { position, data } = past.decision;
  const asked = fromBuiltIn(past);
  if (asked.kind !== 'said' || past.state.settings.planner !== 'policy' || !sameJson(asked.verdict, data.verdict)) {
    return asked;
  }
  const [failed] = await log.read({ from: data.viewPosition, to: position, types: ['policy.failed'], limit: 1 });
  const why = failed?.type === 'policy.failed' ? BY_CHANCE[failed.data.fault.kind] : undefined;
  return why === undefined ? asked : { kind: 'not-reproducible', why };
}

/** Faults that depend on how busy the machine was. */
const BY_CHANCE: { readonly [kind: string]: string | undefined } = {
  timeout: 'the policy ran out of time',
  memory: 'the policy ran out of memory',
  dead: 'the policy host was gone',
};

function fromBuiltIn({ decision, view, hints, seat }: PastDecision): Asked {
  const { name, version } = decision.data.planner;
  const { fallback } = seat;
  if (fallback.name !== name) {
    return { kind: 'not-comparable', why: `"${name}" answered and "${fallback.name}" is the built-in then` };
  }
  if (fallback.version !== version) {
    return { kind: 'not-comparable', why: otherVersion(name, version, fallback.version) };
  }
  return { kind: 'said', verdict: fallback.plan(view, hints) };
}

const otherVersion = (name: string, then: string, now: string): string =>
  `${name} version ${then} decided, this turnout has version ${now}`;

function add(counts: Record<string, number>, why: string): void {
  counts[why] = (counts[why] ?? 0) + 1;
}

/** The same JSON, whatever the order of the keys; what is undefined is not there. */
export function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, sorted) === JSON.stringify(b, sorted);
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
