/**
 * How a policy declares its options, and the type of `view.options` that follows from it. Types only;
 * test/policies/published-types.test.ts holds that the sandbox reads the same.
 */
import type { ModelId } from './view.ts';

/** One value, a list of them (`[]`), or a map from any name to one (`{}`). @example 'model[]' */
export type OptionType = `${'string' | 'number' | 'boolean' | 'model'}${'' | '[]' | '{}'}`;

/**
 * One option. Without a `default` it must be given, unless it is `optional`; then it is absent.
 * @example { type: 'number', default: 30, min: 0, max: 3600, doc: 'Seconds of patience.' }
 * @example { type: 'string', choices: ['strict', 'kind'], default: 'kind' }
 */
export interface OptionSpec {
  /** What values it takes. @example 'model[]' */
  readonly type: OptionType;
  /** What it is for, in one sentence. @example 'Models that no request may evict.' */
  readonly doc?: string;
  /** What it is when the configuration says nothing. @example [] */
  readonly default?: unknown;
  /** It may be absent. @example true */
  readonly optional?: boolean;
  /** Of numbers, inclusive. @example 0 */
  readonly min?: number;
  /** Of numbers, inclusive. @example 3600 */
  readonly max?: number;
  /** Of texts: the only ones allowed. @example ['strict', 'kind'] */
  readonly choices?: readonly string[];
}

/** All options by name. @example { keep: { type: 'model[]', default: [] } } */
export type OptionsSchema = { readonly [name: string]: OptionSpec };

interface Scalars {
  string: string;
  number: number;
  boolean: boolean;
  model: ModelId;
}

type ValueOf<T extends string, C extends string = string> = T extends `${infer Item}[]`
  ? readonly ValueOf<Item, C>[]
  : T extends `${infer Item}{}`
    ? { readonly [name: string]: ValueOf<Item, C> }
    : T extends 'string'
      ? C
      : T extends keyof Scalars
        ? Scalars[T]
        : never;

type ChoiceOf<P extends OptionSpec> = P['choices'] extends readonly (infer C extends string)[] ? C : string;

/** The values of such options. @example OptionsOf<{ keep: { type: 'model[]' } }> // { readonly keep: readonly ModelId[] } */
export type OptionsOf<O extends OptionsSchema> = {
  readonly [N in keyof O]: ValueOf<O[N]['type'], ChoiceOf<O[N]>> | (O[N]['optional'] extends true ? undefined : never);
};
