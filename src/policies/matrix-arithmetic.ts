/**
 * Sets of models and weights as plain numbers where they fit, as big integers where not: several times slower, never
 * wrong. The solver is written once for both.
 */

/** Sets are masks, a bit each. Both kinds compare with `<` and `===`, and are keys of a Map. */
export interface Arithmetic<N extends number | bigint> {
  zero: N;
  /** What a joined choice costs, counted in plain ones. */
  price: number;
  of(weight: bigint): N;
  bit(index: number): N;
  and(a: N, b: N): N;
  or(a: N, b: N): N;
  without(a: N, b: N): N;
  plus(a: N, b: N): N;
  minus(a: N, b: N): N;
}

/** Models that a mask of plain numbers can hold without its sign. */
export const PLAIN_MODELS_MAX = 30;

export const PLAIN: Arithmetic<number> = {
  zero: 0,
  price: 1,
  of: Number,
  bit: (index) => 1 << index,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  without: (a, b) => a & ~b,
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
};

export const BIG: Arithmetic<bigint> = {
  zero: 0n,
  price: 4,
  of: (weight) => weight,
  bit: (index) => 1n << BigInt(index),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  without: (a, b) => a & ~b,
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
};
