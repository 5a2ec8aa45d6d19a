import pino from 'pino';
import type { LogLevel } from '../config/run-options.ts';
import type { Logger } from '../ports/log.ts';

/** One JSON line per message. `write` says whether it took the line; those that it did not take are counted, and told of later. */
export function createLog(level: LogLevel, write: (line: string) => boolean): Logger {
  let dropped = 0;
  let told = 0;
  const destination = {
    write(line: string): void {
      if (!write(line)) dropped += 1;
      else if (dropped > told) {
        told = dropped;
        log.warn(
          { code: 'LOG_LINES_DROPPED', droppedSinceStart: dropped },
          'lines were dropped while nobody read them',
        );
      }
    },
  };
  const log: Logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return log;
}

/** The same log, with these fields before those of each line. */
export function taggedLog(log: Logger, tag: object): Logger {
  const at = (level: keyof Logger) => (fields: object, message: string) => log[level]({ ...tag, ...fields }, message);
  return { fatal: at('fatal'), error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}
