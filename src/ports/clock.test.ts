import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemTimers } from './clock.ts';

const DAY_MS = 86_400_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a delay of months is waited for, not cut or run at once', () => {
  const callback = vi.fn();
  systemTimers.after(60 * DAY_MS, callback);
  vi.advanceTimersByTime(60 * DAY_MS - 1);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledOnce();
});

test('one that is cancelled never runs, in whichever part of its delay', () => {
  const callback = vi.fn();
  const timer = systemTimers.after(60 * DAY_MS, callback);
  vi.advanceTimersByTime(40 * DAY_MS);
  timer.cancel();
  vi.advanceTimersByTime(60 * DAY_MS);
  expect(callback).not.toHaveBeenCalled();
});
