/**
 * Deliberate bugs, each a change of one place of the source, made while the module is loaded: the product has no switch
 * for them. The simulation must find every one, else it proves nothing. `find` must stand exactly once in its file.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Mutant {
  bug: string;
  file: string;
  find: string;
  replace: string;
}

export const MUTANTS: Record<string, Mutant> = {
  'grant-without-re-check': {
    bug: 'a request is granted although its model drains, or something must leave first',
    file: 'rules.ts',
    find: "  if (model.run?.phase !== 'ready') return false;\n  if (isDraining(state, model.id)) return false;",
    replace: "  return model.run?.phase === 'ready';",
  },
  'start-skipped-while-stopping': {
    bug: 'a swap whose target still stops counts as done',
    file: 'settle.ts',
    find: "if (target.run?.phase !== 'ready' || awaitsNewRun(target) || !victimsGone(state, swap)) continue;",
    replace: "if (target.run === null || target.run.phase === 'starting' || !victimsGone(state, swap)) continue;",
  },
  'in-flight-not-released': {
    bug: 'a request that ended still counts as being served',
    file: 'fold-requests.ts',
    find: "if (model.serving.delete(request.key) && model.run?.phase === 'ready') model.idleSince = at;",
    replace: "if (model.serving.has(request.key) && model.run?.phase === 'ready') model.idleSince = at;",
  },
  'stop-ignored-while-starting': {
    bug: 'a run that is starting is not stopped',
    file: 'endings.ts',
    find: "if (run === null || run.phase === 'stopping') return;",
    replace: "if (run === null || run.phase !== 'ready') return;",
  },
  'waiter-not-failed': {
    bug: 'whoever waited for a start that failed is left waiting',
    file: 'endings.ts',
    find: "  rejectWaiting(batch, model, { status: 500, code: 'start-failed', reason: startFailure(why, tail), cause });\n",
    replace: '',
  },
  'double-start': {
    bug: 'a target is started again while its run lives',
    file: 'settle.ts',
    find: 'if (target.run !== null || !victimsGone(state, swap)) continue;',
    replace: 'if (!victimsGone(state, swap)) continue;',
  },
  'cancelled-waiter-keeps-its-slot': {
    bug: 'a request that ended while waiting keeps its place in the queue',
    file: 'fold-requests.ts',
    find: '  stopWaiting(state, model, request.key);\n}',
    replace: '}',
  },
  'ttl-without-re-check': {
    bug: 'a model expires although it serves a request',
    file: 'idle.ts',
    find: '  if (isBusy(model) || model.waiting.size > 0 || model.leases.size > 0) return Number.POSITIVE_INFINITY;\n',
    replace: '',
  },
  'pin-ignored': {
    bug: 'a pinned or protected model is evicted',
    file: 'referee.ts',
    find: 'if (hold !== null && mustGet(state, id).run !== null) {',
    replace: 'if (hold !== null && id === target) {',
  },
  'moved-request-keeps-its-slot': {
    bug: 'a request that is moved to another model keeps its place at the first',
    file: 'fold-requests.ts',
    find: '    stopWaiting(state, from, request.key);\n',
    replace: '',
  },
  'idle-load-keeps-its-slot': {
    bug: 'a load for idleness is served for ever',
    file: 'settle.ts',
    find: '  finishIdleLoad,\n',
    replace: '',
  },
  'effect-before-durable': {
    bug: 'a process is started or stopped before the event that orders it is on disk',
    file: 'runtime/loop.ts',
    find: 'if (waitsForDurability(effect) && log.durable < event.position && !logIsNoObstacle(effect)) {',
    replace: 'if (log.durable < 0) {',
  },
  'drain-that-does-not-reserve': {
    bug: 'other swaps take what a drain has reserved',
    file: 'decide-answer.ts',
    find: 'if (disturbsDrain(state, model.id, verdict.evict, rules)) {',
    replace: 'if (model.id === null) {',
  },
  'stale-answer-accepted': {
    bug: "a planner's answer about an older state counts",
    file: 'decide-answer.ts',
    find: 'if (model === undefined || answer.epoch !== state.planEpoch) return;',
    replace: 'if (model === undefined) return;',
  },
  'state-changed-outside-the-fold': {
    bug: 'a rule changes the live state without an event, so that the log does not say it',
    file: 'settle.ts',
    find: '    const { run } = model.run;\n    for (const key of model.waiting) {',
    replace: '    const { run } = model.run;\n    model.keptUntil = now;\n    for (const key of model.waiting) {',
  },
  'adopted-whatever-it-is': {
    bug: 'a child of another configuration is adopted',
    file: 'adoption.ts',
    find: "  if (specDigest !== run.specDigest) return 'its configuration changed';\n",
    replace: '',
  },
  'survivor-not-adopted': {
    bug: 'a child that could go on is stopped',
    file: 'decide-boot.ts',
    find: "if (child?.adoptable && model.run.phase !== 'stopping') {",
    replace: "if (child?.adoptable && model.run.phase === 'starting') {",
  },
  'adopted-start-not-probed': {
    bug: 'a child that is adopted while it loads is never asked for its health',
    file: 'effects.ts',
    find: 'return deadline === null ? null :',
    replace: 'return deadline !== null ? null :',
  },
  'leaves-before-the-last-answer': {
    bug: 'turnout leaves its models to the next start while requests are being served',
    file: 'settle.ts',
    find: '  if (state.requests.size > 0) return;\n',
    replace: '',
  },
  'lost-terminal-event-at-boot': {
    bug: 'requests that were open when turnout was killed get no end',
    file: 'decide-boot.ts',
    find: "    batch.add({ type: 'request.lost', model: request.model, request: request.key, cause, data: { stage } });\n",
    replace: "    if (stage === undefined) batch.add({ type: 'router.stopped', data: {} });\n",
  },
};

const CORE = new URL('../../src/core/', import.meta.url);

/** Puts the bug in for everything that is loaded from now on in this process. Throws when its place is not found. */
export function plant(name: string): void {
  const mutant = MUTANTS[name];
  if (mutant === undefined) throw new Error(`plant "${name}": expected one of ${Object.keys(MUTANTS).join(', ')}`);
  const url = new URL(mutant.file, CORE).href;
  mutate(mutant, readFileSync(fileURLToPath(url), 'utf8'));
  registerHooks({
    load(target, context, next) {
      const loaded = next(target, context);
      if (target !== url) return loaded;
      return { ...loaded, source: mutate(mutant, String(loaded.source)) };
    },
  });
}

function mutate({ file, find, replace }: Mutant, source: string): string {
  const times = source.split(find).length - 1;
  if (times !== 1) throw new Error(`plant a bug in ${file}: expected its place once, found it ${times} times`);
  return source.replace(find, () => replace);
}
