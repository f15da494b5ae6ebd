/** `hooks.on_startup.preload` (spec 5.7): loads these models one after another, without asking them anything. */
import type { Config } from '../core/config/config.ts';
import type { Router } from '../core/runtime/router.ts';
import type { TextLog } from '../core/runtime/text-log.ts';

export async function preload(router: Router, config: Config, textLog: TextLog): Promise<void> {
  for (const model of config.preload) {
    const ticket = router.admit({
      id: router.newRequestId(),
      kind: 'load',
      model,
      asked: model,
      client: 'preload',
      session: null,
      method: 'POST',
      endpoint: 'preload',
      bytes: 0,
      streaming: false,
    });
    const grant = await ticket.wait();
    if (grant.granted) {
      ticket.finish({ outcome: 'ok', status: 200, bytes: 0, firstByteMs: null, usage: null, error: null });
    } else {
      textLog.error(`failed to preload model ${model}: ${grant.message}`);
    }
  }
}
