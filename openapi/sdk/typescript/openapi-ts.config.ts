import { defineConfig } from '@hey-api/openapi-ts';

const { CONTRACT, OUTPUT } = process.env;
if (!CONTRACT || !OUTPUT) throw new Error('set CONTRACT and OUTPUT');

export default defineConfig({
  input: CONTRACT,
  // A password is writeOnly only where it is sent; one type for each schema is enough.
  parser: { transforms: { readWrite: { enabled: false } } },
  output: { path: OUTPUT, clean: true, module: { extension: '.js' } },
  logs: { file: false },
  plugins: [
    '@hey-api/typescript',
    '@hey-api/client-fetch',
    {
      name: '@hey-api/sdk',
      operations: {
        methods: 'instance',
        // ostiary.auth.login(): the tag, then the operationId.
        strategy: ({ id, operationId, tags }) => [['Calls', tags?.[0] ?? 'untagged', operationId ?? id]],
      },
    },
  ],
});
