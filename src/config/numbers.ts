import { accepted, refused, type ValueType } from './value-type.ts';

/** Whole numbers within bounds, in decimal. */
export function integer({ min, max }: { readonly min: number; readonly max: number }): ValueType<number> {
  return {
    placeholder: 'NUMBER',
    accepts: `whole number, ${min} to ${max}`,
    format: String,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) return refused('is not a whole number', `write a number from ${min} to ${max}`);
      const value = Number(text);
      if (value < min) return refused('is too small', `use ${min} or more`);
      if (value > max) return refused('is too large', `use ${max} or less`);
      return accepted(value);
    },
  };
}

const UNITS = [
  ['MiB', 1024 * 1024],
  ['KiB', 1024],
] as const;

/** Sizes in bytes: `16KiB`, `1MiB`. */
export function byteSize({ min, max }: { readonly min: number; readonly max: number }): ValueType<number> {
  const [least, most] = [formatByteSize(min), formatByteSize(max)];
  const remedy = `write a size from ${least} to ${most}, such as ${formatByteSize(min * 4)}`;
  return {
    placeholder: 'SIZE',
    accepts: `size, ${least} to ${most}`,
    format: formatByteSize,
    parse(text) {
      const match = /^(\d{1,9})(B|KiB|MiB)$/.exec(text);
      if (match === null) return refused(/^\d+$/.test(text) ? 'has no unit' : 'is not a size', remedy);
      const value = Number(match[1]) * (UNITS.find(([unit]) => unit === match[2])?.[1] ?? 1);
      if (value < min) return refused('is too small', `use ${least} or more`);
      if (value > max) return refused('is too large', `use ${most} or less`);
      return accepted(value);
    },
  };
}

function formatByteSize(bytes: number): string {
  const found = UNITS.find(([, size]) => bytes % size === 0 && bytes > 0);
  return found === undefined ? `${bytes}B` : `${bytes / found[1]}${found[0]}`;
}

/** `true` or `false`, and nothing that only looks like it. */
export const boolean: ValueType<boolean> = {
  placeholder: 'BOOLEAN',
  accepts: '`true`, `false`',
  format: String,
  parse: (text) =>
    text === 'true' || text === 'false' ? accepted(text === 'true') : refused('is not accepted', 'use true, false'),
};
