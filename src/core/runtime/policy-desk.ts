/**
 * The policies of the configuration: the one in charge as a planner, those in the shadow as onlookers. Opens the host on
 * first use. Must never make anybody wait longer than the host's own answer deadline, nor reject.
 */
import type { Config, PolicyConfig } from '../config/config.ts';
import type { PolicyFaultData, PolicyVerdict, TurnoutEvent, Verdict } from '../events.ts';
import type { Input } from '../inputs.ts';
import type { EventLog } from '../log/log.ts';
import type { Planner } from '../plan.ts';
import type { State } from '../state.ts';
import type { View } from '../view.ts';
import { replayFrom } from './policy-events.ts';
import type { PolicyAnswers, PolicyFault, PolicyPort, PolicyPortOptions, PolicyReply } from './policy-port.ts';
import { createPolicySlot, dataOf, type PolicySlot } from './policy-slot.ts';
import { createViewWriter } from './policy-view.ts';
import { createShadows } from './shadow.ts';

export interface PolicyDesk {
  /** Takes what a configuration says; resolves when all of it is loaded or refused. */
  apply(config: Config): Promise<void>;
  /** The policy in charge; null while none is loaded, or it is disabled. */
  planner(): Planner | null;
  observe(events: readonly TurnoutEvent[]): void;
  /** What the planner in charge said, for those in the shadow to compare with. */
  answered(view: View, seed: number, verdict: Verdict, resolve: (said: PolicyVerdict) => Verdict): void;
  close(): Promise<void>;
}

export interface PolicyDeskPorts {
  open(options: PolicyPortOptions): Promise<PolicyPort>;
  log: EventLog;
  state: Readonly<State>;
  post(input: Input): void;
}

const LIVE = 'live';

export function createPolicyDesk({ open, log, state, post }: PolicyDeskPorts): PolicyDesk {
  const slots = new Map<string, PolicySlot>();
  /** Those that gave no answer through no fault of their own, until they give one: that is told once. */
  const silent = new Set<string>();
  const writer = createViewWriter();
  let port: Promise<PolicyPort> | null = null;
  let host: PolicyPort | null = null;
  let applied = 0;
  let closed = false;

  const isAsked = (slot: string): boolean => {
    const policy = state.policies.get(slot);
    return policy !== undefined && policy.disabled === null && slots.get(slot)?.place() != null;
  };
  const shadows = createShadows({
    slots: () => [...slots.keys()].filter((slot) => slot !== LIVE && isAsked(slot)),
    ask: async (slot, view, seed) => (await ask(slot, 'plan', writer.forTarget(view), seed))?.answer ?? null,
    post,
  });

  /** A host that could not be opened is tried again with the next configuration. */
  async function opened(): Promise<PolicyPort> {
    port ??= open({ replay: (question) => replayFrom(log, question), onFault });
    try {
      host = await port;
      return host;
    } catch (error) {
      port = null;
      throw error;
    }
  }

  /** A fault that nobody waits for: in `evolve`, or when the host came back. */
  const onFault: PolicyPortOptions['onFault'] = (place, fault) => {
    for (const [slot, one] of slots) if (one.place() === place) failed(slot, fault);
  };

  function failed(slot: string, fault: PolicyFault): void {
    if (!fault.guilty && silent.has(slot)) return;
    if (!fault.guilty) silent.add(slot);
    post({ type: 'policy.failed', slot, fault: dataOf(fault), guilty: fault.guilty });
  }

  async function ask<H extends keyof PolicyAnswers>(
    slot: string,
    hook: H,
    json: string,
    seed: number,
  ): Promise<PolicyReply<PolicyAnswers[H]> | null> {
    const place = slots.get(slot)?.place() ?? null;
    if (place === null || host === null) return null;
    const result = await host.ask(place, hook, json, seed);
    // another one took its place meanwhile: neither its answer nor its fault is that one's
    if (closed || slots.get(slot)?.place() !== place) return null;
    if (!result.ok) failed(slot, result.fault);
    if (!result.ok) return null;
    silent.delete(slot);
    return result.value;
  }

  async function apply({ turnout, models }: Config): Promise<void> {
    const mine = ++applied;
    const wanted = new Map<string, PolicyConfig>();
    if (turnout.planner === 'policy' && turnout.policy != null) wanted.set(LIVE, turnout.policy);
    for (const policy of turnout.shadow ?? []) wanted.set(policy.file, policy);
    // the log may know of some that an earlier run had
    for (const slot of new Set([...slots.keys(), ...state.policies.keys()])) {
      if (wanted.has(slot)) continue;
      slots.get(slot)?.close();
      slots.delete(slot);
      post({ type: 'policy.unloaded', slot });
    }
    if (wanted.size === 0 || closed) return;
    let ready: PolicyPort;
    try {
      ready = await opened();
    } catch (error) {
      for (const [slot, { file }] of wanted) post({ type: 'policy.refused', slot, fault: noHost(file, error) });
      return;
    }
    if (mine !== applied || closed) return;
    const ids = [...models.keys()];
    await Promise.all(
      [...wanted].map(([slot, policy]) => {
        const one = slots.get(slot) ?? createPolicySlot({ slot, port: ready, log, state, post });
        slots.set(slot, one);
        return one.take(policy, ids);
      }),
    );
  }

  /** Its answer was one that the referee does not allow. */
  const refused: Planner['refused'] = ({ rule, detail }) => {
    const message = `its answer is not allowed (${rule}): ${detail}`;
    const file = state.policies.get(LIVE)?.file ?? '';
    const fault: PolicyFaultData = { kind: 'illegal', during: 'plan', message, file, ...NO_PLACE };
    post({ type: 'policy.failed', slot: LIVE, fault, guilty: true });
  };

  function liveHooks(): Pick<Planner, 'rank' | 'idle'> {
    const hooks = state.policies.get(LIVE)?.hooks;
    return {
      ...(hooks?.rank === true && {
        rank: async (view, seed) => (await ask(LIVE, 'rank', writer.shared(view), seed))?.answer ?? null,
      }),
      ...(hooks?.idle === true && {
        idle: async (view, seed) => (await ask(LIVE, 'idle', writer.shared(view), seed))?.answer ?? null,
      }),
    };
  }

  return {
    apply,
    planner() {
      if (state.settings.planner !== 'policy' || !isAsked(LIVE)) return null;
      return {
        async plan(view, seed) {
          const reply = await ask(LIVE, 'plan', writer.forTarget(view), seed);
          if (reply === null) throw new Error('the policy has no answer');
          return { verdict: reply.answer, logs: reply.logs };
        },
        refused,
        ...liveHooks(),
      };
    },
    observe(events) {
      if (slots.size === 0) return;
      for (const event of events) shadows.observe(event);
      for (const slot of slots.values()) slot.observe(events);
    },
    answered: shadows.answered,
    async close() {
      closed = true;
      shadows.close();
      for (const slot of slots.values()) slot.close();
      slots.clear();
      await (await port?.catch(() => null))?.close();
    },
  };
}

const NO_PLACE = { line: null, column: null, excerpt: null };

function noHost(file: string, error: unknown): PolicyFaultData {
  const message = `the policy host cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  return { kind: 'dead', during: 'load', message, file, ...NO_PLACE };
}
