import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelView } from '../../src/core/view.ts';
import { evictionCostMs, likelihood, reloadMs } from '../../src/policies/budget-cost.ts';
import { type ModelSpec, stage } from './budget-view.ts';

const MINUTE = 60_000;
const agos = fc.array(fc.integer({ min: 0, max: 100 * MINUTE }), { maxLength: 8 });
const hourly = fc.integer({ min: 0, max: 10_000 });

describe('the likelihood that a model is asked for again', () => {
  it('lies between 0 and 1, and is small but not 0 for one that was never asked for', () => {
    fc.assert(
      fc.property(agos, hourly, (askedAgoMs, requestsLastHour) => {
        const one = likelihood({ askedAgoMs, requestsLastHour });
        expect(one).toBeGreaterThan(0);
        expect(one).toBeLessThan(1);
      }),
    );
    const never = likelihood({ askedAgoMs: [], requestsLastHour: 0 });
    expect(never).toBeGreaterThan(0.01);
    expect(never).toBeLessThan(0.05);
  });

  it('is higher the more recently it was asked for', () => {
    fc.assert(
      fc.property(agos, hourly, fc.integer({ min: 1, max: 30 * MINUTE }), (askedAgoMs, requestsLastHour, later) => {
        fc.pre(askedAgoMs.length > 0);
        const now = likelihood({ askedAgoMs, requestsLastHour });
        const then = likelihood({ askedAgoMs: askedAgoMs.map((ago) => ago + later), requestsLastHour });
        expect(then).toBeLessThan(now);
      }),
    );
  });

  it('is higher the more often it was asked for', () => {
    fc.assert(
      fc.property(agos, hourly, fc.integer({ min: 0, max: 100 * MINUTE }), (askedAgoMs, requestsLastHour, ago) => {
        const once = likelihood({ askedAgoMs, requestsLastHour });
        expect(likelihood({ askedAgoMs: [...askedAgoMs, ago], requestsLastHour })).toBeGreaterThan(once);
        expect(likelihood({ askedAgoMs, requestsLastHour: requestsLastHour + 1 })).toBeGreaterThan(once);
      }),
    );
  });

  it('is the same for steady demand whichever of its two counts one looks at', () => {
    // one request every five minutes for an hour: one is expected within the next five minutes
    const askedAgoMs = Array.from({ length: 200 }, (_, i) => (i + 0.5) * 5 * MINUTE);
    expect(likelihood({ askedAgoMs, requestsLastHour: 12 })).toBeCloseTo(0.5, 1);
  });
});

describe('the cost of evicting a model', () => {
  const costOf = (spec: ModelSpec, waiting = 0) => {
    const { view, settings } = stage({ target: 't', models: { t: {}, a: spec } });
    const asked = { ...view, waitingTotal: { t: 1, a: waiting } };
    const model = view.models.find(({ id }) => id === 'a') as ModelView;
    return {
      cost: evictionCostMs(
        asked,
        model,
        settings.models.find(({ id }) => id === 'a'),
      ),
      reload: reloadMs(model),
    };
  };

  it('counts the median load, or 30 s for a model that was never loaded', () => {
    expect(costOf({ loadSec: 45 }).reload).toBe(45_000);
    expect(costOf({}).reload).toBe(30_000);
  });

  it('counts the prompt cache that would have to be read again, where its size and speed are known', () => {
    const view = { cachedTokens: 60_000, prefillPerSecond: 1_000 };
    expect(costOf({ loadSec: 10, view }).reload).toBe(70_000);
    expect(costOf({ loadSec: 10, view: { ...view, prefillPerSecond: null } }).reload).toBe(10_000);
    expect(costOf({ loadSec: 10, view: { ...view, cachedTokens: null } }).reload).toBe(10_000);
    expect(costOf({ loadSec: 10, view: { ...view, prefillPerSecond: 0 } }).reload).toBe(10_000);
  });

  it('is the reload times its likelihood, in whole milliseconds', () => {
    const spec: ModelSpec = { loadSec: 40, askedAgoMin: [1, 2], perHour: 6 };
    const expected = 40_000 * likelihood({ askedAgoMs: [MINUTE, 2 * MINUTE], requestsLastHour: 6 });
    expect(costOf(spec).cost).toBe(Math.round(expected));
  });

  it('is the whole reload while requests wait for the model', () => {
    expect(costOf({ loadSec: 40 }, 2).cost).toBe(40_000);
  });

  it('is nothing for a run that ends anyway', () => {
    expect(costOf({ loadSec: 40, phase: 'stopping' }).cost).toBe(0);
    expect(costOf({ loadSec: 40, askedAgoMin: [1], view: { stale: true } }).cost).toBe(0);
  });

  it('falls towards the end of the TTL: only who asks before it finds the model loaded', () => {
    const at = (idleMin: number) => costOf({ loadSec: 40, askedAgoMin: [6], ttlMin: 6, idleMin }).cost;
    expect(at(5)).toBeLessThan(at(3));
    expect(at(6)).toBeLessThan(at(5));
    expect(at(6)).toBeGreaterThan(0);
    expect(at(0)).toBe(costOf({ loadSec: 40, askedAgoMin: [6] }).cost);
  });
});
