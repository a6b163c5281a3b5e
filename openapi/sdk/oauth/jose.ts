/** What jose makes of an access token and the published keys; see test_oauth_clients.py. */
import assert from 'node:assert/strict';
import { argv } from 'node:process';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const told = JSON.parse(argv[2] ?? '') as Record<string, string>;
const of = (name: string): string => told[name] ?? assert.fail(name);

const metadata = (await (await fetch(`${of('url')}/.well-known/openid-configuration`)).json()) as { jwks_uri: string };
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri));
const expected = { issuer: of('url'), audience: of('url'), typ: 'at+jwt', algorithms: ['ES256'] };
const { payload } = await jwtVerify(of('access_token'), keys, expected);
assert(payload.sub && payload.jti && !('roles' in payload));
await assert.rejects(jwtVerify(of('access_token'), keys, { ...expected, audience: 'https://other.example' }));
await assert.rejects(jwtVerify(`${of('access_token').slice(0, -8)}AAAAAAAA`, keys, expected));
console.log('understood');
