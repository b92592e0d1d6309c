/**
 * Sessions for a test, released whatever happens.
 *
 * @module
 */
import type { Model } from '../../src/model/load.ts';
import type { Engine } from '../../src/model/ort.ts';
import { type LaneSession, openSession } from '../../src/model/session.ts';

/** What `use` makes of a session of the model on an engine. */
export async function withEngine<T>(
  from: Model,
  lanes: number,
  engine: Engine,
  use: (session: LaneSession) => Promise<T> | T,
): Promise<T> {
  const session = await openSession(from, { lanes, engine });
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}
