import { isIP } from 'node:net';
import { accepted, refused, type ValueType } from './value-type.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
/** DNS-1123 subdomain but for its length: labels joined by dots. */
export const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
export const SUBDOMAIN_LENGTH_MAX = 253;

/** What the API server takes as the name of a namespace (RFC 1123 label). */
export const dnsLabel: ValueType<string> = textType({
  placeholder: 'NAME',
  accepts: 'DNS-1123 label',
  pattern: LABEL,
  lengthMax: 63,
  message: 'is not a DNS-1123 label',
  remedy: 'use at most 63 lower-case letters, digits and "-", with a letter or digit at both ends',
});

/** What the API server takes as the name of a Lease or a pod (RFC 1123 subdomain). */
export const dnsSubdomain: ValueType<string> = textType({
  placeholder: 'NAME',
  accepts: 'DNS-1123 subdomain',
  pattern: SUBDOMAIN,
  lengthMax: SUBDOMAIN_LENGTH_MAX,
  message: 'is not a DNS-1123 subdomain',
  remedy: 'use at most 253 lower-case letters, digits, "-" and ".", with a letter or digit at both ends of each part',
});

export const LEASES_MAX = 64;

/** One Lease or several, with commas between their names: one election on each. */
export const leaseNames: ValueType<readonly string[]> = {
  placeholder: 'NAMES',
  accepts: `DNS-1123 subdomain; up to ${LEASES_MAX} with commas between them`,
  format: (value) => value.join(','),
  parse(text) {
    const parts = text.split(',');
    if (parts.length === 1) {
      const parsed = dnsSubdomain.parse(text);
      return parsed.ok ? accepted([parsed.value]) : parsed;
    }
    if (parts.length > LEASES_MAX) {
      return refused(
        `names ${parts.length} Leases`,
        `name ${LEASES_MAX} at most, and let other replicas elect on the rest`,
      );
    }
    const names: string[] = [];
    for (const part of parts) {
      if (part.trim() === '') return refused('has an empty name', 'take out a comma');
      const parsed = dnsSubdomain.parse(part.trim());
      if (!parsed.ok)
        return refused(`has ${JSON.stringify(part.trim())} in it, which ${parsed.message}`, parsed.remedy);
      if (names.includes(parsed.value)) return refused(`has ${parsed.value} twice`, 'write it once');
      names.push(parsed.value);
    }
    return accepted(names);
  },
};

/** What names of at most 253 characters begin with, when `-` and something else follow. */
export function prefixOf(lengthMax: number): ValueType<string> {
  return textType({
    placeholder: 'PREFIX',
    accepts: `DNS-1123 subdomain of at most ${lengthMax} characters`,
    pattern: SUBDOMAIN,
    lengthMax,
    message: 'is not what a DNS-1123 subdomain can begin with',
    remedy: `use at most ${lengthMax} lower-case letters, digits, "-" and ".", with a letter or digit at both ends of each part; the "-" behind it is added`,
  });
}

/** A pod's uid. It becomes a part of the identity, whose parts are joined by underscores. */
export const podUid: ValueType<string> = textType({
  placeholder: 'UID',
  accepts: 'letters, digits, `.` and `-`',
  pattern: /^[A-Za-z0-9.-]+$/,
  lengthMax: 128,
  message: 'holds characters that a pod uid does not have',
  remedy: 'set it from the downward API (fieldPath: metadata.uid)',
});

export const ipAddress: ValueType<string> = {
  placeholder: 'IP',
  accepts: 'IPv4 or IPv6 address',
  format: (value) => value,
  parse: (text) =>
    isIP(text) !== 0
      ? accepted(text)
      : refused('is not an IP address', 'set it from the downward API (fieldPath: status.podIP)'),
};

export const path: ValueType<string> = {
  placeholder: 'PATH',
  accepts: 'path of a file',
  format: (value) => value,
  parse: (text) => (text.includes('\0') ? refused('is not a path', 'remove the NUL character') : accepted(text)),
};

/** Of a kubeconfig: cloud providers put all sorts of characters in. */
export const contextName: ValueType<string> = {
  placeholder: 'NAME',
  accepts: 'name of a context',
  format: (value) => value,
  parse: accepted,
};

/** One of a few words. */
export function oneOf<const W extends string>(words: readonly W[]): ValueType<W> {
  return {
    placeholder: 'WORD',
    accepts: words.map((word) => `\`${word}\``).join(', '),
    format: (value) => value,
    parse(text) {
      const word = words.find((candidate) => candidate === text);
      return word === undefined ? refused('is not accepted', `use ${words.join(', ')}`) : accepted(word);
    },
  };
}

/** Some of a few words, with commas between them. */
export function listOf<const W extends string>(words: readonly W[]): ValueType<readonly W[]> {
  const word = oneOf(words);
  return {
    placeholder: 'WORDS',
    accepts: `${word.accepts}; several with commas between them`,
    format: (value) => value.join(','),
    parse(text) {
      const found: W[] = [];
      for (const part of text.split(',')) {
        const parsed = word.parse(part.trim());
        if (!parsed.ok)
          return refused(`has ${JSON.stringify(part.trim())} in it, which is not accepted`, parsed.remedy);
        if (found.includes(parsed.value)) return refused(`has ${parsed.value} twice`, 'write it once');
        found.push(parsed.value);
      }
      return accepted(found);
    },
  };
}

/** A host name made into a valid pod name, for processes that run outside a pod. */
export function podNameOfHost(hostname: string): string {
  const name = hostname
    .toLowerCase()
    .slice(0, SUBDOMAIN_LENGTH_MAX)
    .replace(/[^a-z0-9.]+/g, '-')
    .split('.')
    .map((label) => label.replace(/^-+|-+$/g, ''))
    .filter((label) => label !== '')
    .join('.');
  return name === '' ? 'host' : name;
}

interface TextRules {
  readonly placeholder: string;
  readonly accepts: string;
  readonly pattern: RegExp;
  readonly lengthMax: number;
  readonly message: string;
  readonly remedy: string;
}

function textType({ placeholder, accepts, pattern, lengthMax, message, remedy }: TextRules): ValueType<string> {
  return {
    placeholder,
    accepts,
    format: (value) => value,
    parse: (text) => (text.length <= lengthMax && pattern.test(text) ? accepted(text) : refused(message, remedy)),
  };
}
