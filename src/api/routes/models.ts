/**
 * `GET /v1/models` and `GET /models` (spec 3.6): the models that a client may ask for, sorted by id.
 */
import type { ModelConfig } from '../../core/config/config.ts';
import type { Router } from '../../core/runtime/router.ts';
import type { ApiContext, App } from '../context.ts';

export interface ModelRecord {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
  name?: string;
  description?: string;
  meta: { llamaswap: { type: 'model'; aliases?: string[] } };
  status: { value: 'loaded' | 'unloaded' };
}

/** Echoes `Origin`, so that pages served from elsewhere can fill their list of models. */
export function listModels(app: App, ctx: ApiContext): void {
  const { origin } = ctx.req.headers;
  if (origin !== undefined) ctx.set({ 'access-control-allow-origin': origin, vary: 'Origin' });
  ctx.body = { object: 'list', data: modelRecords(app.router) };
}

/** Records of all listed models, sorted by id. */
export function modelRecords(router: Router): ModelRecord[] {
  const created = Math.floor(router.now() / 1_000);
  const records: ModelRecord[] = [];
  for (const model of router.config().models.values()) {
    if (!model.unlisted) records.push(recordOf(model, isLoaded(router, model), created));
  }
  return records.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function recordOf(model: ModelConfig, loaded: boolean, created: number): ModelRecord {
  const name = model.name.trim();
  const description = model.description.trim();
  return {
    id: model.id,
    object: 'model',
    created,
    owned_by: 'llama-swap',
    ...(name === '' ? {} : { name }),
    ...(description === '' ? {} : { description }),
    meta: { llamaswap: { type: 'model', ...(model.aliases.length === 0 ? {} : { aliases: model.aliases }) } },
    status: { value: loaded ? 'loaded' : 'unloaded' },
  };
}

/** Starting, ready or stopping (spec 3.6). */
function isLoaded(router: Router, model: ModelConfig): boolean {
  return router.state().models.get(model.id)?.run != null;
}
