import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Issuer of the service-account tokens, and the audience that the API server expects in them. */
export const serviceAccountIssuer = 'https://kubernetes.default.svc.cluster.local';

/** The API server accepts a service-account token for this long after its `exp`, for clocks that differ. */
export const tokenLeewaySeconds = 60;

/** The API server may go on accepting a token for this long after it has become invalid: it caches what it accepted. */
export const tokenCacheSeconds = 10;

export interface TokenClaims {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Must be that of the live ServiceAccount: the API server looks it up. */
  readonly serviceAccountUid: string;
  /** Binds the token to a pod; it must exist with this uid. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /**
   * Until `exp`; may be negative. Mind the leeway: to be refused n seconds from now, a token must expire
   * n − {@link tokenLeewaySeconds} from now, and must not have been used within {@link tokenCacheSeconds} before.
   */
  readonly expiresInSeconds: number;
}

/** Signs a service-account token as the API server would, but with any expiry (the TokenRequest API demands 600 s). */
export function mintToken(signingKeyFile: string, claims: TokenClaims): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const expiresAt = nowSeconds + Math.trunc(claims.expiresInSeconds);
  const issuedAt = Math.min(nowSeconds, expiresAt) - 3600;
  const payload = {
    iss: serviceAccountIssuer,
    aud: [serviceAccountIssuer],
    sub: `system:serviceaccount:${claims.namespace}:${claims.serviceAccount}`,
    iat: issuedAt,
    nbf: issuedAt,
    exp: expiresAt,
    jti: randomUUID(),
    'kubernetes.io': {
      namespace: claims.namespace,
      serviceaccount: { name: claims.serviceAccount, uid: claims.serviceAccountUid },
      ...(claims.pod && { pod: claims.pod }),
    },
  };
  const key = createPrivateKey(readFileSync(signingKeyFile));
  const signed = `${base64url({ alg: 'ES256', typ: 'JWT' })}.${base64url(payload)}`;
  // JSON Web Signatures carry the bare pair of numbers, not the DER that is the default.
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
