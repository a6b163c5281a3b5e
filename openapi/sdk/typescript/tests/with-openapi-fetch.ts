/** The contract through openapi-typescript and openapi-fetch. */
import createClient from 'openapi-fetch';
import type { paths } from './schema.js';

const client = createClient<paths>({ baseUrl: 'http://127.0.0.1:8000' });

export async function logIn(username: string, password: string): Promise<string> {
  const { data, error } = await client.POST('/login', { body: { username, password } });
  if (data) return data.access_token;
  switch (error.code) {
    case 'account_disabled':
      return error.detail;
    case 'validation_failed':
      return error.errors.map(({ pointer }) => pointer).join();
    case 'invalid_credentials':
    case 'malformed_json':
    case 'body_too_large':
    case 'unsupported_media_type':
    case 'overloaded':
    case 'database_unavailable':
      return error.detail;
    default: {
      const never: never = error;
      return never;
    }
  }
}

// @ts-expect-error: without a password
void client.POST('/login', { body: { username: 'user1' } });
