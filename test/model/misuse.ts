/** What every engine refuses, and how. */
import { expect } from 'vitest';
import type { LaneSession } from '../../src/model/session.ts';

/** @param session  two lanes of a step model of 256 symbols */
export async function expectRefusals(session: LaneSession): Promise<void> {
  await expect(session.run(Int32Array.of(0), 1)).rejects.toThrow(
    '"tokens" expected 2 values (lanes * time), got 1',
  );
  await expect(session.run(Int32Array.of(0, 256), 1)).rejects.toThrow(
    '"tokens" expected values 0 to 255, got 256',
  );
  await expect(session.run(Int32Array.of(0, -1), 1)).rejects.toThrow(
    '"tokens" expected values 0 to 255, got -1',
  );
  await expect(session.run(new Int32Array(4), 2)).rejects.toThrow(
    '"time" expected 1 for a step model, got 2',
  );
}
