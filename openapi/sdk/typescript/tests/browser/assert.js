/** What the programs use of Node's `assert/strict`, for a page. */
export default function assert(value, message = `${value} is not true`) {
  if (!value) throw new Error(message);
}

/** Compare values that are JSON or undefined; the order of members counts. */
assert.deepEqual = (actual, expected) => {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  assert(one === other, `${one} is not ${other}`);
};
assert.equal = (actual, expected) => assert(Object.is(actual, expected), `${actual} is not ${expected}`);
assert.notEqual = (actual, expected) => assert(!Object.is(actual, expected), `${actual} is not to be ${expected}`);
