/** A dry run in the words that `turnout plan` prints: the outcome first, then what leaves, why, how long, and what else. */
import { count, formatAbout, formatMemory, formatRough, list } from '../../core/history/format.ts';
import type { PlanPreview, PreviewVictim } from '../../core/runtime/preview-types.ts';

export function planText(preview: PlanPreview): string {
  const { model, reason, planner, waitsFor, verdict } = preview;
  const by = planner === null ? '' : ` (${planner.name} planner${VIA[planner.via]})`;
  const lines = [
    `a request for ${model} now ${outcome(preview)}`,
    ...(verdict === 'swap' ? needsLines(preview) : []),
    ...preview.evict.map(victimLine),
    `  why: ${reason}${by}`,
    ...(waitsFor === null || waitsFor === reason ? [] : [`  waits for: ${waitsFor}`]),
    ...timeLines(preview),
    ...alternativeLines(preview),
  ];
  return lines.join('\n');
}

const VIA: Record<NonNullable<PlanPreview['planner']>['via'], string> = {
  live: '',
  fallback: ', in place of one that gave no usable answer',
  delegate: ', asked by the policy',
};

function outcome({ verdict, etaMs, evict, refusal, redirectTo, phase }: PlanPreview): string {
  const soon = etaMs.total === null ? '' : ` in ${formatAbout(etaMs.total)}`;
  switch (verdict) {
    case 'serve':
      return 'would be served at once';
    case 'join':
      return `would be served${soon}: it is ${phase === 'starting' ? 'starting' : 'being loaded'} already`;
    case 'swap':
      if (evict.length === 0) return `would load it and be served${soon}; nothing has to leave`;
      return `would load it in place of ${list(evict.map(({ id }) => id))} and be served${soon}`;
    case 'wait':
      return typeof etaMs.wait === 'number' && etaMs.wait > 0 ? `would wait ${formatAbout(etaMs.wait)}` : 'would wait';
    case 'redirect':
      return `would be served by ${redirectTo} instead`;
    case 'reject': {
      const { status = 503, code = 'unknown', retryAfterSec = null } = refusal ?? {};
      const again = retryAfterSec === null ? '' : `, to come back after ${formatRough(retryAfterSec * 1_000)}`;
      return `would be refused with status ${status} (${code})${again}`;
    }
  }
}

function needsLines({ memory }: PlanPreview): string[] {
  return memory === null ? [] : [`  needs: ${formatMemory(memory)}`];
}

function victimLine(victim: PreviewVictim): string {
  const { id, phase, inFlight, idleMs, lastClient, memory, reloadMs, loadsObserved, cachedTokens, pinned } = victim;
  const facts = [
    inFlight > 0 ? `serves ${count(inFlight, 'request')}` : phase,
    ...(inFlight === 0 && idleMs !== null ? [`idle for ${formatRough(idleMs)}`] : []),
    ...(lastClient === null ? [] : [`last asked by ${lastClient}`]),
    ...(memory === null ? [] : [formatMemory(memory)]),
    `${formatAbout(reloadMs)} to load again${loadsObserved === 0 ? ' (assumed)' : ''}`,
    ...(cachedTokens === null || cachedTokens === 0 ? [] : [`${count(cachedTokens, 'token')} cached`]),
    ...(pinned === null ? [] : [`pinned by ${pinned.owner} since it was decided`]),
  ];
  return `  evicts ${id}: ${facts.join(', ')}`;
}

function timeLines({ verdict, etaMs, evict, model }: PlanPreview): string[] {
  if (verdict !== 'swap' && verdict !== 'join') return [];
  const { wait, stopMs, loadMs, basis, loadsObserved } = etaMs;
  const parts = [
    ...(wait === 'unknown' ? ['an unknown time until they are idle'] : []),
    ...(typeof wait === 'number' && wait > 0 ? [`${formatAbout(wait)} of waiting`] : []),
    ...(stopMs > 0 ? [`${formatAbout(stopMs)} to stop ${list(evict.map(({ id }) => id)) || 'what leaves'}`] : []),
    `${formatAbout(loadMs)} to load ${model} (${
      basis === 'observed' ? `from ${count(loadsObserved, 'observed load')}` : 'assumed: it was never loaded'
    })`,
  ];
  return [`  time: ${list(parts)}`];
}

function alternativeLines({ alternatives, verdict }: PlanPreview): string[] {
  const what = verdict === 'swap' ? 'instead of' : 'considered';
  return alternatives.map(({ evict, costMs, reason }) => {
    const which = evict.length === 0 ? 'nothing' : list(evict);
    return `  ${what}: ${which}, which would cost ${formatAbout(costMs)}${reason === '' ? '' : ` (${reason})`}`;
  });
}
