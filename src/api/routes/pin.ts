/**
 * `POST /api/models/pin/<model…>` and `…/unpin/<model…>`: a pinned model is evicted by no request and not unloaded for
 * idleness. `for` and `reason` stand in the query or in a JSON body. Answers when the pin is on disk.
 */
import { didYouMean } from '../../core/config/nearest.ts';
import { TurnoutError } from '../../core/errors.ts';
import { readObject } from '../body/read-object.ts';
import type { ApiContext, App } from '../context.ts';
import { printable } from '../guard.ts';
import { label, labelsOf } from '../labels.ts';
import { PIN_FOR, pinMs } from '../pin-duration.ts';
import { queryOf } from '../query.ts';
import { modelInPath } from './named-model.ts';

export async function pinModel(app: App, ctx: ApiContext): Promise<void> {
  const { router } = app;
  const model = modelInPath(app, ctx, '/api/models/pin/');
  const body = await readObject(ctx);
  if (body === null) {
    ctx.respond = false;
    return;
  }
  const asked = { ...fieldsOf(queryOf(ctx.req.url), 'query parameter'), ...fieldsOf(Object.entries(body), 'field') };
  const by = labelsOf(ctx.req, ctx.state.keyLabel, router.config()).client;
  const owner = asked.reason === undefined ? by : `${by} (${label(asked.reason)})`;
  const until = asked.for === undefined ? null : router.now() + forMs(asked.for);
  await router.pin(model, owner, until);
  const phase = router.state().models.get(model)?.run?.phase ?? 'stopped';
  ctx.body = { msg: 'ok', model, owner, until, phase };
}

export async function unpinModel(app: App, ctx: ApiContext): Promise<void> {
  const model = modelInPath(app, ctx, '/api/models/unpin/');
  const { client } = labelsOf(ctx.req, ctx.state.keyLabel, app.router.config());
  ctx.body = { msg: 'ok', model, wasPinned: await app.router.unpin(model, client) };
}

const FIELDS = ['for', 'reason'] as const;
type Fields = Partial<Record<(typeof FIELDS)[number], string>>;

/** A name that is not known is refused: a mistyped `for` would be a pin without an end. */
function fieldsOf(given: Iterable<[string, unknown]>, what: string): Fields {
  const fields: Fields = {};
  for (const [name, value] of given) {
    const field = FIELDS.find((known) => known === name);
    if (field === undefined) {
      const help = didYouMean(name, FIELDS);
      const near = help === null ? '' : `; ${help}`;
      throw bad(`read ${what} "${printable(name)}": expected "for" or "reason"${near}`);
    }
    if (value === null || value === '') continue;
    if (typeof value !== 'string') throw bad(`read ${what} "${field}": expected a text, got ${typeof value}`);
    fields[field] = value;
  }
  return fields;
}

function forMs(text: string): number {
  const ms = pinMs(text);
  if (ms === null) throw bad(`read "for": expected ${PIN_FOR}, got "${printable(text)}"`);
  return ms;
}

const bad = (message: string) => new TurnoutError('bad-request', message);
