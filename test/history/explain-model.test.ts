import { describe, expect, it } from 'vitest';
import { explainModel } from '../../src/core/history/explain.ts';
import { exited, llama, NOON, newStory, qwen, run, settings, starting, swapStory } from './story.ts';

const options = { now: NOON + 60_000, utc: true };

describe('explainModel()', () => {
  it('says since when a model is ready, how long it stays, and the whole chain of what loaded it', () => {
    const { story, qwenRun, swap } = swapStory();
    const told = explainModel(story.state(), qwen, story.events, options);
    expect(told?.text).toEqual([
      'qwen is ready since 2026-11-22 12:00:14.200 UTC (run 16, loaded in 9.8 s)',
      'it is idle for 41.8 s; with a ttl of 5 min it is unloaded at 12:05:18.200',
      'its last start (run 16) was 2026-11-22 12:00:04.400 UTC because qwen was to be loaded in place of llama, because the group planner said: group (default) runs one model at a time, so llama had to leave, because request req_new of client "curl 127.0.0.1" asked for "qwen"',
    ]);
    expect(told?.facts).toMatchObject({
      phase: 'ready',
      run: qwenRun,
      inFlight: 0,
      lastStart: { run: qwenRun, causes: [swap, 10, 9] },
      lastStop: null,
    });
  });

  it('finds the request that it was loaded for even where the decision names none', () => {
    const { story } = swapStory();
    const events = story.events.map((event) => {
      if (event.type !== 'plan.decided') return event;
      const { cause: _, ...rest } = event;
      return rest as typeof event;
    });
    expect(explainModel(story.state(), qwen, events, options)?.text).toEqual(
      explainModel(story.state(), qwen, story.events, options)?.text,
    );
  });

  it('says why a model is not loaded: what took its place and for whom', () => {
    const { story } = swapStory();
    const told = explainModel(story.state(), llama, story.events, options);
    expect(told?.text[0]).toBe('llama is not loaded');
    expect(told?.text.at(-1)).toBe(
      'run 5 was stopped 2026-11-22 12:00:03.300 UTC to make room: qwen was to be loaded in place of llama, because the group planner said: group (default) runs one model at a time, so llama had to leave, because request req_new of client "curl 127.0.0.1" asked for "qwen"; it took 1.1 s and was ended by SIGTERM from turnout',
    );
    expect(told?.facts.lastStop).toMatchObject({ reason: 'swap', run: 5 });
  });

  it('says that it was adopted after a restart, and how it came to outlive the turnout before', () => {
    const { story, qwenRun } = swapStory();
    const adopted = { run: run(qwenRun), pid: 8817, startTime: '1', bootId: 'b', baseUrl: 'http://x', deadline: null };
    const told = () => explainModel(story.state(), qwen, story.events, options)?.text;
    story.add(20_000, 'process.adopted', { ...adopted, how: 'killed' }, { model: 'qwen' });
    expect(told()).toContain(
      'adopted after restart 2026-11-22 12:00:20.000 UTC: process 8817, which outlived a turnout that died; qwen stayed loaded, its queue started fresh',
    );
    expect(told()?.[0]).toBe('qwen is ready since 2026-11-22 12:00:14.200 UTC (run 16, loaded in 9.8 s)');
    story.add(30_000, 'process.adopted', { ...adopted, how: 'handed-over' }, { model: 'qwen' });
    expect(told()).toContain(
      'adopted after restart 2026-11-22 12:00:30.000 UTC (and 1 time before): process 8817, which the turnout before handed over; qwen stayed loaded, its queue started fresh',
    );
  });

  it('names the operator who unloaded it', () => {
    const { story, qwenRun } = swapStory();
    const asked = story.add(30_000, 'unload.requested', { models: [qwen], by: 'key:0a1b2c3d', cause: 'operator' });
    story.add(
      30_000,
      'process.stopping',
      { run: run(qwenRun), reason: 'unload', killAt: NOON + 40_000, detail: null },
      { model: 'qwen', cause: asked },
    );
    const stopping = explainModel(story.state(), qwen, story.events, options);
    expect(stopping?.text[0]).toBe(
      'qwen is stopping since 2026-11-22 12:00:30.000 UTC (run 16), because an operator asked for it, KILL follows at 12:00:40.000',
    );
    story.add(30_500, 'process.exited', exited(qwenRun), { model: 'qwen' });
    expect(explainModel(story.state(), qwen, story.events, options)?.text.at(-1)).toContain(
      'because an operator asked for it: "key:0a1b2c3d" asked to unload qwen; it took 500 ms and exited with code 0',
    );
  });

  it('tells a crash nobody asked for, and where its output is', () => {
    const { story, qwenRun } = swapStory();
    story.add(40_000, 'process.exited', exited(qwenRun, { signal: 'SIGKILL', code: null, by: 'oom-killer' }), {
      model: 'qwen',
    });
    expect(explainModel(story.state(), qwen, story.events, options)?.text.at(-1)).toBe(
      'run 16 was ended by SIGKILL from the OOM killer (memory had run out) 2026-11-22 12:00:40.000 UTC, nobody had asked it to; what it printed: turnout logs qwen --run 16',
    );
  });

  it('tells the back-off with the reason, its end and the last output', () => {
    const story = newStory();
    story.add(0, 'config.applied', { hash: 'h', trigger: 'start', settings: settings('qwen') });
    const start = story.add(0, 'process.starting', starting(null), { model: 'qwen' });
    story.add(100, 'process.exited', exited(start, { code: 1, by: 'itself', tail: ['no such file'] }), {
      model: 'qwen',
    });
    story.add(
      100,
      'model.backed-off',
      { run: run(start), failures: 3, until: NOON + 20_100, why: 'exited with code 1', tail: ['no such file'] },
      { model: 'qwen' },
    );
    const told = explainModel(story.state(), qwen, story.events, { now: NOON + 1_000, utc: true });
    expect(told?.text.slice(-2)).toEqual([
      'its last 3 starts failed: exited with code 1; requests are refused until 2026-11-22 12:00:20.100 UTC; the last output:',
      '  no such file',
    ]);
    expect(told?.facts.backoff).toEqual({ failures: 3, until: NOON + 20_100, why: 'exited with code 1' });
  });

  it('tells what requests for it wait for, and a start under way', () => {
    const { story } = swapStory();
    const waiting = newStory();
    waiting.events.push(...story.events.slice(0, 11));
    const told = explainModel(waiting.state(), qwen, waiting.events, { now: NOON + 1_000, utc: true });
    expect(told?.text).toEqual([
      'qwen is not loaded',
      'qwen was never started as far as the log goes back',
      '1 request for it waits: llama is busy with 1 request',
    ]);
    waiting.events.push(...story.events.slice(11, 16));
    expect(explainModel(waiting.state(), qwen, waiting.events, options)?.text[0]).toBe(
      'qwen is starting since 2026-11-22 12:00:04.400 UTC (run 16); it is given up at 12:02:00.000',
    );
  });

  it('knows only models of the state', () => {
    expect(explainModel(newStory().state(), qwen, [], options)).toBeNull();
  });
});
