/** What openid-client, as it is configured by default, makes of the server; see test_oauth_clients.py. */
import assert from 'node:assert/strict';
import { argv } from 'node:process';
import * as client from 'openid-client';

const told = JSON.parse(argv[2] ?? '') as Record<string, string>;
const of = (name: string): string => told[name] ?? assert.fail(name);
const options = { execute: [client.allowInsecureRequests] };

// The defaults: discovery as OpenID Connect has it, and the secret in the form.
const configuration = await client.discovery(
  new URL(of('url')),
  of('client_id'),
  of('client_secret'),
  undefined,
  options,
);
assert.equal(configuration.serverMetadata().issuer, of('url'));

const active = await client.tokenIntrospection(configuration, of('access_token'));
assert.equal(active.active, true);
assert.equal(active.username, of('username'));
assert.deepEqual({ ...(await client.tokenIntrospection(configuration, of('refresh_token'))) }, { active: false });
const hint = { token_type_hint: 'refresh_token' };
assert.equal((await client.tokenIntrospection(configuration, of('refresh_token'), hint)).active, true);

const asker = await client.discovery(
  new URL(of('url')),
  of('asker_id'),
  undefined,
  client.ClientSecretBasic(of('asker_secret')),
  { ...options, algorithm: 'oauth2' },
);
assert.equal((await client.tokenIntrospection(asker, of('access_token'))).active, true);
await assert.rejects(client.tokenRevocation(asker, of('access_token')), (error) => {
  assert(error instanceof client.ResponseBodyError);
  assert.equal(error.error, 'unauthorized_client');
  return true;
});

await client.tokenRevocation(configuration, of('refresh_token'));
assert.equal((await client.tokenIntrospection(configuration, of('access_token'))).active, false);
console.log('understood');
