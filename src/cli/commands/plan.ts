/** `turnout plan MODEL`: what a request for it would lead to now. Starts nothing, evicts nothing, records nothing. */
import type { PlanPreview } from '../../core/runtime/preview-types.ts';
import { needServer, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';
import { planText } from './plan-text.ts';

export async function plan(model: string, options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const preview = await requestJson<PlanPreview>(url, `/api/plan?${new URLSearchParams({ model })}`);
  if (options.json === true) printJson(preview);
  else print(planText(preview));
}
