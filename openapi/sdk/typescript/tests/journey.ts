/** A user's way through the TypeScript SDK, against the server whose address is the argument. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { argv } from 'node:process';
import { Ostiary } from 'ostiary-client';
import type { InvalidCredentialsProblem, LoginError, TokenPair } from 'ostiary-client';

const baseUrl = argv[2];
assert(baseUrl);
const username = `ada-${randomUUID().slice(0, 12)}`;
const password = 'correct horse battery staple';

let token: string | undefined;
const ostiary = new Ostiary({ baseUrl, token: () => token });

/** Log in and return the tokens. */
async function logIn(): Promise<TokenPair> {
  const { data, error } = await ostiary.auth.login({ body: { username, password } });
  if (error) throw new Error(whatToDo(error));
  return data;
}

/** Tell what to do about each way in which a login fails; the compiler proves that none is forgotten. */
function whatToDo(error: LoginError): string {
  switch (error.code) {
    case 'invalid_credentials': {
      const narrowed: InvalidCredentialsProblem = error;
      return narrowed.detail;
    }
    case 'account_disabled':
      return error.detail;
    case 'validation_failed':
      return error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('\n');
    case 'malformed_json':
    case 'body_too_large':
    case 'unsupported_media_type':
      return `a fault of ours: ${error.title}`;
    case 'overloaded':
    case 'database_unavailable':
      return 'try again later';
    default: {
      const never: never = error;
      return `a newer server says ${(never as LoginError).code}`;
    }
  }
}

/** Go in; with an access token that has ended, refresh and try once more. */
async function goIn(pair: TokenPair): Promise<[string, TokenPair]> {
  const first = await ostiary.protected.getProtected();
  if (!first.error) return [first.data.message, pair];
  if (first.error.code !== 'invalid_token') throw new Error(first.error.detail);
  const refreshed = await ostiary.auth.refresh({ body: { refresh_token: pair.refresh_token } });
  if (refreshed.error) throw new Error(refreshed.error.detail);
  token = refreshed.data.access_token;
  const second = await ostiary.protected.getProtected();
  if (second.error) throw new Error(second.error.detail);
  return [second.data.message, refreshed.data];
}

const registered = await ostiary.auth.register({ body: { username, password } });
assert.equal(registered.data?.user.username, username);
assert.deepEqual(registered.data.user.roles, []);

const again = await ostiary.auth.register({ body: { username: username.toUpperCase(), password } });
assert(again.error?.code === 'username_taken');
assert.equal(again.error.status, 409);
assert.equal(again.error.detail, 'User already exists!');

const invalid = await ostiary.auth.register({ body: { username: '', password: 'short' } });
assert(invalid.error?.code === 'validation_failed');
assert.deepEqual(invalid.error.errors.map(({ pointer }) => pointer).sort(), ['/password', '/username', '/username']);

const wrong = await ostiary.auth.login({ body: { username, password: 'wrong' } });
assert(wrong.error);
assert.equal(whatToDo(wrong.error), 'Invalid credentials!');

const anonymous = await ostiary.protected.getProtected();
assert.equal(anonymous.error?.code, 'authentication_required');

let pair = await logIn();
token = pair.access_token;
const me = await ostiary.me.getMe();
assert.deepEqual(me.data, registered.data.user);

let message: string;
[message, pair] = await goIn(pair);
assert.equal(message, 'This is a protected route!');

const admin = await ostiary.protected.getProtectedAdmin();
assert(admin.error?.code === 'insufficient_role');
assert.deepEqual(admin.error.required_roles, ['admin']);
assert.deepEqual(admin.error.held_roles, []);

const elsewhere = await logIn();
const listed = await ostiary.me.listMySessions();
assert.deepEqual(listed.data?.sessions.filter(({ current }) => !current).map(({ id }) => id), [elsewhere.session_id]);
const path = { session_id: elsewhere.session_id };
assert.equal((await ostiary.me.endMySession({ path })).error, undefined);
assert.equal((await ostiary.me.endMySession({ path })).error?.code, 'session_not_found');
const mistaken = await ostiary.me.changeMyPassword({ body: { current_password: 'wrong', new_password: password } });
assert.equal(mistaken.error?.code, 'wrong_password');
const changed = await ostiary.me.changeMyPassword({ body: { current_password: password, new_password: password } });
assert.equal(changed.data?.ended_sessions, 0);
const fresh = await ostiary.me.reauthenticate({ body: { password } });
assert(fresh.data);
token = fresh.data.access_token;
const events = await ostiary.me.listMyAuditEvents({ query: { limit: 5 } });
assert(events.data?.events.some(({ type }) => type === 'session.reauthenticated'));

const made = await ostiary.apiKeys.createMyApiKey({ body: { name: 'robot', scopes: ['me:read'] } });
assert(made.data);
const { api_key: apiKey, id: apiKeyId } = made.data;
const program = new Ostiary({ baseUrl, token: () => apiKey });
assert.equal((await program.me.getMe()).data?.username, username);
const beyond = await program.admin.listUsers();
assert(beyond.error?.code === 'insufficient_scope');
assert.deepEqual(beyond.error.required_scopes, ['users:read']);
assert.equal((await ostiary.apiKeys.revokeMyApiKey({ path: { api_key_id: apiKeyId } })).error, undefined);
assert.equal((await program.me.getMe()).error?.code, 'invalid_token');

const before = pair.refresh_token;
token = 'not.a.token';
[message, pair] = await goIn(pair);
assert.equal(message, 'This is a protected route!');
assert.notEqual(pair.refresh_token, before);

const { data: gone } = await ostiary.auth.logout();
assert.equal(gone?.message, 'Successfully logged out!');

const after = await ostiary.protected.getProtected();
assert(after.error?.code === 'invalid_token');
assert.equal(after.response?.status, 401);
const ended = await ostiary.auth.refresh({ body: { refresh_token: pair.refresh_token } });
assert.equal(ended.error?.code, 'invalid_refresh_token');

const explained = await ostiary.operations.getProblem({ path: { code: 'invalid_token' } });
assert.equal(explained.data?.status, 401);

const [, , , id = '', secret = ''] = argv;
const asking = new Ostiary({ baseUrl, token: () => token, client: { id, secret } });
pair = await logIn();
const told = await asking.tokens.introspectToken({ body: { token: pair.access_token } });
assert.equal(told.data?.active, true);
assert.equal(told.data?.username, username);
const revoked = await asking.tokens.revokeToken({ body: { token: pair.refresh_token } });
assert.equal(revoked.error, undefined);
const inactive = await asking.tokens.introspectToken({ body: { token: pair.access_token } });
assert.deepEqual(inactive.data, { active: false });
const stranger = await ostiary.tokens.introspectToken({ body: { token: pair.access_token } });
assert.equal(stranger.error?.code, 'invalid_client');

console.log('arrived');
