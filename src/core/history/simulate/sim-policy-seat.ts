/**
 * The seat of a user's policy in a simulation: what policy-desk.ts is to the running turnout. Its answers come at once in
 * virtual time, however long they take. Must never be asked twice at a time.
 */
import type { TurnoutEvent } from '../../events.ts';
import type { Input } from '../../inputs.ts';
import type { Planner } from '../../plan.ts';
import type { PolicyAnswers } from '../../runtime/policy-port.ts';
import { dataOf } from '../../runtime/policy-slot.ts';
import { createViewWriter } from '../../runtime/policy-view.ts';
import type { State } from '../../state.ts';
import type { SimPolicy } from './contender.ts';

const LIVE = 'live';

export interface PolicySeat {
  /** Null while none is loaded, or it is disabled. */
  planner(): Planner | null;
  /** Loads one; `recorded` as in SimPolicy.take. What comes of it is posted unless the state knows already. */
  take(recorded: Parameters<SimPolicy['take']>[0]['recorded'], known: boolean): Promise<void>;
  observe(events: readonly TurnoutEvent[]): void;
  /** Resolves when the question that is outstanding has its answer. */
  settled(): Promise<void>;
}

export function createPolicySeat(policy: SimPolicy, state: Readonly<State>, post: (input: Input) => void): PolicySeat {
  const writer = createViewWriter();
  let wants: ReadonlySet<string> | null = null;
  let earlier: TurnoutEvent[] = [];
  let last: Promise<unknown> = Promise.resolve();

  async function ask<H extends keyof PolicyAnswers>(hook: H, json: string, seed: number) {
    const reply = await policy.ask(hook, json, seed);
    if (reply.ok) return reply.value;
    post({ type: 'policy.failed', slot: LIVE, fault: dataOf(reply.fault), guilty: reply.fault.guilty });
    return null;
  }

  function remember<T>(answer: Promise<T>): Promise<T> {
    last = answer;
    return answer;
  }

  const refused: Planner['refused'] = ({ rule, detail }) => {
    const message = `its answer is not allowed (${rule}): ${detail}`;
    const file = state.policies.get(LIVE)?.file ?? '';
    const none = { line: null, column: null, excerpt: null };
    post({
      type: 'policy.failed',
      slot: LIVE,
      fault: { kind: 'illegal', during: 'plan', message, file, ...none },
      guilty: true,
    });
  };

  return {
    planner() {
      const known = state.policies.get(LIVE);
      if (state.settings.planner !== 'policy' || wants === null || known === undefined || known.disabled !== null) {
        return null;
      }
      const { rank, idle } = known.hooks;
      return {
        plan: (view, seed) =>
          remember(
            ask('plan', writer.forTarget(view), seed).then((reply) => {
              if (reply === null) throw new Error('the policy has no answer');
              return { verdict: reply.answer, logs: reply.logs };
            }),
          ),
        refused,
        ...(rank && {
          rank: (view, seed) => remember(ask('rank', writer.shared(view), seed).then((one) => one?.answer ?? null)),
        }),
        ...(idle && {
          idle: (view, seed) => remember(ask('idle', writer.shared(view), seed).then((one) => one?.answer ?? null)),
        }),
      };
    },
    async take(recorded, known) {
      const models = state.settings.models.map(({ id }) => id);
      const { configHash, position } = state;
      const taken = await policy.take({ recorded, models, configHash, position, earlier });
      if ('refused' in taken) {
        if (wants === null || known) post({ type: 'policy.refused', slot: LIVE, fault: taken.refused });
        return;
      }
      earlier = [];
      wants = new Set(taken.loaded.hooks.evolve ? taken.wants : []);
      if (!known) post({ type: 'policy.loaded', loaded: taken.loaded });
    },
    observe(events) {
      const end = events.at(-1);
      if (wants === null) earlier.push(...events);
      if (wants === null || wants.size === 0 || end === undefined) return;
      policy.evolve(
        end.position,
        events.filter((event) => wants?.has(event.type)),
      );
    },
    async settled() {
      try {
        await last;
      } catch {
        // the question is settled with the fallback's answer, which the loop sees to
      }
    },
  };
}
