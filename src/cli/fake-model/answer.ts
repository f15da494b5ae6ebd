/**
 * Answers one request for text in any dialect: a slot, the prompt's time, then the tokens, streamed or whole.
 * Must never leave its slot busy, however the request ends.
 */
import { randomBytes } from 'node:crypto';
import type { Dialect } from './dialects/dialect.ts';
import { drained, type Exchange, sendJson } from './exchange.ts';
import { generate, newRun, type Run, readPrompt } from './generation.ts';
import type { FakeModel } from './model.ts';

async function stream(model: FakeModel, { res, gone }: Exchange, dialect: Dialect, run: Run): Promise<void> {
  const { options, die } = model;
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const head = dialect.open(run);
  if (head !== '') res.write(head);
  await generate(run, options.tokensPerSecond, gone, (token) => {
    const text = dialect.token(run, token);
    if (run.done === options.dieMidStream) {
      // Only what the kernel has taken reaches the client after our death.
      return new Promise<void>((resolve) => {
        res.write(text, () => {
          die(options.exitCode);
          resolve();
        });
      });
    }
    return res.write(text) ? undefined : drained(res);
  });
  if (!gone.aborted) res.end(dialect.close(run));
}

export async function answer(model: FakeModel, exchange: Exchange, dialect: Dialect): Promise<void> {
  const { res, json, gone } = exchange;
  if (json === null) return sendJson(res, 400, dialect.error(400, 'cannot read the request, expected a JSON object'));
  const ask = dialect.read(json);
  const taken = await model.slots.acquire(ask.words, gone);
  if (taken === null) return;
  try {
    const run = newRun(model.options, ask, taken.slot, taken.cached, randomBytes(12).toString('hex'));
    await readPrompt(run, model.options.promptPerSecond, gone);
    if (gone.aborted) return;
    if (ask.stream) return await stream(model, exchange, dialect, run);
    await generate(run, model.options.tokensPerSecond, gone, () => undefined);
    if (!gone.aborted) sendJson(res, 200, dialect.whole(run));
  } finally {
    model.slots.release(taken.slot);
  }
}
