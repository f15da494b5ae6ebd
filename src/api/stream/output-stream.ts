/**
 * Output of models as an endless plain answer. Unlike log lines it comes from files, so a slow client loses nothing:
 * the file is read no faster than the client takes it.
 */
import type { ModelId } from '../../core/ids.ts';
import type { ApiContext, App } from '../context.ts';
import { followRuns } from './follow-runs.ts';
import { type HeldResponse, holdResponse } from './held-response.ts';

/** Streams the output of a model's runs, or of all models. Resolves when the client is gone. */
export async function streamRuns(ctx: ApiContext, app: App, model: ModelId | null, history: boolean): Promise<void> {
  const held = holdResponse(ctx, app.streams, 'text/plain; charset=utf-8');
  await followRuns(app, { model, history, signal: held.signal, onChunk: paced(held) });
  await held.done;
}

/** Streams one output file. Resolves when the client is gone. */
export async function streamFile(ctx: ApiContext, app: App, file: string, history: number): Promise<void> {
  const held = holdResponse(ctx, app.streams, 'text/plain; charset=utf-8');
  await app.output.followOutput(app.stateDir, file, { signal: held.signal, history, onChunk: paced(held) });
  await held.done;
}

/** Writes a chunk; resolves when the client can take more, or is gone. */
function paced(held: HeldResponse): (chunk: Buffer) => void | Promise<void> {
  let waiting: (() => void)[] = [];
  const release = (): void => {
    const released = waiting;
    waiting = [];
    for (const resolve of released) resolve();
  };
  held.onDrain(release);
  held.signal.addEventListener('abort', release, { once: true });
  return (chunk) => {
    if (held.write(chunk) || held.signal.aborted) return;
    return new Promise((resolve) => waiting.push(resolve));
  };
}
