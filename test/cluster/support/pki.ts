import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Files of a control plane's keys and certificates, all PEM. */
export interface Pki {
  readonly caFile: string;
  readonly servingCertificateFile: string;
  readonly servingKeyFile: string;
  /** Signs service-account tokens (ES256). */
  readonly serviceAccountKeyFile: string;
  readonly serviceAccountPublicKeyFile: string;
}

const servingExtensions = (address: string) => `
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:::1,IP:10.96.0.1,IP:${address}
`;

/**
 * Makes a certificate authority, the API server's certificate and the key of service-account tokens.
 *
 * @param address - IP address that the API server is served at, besides loopback
 * @throws Error when openssl is missing or refuses
 */
export async function makePki(directory: string, address = '127.0.0.1'): Promise<Pki> {
  const file = (name: string) => join(directory, name);
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  await writeFile(file('serving.ext'), servingExtensions(address));
  await Promise.all([
    openssl(
      'req',
      '-x509',
      ...elliptic,
      '-keyout',
      file('ca.key'),
      '-out',
      file('ca.crt'),
      '-days',
      '3650',
      '-subj',
      '/CN=leasegate-test-ca',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    ),
    openssl(
      'req',
      ...elliptic,
      '-keyout',
      file('serving.key'),
      '-out',
      file('serving.csr'),
      '-subj',
      '/CN=kube-apiserver',
    ),
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-out', file('sa.key')),
  ]);
  await Promise.all([
    openssl(
      'x509',
      '-req',
      '-in',
      file('serving.csr'),
      '-CA',
      file('ca.crt'),
      '-CAkey',
      file('ca.key'),
      '-CAcreateserial',
      '-days',
      '3650',
      '-extfile',
      file('serving.ext'),
      '-out',
      file('serving.crt'),
    ),
    openssl('pkey', '-in', file('sa.key'), '-pubout', '-out', file('sa.pub')),
  ]);
  return {
    caFile: file('ca.crt'),
    servingCertificateFile: file('serving.crt'),
    servingKeyFile: file('serving.key'),
    serviceAccountKeyFile: file('sa.key'),
    serviceAccountPublicKeyFile: file('sa.pub'),
  };
}

async function openssl(...args: string[]): Promise<void> {
  try {
    await execute('openssl', args);
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw absent ? new Error('openssl is not on the PATH: the control plane needs it for its certificates') : error;
  }
}
