import { describe, expect, it } from 'vitest';
import { planText } from '../../src/cli/commands/plan-text.ts';
import { modelId } from '../../src/core/ids.ts';
import type { PlanPreview, PreviewVictim } from '../../src/core/runtime/preview-types.ts';
import { preview } from '../api/fake-router.ts';

const GIB = 1_024 ** 3;
const qwen = modelId('qwen');
const budget = { name: 'budget', version: '1', via: 'live' as const };

function lines(over: Partial<PlanPreview>): string[] {
  return planText(preview(qwen, { phase: 'stopped', reason: 'because', ...over })).split('\n');
}

function victim(id: string, over: Partial<PreviewVictim> = {}): PreviewVictim {
  return {
    id: modelId(id),
    phase: 'ready',
    inFlight: 0,
    idleMs: 240_000,
    lastClient: 'ide',
    memory: { gpu0: 8 * GIB },
    reloadMs: 19_600,
    loadsObserved: 3,
    cachedTokens: null,
    pinned: null,
    ...over,
  };
}

describe('planText()', () => {
  it('says what would leave and why, how long it takes, and what else was considered', () => {
    const told = lines({
      verdict: 'swap',
      planner: budget,
      reason: '12 GiB on gpu0 are needed and 4 GiB are free: llama leaves',
      memory: { gpu0: 12 * GIB },
      evict: [victim('llama', { cachedTokens: 90_000 })],
      alternatives: [{ evict: [modelId('gemma'), modelId('phi')], costMs: 41_200, reason: 'both were asked just now' }],
      etaMs: { total: 38_000, wait: 0, stopMs: 2_000, loadMs: 36_000, basis: 'observed', loadsObserved: 5 },
    });
    expect(told).toEqual([
      'a request for qwen now would load it in place of llama and be served in about 38 s',
      '  needs: 12 GiB on gpu0',
      '  evicts llama: ready, idle for 4 min, last asked by ide, 8 GiB on gpu0, about 20 s to load again, 90,000 tokens cached',
      '  why: 12 GiB on gpu0 are needed and 4 GiB are free: llama leaves (budget planner)',
      '  time: about 2 s to stop llama and about 36 s to load qwen (from 5 observed loads)',
      '  instead of: gemma and phi, which would cost about 41 s (both were asked just now)',
    ]);
  });

  it('names what is assumed, and a wait whose end is not known', () => {
    const told = lines({
      verdict: 'swap',
      evict: [victim('llama', { inFlight: 2, idleMs: 0, lastClient: null, memory: null, loadsObserved: 0 })],
      waitsFor: 'llama is busy with 2 requests',
      etaMs: { total: null, wait: 'unknown', stopMs: 2_000, loadMs: 30_000, basis: 'assumed', loadsObserved: 0 },
    });
    expect(told).toEqual([
      'a request for qwen now would load it in place of llama and be served',
      '  evicts llama: serves 2 requests, about 20 s to load again (assumed)',
      '  why: because',
      '  waits for: llama is busy with 2 requests',
      '  time: an unknown time until they are idle, about 2 s to stop llama and about 30 s to load qwen (assumed: it was never loaded)',
    ]);
  });

  it('says that nothing has to leave', () => {
    const etaMs = { total: 400, wait: 0, stopMs: 0, loadMs: 400, basis: 'observed' as const, loadsObserved: 1 };
    expect(lines({ verdict: 'swap', etaMs })).toEqual([
      'a request for qwen now would load it and be served in under 1 s; nothing has to leave',
      '  why: because',
      '  time: under 1 s to load qwen (from 1 observed load)',
    ]);
  });

  it('says that a load is under way', () => {
    const etaMs = { total: 6_000, wait: 0, stopMs: 0, loadMs: 6_000, basis: 'observed' as const, loadsObserved: 2 };
    expect(lines({ verdict: 'join', phase: 'starting', etaMs })[0]).toBe(
      'a request for qwen now would be served in about 6 s: it is starting already',
    );
    expect(lines({ verdict: 'join', etaMs })[0]).toContain('it is being loaded already');
  });

  it('says with what a request would be refused, and who holds the way', () => {
    const told = lines({
      verdict: 'reject',
      planner: { ...budget, via: 'fallback' },
      reason: 'llama is pinned by ann for another 1 h 59 min',
      refusal: { status: 503, code: 'planner-refused', retryAfterSec: 7_140 },
      alternatives: [{ evict: [modelId('llama')], costMs: 300, reason: '' }],
    });
    expect(told).toEqual([
      'a request for qwen now would be refused with status 503 (planner-refused), to come back after 1 h 59 min',
      '  why: llama is pinned by ann for another 1 h 59 min (budget planner, in place of one that gave no usable answer)',
      '  considered: llama, which would cost under 1 s',
    ]);
  });

  it('says that a request would wait, once and not twice for what', () => {
    const told = lines({ verdict: 'wait', reason: 'llama is pinned', waitsFor: 'llama is pinned', planner: budget });
    expect(told).toEqual(['a request for qwen now would wait', '  why: llama is pinned (budget planner)']);
  });

  it('says how long it would wait where that is known', () => {
    const etaMs = { total: null, wait: 95_000, stopMs: 0, loadMs: 0, basis: 'assumed' as const, loadsObserved: 0 };
    expect(lines({ verdict: 'wait', etaMs })[0]).toBe('a request for qwen now would wait about 1 min 40 s');
  });

  it('says which model would serve instead', () => {
    const told = lines({ verdict: 'redirect', redirectTo: modelId('llama'), reason: 'qwen is not loaded' });
    expect(told).toEqual(['a request for qwen now would be served by llama instead', '  why: qwen is not loaded']);
  });
});
