/**
 * What a log says after many kills: whether everything is in it that was shown, and whether each start adopted exactly
 * the children that it could. Reads the log and what was seen outside of it; starts nothing.
 */
import type { TurnoutEvent } from '../../src/core/events.ts';
import { emptyState, evolve } from '../../src/core/evolve.ts';
import { openLogForReading } from '../../src/core/log/read-only.ts';
import type { State } from '../../src/core/state.ts';

/** What one kill left behind. */
export interface Kill {
  survivors: readonly { run: number; pid: number }[];
}

export interface Verdict {
  events: number;
  /** Children that went on in the next start: loaded, or still loading. */
  adopted: number;
  adoptedLoading: number;
  /** Children that lived and were stopped, because their configuration had changed or they were being stopped. */
  stopped: number;
  swaps: number;
  /** What is wrong; empty when all is well. */
  faults: string[];
}

export async function judge(
  stateDir: string,
  seen: ReadonlyMap<number, string>,
  kills: readonly Kill[],
): Promise<Verdict> {
  const verdict: Verdict = { events: 0, adopted: 0, adoptedLoading: 0, stopped: 0, swaps: 0, faults: [] };
  const log = await openLogForReading(stateDir);
  const state = emptyState();
  let starts = 0;
  let shown = 0;
  let boot: { kill: Kill | undefined; before: Map<number, Before>; adopted: Set<number> } | null = null;
  for (let from = 1; ; ) {
    const some = await log.read({ from, limit: 20_000 });
    if (some.length === 0) break;
    for (const event of some) {
      if (event.position !== ++verdict.events)
        verdict.faults.push(`${event.position} stands at place ${verdict.events}`);
      const text = seen.get(event.position);
      if (text !== undefined) {
        shown++;
        if (text !== inOneOrder(event)) verdict.faults.push(`event ${event.position} is not what was shown: ${text}`);
      }
      if (event.type === 'log.replaced' || event.type === 'log.gap') verdict.faults.push(`${event.type} was written`);
      if (event.type === 'swap.finished') verdict.swaps++;
      if (event.type === 'process.starting' && state.models.get(event.model as never)?.run != null) {
        verdict.faults.push(`a second run of ${event.model} begins at ${event.position}`);
      }
      if (event.type === 'router.started')
        boot = { kill: kills[starts++ - 1], before: runsOf(state), adopted: new Set() };
      if (event.type === 'process.adopted') boot?.adopted.add(event.data.run);
      evolve(state, event);
      if (event.type !== 'config.applied' || boot === null) continue;
      judgeStart(verdict, boot.kill, boot.before, boot.adopted, state, event.position);
      boot = null;
    }
    from = verdict.events + 1;
  }
  await log.close();
  if (shown !== seen.size) verdict.faults.push(`${seen.size - shown} events that were shown are not in the log`);
  if (starts !== kills.length + 1) verdict.faults.push(`${starts} starts in the log, expected ${kills.length + 1}`);
  return verdict;
}

interface Before {
  model: string;
  phase: string;
  pid: number | null;
  specDigest: string;
}

/** Runs that the log says are alive. */
function runsOf(state: State): Map<number, Before> {
  const runs = new Map<number, Before>();
  for (const { id, run } of state.models.values()) {
    if (run !== null) runs.set(run.run, { model: id, phase: run.phase, pid: run.pid, specDigest: run.specDigest });
  }
  return runs;
}

/** `state` is that after the start: its settings are those which the children are compared with. */
function judgeStart(
  verdict: Verdict,
  kill: Kill | undefined,
  before: ReadonlyMap<number, Before>,
  adopted: ReadonlySet<number>,
  state: State,
  position: number,
): void {
  for (const [run, { model, phase, pid, specDigest }] of before) {
    const lived = kill?.survivors.some((one) => one.run === run && (pid === null || one.pid === pid)) === true;
    const same = state.settings.models.some((one) => one.id === model && one.specDigest === specDigest);
    const fit = lived && same && phase !== 'stopping';
    if (adopted.has(run) !== fit) {
      const facts = `phase ${phase}, ${lived ? 'alive' : 'dead'}, configuration ${same ? 'the same' : 'changed'}`;
      const what = fit ? 'was not adopted' : 'was adopted';
      verdict.faults.push(`run ${run} of ${model} (${facts}) ${what} by the start before position ${position}`);
    }
    if (!lived) continue;
    if (!fit) verdict.stopped++;
    else if (phase === 'starting') verdict.adoptedLoading++;
    else verdict.adopted++;
  }
}

/** The text of an event, whatever the order in which its fields came. */
export function inOneOrder(event: TurnoutEvent): string {
  const { position, at, type, version, model, request, cause, data } = event;
  return JSON.stringify({ position, at, type, version, model, request, cause, data });
}
