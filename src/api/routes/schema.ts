/** `GET /schema/config.json`: the JSON Schema of the configuration, for editors. Made on the first request. */
import { configJsonSchema } from '../../core/config/json-schema.ts';
import type { ApiContext, App } from '../context.ts';

let text: string | null = null;

export function configSchemaRoute(_app: App, ctx: ApiContext): void {
  text ??= `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
  ctx.type = 'application/schema+json';
  ctx.body = text;
}
