/**
 * A policy module as the live planner of the loop, without the sandbox: virtual time cannot wait for a process. Everything
 * else is as there: a frozen view, answers read by the host's own reader, memory folded from the log.
 */
import type { Json } from '../../src/core/config/canonical.ts';
import type { TurnoutEvent } from '../../src/core/events.ts';
import type { Planner } from '../../src/core/plan.ts';
import { seededRandom } from '../../src/core/simulation/random.ts';
import type { OptionsOf, Policy, PolicyEvent } from '../../src/policies/policy.ts';
import { type OptionsSchema, resolveOptions } from '../../src/policies/sandbox/options.ts';
import { readAnswer } from '../../src/policies/sandbox/read-answer.ts';
import type { AnswerOf, Hook } from '../../src/policies/sandbox/types.ts';

/** `stored` is the log as text; `onFault` is told what would be a strike. */
export function livePolicy(
  policy: Policy,
  given: { [name: string]: Json },
  stored: readonly string[],
  onFault: (what: string) => void,
): Planner {
  const { options: filled, problems } = resolveOptions((policy.options ?? {}) as OptionsSchema, given, null);
  for (const { message } of problems) onFault(message);
  const options = filled as OptionsOf<NonNullable<Policy['options']>>;
  const wanted = new Set<string>(policy.events ?? []);
  let memory = policy.initial?.(options) ?? null;
  let read = 0;

  function remember(): void {
    for (; read < stored.length; read++) {
      const event = JSON.parse(stored[read] as string) as TurnoutEvent;
      if (!wanted.has(event.type)) continue;
      memory = copy(policy.evolve?.(copy(memory), frozen(event) as unknown as PolicyEvent, options) ?? null);
    }
  }

  function ask<H extends Hook>(hook: H, facts: object, seed: number): AnswerOf[H] {
    remember();
    const { next: random } = seededRandom(seed);
    const view = frozen({ ...copy(facts), options, state: copy(memory), random, log: () => {} });
    const said = policy[hook]?.(view as unknown as Parameters<Policy['plan']>[0]);
    const answer = readAnswer(hook, JSON.stringify(said));
    if (!answer.ok) throw new Error(answer.message);
    return answer.answer;
  }

  /** A strike in the sandbox is a failure of the test here. */
  function told<H extends Hook>(hook: H, facts: object, seed: number): AnswerOf[H] {
    try {
      return ask(hook, facts, seed);
    } catch (error) {
      onFault(`${hook}(): ${error instanceof Error ? error.stack : error}`);
      throw error;
    }
  }

  return {
    plan: (view, seed) => told('plan', view, seed),
    refused: ({ rule, detail }) => onFault(`its answer is not allowed (${rule}): ${detail}`),
    ...(policy.rank !== undefined && { rank: (view, seed) => atOnce(told('rank', view, seed)) }),
    ...(policy.idle !== undefined && { idle: (view, seed) => atOnce(told('idle', view, seed)) }),
  };
}

/** A promise that keeps to virtual time. */
function atOnce<T>(value: T): PromiseLike<T> {
  const then = (onAnswer?: ((value: T) => unknown) | null) => {
    onAnswer?.(value);
    return undefined as unknown as PromiseLike<never>;
  };
  return { then } as PromiseLike<T>;
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) frozen(part);
  return Object.freeze(value);
}
