/** What a key asks for. */
export type KeyAction =
  | { readonly kind: 'select'; readonly index: number }
  | { readonly kind: 'kill' | 'freeze' | 'cut' | 'terminate' | 'step-down' | 'revive' | 'quit' }
  /** `?`, or a key that has no meaning. */
  | { readonly kind: 'explain' };

const LETTERS: Readonly<Record<string, Exclude<KeyAction['kind'], 'select'>>> = {
  k: 'kill',
  f: 'freeze',
  // What many would call it, although POST /pause is something else.
  p: 'freeze',
  c: 'cut',
  t: 'terminate',
  s: 'step-down',
  r: 'revive',
  q: 'quit',
  // Ctrl-C and Ctrl-D, which a raw terminal delivers as text.
  '\x03': 'quit',
  '\x04': 'quit',
};

/** Reads what a raw terminal sent, which may be several keys at once. Escape sequences (arrows and so on) mean nothing. */
export function readKeys(text: string, replicas: number): KeyAction[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  const keys = text.replace(/\x1b(?:\[[0-9;]*[ -/]*[@-~]|O.|.)?/g, '');
  return [...keys.toLowerCase()].flatMap((key): KeyAction[] => {
    const index = Number(key) - 1;
    if (/^[1-9]$/.test(key) && index < replicas) return [{ kind: 'select', index }];
    const kind = Object.hasOwn(LETTERS, key) ? LETTERS[key] : undefined;
    return [{ kind: kind ?? 'explain' }];
  });
}
