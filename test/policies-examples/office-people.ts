/** Who works in the office, with which models: four that do not all fit, and people of different habits. Data only. */
import { modelId } from '../../src/core/ids.ts';
import type { MatrixSettings } from '../../src/core/settings.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
/** A Monday, nine in the morning, UTC. */
export const START = Date.UTC(2026, 0, 5, 9);
export const END = START + 100 * MINUTE;
export const GIB = 1024 ** 3;

export const SIZES = { coder: 12 * GIB, chat: 10 * GIB, vision: 8 * GIB, small: 3 * GIB };
export const LOADS = { coder: 20 * SECOND, chat: 10 * SECOND, vision: 6 * SECOND, small: 2 * SECOND };
export const MODELS = Object.keys(SIZES);
export const GAME = { from: START + 40 * MINUTE, to: START + 60 * MINUTE, bytes: 8 * GIB };

/** `busy` and `away`: minutes that somebody works and then does not. */
export interface Person {
  models: (keyof typeof SIZES)[];
  thinkMs: [number, number];
  serviceMs: [number, number];
  busy: number;
  away: number;
  session?: string;
}
export const PEOPLE: Record<string, Person> = {
  anna: { models: ['coder', 'chat'], thinkMs: [2_000, 40_000], serviceMs: [2_000, 15_000], busy: 12, away: 9 },
  agent: {
    models: ['coder', 'vision'],
    thinkMs: [1_000, 9_000],
    serviceMs: [1_000, 9_000],
    busy: 8,
    away: 13,
    session: 's1',
  },
  batch: { models: ['vision', 'small'], thinkMs: [100, 2_000], serviceMs: [1_000, 4_000], busy: 25, away: 10 },
  hog: { models: ['chat'], thinkMs: [1, 50], serviceMs: [3_000, 9_000], busy: 30, away: 12 },
  visitor: {
    models: ['small', 'chat', 'vision', 'coder'],
    thinkMs: [20_000, 90_000],
    serviceMs: [500, 5_000],
    busy: 6,
    away: 4,
  },
};
export const CLIENTS = Object.keys(PEOPLE);

export const MATRIX: MatrixSettings = {
  sets: [
    ['coder', 'vision', 'small'],
    ['chat', 'vision', 'small'],
    ['chat', 'coder'],
  ].map((ids, n) => ({
    name: `s${n}`,
    text: ids.join(' & '),
    expression: { kind: 'and', parts: ids.map((id) => ({ kind: 'model', id: modelId(id) })) },
  })),
  evictCosts: { coder: 5 },
};
