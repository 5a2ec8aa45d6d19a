import { ensureTools } from '../tools/build.ts';

/** Vitest's global setup: builds what the suite runs, once, before any test's time limit counts. */
export async function setup(): Promise<void> {
  await ensureTools();
}
