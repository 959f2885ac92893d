import fc from 'fast-check';
import { readReplyText } from '../../src/protocol/reply-text.js';

describe('readReplyText', () => {
  it.each([
    ['{"return": {}, "id": 5}', '{}', 5],
    ['{"return":[1],"id":5}', '[1]', 5],
    ['{"return": {"a": "}, \\"id\\": 6}"}, "id": 5}', '{"a": "}, \\"id\\": 6}"}', 5],
    ['{"return": {"id": 6}, "id": 5}', '{"id": 6}', 5],
    ['{"return": 18446744073709551615, "id": 5}', '18446744073709551615', 5],
    [`{"return": "${'x'.repeat(1_000_000)}", "id": 5}`, `"${'x'.repeat(1_000_000)}"`, 5],
  ])('cuts the result out as it stands: %.60s (H6)', (line, result, id) => {
    expect(readReplyText(line)).toEqual({ id, result });
  });

  it.each([
    '{"id": 5, "return": {}}',
    '{"return": {}}',
    '{"return": {}, "id": "5"}',
    '{"return": {}, "id": -5}',
    '{"return": {}, "id": 5.5}',
    '{"return": {}, "id": 5} ',
    '{"return": {}, "id": 1234567890123456}',
    '{"return": {"id": 5}}',
    '{"error": {"class": "GenericError", "desc": ""}, "id": 5}',
    ' {"return": {}, "id": 5}',
    '"return": {}, "id": 5}',
    '',
  ])('leaves what QEMU does not write to the parser: %s (H6)', (line) => {
    expect(readReplyText(line)).toBeUndefined();
  });

  it('gives what JSON.parse finds, whatever the result (H6)', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, id) => {
        const line = `{"return": ${json}, "id": ${id}}`;
        const reply = readReplyText(line);
        expect(reply?.id).toBe(id);
        expect(JSON.parse(reply?.result ?? '')).toEqual((JSON.parse(line) as { return: unknown }).return);
      }),
    );
  });
});
