/**
 * The events that `evolve` may want, as they stand in the log (docs/events.md), with plain strings and numbers for ids.
 * Types only, made from the dictionary, so that they cannot differ from it.
 */
import type { EventData as KernelData } from '../../core/events.ts';
import type { ModelId } from './view.ts';

/** The type of an event. @example 'swap.finished' */
export type EventName = keyof KernelData;

/**
 * Ids of the kernel are branded, which a policy need not know: no literal, so `string` or `number`.
 * @example Plain<{ model: ModelId }> // { readonly model: string }
 */
export type Plain<T> = T extends string
  ? Unbranded<T, string>
  : T extends number
    ? Unbranded<T, number>
    : T extends object
      ? { readonly [K in keyof T]: Plain<T[K]> }
      : T;

/** A record over a literal must have that key; one over all strings, branded or not, may be empty. */
type Unbranded<T extends PropertyKey, Base> = Record<never, never> extends Record<T, 1> ? Base : T;

/** What an event of a type tells. @example EventData<'swap.finished'>['tookMs'] */
export type EventData<E extends EventName> = Plain<KernelData[E]>;

/**
 * An event as `evolve` gets it; checking `type` tells what is in `data`.
 * @example if (event.type === 'swap.finished') state.total += event.data.tookMs
 */
export type PolicyEvent<E extends EventName = EventName> = {
  [T in E]: {
    /** What happened. @example event.type === 'swap.finished' */
    readonly type: T;
    /** Place in the log: 1, 2, 3, ... @example 48213 */
    readonly position: number;
    /** ms since 1970. @example event.at - state.lastAt */
    readonly at: number;
    /** Of this type of event. @example 1 */
    readonly version: number;
    /** What it is about, where it is about a model. @example event.model === 'qwen' */
    readonly model?: ModelId;
    /** Position of the `request.arrived` that it belongs to. @example state.open[`${event.request}`] */
    readonly request?: number;
    /** Position of the event that led to it. @example 48212 */
    readonly cause?: number;
    /** What it tells, as in docs/events.md. @example event.data.tookMs */
    readonly data: EventData<T>;
  };
}[E];
