/** What oauth4webapi makes of the server: node oauth4webapi.ts '{"url": …}', see test_oauth_clients.py. */
import assert from 'node:assert/strict';
import { argv } from 'node:process';
import * as oauth from 'oauth4webapi';

const told = JSON.parse(argv[2] ?? '') as Record<string, string>;
const of = (name: string): string => told[name] ?? assert.fail(name);
const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(of('url'));
const client = { client_id: of('client_id') };
const asker = { client_id: of('asker_id') };

/** Discover the server where OAuth's and where OpenID Connect's clients look. */
async function discovered(algorithm: 'oauth2' | 'oidc'): Promise<oauth.AuthorizationServer> {
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...insecure });
  return oauth.processDiscoveryResponse(issuer, response);
}

const server = await discovered('oauth2');
assert.deepEqual(await discovered('oidc'), server);

/** Ask about a token, as a client that authenticates by `authentication`. */
async function introspected(authentication: oauth.ClientAuth, token: string, hint?: string) {
  const options = hint ? { ...insecure, additionalParameters: { token_type_hint: hint } } : insecure;
  const response = await oauth.introspectionRequest(server, client, authentication, token, options);
  return oauth.processIntrospectionResponse(server, client, response);
}

/** Revoke a token. */
async function revoked(by: oauth.Client, authentication: oauth.ClientAuth, token: string): Promise<void> {
  const response = await oauth.revocationRequest(server, by, authentication, token, insecure);
  await oauth.processRevocationResponse(response);
}

const basic = oauth.ClientSecretBasic(of('client_secret'));
const post = oauth.ClientSecretPost(of('client_secret'));
for (const authentication of [basic, post]) {
  const active = await introspected(authentication, of('access_token'));
  assert.equal(active.active, true);
  assert.equal(active.username, of('username'));
  assert(!('roles' in active));
  assert.deepEqual(await introspected(authentication, of('refresh_token')), { active: false });
  assert.equal((await introspected(authentication, of('refresh_token'), 'refresh_token')).active, true);
  assert.deepEqual(await introspected(authentication, 'nonsense'), { active: false });
}

const request = new Request('https://api.example/', { headers: { Authorization: `Bearer ${of('access_token')}` } });
const claims = await oauth.validateJwtAccessToken(server, request, of('url'), insecure);
assert.equal(claims.client_id, 'ostiary');
await assert.rejects(oauth.validateJwtAccessToken(server, request, 'https://other.example', insecure));

for (const make of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
  await assert.rejects(revoked(asker, make(of('asker_secret')), of('access_token')), (error) => {
    assert(error instanceof oauth.ResponseBodyError);
    assert.equal(error.error, 'unauthorized_client');
    assert.equal(error.status, 400);
    assert(error.error_description);
    return true;
  });
  await assert.rejects(revoked(client, make('osc_wrong'), of('access_token')), (error) => {
    assert(error instanceof oauth.WWWAuthenticateChallengeError);
    assert.equal(error.cause[0]?.scheme, 'basic');
    return true;
  });
}
await assert.rejects(revoked(client, post, of('api_key')), (error) => {
  assert(error instanceof oauth.ResponseBodyError);
  assert.equal(error.error, 'unsupported_token_type');
  return true;
});
assert.equal((await introspected(basic, of('access_token'))).active, true);
await revoked(client, post, of('access_token'));
assert.deepEqual(await introspected(basic, of('access_token')), { active: false });
await revoked(client, basic, of('access_token'));
console.log('understood');
