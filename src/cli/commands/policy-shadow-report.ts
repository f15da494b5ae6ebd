/**
 * `turnout policy shadow-report`: how often each policy in the shadow would have decided otherwise, for which models, and
 * the last few times with both reasons. Counts what stands in the log.
 */
import { TurnoutError } from '../../core/errors.ts';
import type { EventOf, TurnoutEvent } from '../../core/events.ts';
import { formatMoment } from '../../core/history/format.ts';
import type { ModelId, Position } from '../../core/ids.ts';
import { type GlobalOptions, print, printJson, table } from '../output.ts';
import { openPast, pages } from './policy-past.ts';
import { verdictText } from './policy-words.ts';

export interface ShadowReportOptions extends GlobalOptions {
  since: string;
}

export interface ShadowSummary {
  file: string;
  name: string;
  /** When what is counted here was loaded. */
  loadedAt: number;
  /** Null while it is asked. */
  ended: string | null;
  /** Decisions that were made while it was loaded, and on how many of them it disagreed. */
  decisions: number;
  disagreed: number;
  failed: number;
  byTarget: { target: ModelId; decisions: number; disagreed: number }[];
  /** Newest first. */
  latest: Disagreement[];
}

interface Disagreement {
  decision: Position;
  at: number;
  target: ModelId | null;
  /** What was decided, and why. */
  live: string;
  shadow: string;
}

const TYPES: TurnoutEvent['type'][] = [
  ...(['plan.decided', 'policy.loaded', 'policy.unloaded', 'policy.disabled'] as const),
  ...(['policy.failed', 'policy.disagreed'] as const),
];
const LATEST_MAX = 5;
/** Decisions whose words are kept: a shadow answers within a moment. */
const DECISIONS_KEPT = 10_000;

export async function policyShadowReport(options: ShadowReportOptions): Promise<void> {
  const since = sinceMs(options.since);
  const past = await openPast(options);
  try {
    const tally = createTally(since);
    for await (const events of pages(past, { types: TYPES })) for (const event of events) tally.add(event);
    const shadows = tally.summaries();
    if (options.json === true) return printJson({ since, shadows });
    if (shadows.length === 0) {
      return print(
        `no policy ran in the shadow since ${formatMoment(since, options)}; name some under turnout.policy.shadow`,
      );
    }
    print(shadows.map((one) => summaryText(one, options)).join('\n\n'));
  } finally {
    await past.close();
  }
}

/** Counts events in their order; what a file was before it changed is counted apart. */
export function createTally(since: number): { add(event: TurnoutEvent): void; summaries(): ShadowSummary[] } {
  const done: ShadowSummary[] = [];
  const running = new Map<string, ShadowSummary>();
  const decisions = new Map<Position, EventOf<'plan.decided'>>();
  const end = (slot: string, why: string) => {
    const one = running.get(slot);
    if (one !== undefined) done.push({ ...one, ended: why });
    running.delete(slot);
  };
  const rowOf = (one: ShadowSummary, target: ModelId) => {
    const row = one.byTarget.find((each) => each.target === target) ?? { target, decisions: 0, disagreed: 0 };
    if (!one.byTarget.includes(row)) one.byTarget.push(row);
    return row;
  };

  function add(event: TurnoutEvent): void {
    const counts = event.at >= since;
    switch (event.type) {
      case 'policy.loaded': {
        const { slot, file, name } = event.data;
        if (slot === 'live') return;
        end(slot, 'it was loaded again');
        const none = { decisions: 0, disagreed: 0, failed: 0, byTarget: [], latest: [], ended: null };
        running.set(slot, { file, name, loadedAt: event.at, ...none });
        return;
      }
      case 'policy.unloaded':
        return end(event.data.slot, 'the configuration does not name it any more');
      case 'policy.disabled':
        return end(event.data.slot, event.data.why);
      case 'policy.failed': {
        const one = running.get(event.data.slot);
        if (one !== undefined && counts) one.failed++;
        return;
      }
      case 'plan.decided': {
        decisions.set(event.position, event);
        if (decisions.size > DECISIONS_KEPT) decisions.delete(decisions.keys().next().value as Position);
        if (!counts || event.model === undefined) return;
        for (const one of running.values()) {
          one.decisions++;
          rowOf(one, event.model).decisions++;
        }
        return;
      }
      case 'policy.disagreed': {
        const one = running.get(event.data.slot);
        if (one === undefined || !counts) return;
        const decision = decisions.get(event.data.plan);
        const target = decision?.model ?? null;
        one.disagreed++;
        if (target !== null) rowOf(one, target).disagreed++;
        const live = decision === undefined ? 'not in the log any more' : verdictText(decision.data.verdict);
        const shadow = verdictText(event.data.verdict);
        one.latest.unshift({ decision: event.data.plan, at: event.at, target, live, shadow });
        one.latest.length = Math.min(one.latest.length, LATEST_MAX);
      }
    }
  }
  // one that ended before, or was replaced without ever being asked, says nothing
  const summaries = () =>
    [...done.filter(({ decisions: asked, failed }) => asked + failed > 0), ...running.values()].map((one) => ({
      ...one,
      byTarget: one.byTarget.toSorted((a, b) => b.disagreed - a.disagreed || b.decisions - a.decisions),
    }));
  return { add, summaries };
}

function summaryText(one: ShadowSummary, style: { utc?: boolean }): string {
  const { file, name, loadedAt, ended, decisions, disagreed, failed, byTarget, latest } = one;
  const share = decisions === 0 ? '' : ` (${Math.round((disagreed / decisions) * 100)} %)`;
  const rows = byTarget.map((row) => [`  ${row.target}`, String(row.decisions), String(row.disagreed)]);
  return [
    `${name} (${file}), loaded ${formatMoment(loadedAt, style)}${ended === null ? '' : `, ended: ${ended}`}`,
    `  decided otherwise in ${disagreed} of ${decisions} decisions${share}${failed === 0 ? '' : `, failed in ${failed}`}`,
    ...(rows.length === 0 ? [] : ['', table([['  for', 'decisions', 'otherwise'], ...rows])]),
    ...latest.flatMap(({ decision, at, target, live, shadow }) => [
      '',
      `  decision ${decision}, ${formatMoment(at, style)}, for ${target ?? 'a model'}`,
      `    in charge: ${live}`,
      `    shadow:    ${shadow}`,
    ]),
    ...(latest[0] === undefined
      ? []
      : ['', `  look closer: turnout policy run ${file} --decision ${latest[0].decision}`]),
  ].join('\n');
}

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function sinceMs(text: string): number {
  const ago = /^(\d+)(s|m|h|d)$/.exec(text);
  if (ago !== null) return Date.now() - Number(ago[1]) * (UNIT_MS[ago[2] ?? 's'] ?? 0);
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new TurnoutError('usage', `read --since "${text}": expected 30m, 24h, 7d or an ISO time`);
}
