/**
 * The names by which the kernel knows things. Branded, so that a run can never be passed where a swap is meant.
 * Must never import anything.
 */

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Place of an event in the log: 1, 2, 3, ... without a gap. */
export type Position = number;

/** Key of a model in the config. May contain `/` and `:`. */
export type ModelId = Brand<string, 'ModelId'>;

/** Public, random id of a request, as sent in `x-turnout-request-id`. */
export type RequestId = Brand<string, 'RequestId'>;

/** Internal key of a request: the position of its `request.arrived`. */
export type RequestKey = Brand<number, 'RequestKey'>;

/** One start of a model: the position of its `process.starting`. */
export type RunId = Brand<number, 'RunId'>;

/** One swap: the position of its `swap.started`. */
export type SwapId = Brand<number, 'SwapId'>;

export const modelId = (text: string): ModelId => text as ModelId;
export const requestId = (text: string): RequestId => text as RequestId;
export const requestKey = (position: Position): RequestKey => position as RequestKey;
export const runId = (position: Position): RunId => position as RunId;
export const swapId = (position: Position): SwapId => position as SwapId;
