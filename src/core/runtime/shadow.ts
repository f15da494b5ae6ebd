/**
 * Policies in the shadow: they are asked what the planner in charge was asked, after its answer has gone out, and what they
 * would have done otherwise is posted. Must never be waited for by anybody.
 */
import type { PolicyVerdict, TurnoutEvent, Verdict } from '../events.ts';
import type { ModelId, Position } from '../ids.ts';
import type { Input } from '../inputs.ts';
import type { View } from '../view.ts';

export interface Shadows {
  observe(event: TurnoutEvent): void;
  /** What the planner in charge said to this view and seed. */
  answered(view: View, seed: number, verdict: Verdict, resolve: (said: PolicyVerdict) => Verdict): void;
  close(): void;
}

export interface ShadowPorts {
  /** Slots of those that are to be asked now. */
  slots(): string[];
  /** Null when there is no answer; why not is told elsewhere. */
  ask(slot: string, view: View, seed: number): Promise<PolicyVerdict | null>;
  post(input: Input): void;
}

export function createShadows({ slots, ask, post }: ShadowPorts): Shadows {
  /** The last decision about each target; its seed tells which question it answered. */
  const decided = new Map<ModelId, { position: Position; seed: number }>();
  let closed = false;

  async function compare(
    slot: string,
    plan: Position,
    { view, seed, verdict }: { view: View; seed: number; verdict: Verdict },
    resolve: (said: PolicyVerdict) => Verdict,
  ): Promise<void> {
    const said = await ask(slot, view, seed);
    if (said === null || closed) return;
    const reason = disagreement(verdict, resolve(said));
    if (reason !== null) post({ type: 'policy.disagreed', plan, slot, verdict: said, reason });
  }

  return {
    observe(event) {
      if (event.type !== 'plan.decided' || event.model === undefined) return;
      decided.set(event.model, { position: event.position, seed: event.data.seed });
    },
    answered(view, seed, verdict, resolve) {
      if (slots().length === 0) return;
      // what follows from the answer goes first; an answer that did not count is not compared with
      setImmediate(() => {
        const plan = decided.get(view.target);
        if (closed || plan?.seed !== seed) return;
        for (const slot of slots()) void compare(slot, plan.position, { view, seed, verdict }, resolve);
      });
    },
    close() {
      closed = true;
    },
  };
}

/** Null when both would have led to the same. Reasons and alternatives may differ. */
export function disagreement(live: Verdict, shadow: Verdict): string | null {
  const [a, b] = [words(live), words(shadow)];
  return a === b ? null : `the planner in charge said ${a}, this one ${b}`;
}

function words(verdict: Verdict): string {
  switch (verdict.action) {
    case 'swap':
      return verdict.evict.length === 0 ? 'load it' : `evict ${[...verdict.evict].sort().join(' and ')}`;
    case 'wait':
      return 'wait';
    case 'reject':
      return `refuse with ${verdict.status}`;
    case 'redirect':
      return `let ${verdict.model} serve`;
  }
}
