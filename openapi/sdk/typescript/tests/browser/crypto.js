/** What the programs use of Node's `crypto`, for a page. */
export const randomUUID = () => crypto.randomUUID();
