/**
 * Connections to the models, for the life of each run: pools for inference requests, agents for pass-through. When a run
 * is over so are its connections, so that no request can reach the successor of the process it was granted to.
 */
import type { TurnoutEvent } from '../core/events.ts';
import type { Router } from '../core/runtime/router.ts';
import { createPools, type Pools } from './forward/pool.ts';
import { createPassThrough, type PassThrough } from './pass-through.ts';

export interface Upstreams {
  pools: Pools;
  passThrough: PassThrough;
  close(): Promise<void>;
}

export function createUpstreams(router: Router): Upstreams {
  const pools = createPools();
  const passThrough = createPassThrough();
  const onEvents = (events: readonly TurnoutEvent[]): void => {
    for (const event of events) {
      if (event.type !== 'process.exited') continue;
      void pools.destroy(event.data.run, `run ${event.data.run} ended`);
      passThrough.closeRun(event.data.run);
    }
  };
  const unsubscribe = router.subscribe(onEvents);
  return {
    pools,
    passThrough,
    async close() {
      unsubscribe();
      passThrough.close();
      await pools.close();
    },
  };
}
