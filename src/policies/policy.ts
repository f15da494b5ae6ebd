/**
 * What a policy file imports as `turnout/policy`: the types of everything that it is given and may answer, and one helper.
 * The sandbox has its own copy of the helper; nothing else of this file exists when a policy runs. Must never import
 * anything that runs.
 */
import type { EventName, PolicyEvent } from './published/events.ts';
import type { OptionsOf, OptionsSchema } from './published/options.ts';
import type { IdleVerdict, Verdict } from './published/verdict.ts';
import type { ModelId, SharedView, View } from './published/view.ts';

export type { EventData, EventName, PolicyEvent } from './published/events.ts';
export type { OptionSpec, OptionsOf, OptionsSchema, OptionType } from './published/options.ts';
export type { Alternative, BuiltIn, IdleVerdict, Verdict } from './published/verdict.ts';
export type {
  Candidate,
  DeviceId,
  DeviceView,
  GroupId,
  LocalTime,
  Memory,
  ModelId,
  ModelView,
  ServingView,
  SharedView,
  Swap,
  Tag,
  View,
  WaitingView,
} from './published/view.ts';

/**
 * The names of one configuration. Empty here, so every id is a `string`; the file that `turnout policy types` writes fills
 * it, and then a model that does not exist is a red line in the editor.
 *
 * @example
 * declare module 'turnout/policy' {
 *   interface Names { model: 'qwen' | 'llama'; tag: 'code'; group: '(default)'; device: 'gpu0' }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be merged with
export interface Names {}

/**
 * A policy: the default export of a policy file.
 *
 * @example
 * export default definePolicy({
 *   name: 'keep-hot',
 *   apiVersion: 1,
 *   options: { keep: { type: 'model[]', default: [] } },
 *   plan: (view) => ({ action: 'delegate', protect: [...view.options.keep] }),
 * });
 */
export interface Policy<O extends OptionsSchema = OptionsSchema, S = unknown, E extends EventName = EventName> {
  /** 1 to 64 letters, digits, dots, dashes or underscores. Stands in every decision. @example name: 'keep-hot' */
  name: string;
  /** The version of this interface that the policy is written for. @example apiVersion: 1 */
  apiVersion: 1;
  /** For people. @example description: 'The usual, but the coding model stays.' */
  description?: string;
  /**
   * What a configuration may set under `turnout.policy.options`, with defaults. A value that does not fit is refused.
   * @example options: { patienceSec: { type: 'number', default: 30, min: 0, doc: 'How long a busy model is left alone.' } }
   */
  options?: O;
  /**
   * A request waits for `view.target`, which is not loaded: what now?
   * @example plan: (view) => ({ action: 'swap', evict: [...(view.candidates[0]?.evict ?? [])], reason: 'the cheapest' })
   */
  plan(view: View<OptionsOf<O>, S>): Verdict;
  /**
   * The waiting models (the keys of `view.waitingTotal`) in the order in which they are to be asked about and served. Those
   * that are left out come last. This goes before priority and age, but never before a model that is being drained for, nor
   * before one that has waited longer than `maxWait`.
   * @example rank: (view) => Object.keys(view.waitingTotal).sort((a, b) => view.waitingTotal[b] - view.waitingTotal[a])
   */
  rank?(view: SharedView<OptionsOf<O>, S>): ModelId[];
  /**
   * Nothing waits: load or unload something? Asked after each change, and at the `wakeAt` that was answered last.
   * @example idle: (view) => ({ action: 'none', wakeAt: view.now + 60_000 })
   */
  idle?(view: SharedView<OptionsOf<O>, S>): IdleVerdict;
  /**
   * The memory before the first event. Plain JSON.
   * @example initial: () => ({ swaps: 0 })
   */
  initial?(options: OptionsOf<O>): S;
  /**
   * The memory after one more event of the types in `events`; what it returns is `view.state` from then on, and is rebuilt
   * from the log after a restart. `state` may be changed and returned.
   * @example evolve: (state, event) => ({ swaps: state.swaps + 1 })
   */
  evolve?(state: S, event: PolicyEvent<E>, options: OptionsOf<O>): S;
  /**
   * The types of the events that `evolve` wants: those of docs/events.md.
   * @example events: ['swap.finished']
   */
  events?: readonly E[];
}

/**
 * Gives its argument back. With it an editor knows the types of `view`, `view.options`, `view.state` and events.
 *
 * @example
 * import { definePolicy } from 'turnout/policy';
 * export default definePolicy({ name: 'mine', apiVersion: 1, plan: () => ({ action: 'delegate' }) });
 */
export function definePolicy<
  const O extends OptionsSchema = OptionsSchema,
  S = null,
  const E extends EventName = never,
>(policy: Policy<O, S, E>): Policy<O, S, E> {
  return policy;
}
