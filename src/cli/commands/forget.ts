/** `turnout forget MODEL`: what was observed of its memory counts no more; its declared size counts until it is seen again. */
import { modelPath, needServer, requestJson } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';

export async function forget(model: string, options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const path = `/api/models/forget/${modelPath(model)}`;
  const answer = await requestJson<{ model: string }>(url, path, { method: 'POST' });
  if (options.json === true) printJson(answer);
  else print(`what was observed of the memory of ${answer.model} is forgotten`);
}
