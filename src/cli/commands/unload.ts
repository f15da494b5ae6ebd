/** `turnout unload [MODEL]`: stops it, or everything; what is being served breaks off (spec 4.7). */
import { modelPath, needServer, request } from '../client.ts';
import { type GlobalOptions, print, printJson } from '../output.ts';

export async function unload(model: string | undefined, options: GlobalOptions): Promise<void> {
  const url = await needServer(options);
  const path = model === undefined ? '/api/models/unload' : `/api/models/unload/${modelPath(model)}`;
  await request(url, path, { method: 'POST' });
  if (options.json === true) printJson({ msg: 'ok' });
  else print(model === undefined ? 'nothing is loaded any more' : `${model} is unloaded`);
}
