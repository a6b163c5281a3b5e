/** The contract through orval's fetch client. */
import { getProtectedAdmin, login } from './orval/api';

export async function logIn(username: string, password: string): Promise<string> {
  const { status, data } = await login({ username, password });
  switch (status) {
    case 200:
      return data.access_token;
    case 422:
      return data.errors.map(({ pointer }) => pointer).join();
    default:
      return data.detail;
  }
}

export async function neededRoles(): Promise<string[]> {
  const { status, data } = await getProtectedAdmin();
  return status === 403 ? data.required_roles : [];
}

// @ts-expect-error: without a password
void login({ username: 'user1' });
