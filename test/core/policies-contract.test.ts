/** The built-in planners answer through the same View and Verdict as policies: as JSON, and nothing else. */
import { describe, expect, it } from 'vitest';
import { modelId } from '../../src/core/ids.ts';
import type { BuiltInPlanner, Hints } from '../../src/core/plan.ts';
import type { BuiltInName } from '../../src/core/settings.ts';
import { type Random, seededRandom } from '../../src/core/simulation/random.ts';
import { buildSharedView, type View, viewFor } from '../../src/core/view.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { readAnswer } from '../../src/policies/sandbox/read-answer.ts';
import { type KernelSpec, kernel } from './harness.ts';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const GB = 1024 ** 3;
const SEEDS = 60;

/** Kernels for each planner with everything in them that a view shows. */
const SPECS: Record<BuiltInName, KernelSpec> = {
  group: {
    groups: { g: { members: ['a', 'b', 'c'] }, h: { members: ['d', 'e'], swap: false }, i: { members: ['f'] } },
  },
  matrix: {
    groups: { g: { members: IDS } },
    settings: {
      planner: 'matrix',
      fallback: 'matrix',
      matrix: {
        sets: ['abd', 'bce', 'cf', 'ade'].map((ids) => ({
          name: ids,
          text: [...ids].join(' & '),
          expression: { kind: 'and', parts: [...ids].map((id) => ({ kind: 'model', id: modelId(id) })) },
        })),
        evictCosts: { b: 4 },
      },
    },
  },
  budget: {
    groups: { g: { members: IDS } },
    models: Object.fromEntries(IDS.map((id, at) => [id, { memory: { gpu0: (3 + at) * GB }, tags: [`t${at}`] }])),
    settings: { planner: 'budget', fallback: 'budget', devices: [{ id: 'gpu0', bytes: 14 * GB }] as never },
  },
};

/** A kernel in the middle of something. */
function busyKernel(name: keyof typeof SPECS, random: Random) {
  const k = kernel(SPECS[name]).boot();
  for (let n = 0; n < 25; n++) {
    const model = random.pick(IDS);
    const what = random.int(0, 5);
    if (what < 3) {
      const ticket = k.request(model, { client: random.pick(['anna', 'ben']) });
      if (ticket.grant?.granted === true && random.chance(0.7)) k.finish(ticket);
    } else if (what === 3 && k.phase(model) === 'starting') k.ready(model);
    else if (what === 3 && k.phase(model) === 'stopping') k.exited(model);
    else if (what === 4) k.pass(random.int(1, 8_000));
    else if (random.chance(0.2)) {
      k.loop.post({ type: 'operator.pin', model: modelId(model), owner: 'me', until: null });
    }
  }
  return k;
}

/** What a planner says of a view, first as it is and then as it would come out of a policy host. */
function bothWays(planner: BuiltInPlanner, view: View, hints: Hints) {
  const copy = JSON.parse(JSON.stringify(view)) as View;
  view.candidates = planner.candidates(view, hints);
  copy.candidates = JSON.parse(JSON.stringify(planner.candidates(copy, hints)));
  return [planner.plan(view, hints), planner.plan(copy, hints), view.candidates, copy.candidates] as const;
}

describe.each(['group', 'matrix', 'budget'] as const)('the %s planner', (name) => {
  it('answers the same to a view that went through JSON, with an answer that goes through the check of policies', () => {
    let answers = 0;
    const actions = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const k = busyKernel(name, random);
      const planner = builtInPlanner(name, k.state.settings, k.state);
      for (const target of IDS.map(modelId)) {
        if (k.phase(target) === 'ready') continue;
        const view = viewFor(k.state, buildSharedView(k.state, k.now()), target);
        const hints = { protect: random.chance(0.3) ? [modelId(random.pick(IDS))] : [], prefer: [] };
        const [said, again, candidates, candidatesAgain] = bothWays(planner, view, hints);
        expect(again, `seed ${seed}, target ${target}`).toEqual(said);
        expect(candidatesAgain).toEqual(candidates);
        expect(readAnswer('plan', JSON.stringify(said))).toEqual({ ok: true, answer: said });
        answers++;
        actions.add(said.action);
      }
    }
    expect(answers).toBeGreaterThan(SEEDS);
    expect([...actions].sort()).toEqual(expect.arrayContaining(['swap', 'wait']));
  });

  it('sees a view that holds nothing but JSON', () => {
    const k = busyKernel(name, seededRandom(7));
    const view = viewFor(k.state, buildSharedView(k.state, k.now()), modelId('a'));
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  });
});
