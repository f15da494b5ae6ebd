/**
 * Where two courses of one slice part: what was decided about the same request. Positions and times are of no use for that,
 * once one of them went another way. Pure.
 */
import type { Verdict } from '../../events.ts';
import type { ModelId, RequestId } from '../../ids.ts';
import type { Course, Decision } from './tally.ts';

export interface Parting {
  at: number;
  target: ModelId;
  /** The request that had waited longest; null: a load that nobody asked for. */
  request: RequestId | null;
  /** Null: nothing had to be decided, its model was loaded or loading. */
  ours: Decision | null;
  theirs: Decision | null;
}

/** What was decided differently, in order of time. One for each request: what follows from it is not told again. */
export function partings(ours: Course, theirs: Course): Parting[] {
  const mine = byQuestion(ours.decisions);
  const others = byQuestion(theirs.decisions);
  const found: Parting[] = [];
  for (const key of new Set([...mine.keys(), ...others.keys()])) {
    const parting = firstOf(mine.get(key) ?? [], others.get(key) ?? []);
    if (parting !== null) found.push(parting);
  }
  return found.sort((a, b) => a.at - b.at || (a.target < b.target ? -1 : 1));
}

/** Whether the decisions are the same, one after the other: about whom, what, and what came of it. */
export function sameDecisions(a: Course, b: Course): boolean {
  if (a.decisions.length !== b.decisions.length) return false;
  return a.decisions.every((one, n) => {
    const other = b.decisions[n];
    return other !== undefined && one.target === other.target && one.outcome === other.outcome && isSame(one, other);
  });
}

function firstOf(ours: readonly Decision[], theirs: readonly Decision[]): Parting | null {
  for (let n = 0; n < Math.max(ours.length, theirs.length); n++) {
    const [a, b] = [ours[n] ?? null, theirs[n] ?? null];
    if (a !== null && b !== null && isSame(a, b)) continue;
    const some = (a ?? b) as Decision;
    const at = Math.min(a?.at ?? some.at, b?.at ?? some.at);
    // one that was asked once more after the same answer has not decided otherwise
    if ((a === null || b === null) && n > 0 && some.verdict.action === 'wait') return null;
    return { at, target: some.target, request: some.request, ours: a, theirs: b };
  }
  return null;
}

/** By whom they are about; an answer that is given again counts once. */
function byQuestion(decisions: readonly Decision[]): Map<string, Decision[]> {
  const groups = new Map<string, Decision[]>();
  for (const decision of decisions) {
    const { target, request } = decision;
    const key = request === null || request.startsWith('idle_') ? `idle ${target}` : `${request} ${target}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [decision]);
    else if (!isSame(group.at(-1) as Decision, decision)) group.push(decision);
  }
  return groups;
}

const isSame = (a: Decision, b: Decision): boolean => substance(a.verdict) === substance(b.verdict);

/** What a verdict does, without its reason. */
function substance(verdict: Verdict): string {
  switch (verdict.action) {
    case 'swap':
      return `swap ${[...verdict.evict].sort().join('\n')}`;
    case 'redirect':
      return `redirect ${verdict.model}`;
    case 'reject':
      return `reject ${verdict.status}`;
    case 'wait':
      return 'wait';
  }
}
